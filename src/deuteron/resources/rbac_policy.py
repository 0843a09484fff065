# SPDX-License-Identifier: Apache-2.0
"""RBAC policies: an owner lets other projects use an object."""

from __future__ import annotations

from deuteron.declare.attribute import Attribute
from deuteron.declare.resource import Resource
from deuteron.declare.types import Enum, String, Uuid

RBAC_POLICY = Resource(
    name="rbac_policy",
    collection="rbac_policies",
    doc="Lets another project use an object.",
    named=False,
    standard=False,
    quota=10,
    attributes=(
        Attribute(name="object_type", type=Enum("network"), put=False, doc="The kind of object."),
        Attribute(name="object_id", type=Uuid(), put=False, index=True, doc="The object."),
        Attribute(name="target_tenant", type=String(255), doc="The project let in; * for all."),
        Attribute(
            name="action",
            type=Enum("access_as_shared", "access_as_external"),
            put=False,
            doc="What it may do.",
        ),
    ),
)
