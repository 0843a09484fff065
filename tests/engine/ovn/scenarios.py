# SPDX-License-Identifier: Apache-2.0
"""Named small networks, and large ones made by number."""

from __future__ import annotations

from dataclasses import replace

from deuteron.engine.model import (
    AddressPair,
    Dhcp4,
    Dhcp6,
    Intent,
    ModelObject,
    PortDhcp,
    Switch,
    SwitchPort,
    Uplink,
)

NET = "11111111-1111-4111-8111-111111111111"
NET2 = "22222222-2222-4222-8222-222222222222"
SUB4 = "44444444-4444-4444-8444-444444444444"
SUB6 = "66666666-6666-4666-8666-666666666666"
PORT_A = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
PORT_B = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
SEGMENT = "55555555-5555-4555-8555-555555555555"
MAC_A = "fa:16:3e:00:00:0a"
MAC_B = "fa:16:3e:00:00:0b"

SWITCH = Switch(id=NET, name="blue", project_id="acme", mtu=1442, enabled=True)
DHCP4 = Dhcp4(
    subnet_id=SUB4,
    network_id=NET,
    cidr="10.0.0.0/24",
    server_ip="10.0.0.1",
    server_mac="fa:16:3e:ff:00:01",
    router="10.0.0.1",
    mtu=1442,
    lease_time=43200,
    dns_servers=("9.9.9.9", "1.1.1.1"),
)
DHCP6 = Dhcp6(
    subnet_id=SUB6,
    network_id=NET,
    cidr="fd00::/64",
    server_mac="fa:16:3e:ff:00:06",
    stateless=False,
)
A = SwitchPort(
    id=PORT_A,
    network_id=NET,
    mac=MAC_A,
    enabled=True,
    addresses=("10.0.0.10",),
    security=(AddressPair(MAC_A, ("10.0.0.10",)),),
    host="compute-1",
    dhcp4=PortDhcp(SUB4),
    name="web",
    project_id="acme",
    device_id="server-1",
    device_owner="compute:nova",
    cidrs=("10.0.0.10/24",),
    network_name="blue",
)
B = SwitchPort(
    id=PORT_B,
    network_id=NET,
    mac=MAC_B,
    enabled=True,
    addresses=("10.0.0.11", "fd00::b"),
    security=(AddressPair(MAC_B, ("10.0.0.11", "fd00::b")),),
    dhcp4=PortDhcp(SUB4),
    dhcp6=PortDhcp(SUB6),
    project_id="acme",
    cidrs=("10.0.0.11/24", "fd00::b/64"),
)

SCENARIOS: dict[str, tuple[ModelObject, ...]] = {
    "two_ports": (SWITCH, DHCP4, DHCP6, A, B),
    "provider": (
        replace(
            SWITCH,
            uplinks=(Uplink(SEGMENT, "physnet1", 101),),
            vlan_transparent=True,
            availability_zone_hints=("az1", "az2"),
        ),
    ),
    "flat_and_disabled": (
        replace(SWITCH, enabled=False, uplinks=(Uplink(SEGMENT, "public", None),)),
        replace(A, enabled=False),
    ),
    "dhcp_options": (
        SWITCH,
        replace(DHCP4, routes=(("192.168.0.0/16", "10.0.0.7"),), domain_name="example.org"),
        replace(DHCP6, stateless=True, dns_servers=("fd00::53",), domain_search="example.org"),
        replace(
            A,
            dhcp4=PortDhcp(
                SUB4,
                (
                    ("tftp-server", "10.0.0.5"),
                    ("67", "pxe linux.0"),
                    ("mtu", "1400"),
                    ("ntp-server", "10.0.0.3, 10.0.0.4"),
                    ("classless-static-route", "172.16.0.0/12,10.0.0.8"),
                    ("no-such-option", "x"),
                    ("T1", "not a number"),
                ),
            ),
        ),
        replace(B, dhcp4=PortDhcp(SUB4, (("dhcp_disabled", "true"), ("mtu", "1300")))),
    ),
    "security_and_dns": (
        SWITCH,
        replace(
            A,
            security=(
                AddressPair(MAC_A, ("10.0.0.10",)),
                AddressPair(MAC_A, ("10.9.0.0/16",)),
                AddressPair("00:00:5e:00:01:01", ("10.0.0.99",)),
            ),
            dns=(("web", ("10.0.0.10",)), ("Web.Example.org.", ("10.0.0.10",))),
            dhcp4=None,
        ),
        replace(B, security=None, dhcp4=None, dhcp6=None),
    ),
    "roles": (
        SWITCH,
        replace(A, role="reserved", dhcp4=None),
        replace(B, role="distributed", dhcp4=None, dhcp6=None, device_owner="network:distributed"),
    ),
}


def intent(*things: ModelObject, complete: bool = True) -> Intent:
    return Intent({thing.ref: thing for thing in things}, complete)


def port_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def port(number: int, network_id: str, subnet_id: str | None = None) -> SwitchPort:
    """The `number`th port of all, with addresses made from the number."""
    mac = f"fa:16:3e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return SwitchPort(
        id=port_id(number),
        network_id=network_id,
        mac=mac,
        enabled=True,
        addresses=(address,),
        security=(AddressPair(mac, (address,)),),
        dhcp4=PortDhcp(subnet_id) if subnet_id else None,
        name=f"port {number}",
        project_id="acme",
        device_id=f"server-{number}",
        device_owner="compute:nova",
        cidrs=(f"{address}/8",),
    )


def large(networks: int, ports: int) -> list[ModelObject]:
    """`ports` ports spread over `networks` networks with a DHCP subnet each."""
    things: list[ModelObject] = []
    for n in range(networks):
        network, subnet = f"net-{n:08d}", f"sub-{n:08d}"
        things.append(replace(SWITCH, id=network, name=f"net {n}"))
        things.append(replace(DHCP4, subnet_id=subnet, network_id=network, cidr="10.0.0.0/8"))
    for p in range(ports):
        n = p % networks
        things.append(port(p, f"net-{n:08d}", f"sub-{n:08d}"))
    return things
