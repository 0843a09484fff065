# SPDX-License-Identifier: Apache-2.0
"""`tag-ports-during-bulk-creation`: a port's tags can be given when it is made."""

from deuteron.declare.attribute import Attribute
from deuteron.declare.resource import TAG, Extension
from deuteron.declare.types import Checked, List

TAG_PORTS_DURING_BULK_CREATION = Extension(
    alias="tag-ports-during-bulk-creation",
    name="Tag Ports During Bulk Creation",
    description="Tags can be given with new ports.",
    updated="2019-12-29T19:00:00-00:00",
    attributes={
        "port": (
            Attribute(
                name="tags",
                type=Checked(List(TAG, unique=True, null_as_empty=False), sorted),
                default=list,
                put=False,
                filter=False,
                sort=False,
                doc="Labels of the owner, sorted.",
            ),
        )
    },
)
