# SPDX-License-Identifier: Apache-2.0
"""A package of somebody else's adds an attribute and a resource, found by its entry point alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "third_party"
SCRIPT = """
import json, sys
from deuteron import catalog
from deuteron.api.server import make_app
from deuteron.settings import Settings
from deuteron.store.database import Database
from deuteron.store.migrate import upgrade
from deuteron.store.schema import Schema

url = "sqlite:///" + sys.argv[1]
registry = catalog.load()
upgrade(Database(url), Schema(registry))
app = make_app(Settings(database=url), registry=registry)

def call(method, path, body=None, query=b""):
    scope = {"method": method, "path": path, "query_string": query, "headers": [], "scheme": "http"}
    status, _, content = app.answer(scope, json.dumps(body).encode() if body else b"")
    return [status, json.loads(content) if content else None]

asset = call("POST", "/v2.0/assets", {"asset": {"serial": "X1", "height": 2}})
network = call("POST", "/v2.0/networks", {"network": {}})[1]["network"]["id"]
body = {"network_id": network, "asset_id": asset[1]["asset"]["id"]}
port = call("POST", "/v2.0/ports", {"port": body})
query = b"asset_id=" + body["asset_id"].encode()
missing = {"network_id": network, "asset_id": network}
print(json.dumps({
    "asset": asset,
    "port": port,
    "plain": call("POST", "/v2.0/ports", {"port": {"network_id": network}}),
    "filtered": call("GET", "/v2.0/ports", None, query),
    "missing": call("POST", "/v2.0/ports", {"port": missing}),
    "wrong": call("POST", "/v2.0/assets", {"asset": {"serial": "X2", "height": 99}}),
    "origin": catalog.origins()["asset"],
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, installed as pip installs it, into a directory of its own."""
    place = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "package"
    shutil.copytree(PACKAGE, source)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--no-index", "--target", str(place), str(source)], check=True)
    return place


def test_attribute_and_resource_of_another_package(installed: Path, tmp_path: Path) -> None:
    import json

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "third.db")],
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["asset"][0] == 201
    assert found["asset"][1]["asset"]["height"] == 2
    assert found["port"][1]["port"]["asset_id"] == found["asset"][1]["asset"]["id"]
    assert found["plain"][1]["port"]["asset_id"] is None
    ids = [port["id"] for port in found["filtered"][1]["ports"]]
    assert ids == [found["port"][1]["port"]["id"]]
    assert found["missing"][0] == 404
    assert found["missing"][1]["NeutronError"]["type"] == "AssetNotFound"
    assert found["wrong"][0] == 400
    assert found["origin"] == "deuteron_asset.extension:EXTENSION"
