# SPDX-License-Identifier: Apache-2.0
"""Aliases of what ports do without an attribute of its own; each line says where it is done."""

from __future__ import annotations

from deuteron.declare.resource import Extension

ALIASES = (
    # `extensions/allowed_address_pairs.py`: the type of the attribute.
    Extension(
        alias="aap-reject-multicast",
        name="Allowed address pairs reject multicast extension",
        description="No multicast among allowed address pairs.",
        updated="2026-04-01T00:00:00-00:00",
    ),
    # `resources/port/fixed_ips.py`: the condition of the filter.
    Extension(
        alias="ip-substring-filtering",
        name="IP address substring filtering",
        description="Lists ports by a part of an address.",
        updated="2017-11-28T09:00:00-00:00",
    ),
    # `extensions/port_hints.py`: a value that the attribute takes.
    Extension(
        alias="port-hint-ovs-tx-steering",
        name="Port hint: Open vSwitch Tx steering",
        description="A hint that steers the packets that Open vSwitch sends.",
        updated="2023-01-01T00:00:00-00:00",
    ),
    # `resources/port/update.py`: a MAC that is set to null.
    Extension(
        alias="port-mac-address-regenerate",
        name="Neutron Port MAC address regenerate",
        description="Another random MAC for a port.",
        updated="2018-05-03T10:00:00-00:00",
    ),
    # `extensions/binding.py`: the MAC in the binding's profile.
    Extension(
        alias="port-mac-override",
        name="Neutron Port MAC address override",
        description="A physical function brings its own MAC.",
        updated="2022-03-18T10:00:00-00:00",
    ),
    # `extensions/port_numa_affinity_policy.py`: a value that the attribute takes.
    Extension(
        alias="port-numa-affinity-policy-socket",
        name='Port NUMA affinity policy "socket"',
        description="The guest may be on the socket of its network device.",
        updated="2024-02-09T10:00:00-00:00",
    ),
    # `extensions/uplink_status_propagation.py`: the attribute can be updated.
    Extension(
        alias="uplink-status-propagation-updatable",
        name="Uplink status propagation updatable extension",
        description="The propagation of the uplink's state can be changed.",
        updated="2024-09-03T18:00:00-00:00",
    ),
)
