# SPDX-License-Identifier: Apache-2.0
"""What neutron-lib 5.0.1 says about the attributes of the aliases that we serve.

`ATTRIBUTES[collection][name]` is its dictionary for the attribute, extensions applied in the order
of their requirements; `treat` is what it does with a value on create.
"""

from __future__ import annotations

import copy
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

from neutron_lib import constants
from neutron_lib.api import attributes, definitions
from oslo_config import cfg

from deuteron import catalog

REGISTRY: Final = catalog.load()
# Options that its validators read; the values are the service's defaults.
for _option in (
    cfg.IntOpt("max_allowed_address_pair", default=10),
    cfg.StrOpt("dns_domain", default="openstacklocal"),
):
    cfg.CONF.register_opt(_option)
cfg.CONF([], project="deuteron-contract", default_config_files=[], default_config_dirs=[])
# Not claimed yet, but our attributes are already as these have them.
AHEAD: Final = (
    "port-mac-override",
    "port-numa-affinity-policy-socket",
    "uplink-status-propagation-updatable",
)
CORE: Final = ("network", "subnet", "port", "subnetpool")
Facts = dict[str, Any]


class Refused(Exception):
    """The value is not accepted."""


class NotGiven:
    """The value is as if it had not been given: a rule decides."""

    def __repr__(self) -> str:
        return "NOT GIVEN"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NotGiven)

    __hash__ = None  # type: ignore[assignment]


def _modules() -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(definitions.__path__):
        module = importlib.import_module(f"{definitions.__name__}.{info.name}")
        if hasattr(module, "ALIAS"):
            yield module


BY_ALIAS: Final = {module.ALIAS: module for module in _modules()}


def _ordered() -> list[ModuleType]:
    """Definitions of the core and of the aliases served, each after those that it requires."""
    found: list[ModuleType] = []
    served = {*CORE, *AHEAD, *REGISTRY.extensions}
    seen: set[str] = set()

    def add(alias: str) -> None:
        module = BY_ALIAS.get(alias)
        if module is None or alias in seen or alias not in served:
            return
        seen.add(alias)
        for needed in (*(module.REQUIRED_EXTENSIONS or ()), *(module.OPTIONAL_EXTENSIONS or ())):
            add(needed)
        found.append(module)

    for alias in (*CORE, *sorted(served)):
        add(alias)
    return found


def _merged() -> dict[str, dict[str, Facts]]:
    merged: dict[str, dict[str, Facts]] = {}
    for module in _ordered():
        below = {
            name: said["parameters"]
            for name, said in (module.SUB_RESOURCE_ATTRIBUTE_MAP or {}).items()
        }
        for collection, said in {**module.RESOURCE_ATTRIBUTE_MAP, **below}.items():
            merged.setdefault(collection.replace("-", "_"), {}).update(said)
    return merged


ATTRIBUTES: Final = _merged()
OURS: Final = {a.resource.collection: a for a in REGISTRY.resources.values()}


def treat(name: str, facts: Facts, value: Any) -> Any:
    """What neutron-lib makes of a value given on create. Raises `Refused`."""
    said = {name: facts}
    row = {name: copy.deepcopy(value)}
    try:
        info = attributes.AttributeInfo(said)
        info.fill_post_defaults(row, check_allow_post=False)
        info.convert_values(row)
    except Exception as error:  # upstream answers 400, or 500 where its code falls over
        raise Refused(str(error)) from error
    return _plain(row[name])


def default(name: str, facts: Facts) -> Any:
    """What a create has that does not give the attribute. Raises `Refused` if it must."""
    row: dict[str, Any] = {}
    try:
        info = attributes.AttributeInfo({name: facts})
        info.fill_post_defaults(row)
        info.convert_values(row)
    except Exception as error:
        raise Refused(str(error)) from error
    return _plain(row.get(name, constants.ATTR_NOT_SPECIFIED))


def _plain(value: Any) -> Any:
    return NotGiven() if value is constants.ATTR_NOT_SPECIFIED else value
