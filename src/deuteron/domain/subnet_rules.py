# SPDX-License-Identifier: Apache-2.0
"""What a subnet may be, by itself: addresses, ranges, name servers, routes and IPv6 modes.

Invariant: nothing here reads the database; the order of the checks and the texts of the errors
are those that clients of the Networking API match on (upstream's `_validate_subnet` and IPAM).
"""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any

from deuteron.declare.attribute import UNSET
from deuteron.declare.resource import Row
from deuteron.domain.addresses import Network, forms_own_address, network_of
from deuteron.errors import ApiError, BadRequest, Conflict, bad_request, invalid
from deuteron.settings import Settings

AllocationPool = dict[str, str]  # {"start": …, "end": …}
SELF_ADDRESSING = ("slaac", "dhcpv6-stateless")
PREFIX_DELEGATION = "prefix_delegation"


def check_request(row: Row, settings: Settings) -> None:
    """Raises 400 if a create's attributes contradict each other. `row` may have `UNSET`."""
    has_cidr = isinstance(row["cidr"], str)
    if has_cidr and row["prefixlen"] is not UNSET:
        raise bad_request("subnets", "cidr and prefixlen must not be supplied together")
    pool = row["subnetpool_id"] or row["use_default_subnetpool"]
    if row["subnetpool_id"] and row["use_default_subnetpool"]:
        raise bad_request(
            "subnets", "subnetpool_id and use_default_subnetpool cannot both be specified"
        )
    if not pool and not has_cidr:
        raise bad_request("subnets", "a subnetpool must be specified in the absence of a cidr")
    if pool and not has_cidr and row["allocation_pools"] not in (UNSET, []):
        raise bad_request("subnets", "allocation_pools allowed only for specific subnet requests.")
    if row["subnetpool_id"] == PREFIX_DELEGATION:
        if has_cidr:
            row["subnetpool_id"] = None
        else:
            raise _undelegated(row)
    check(row, None, settings)


def _undelegated(row: Row) -> ApiError:
    """Why a prefix that a provider's router delegates cannot be had."""
    if row["ip_version"] != 6:
        reason = "Prefix Delegation can only be used with IPv6 subnets."
    elif row["ipv6_ra_mode"] not in SELF_ADDRESSING:
        reason = "IPv6 RA Mode must be SLAAC or Stateless for Prefix Delegation."
    elif row["ipv6_address_mode"] not in SELF_ADDRESSING:
        reason = "IPv6 Address Mode must be SLAAC or Stateless for Prefix Delegation."
    else:
        reason = "Prefix Delegation is not available here; name a cidr or a subnet pool"
    return bad_request("subnets", reason)


def check(row: Row, old: Row | None, settings: Settings) -> None:
    """Raises 400 for what one attribute, or two of them, must not be.

    `old` is the row as it is before an update, None on create.
    """
    version, cidr = row["ip_version"], row["cidr"]
    network = network_of(cidr) if isinstance(cidr, str) else None
    if network is not None:
        _match(version, network.version, "cidr", cidr)
        _check_block(network, serve=row["enable_dhcp"] and not (old and old["enable_dhcp"]))
    gateway = row["gateway_ip"]
    if isinstance(gateway, str):
        _match(version, _version(gateway), "gateway_ip", gateway)
        if network is not None and is_reserved(network, gateway):
            raise invalid("Gateway is not valid on subnet")
    _check_told(row, old["id"] if old else "new subnet", settings)
    if version == 4:
        for mode in ("ipv6_ra_mode", "ipv6_address_mode"):
            if row[mode]:
                raise invalid(f"{mode} is not valid when ip_version is 4")
    elif old is None:
        _check_modes(row, network)
    elif not row["enable_dhcp"] and (row["ipv6_ra_mode"] or row["ipv6_address_mode"]):
        raise invalid("Cannot disable enable_dhcp with ipv6 attributes set")


def _version(address: str) -> int:
    return 6 if ":" in address else 4


def _match(wanted: int, version: int, name: str, value: str) -> None:
    if version != wanted:
        raise invalid(f"{name} '{value}' does not match the ip_version '{wanted}'")


def _check_block(network: Network, *, serve: bool) -> None:
    if network.version == 6 and int(network.network_address) == 0:
        raise invalid("IPv6 subnet '::' is not supported")
    if not serve:
        return
    if network.prefixlen > network.max_prefixlen - 2:
        raise invalid("Subnet has a prefix length that is incompatible with DHCP service enabled")
    if network.is_multicast:
        raise invalid("Multicast IP subnet is not supported if enable_dhcp is True")
    if network.is_loopback:
        raise invalid("Loopback IP subnet is not supported if enable_dhcp is True")
    if int(network.network_address) == 0:
        raise invalid("First IP '0.0.0.0' of network is not supported if enable_dhcp is True.")


def is_reserved(network: Network, address: str) -> bool:
    """Whether an address is an IPv4 block's first or last."""
    return network.version == 4 and ipaddress.ip_address(address) in (network[0], network[-1])


