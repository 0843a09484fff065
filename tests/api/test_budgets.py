# SPDX-License-Identifier: Apache-2.0
"""What a request may cost: files and functions of ours that it enters, and SQL statements."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
import sqlalchemy as sa

import deuteron
from deuteron.store.database import Database
from deuteron.store.rows import encode
from tests.api.conftest import REGISTRY, SCHEMA, Api

OURS = str(Path(deuteron.__file__).parent)
# The aim for files is 12; each file that is entered less lowers this.
FILES, FUNCTIONS, STATEMENTS = 18, 60, 15
# Code that the compiler makes for an expression within a function.
WITHIN = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
FEW, MANY = 10, 10_000
PROJECT = "00000000000000000000000000000001"


@contextmanager
def entered() -> Iterator[set[CodeType]]:
    """The functions under `src/deuteron` that are entered meanwhile."""
    found: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OURS) and code.co_name not in WITHIN:
            found.add(code)

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL statements that are executed meanwhile, BEGIN and COMMIT among them on SQLite."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.fixture
def network(api: Api) -> str:
    network = str(api.create("network")["id"])
    api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/16")
    api.create("port", network_id=network)
    return network


def test_one_port(api: Api, network: str) -> None:
    with entered() as codes, statements() as sql:
        api.create("port", network_id=network)
    files = {Path(c.co_filename).relative_to(OURS).as_posix() for c in codes}
    cost = f"{len(files)} files {sorted(files)}, {len(codes)} functions, {len(sql)} statements"
    assert len(sql) <= STATEMENTS, cost
    assert len(codes) <= FUNCTIONS, cost
    assert len(files) <= FILES, cost


def test_bulk_costs_the_statements_of_one(api: Api, network: str) -> None:
    with statements() as one:
        api.create("port", network_id=network)
    with statements() as many:
        body = {"ports": [{"network_id": network}] * 100}
        assert api.call("POST", "/v2.0/ports", body).status == 201
    assert len(many) == len(one)


@pytest.mark.parametrize("kind", ["network", "subnet", "port"])
@pytest.mark.parametrize("project", [None, PROJECT])
def test_list(api: Api, database: Database, network: str, kind: str, project: str | None) -> None:
    """As many statements for many rows as for a few, for an admin and for a member."""
    reader = api if project is None else api.as_project(project)
    copy(api, database, kind, network, FEW)
    with statements() as few:
        found = reader.get(f"{kind}s")[f"{kind}s"]
    assert len(found) == FEW
    copy(api, database, kind, network, MANY)
    with statements() as many:
        found = reader.get(f"{kind}s")[f"{kind}s"]
    assert len(found) == MANY
    assert len(few) == len(many) <= STATEMENTS


def copy(api: Api, database: Database, kind: str, network: str, count: int) -> None:
    """Insert rows like the last one of a kind until there are `count`, past the API."""
    assembled, table = REGISTRY[kind], SCHEMA.tables[kind]
    have = api.get(f"{kind}s")[f"{kind}s"]
    rows = []
    for number in range(len(have), count):
        row = {**have[-1], "id": f"00000000-0000-0000-0000-{number:012x}"}
        if kind == "port":
            row["mac_address"] = f"0a:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        rows.append(encode(assembled, row))
    database.write(lambda connection: connection.execute(table.insert(), rows))
