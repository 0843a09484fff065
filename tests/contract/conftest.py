# SPDX-License-Identifier: Apache-2.0
"""The API in this process, over an empty SQLite database: keys do not depend on the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deuteron.api.server import make_app
from deuteron.settings import Settings
from deuteron.store.database import Database
from deuteron.store.schema import Schema
from tests.api.conftest import Api
from tests.contract.oracle import REGISTRY


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    url = f"sqlite:///{tmp_path}/deuteron.db"
    database = Database(url)
    Schema(REGISTRY).metadata.create_all(database.engine)
    database.close()
    app = make_app(Settings(database=url), registry=REGISTRY)
    yield Api(app)
    app.close()
