# SPDX-License-Identifier: Apache-2.0
"""Names of ports in the resolver of their network.

Names are given only where the operator chose a domain (`dns_domain` of the settings is not the
default `openstacklocal`), as upstream does; elsewhere they stay empty. What the resolver answers
is computed when a port is read, so that it follows the settings.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from deuteron.declare.attribute import Attribute, Stored, read_only
from deuteron.declare.resource import Change, Extension, Row, rule
from deuteron.declare.types import Invalid, List, Object, Schema, String, Type
from deuteron.errors import invalid, invalid_input

if TYPE_CHECKING:
    from deuteron.store.transaction import Transaction

_DEFAULT_DOMAIN: Final = "openstacklocal."
_MOST: Final = 255
# A keyword stands for a fact of the project or user in an external DNS service.
_LABEL: Final = re.compile(
    r"[a-z0-9-]{1,63}|<(?:project_id|project_name|user_name|user_id)>", re.IGNORECASE
)


class DnsName(Type):
    """A relative or absolute host name (RFC 1123), stored in lower case."""

    storage = "string"
    length = _MOST

    def convert(self, value: Any) -> str:
        if not isinstance(value, str):
            raise invalid(f"Input value {value} must be string type")
        if value:
            try:
                _check_labels(value[:-1] if value.endswith(".") else value)
            except Invalid as error:
                raise Invalid(f"'{value}' not a valid PQDN or FQDN. Reason: {error}") from None
        return value.lower()

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": _MOST}


class DnsDomain(DnsName):
    """An absolute domain, with the dot at its end; it leaves room for a host's name."""

    def convert(self, value: Any) -> str:
        if isinstance(value, str) and value and not value.endswith("."):
            raise Invalid(f"'{value}' is not a FQDN")
        domain = super().convert(value)
        if len(domain) > _MOST - 2:
            raise Invalid(
                f"'{value}' contains {len(value)} characters. Adding a sub-domain will cause it "
                f"to exceed the maximum length of a FQDN of '{_MOST}'"
            )
        return domain


def _check_labels(name: str) -> None:
    if len(name) > _MOST:
        raise Invalid(f"'{name}' exceeds the {_MOST} character FQDN limit")
    labels = name.split(".")
    for label in labels:
        if not label:
            raise Invalid("Encountered an empty component")
        if label.startswith("-") or label.endswith("-"):
            raise Invalid(f"Name '{label}' must not start or end with a hyphen")
        if not _LABEL.fullmatch(label):
            raise Invalid(
                f"Name '{label}' must be 1-63 characters long, each of which can only be "
                "alphanumeric or a hyphen"
            )
    if len(labels) > 1 and labels[-1].isdigit():
        raise Invalid(f"TLD '{labels[-1]}' must not be all numeric")


@lru_cache(maxsize=16)
def domain_of(setting: str) -> tuple[str, bool]:
    """The operator's domain with a dot at its end, empty for none; whether ports may have names."""
    domain = setting if not setting or setting.endswith(".") else f"{setting}."
    return domain, domain not in ("", _DEFAULT_DOMAIN)


def _create(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        _name(tx, row, {"dns_name": "", "dns_domain": ""})


def _update(tx: Transaction, change: Change) -> None:
    _name(tx, change.new, change.old)


def _name(tx: Transaction, row: Row, old: Row) -> None:
    """Keep the old name where the operator gives none. Raises 400 for one that does not fit."""
    domain, named = domain_of(tx.settings.dns_domain)
    if not named:
        row["dns_name"] = old["dns_name"]
        row["dns_domain"] = old.get("dns_domain", "")
        return
    name = row["dns_name"]
    higher = f".{domain}"
    if name.endswith("."):
        if len(name) <= len(higher) or not name.endswith(higher):
            raise invalid_input(
                "dns_name",
                "The dns_name passed is a FQDN. Its higher level labels must be equal to the "
                f"dns_domain option in neutron.conf, that has been set to '{domain}'. It must "
                f"also include one or more valid DNS labels to the left of '{domain}'",
            )
    elif len(name) + len(higher) > _MOST:
        raise invalid_input(
            "dns_name",
            f"The dns_name passed is a PQDN and its size is '{len(name)}'. The dns_domain option "
            f"in neutron.conf is set to {domain}, with a length of '{len(higher)}'. When the two "
            "are concatenated to form a FQDN (with a '.' at the end), the resulting length "
            f"exceeds the maximum size of '{_MOST}'",
        )


def _expand(tx: Transaction, rows: list[Row], wanted: list[str]) -> None:
    """The names of each address: the port's, or one made from the address.

    A page of rows has JSON as it is stored, and gets JSON: names and addresses need no escapes.
    """
    del wanted
    domain, named = domain_of(tx.settings.dns_domain)
    suffix = f".{domain}" if domain else ""
    for row in rows:
        ips = row["fixed_ips"]
        raw = isinstance(ips, msgspec.Raw)
        name = row["dns_name"] if named else ""
        if isinstance(name, msgspec.Raw):
            name = msgspec.json.decode(name)
        if raw:
            found = [p[: p.index('"')] for p in bytes(ips).decode().split('"ip_address":"')[1:]]
        else:
            found = [ip["ip_address"] for ip in ips]
        made: list[Any] = []
        for address in found:
            host = name or "host-" + address.replace(".", "-").replace(":", "-")
            full = host if host.endswith(".") else host + suffix
            made.append(
                f'{{"ip_address":"{address}","hostname":"{host}","fqdn":"{full}"}}'
                if raw
                else {"ip_address": address, "hostname": host, "fqdn": full}
            )
        row["dns_assignment"] = msgspec.Raw(f"[{','.join(made)}]".encode()) if raw else made


_ASSIGNMENT = Object({"ip_address": String(64), "hostname": String(), "fqdn": String(512)})


def _attribute(name: str, type_: Type, doc: str) -> Attribute:
    return Attribute(
        name=name,
        type=type_,
        default="",
        filter=False,
        sort=False,
        stored=Stored.EXT,
        doc=doc,
    )


DNS_INTEGRATION = Extension(
    alias="dns-integration",
    name="DNS Integration",
    description="Names of ports and domains of networks.",
    updated="2015-08-15T18:00:00-00:00",
    attributes={
        "network": (_attribute("dns_domain", DnsDomain(), "The domain of its ports' names."),),
        "port": (
            _attribute("dns_name", DnsName(), "Its host name."),
            read_only(
                "dns_assignment",
                List(_ASSIGNMENT),
                "The name of each of its addresses.",
                filter=False,
                sort=False,
                stored=Stored.COMPUTED,
            ),
        ),
    },
    rules={
        "port": (
            rule("create", _create, "dns_name", "dns_domain"),
            rule("update", _update, "dns_name", "dns_domain"),
            rule("expand", _expand, "dns_assignment"),
        )
    },
)

DNS_DOMAIN_PORTS = Extension(
    alias="dns-domain-ports",
    name="dns_domain for ports",
    description="A domain of a single port's name.",
    updated="2017-04-24T10:00:00-00:00",
    attributes={"port": (_attribute("dns_domain", DnsDomain(), "The domain of its name."),)},
)

DNS_DOMAIN_KEYWORDS = Extension(
    alias="dns-integration-domain-keywords",
    name="DNS domain names with keywords allowed",
    description="Keywords such as <project_id> in DNS domains.",
    updated="2020-06-15T18:00:00-00:00",
)
