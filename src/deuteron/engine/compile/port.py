# SPDX-License-Identifier: Apache-2.0
"""A port becomes a switch port: its addresses, what it may send, and the DHCP that answers it."""

from __future__ import annotations

from collections.abc import Mapping

from deuteron.declare.resource import Row
from deuteron.engine.compile.subnet import serves_dhcp
from deuteron.engine.model import AddressPair, PortDhcp, SwitchPort
from deuteron.settings import Settings

# Owners whose ports hold an address that no device answers for.
_WITHOUT_DEVICE = frozenset({"network:floatingip", "network:floatingip_agent_gateway"})
_DISTRIBUTED = "network:distributed"


def compile_port(
    port: Row, network: Row, subnets: Mapping[str, Row], settings: Settings
) -> SwitchPort | None:
    """`subnets` are at least those of the port's addresses. None for a port without a device."""
    owner = port["device_owner"] or ""
    if owner in _WITHOUT_DEVICE:
        return None
    ips = [(ip["ip_address"], subnets[ip["subnet_id"]]) for ip in port["fixed_ips"]]
    addresses = tuple(address for address, _ in ips)
    return SwitchPort(
        id=port["id"],
        network_id=port["network_id"],
        mac=port["mac_address"],
        enabled=port["admin_state_up"] and network["admin_state_up"],
        addresses=addresses,
        security=_security(port, addresses),
        role="distributed" if owner == _DISTRIBUTED else "vif",
        host=port.get("binding:host_id") or "",
        dhcp4=_dhcp(port, [s for _, s in ips], 4),
        dhcp6=_dhcp(port, [s for _, s in ips], 6),
        dns=_names(port, network, addresses, settings),
        name=port["name"],
        project_id=port["project_id"],
        device_id=port["device_id"] or "",
        device_owner=owner,
        cidrs=tuple(f"{a}/{s['cidr'].split('/')[1]}" for a, s in ips),
        vnic_type=port.get("binding:vnic_type") or "normal",
        network_name=f"neutron-{port['network_id']}",
    )


def _security(port: Row, addresses: tuple[str, ...]) -> tuple[AddressPair, ...] | None:
    """The port's own addresses first, then its allowed address pairs; None for no security."""
    owner = port["device_owner"] or ""
    if port.get("port_security_enabled") is False or owner.startswith("network:"):
        return None
    by_mac: dict[str, list[str]] = {port["mac_address"]: list(addresses)}
    for pair in port.get("allowed_address_pairs") or ():
        by_mac.setdefault(pair["mac_address"], []).append(pair["ip_address"])
    return tuple(AddressPair(mac, tuple(dict.fromkeys(ips))) for mac, ips in by_mac.items())


def _dhcp(port: Row, subnets: list[Row], version: int) -> PortDhcp | None:
    """The DHCP server of the first address of this IP version whose subnet has one."""
    owner = port["device_owner"] or ""
    if owner.startswith("network:"):
        return None
    serving = [s for s in subnets if s["ip_version"] == version and serves_dhcp(s)]
    if not serving:
        return None
    overrides = tuple(
        (option["opt_name"], str(option["opt_value"]))
        for option in port.get("extra_dhcp_opts") or ()
        if int(option.get("ip_version", 4)) == version
    )
    return PortDhcp(subnet_id=serving[0]["id"], overrides=overrides)


def _names(
    port: Row, network: Row, addresses: tuple[str, ...], settings: Settings
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The names that the resolver of the network answers for the port."""
    given = (port.get("dns_name") or "").lower()
    if not given or not addresses:
        return ()
    name = given.rstrip(".")
    domains = (settings.dns_domain.rstrip("."), (network.get("dns_domain") or "").rstrip("."))
    # A name that ends in a dot has its domain already.
    full = [] if given.endswith(".") else [f"{name}.{d}".lower() for d in domains if d]
    return tuple((n, addresses) for n in dict.fromkeys((name, *full)))
