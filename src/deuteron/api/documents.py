# SPDX-License-Identifier: Apache-2.0
"""What the API tells of itself: versions, resources, extensions, OpenAPI.

Invariant: made from the registry and the route table alone, and the same for every caller.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import msgspec

from deuteron.api.app import Answer, Request
from deuteron.api.openapi import document
from deuteron.api.query import parse_fields
from deuteron.api.routes import VARIABLE, Routes
from deuteron.declare.registry import Registry
from deuteron.declare.resource import Extension, Row
from deuteron.errors import NotFound

# What upstream's /v2.0/ lists, whatever else is served.
_CORE: Final = ("network", "subnet", "subnetpool", "port")


def add_document_routes(routes: Routes, registry: Registry) -> None:
    """`/`, `/v2.0`, `/v2.0/extensions`, and `/openapi.json` of all routes added before."""
    described = {alias: _extension(e) for alias, e in registry.extensions.items()}

    def extensions(request: Request) -> Answer:
        fields = parse_fields(request.pairs)
        return Answer({"extensions": [_only(e, fields) for e in described.values()]})

    def extension(request: Request) -> Answer:
        [alias] = request.values
        if alias not in described:
            raise NotFound("HTTPNotFound", f"Extension with alias {alias} does not exist")
        return Answer({"extension": described[alias]})

    def resources(request: Request) -> Answer:
        found = [registry[name].resource for name in _CORE if name in registry]
        base = f"{request.base_url}/v2.0"
        return Answer(
            {
                "resources": [
                    {
                        "name": resource.name,
                        "collection": resource.collection,
                        "links": [{"rel": "self", "href": f"{base}/{resource.url}"}],
                    }
                    for resource in found
                ]
            }
        )

    routes.add("GET", "/", _versions)
    routes.add("GET", "/v2.0", resources)
    routes.add("GET", "/v2.0/extensions", extensions)
    routes.add("GET", f"/v2.0/extensions/{VARIABLE}", extension)
    openapi = functools.cache(lambda: msgspec.json.encode(document(registry, routes)))
    routes.add("GET", "/openapi", lambda _request: Answer(openapi()))


def _versions(request: Request) -> Answer:
    link = {"rel": "self", "href": f"{request.base_url}/v2.0/"}
    return Answer({"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]})


def _extension(extension: Extension) -> Row:
    return {
        "name": extension.name,
        "alias": extension.alias,
        "description": extension.description,
        "updated": extension.updated,
        "links": [],
    }


def _only(row: Row, fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in fields if name in row} if fields else row
