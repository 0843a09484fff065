# SPDX-License-Identifier: Apache-2.0
"""Short ways to make the objects that the simulator's tests speak of."""

from __future__ import annotations

from dataclasses import replace

from deuteron.engine.model import AddressPair, PortDhcp, Switch, SwitchPort

A_MAC, B_MAC, C_MAC = "fa:16:3e:00:00:0a", "fa:16:3e:00:00:0b", "fa:16:3e:00:00:0c"
A4, B4, C4 = "10.0.0.10", "10.0.0.11", "10.0.0.12"
A6, B6, C6 = "2001:db8::a", "2001:db8::b", "2001:db8::c"

NET = Switch("net", "net", "p", 1442, enabled=True)


def secured(
    port_id: str, mac: str, *addresses: str, pairs: tuple[AddressPair, ...] = ()
) -> SwitchPort:
    """A plugged port with port security, its own pair first."""
    return SwitchPort(
        id=port_id,
        network_id="net",
        mac=mac,
        enabled=True,
        addresses=addresses,
        security=(AddressPair(mac, addresses), *pairs),
        host="here",
    )


def unsecured(port_id: str, mac: str, *addresses: str) -> SwitchPort:
    """A plugged port without port security."""
    return replace(secured(port_id, mac, *addresses), security=None)


def with_dhcp(port: SwitchPort, *overrides: tuple[str, str]) -> SwitchPort:
    return replace(port, dhcp4=PortDhcp("four", overrides), dhcp6=PortDhcp("six", overrides))


A = secured("a", A_MAC, A4, A6)
B = secured("b", B_MAC, B4, B6)
C = unsecured("c", C_MAC, C4, C6)
