# SPDX-License-Identifier: Apache-2.0
"""`service_types`: only ports of these device owners get addresses of the subnet.

An empty list means all ports. Whom a subnet serves is decided where ports get addresses.
"""

from __future__ import annotations

from typing import Any, Final

from deuteron.declare.attribute import Attribute, Stored
from deuteron.declare.resource import Extension
from deuteron.declare.types import List, String
from deuteron.errors import BadRequest

# What a device owner may begin with. Upstream takes each single character of `compute:` for a
# prefix, and clients have come to name types of their own by it (`test:web`).
_OWNERS: Final = ("network:", "neutron:", *"compute:")


class ServiceTypes(List):
    """Device owners. The errors have names of their own, so they are raised from here."""

    def __init__(self) -> None:
        super().__init__(String(), unique=True)

    def convert(self, value: Any) -> list[Any]:
        if value and not isinstance(value, list):
            raise BadRequest("HTTPBadRequest", "Subnet service types must be a list.")
        for item in value or ():
            if not isinstance(item, str):
                raise BadRequest(
                    "InvalidInputSubnetServiceType", f"Subnet service type {item} is not a string."
                )
            if not item.startswith(_OWNERS):
                raise BadRequest(
                    "InvalidSubnetServiceType",
                    f"Subnet service type {item} does not correspond to a valid device owner.",
                )
        return super().convert(value or [])


SUBNET_SERVICE_TYPES = Extension(
    alias="subnet-service-types",
    name="Subnet service types",
    description="Subnets that only ports of certain device owners get addresses from.",
    updated="2016-03-15T18:00:00-00:00",
    attributes={
        "subnet": (
            Attribute(
                name="service_types",
                type=ServiceTypes(),
                default=[],
                filter=False,
                sort=False,
                stored=Stored.EXT,
                doc="Device owners whose ports get its addresses; all if empty.",
            ),
        )
    },
)
