# SPDX-License-Identifier: Apache-2.0
"""`agent-resources-synced`: whether an agent's resources were told to Placement."""

from deuteron.declare.attribute import Stored, read_only
from deuteron.declare.resource import Extension
from deuteron.declare.types import Boolean, Nullable

AGENT_RESOURCES_SYNCED = Extension(
    alias="agent-resources-synced",
    name="Agent's Resource View Synced to Placement",
    description="Whether the last report to Placement succeeded; null if there was none.",
    updated="2018-12-19T00:00:00-00:00",
    attributes={
        "agent": (
            read_only(
                "resources_synced",
                Nullable(Boolean()),
                "Whether the last report to Placement succeeded; null if there was none.",
                default=None,
                filter=False,
                sort=False,
                stored=Stored.EXT,
            ),
        )
    },
)
