# SPDX-License-Identifier: Apache-2.0
"""Why a port is refused. Types, codes and texts are those that clients of the API match on."""

from __future__ import annotations

from deuteron.declare.resource import Row
from deuteron.errors import BadRequest, Conflict, NotFound


def missing_network(id_: str) -> NotFound:
    return NotFound("NetworkNotFound", f"Network {id_} could not be found.")


def missing_subnet(id_: str) -> NotFound:
    return NotFound("SubnetNotFound", f"Subnet {id_} could not be found.")


def mac_in_use(network_id: str, mac: str) -> Conflict:
    return Conflict(
        "MacAddressInUse",
        f"Unable to complete operation for network {network_id}. The mac address {mac} is in use.",
    )


def bound(port: Row, mac: str) -> Conflict:
    return Conflict(
        "PortBound",
        f"Unable to complete operation on port {port['id']}, port is already bound, port type: "
        f"{port['binding:vif_type']}, old_mac {port['mac_address']}, new_mac {mac}.",
    )


def attached(port: Row) -> Conflict:
    return Conflict(
        "PortInUse",
        f"Unable to complete operation on port {port['id']} for network {port['network_id']}. "
        f"Port already has an attached device {port['device_id']}.",
    )


def not_in_network(address: str) -> BadRequest:
    return BadRequest(
        "InvalidIpForNetwork",
        f"IP address {address} is not a valid IP for any of the subnets on the specified network.",
    )


def not_in_subnet(address: str) -> BadRequest:
    return BadRequest(
        "InvalidIpForSubnet",
        f"IP address {address} is not a valid IP for the specified subnet.",
    )


def formed_by_host(address: str, subnet_id: str) -> BadRequest:
    return BadRequest(
        "AllocationOnAutoAddressSubnet",
        f"IPv6 address {address} cannot be directly assigned to a port on subnet {subnet_id} as "
        "the subnet is configured for automatic addresses",
    )


def no_matching_subnet(network_id: str, device_owner: str) -> Conflict:
    return Conflict(
        "IpAddressGenerationFailureNoMatchingSubnet",
        f"No valid service subnet for the given device owner, network {network_id}, service type "
        f"{device_owner}.",
    )


def unconnected_host(host: str, network_id: str) -> Conflict:
    return Conflict(
        "HostNotConnectedToAnySegment",
        f"Host {host} is not connected to any segments on routed provider network "
        f"'{network_id}'.  It should be connected to one.",
    )


def incompatible_host(host: str, port_id: str) -> Conflict:
    return Conflict(
        "HostNotCompatibleWithFixedIps",
        f"Host {host} is not connected to a segment where the existing fixed_ips on port "
        f"{port_id} will function given the routed network topology.",
    )


def several_segments() -> BadRequest:
    return BadRequest(
        "FixedIpsSubnetsNotOnSameSegment", "Cannot allocate addresses from different segments."
    )


def binding_missing(port_id: str, host: str) -> NotFound:
    return NotFound(
        "PortBindingNotFound", f"Binding for port {port_id} for host {host} could not be found."
    )


def binding_exists(port_id: str, host: str) -> Conflict:
    return Conflict(
        "PortBindingAlreadyExists",
        f"Binding for port {port_id} on host {host} already exists.",
    )


def binding_active(port_id: str, host: str) -> Conflict:
    return Conflict(
        "PortBindingAlreadyActive",
        f"Binding for port {port_id} on host {host} is already active.",
    )


def binding_failed(port_id: str, host: str) -> Conflict:
    """Upstream answers 500; but it is the request that the host cannot serve."""
    return Conflict(
        "PortBindingError",
        f"Binding for port {port_id} on host {host} could not be created or updated.",
    )


def not_a_compute_port(port_id: str) -> BadRequest:
    return BadRequest(
        "BadRequest",
        f"Bad port request: Invalid port {port_id}. Operation only valid on compute and shared "
        "filesystem ports.",
    )


def in_service(port_id: str, reason: str) -> Conflict:
    return Conflict(
        "ServicePortInUse",
        f"Port {port_id} cannot be deleted directly via the port API: {reason}.",
    )
