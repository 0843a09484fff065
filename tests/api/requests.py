# SPDX-License-Identifier: Apache-2.0
"""Requests made up from an OpenAPI document: some right, many nearly right, some nonsense."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]
NONSENSE: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2**31 - 1, 2**31, 2**63, 2**100, -(2**63) - 1, 1.5, 1e308),
    *("", " ", "x", "x" * 256, "x" * 70_000, "\x00", "a\x00b", "\u2603", "\ud800", "%", "'", '"'),
    *("null", "true", "-1", "1_0", "0x10", "1e9", "nan", "\u0663", "..", "*", "a,b", "\\"),
    *("0.0.0.0", "255.255.255.255", "::", "::1", "fe80::1%eth0", "1.2.3.4/33", "1.2.3.4/0"),
    *("::/0", "10.0.0.0/32", "::ffff:1.2.3.4", "224.0.0.1", "01:00:5e:00:00:01", "0:0:0:0:0:0"),
    *([], [None], [[]], [1, "1"], {}, {"": None}, {"a": {"b": [1]}}, [{}], ["x", "x"]),
    "00000000-0000-0000-0000-000000000000",
)
WORDS: Final = ("", "a", "web", "nova", "compute:nova", "network:dhcp", "example.org.", "x" * 60)
PROJECTS: Final = ("a" * 32, "b" * 32)


@dataclass
class Request:
    method: str
    path: str
    query: list[tuple[str, Any]] = field(default_factory=list)
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


class Requests:
    """Makes requests by the document; `learn` from answers gives it ids of real objects."""

    def __init__(self, document: Json, seed: int) -> None:
        self.random = random.Random(seed)
        self.schemas = document["components"]["schemas"]
        self.ids: dict[str, list[str]] = {}
        self.dirt = 0.0
        self.operations = [
            (method.upper(), path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if method != "parameters"
        ]
        self.creates = [o for o in self.operations if o[0] == "POST"]

    def learn(self, body: Any) -> None:
        """Remember the ids in an answer, by the member's name."""
        for key, value in body.items() if isinstance(body, dict) else ():
            for row in value if isinstance(value, list) else [value]:
                if isinstance(row, dict) and isinstance(row.get("id"), str):
                    known = self.ids.setdefault(key.removesuffix("s"), [])
                    known.append(row["id"])
                    del known[:-20]

    def next(self) -> Request:
        """Creates come more often, so that there is something to read, change and delete."""
        pool = self.creates if self.random.random() < 0.3 else self.operations
        method, path, operation = self.random.choice(pool)
        self.dirt = self.random.choice((0, 0, 0.01, 0.1))
        if self.random.random() < 0.03:
            method = self.random.choice(("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"))
        request = Request(method, self._path(path))
        if "parameters" in operation and self.random.random() < 0.7:
            request.query = self._query(operation["parameters"])
        if "requestBody" in operation:
            request.body = self._body(operation["requestBody"])
        self._disturb(request)
        return request

    def _disturb(self, request: Request) -> None:
        chance = self.random.random()
        if chance < 0.02:
            request.raw = self.random.choice((b"{", b"[]", b"\xff", b"null", b'{"a":', b"{}x"))
        elif chance < 0.05:
            value = self.random.choice(("revision_number=1", "revision_number=x", "*", '""'))
            request.headers["if-match"] = value
        elif chance < 0.06:
            request.headers["accept"] = self.random.choice(("text/html", "image/*", "x"))
        if self.random.random() < 0.3:
            request.headers["x-project-id"] = self.random.choice(PROJECTS)
            request.headers["x-roles"] = self.random.choice(("member", "reader", "admin", ""))

    def _path(self, path: str) -> str:
        segments = path.split("/")
        for index, segment in enumerate(segments):
            if segment.startswith("{"):
                segments[index] = self._id(segment.strip("{}").removesuffix("_id"))
        return "/".join(segments)

    def _id(self, kind: str) -> str:
        known = self.ids.get(kind)
        if known and self.random.random() < 0.95:
            return self.random.choice(known)
        nonsense = str(self.random.choice(NONSENSE)).encode("utf-8", "replace").decode()
        return nonsense.replace("/", "").replace("?", "") or "x"

    def _query(self, parameters: list[Json]) -> list[tuple[str, Any]]:
        found = []
        for parameter in self.random.choices(parameters, k=self.random.choice((1, 1, 1, 2, 4))):
            name = parameter["name"] if self.random.random() < 0.97 else "bogus"
            found.append((name, self._text(name, [p["name"] for p in parameters])))
            if name == "sort_key":
                found.append(("sort_dir", self.random.choice(("asc", "desc", "up"))))
        return found

    def _text(self, name: str, names: list[str]) -> str:
        if name in ("sort_key", "fields"):
            return self.random.choice((*names, "id", "bogus", ""))
        if name == "limit":
            return self.random.choice(("0", "1", "2", "10", "-1", "x", "9" * 5000))
        if name == "marker" or name.endswith("_id") or name == "id":
            return self._id(self.random.choice([*self.ids, name.removesuffix("_id")]))
        if name == "fixed_ips":
            key = self.random.choice(("ip_address", "subnet_id", "ip_address_substr", "x", ""))
            return self.random.choice((f"{key}=10.0.0.5", f"{key}={self._id('subnet')}", key))
        chosen: Any = self.random.choice((*WORDS, "true", "false", "1", *NONSENSE))
        return str(chosen).encode("utf-8", "replace").decode()

    def _body(self, given: Json) -> Any:
        schema = given["content"]["application/json"]["schema"]
        return self.value(schema)

    def value(self, schema: Json, name: str = "") -> Any:
        """A value for a schema; in dirty requests now and then any value at all."""
        if name not in ("minimum", "maximum") and self.random.random() < self.dirt:
            return self.random.choice(NONSENSE)
        if "$ref" in schema:
            return self.value(self.schemas[schema["$ref"].rpartition("/")[2]], name)
        for key in ("oneOf", "anyOf"):
            if key in schema and "type" not in schema:
                return self.value(self.random.choice(schema[key]), name)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            size = self.random.choice((1, 1, 2, 3)) if self.random.random() < 0.9 else 0
            return [self.value(schema.get("items", {}), name) for _ in range(size)]
        if kind == "integer":
            least, most = schema.get("minimum", -5), schema.get("maximum", 2**31)
            if name in ("minimum", "maximum"):
                # Segment ranges answer with a list of all their free ids, as upstream does.
                return self.random.randint(1, 4000)
            return self.random.choice((least, most, self.random.randint(least, min(most, 5000))))
        if kind == "boolean":
            return self.random.random() < 0.5
        return None if kind == "null" else self._string(schema, name)

    def _object(self, schema: Json) -> Json:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        few = self.random.choice((0.05, 0.2, 0.6))
        found = {
            name: self.value(of, name)
            for name, of in properties.items()
            if self.random.random() < (0.97 if name in required else few)
        }
        if "project_id" in found and self.random.random() < 0.9:
            found.pop("tenant_id", None)
        if self.random.random() < self.dirt:
            found[self.random.choice(("bogus", "id", "", "revision_number"))] = 1
        return found

    def _string(self, schema: Json, name: str) -> str:
        octet = self.random.randrange(4)
        if name.endswith("_id") and name not in ("project_id", "tenant_id"):
            return self._id(name.removesuffix("_id"))
        if name in ("project_id", "tenant_id", "target_tenant", "target_project"):
            return self.random.choice((*PROJECTS, "*"))
        pattern = schema.get("pattern", "")
        if "/[0-9]" in pattern or name in ("cidr", "prefixes", "destination"):
            return self.random.choice((f"10.{octet}.0.0/24", f"fd0{octet}::/64", "10.0.0.0/8"))
        if "[0-9a-fA-F]{2}" in pattern:
            return f"fa:16:3e:00:00:0{octet}"
        if (
            "ip" in name
            or "start" in name
            or "end" in name
            or "nexthop" in name
            or "anyOf" in schema
        ):
            host = self.random.randrange(256)
            return self.random.choice((f"10.{octet}.0.{host}", f"fd0{octet}::{host:x}"))
        return self.random.choice(WORDS)
