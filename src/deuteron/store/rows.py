# SPDX-License-Identifier: Apache-2.0
"""Between rows of tables and rows of the API (dicts by attribute name).

Invariant: `Reader` reads exactly what `encode` wrote; an extension attribute that a row was
written without has its declared default.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from deuteron.declare.attribute import UNSET, Attribute, Stored
from deuteron.declare.registry import Assembled
from deuteron.declare.resource import Row

_encode_json = msgspec.json.Encoder().encode
_decode_json = msgspec.json.Decoder().decode
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def encode(assembled: Assembled, row: Row) -> Row:
    """The columns of a new row. A value that no rule set is stored as null."""
    columns: Row = {}
    for name, column, is_json in assembled.stored:
        value = row.get(name)
        if value is UNSET or value is None:
            columns[column] = None
        else:
            columns[column] = _encode_json(value).decode() if is_json else value
    columns["ext"] = _encode_ext(assembled, row)
    return columns


def encode_changes(assembled: Assembled, new: Row, changed: Iterable[str]) -> Row:
    """The columns to set for the changed attributes of a row."""
    names = [n for n in changed if n in assembled.attributes]
    attributes = [assembled.attributes[n] for n in names]
    columns = {a.column: _stored(a, new[a.name]) for a in attributes if a.stored is Stored.COLUMN}
    if any(a.stored is Stored.EXT for a in attributes):
        columns["ext"] = _encode_ext(assembled, new)
    return columns


def _encode_ext(assembled: Assembled, row: Row) -> str:
    values = {}
    for attribute in assembled.ext:
        value = row.get(attribute.name)
        values[attribute.name] = None if value is UNSET else value
    return _encode_json(values).decode()


def _stored(attribute: Attribute, value: Any) -> Any:
    if value is UNSET or value is None:
        return None
    return _encode_json(value).decode() if attribute.is_json else value


class Reader:
    """One select's columns, and how its results become rows.

    `names` are the attributes wanted, in order. `raw` leaves JSON values as they are stored, for
    an answer; otherwise they are decoded, for a rule. `sql` are the computed ones' expressions.
    """

    def __init__(
        self,
        assembled: Assembled,
        table: sa.Table,
        names: Sequence[str],
        sql: dict[str, Any],
        *,
        raw: bool,
    ) -> None:
        found = [assembled.attributes[n] for n in names if n in assembled.attributes]
        plain = [a for a in found if a.stored is Stored.COLUMN]
        self.names = [a.name for a in plain] + list(sql)
        self.columns: list[Any] = [table.c[a.column] for a in plain]
        self.columns += [made.label(f"c_{n}") for n, made in sql.items()]
        if "tenant_id" in names and "project_id" in assembled.attributes:
            self.names.append("tenant_id")
            self.columns.append(table.c.project_id.label("tenant_id"))
        self.json = [a.name for a in plain if a.is_json]
        self.raw = raw
        ext = {a.name: a.default_value() for a in found if a.stored is Stored.EXT}
        self.ext = {n: None if v is UNSET else v for n, v in ext.items()}
        if self.ext:
            self.names.append("ext")
            self.columns.append(table.c.ext)

    def rows(self, results: Iterable[Sequence[Any]]) -> list[Row]:
        """Rows by attribute name."""
        names, ext, every = self.names, self.ext, self.ext.keys()
        decode_ext = _decode_raw if self.raw else _decode_json
        decode = msgspec.Raw if self.raw else _decode_json
        found = []
        for result in results:
            row = dict(zip(names, result, strict=True))
            for name in self.json:
                if row[name] is not None:
                    row[name] = decode(row[name])
            if ext:
                stored = decode_ext(row.pop("ext"))
                if stored.keys() == every:
                    row.update(stored)
                else:
                    for name, default in ext.items():
                        row[name] = stored.get(name, default)
            found.append(row)
        return found