def _check_told(row: Row, name: str, settings: Settings) -> None:
    """Name servers and routes that DHCP tells."""
    version, servers, routes = row["ip_version"], row["dns_nameservers"], row["host_routes"]
    if len(servers) > settings.max_dns_nameservers:
        raise BadRequest(
            "DNSNameServersExhausted",
            f"Unable to complete operation for {name}. The number of DNS nameservers exceeds the "
            f"limit {settings.max_dns_nameservers}.",
        )
    for server in servers:
        _match(version, _version(server), "dns_nameserver", server)
    if len(routes) > settings.max_subnet_host_routes:
        raise BadRequest(
            "HostRoutesExhausted",
            f"Unable to complete operation for {name}. The number of host routes exceeds the "
            f"limit {settings.max_subnet_host_routes}.",
        )
    for route in routes:
        _match(version, _version(route["nexthop"]), "nexthop", route["nexthop"])
        _match(version, _version(route["destination"]), "destination", route["destination"])


def _check_modes(row: Row, network: Network | None) -> None:
    ra, address = row["ipv6_ra_mode"], row["ipv6_address_mode"]
    if (ra or address) and not row["enable_dhcp"]:
        raise invalid(
            "ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False"
        )
    if ra and address and ra != address:
        raise invalid(
            f"ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{address}' is not valid. "
            "If both attributes are set, they must be the same value"
        )
    if network is not None:
        check_interface_ids(row, network)


def check_interface_ids(row: Row, network: Network) -> None:
    """Raises 400 unless hosts that form their own address have 64 bits to form (RFC 4862)."""
    if network.prefixlen != 64 and forms_own_address(row):
        raise invalid(
            f"Invalid CIDR {network} for IPv6 address mode. OpenStack uses the EUI-64 address "
            "format, which requires the prefix to be /64"
        )


def default_gateway(network: Network, *, anycast: bool = True) -> str:
    """The gateway of a subnet whose request did not say: the address after the network's.

    With `anycast`, IPv6 takes the network's own, which is that of all its routers (RFC 4291).
    Raises 409 if it cannot be a gateway.
    """
    if network.version == 6 and anycast:
        return str(network.network_address)
    try:
        gateway = str(network.network_address + 1)
    except ipaddress.AddressValueError:
        raise invalid(f"Subnet {network} has no address for a gateway") from None
    check_gateway(network, gateway)
    return gateway


def check_gateway(network: Network, gateway: str) -> None:
    """Raises 409 for a gateway that is an IPv4 block's first or last address."""
    if is_reserved(network, gateway):
        raise Conflict(
            "IpamValueInvalid",
            f"Gateway IP {gateway} cannot be the network or broadcast IP address {network}",
        )


def host_range(network: Network) -> tuple[int, int]:
    """The first and last address that an allocation pool may have, as numbers."""
    first, last = int(network.network_address), int(network.broadcast_address)
    if first == last:
        return first, last
    if network.version == 6:
        return first + 1, last
    return (first + 1, last - 1) if network.prefixlen <= 30 else (first, last)


def default_pools(network: Network, gateway: str | None) -> list[AllocationPool]:
    """All host addresses of a network without its gateway, as one or two ranges."""
    first, last = host_range(network)
    kind: Any = type(network.network_address)
    own = int(ipaddress.ip_address(gateway)) if gateway and first != last else first - 1
    ranges = [(first, own - 1), (own + 1, last)] if first <= own <= last else [(first, last)]
    return [{"start": str(kind(a)), "end": str(kind(b))} for a, b in ranges if a <= b]


def check_pools(pools: list[AllocationPool], network: Network, gateway: str | None) -> None:
    """Raises 400 or 409 unless the ranges are disjoint host addresses without the gateway."""
    ranges = [_range(pool, network) for pool in pools]
    least, most = host_range(network)
    for pool, (first, last) in zip(pools, ranges, strict=True):
        if first < least or last > most:
            raise BadRequest(
                "OutOfBoundsAllocationPool",
                f"The allocation pool {_text(pool)} spans beyond the subnet cidr {network}.",
            )
    order = sorted(range(len(ranges)), key=ranges.__getitem__)
    for before, after in itertools.pairwise(order):
        if ranges[after][0] <= ranges[before][1]:
            one, other = sorted((before, after))
            raise Conflict(
                "OverlappingAllocationPools",
                f"Found overlapping allocation pools: {_text(pools[one])} {_text(pools[other])} "
                f"for subnet {network}.",
            )
    check_gateway_outside(pools, gateway)


def check_gateway_outside(pools: list[AllocationPool], gateway: str | None) -> None:
    """Raises 409 if a range has the gateway."""
    if gateway is None:
        return
    own = ipaddress.ip_address(gateway)
    for pool in pools:
        start, end = ipaddress.ip_address(pool["start"]), ipaddress.ip_address(pool["end"])
        if own.version == start.version and int(start) <= int(own) <= int(end):
            raise Conflict(
                "GatewayConflictWithAllocationPools",
                f"Gateway ip {gateway} conflicts with allocation pool {_text(pool)}.",
            )


def _range(pool: AllocationPool, network: Network) -> tuple[int, int]:
    start, end = ipaddress.ip_address(pool["start"]), ipaddress.ip_address(pool["end"])
    if start.version != end.version or int(start) > int(end):
        raise BadRequest("InvalidAllocationPool", f"The allocation pool {pool} is not valid.")
    if start.version != network.version:
        raise BadRequest(
            "InvalidAllocationPool", f"The allocation pool {_text(pool)} is not valid."
        )
    return int(start), int(end)


def _text(pool: AllocationPool) -> str:
    return f"{pool['start']}-{pool['end']}"
