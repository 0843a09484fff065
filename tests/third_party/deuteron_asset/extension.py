# SPDX-License-Identifier: Apache-2.0
"""Another firm's extension: ports know the asset they serve, and assets are a resource."""

from deuteron.declare.attribute import Attribute, Stored
from deuteron.declare.resource import Extension, Resource, rule
from deuteron.declare.types import Integer, Nullable, String, Uuid
from deuteron.errors import NotFound


def _asset_exists(tx, rows):
    wanted = {row["asset_id"] for row in rows if row["asset_id"] is not None}
    for missing in sorted(wanted - {asset["id"] for asset in tx.find("asset", id=sorted(wanted))}):
        raise NotFound("AssetNotFound", f"Asset {missing} could not be found.")


ASSET = Resource(
    name="asset",
    collection="assets",
    doc="A thing in a rack.",
    alias="asset",
    quota=10,
    attributes=(
        Attribute(name="serial", type=String(32, least=1), doc="What is printed on it."),
        Attribute(name="height", type=Integer(1, 48), default=1, doc="In rack units."),
    ),
)

EXTENSION = Extension(
    alias="asset",
    name="Assets",
    description="Ports know the asset they serve.",
    updated="2026-11-23T00:00:00-00:00",
    resources=(ASSET,),
    attributes={
        "port": (
            Attribute(
                name="asset_id",
                type=Nullable(Uuid()),
                default=None,
                stored=Stored.EXT,
                doc="The asset that the port serves.",
            ),
        )
    },
    rules={"port": (rule("create", _asset_exists, "asset_id"),)},
)
