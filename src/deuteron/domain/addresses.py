# SPDX-License-Identifier: Apache-2.0
"""What can be said about addresses without a database.

Invariant: every address that leaves here is in its shortest spelling.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

from deuteron.declare.resource import Row

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ROUTER_INTERFACE_OWNERS: Final = frozenset(
    {
        "network:router_interface",
        "network:ha_router_replicated_interface",
        "network:router_interface_distributed",
    }
)
# Owners that hold an address in a subnet of own-address hosts only where they ask for it.
CHOOSING_OWNERS: Final = ROUTER_INTERFACE_OWNERS | {"network:router_centralized_snat"}
ROUTER_OWNERS: Final = CHOOSING_OWNERS | {"network:router_gateway", "network:router_ha_interface"}


@lru_cache(maxsize=4096)
def network_of(cidr: str) -> Network:
    """The block that a CIDR names."""
    return ipaddress.ip_network(cidr)


def eui64(cidr: str, mac: str) -> str:
    """The address that a port with this MAC forms in an IPv6 prefix (RFC 4291, appendix A)."""
    octets = bytearray.fromhex(mac.replace(":", ""))
    octets[0] ^= 2
    interface = bytes([*octets[:3], 0xFF, 0xFE, *octets[3:]])
    first = int(network_of(cidr).network_address)
    return str(ipaddress.IPv6Address(first | int.from_bytes(interface)))


def forms_own_address(subnet: Row) -> bool:
    """Whether hosts in the subnet make their address from their MAC (SLAAC, stateless DHCPv6)."""
    modes = ("slaac", "dhcpv6-stateless")
    return subnet["ip_version"] == 6 and (
        subnet["ipv6_address_mode"] in modes or subnet["ipv6_ra_mode"] in modes
    )


def usable(cidr: str, address: str, device_owner: str) -> bool:
    """Whether a port of this owner may ask for the address in the block.

    Neither the first nor the last address of an IPv4 block; the first of an IPv6 block, the
    routers' anycast address, only for routers and for ports without an owner.
    """
    network, ip = network_of(cidr), ipaddress.ip_address(address)
    if ip.version != network.version or ip not in network:
        return False
    if network.version == 4:
        last = network.prefixlen < 31 and ip == network.broadcast_address
        return not last and ip != network.network_address
    routed = not device_owner or device_owner in ROUTER_OWNERS
    return routed or ip != network.network_address
