# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document and the endpoint list, compared with what was last agreed on.

A change of the API shows as a change of `golden/`. If it is meant, renew the files and commit them
with it: `DEUTERON_RENEW_GOLDEN=1 pytest tests/api/test_openapi.py`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from openapi_spec_validator import validate

from tests.api.conftest import REGISTRY, Api

GOLDEN = Path(__file__).with_name("golden")


def document(api: Api) -> dict[str, Any]:
    answer = api.call("GET", "/openapi.json")
    assert answer.status == 200
    found: dict[str, Any] = answer.body
    return found


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("DEUTERON_RENEW_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"{name} differs; see this module's docstring"


def test_document_is_valid(api: Api) -> None:
    validate(document(api))


def test_document_is_as_agreed(api: Api) -> None:
    compare("openapi.json", json.dumps(document(api), indent=1, sort_keys=True) + "\n")


def test_endpoints_are_as_agreed(api: Api) -> None:
    routes = api.app.routes.paths()
    lines = [f"{method:7}{path}" for path, methods in routes.items() for method in methods]
    compare("endpoints.txt", "\n".join(lines) + "\n")


def test_document_has_every_route_and_attribute(api: Api) -> None:
    found = document(api)
    served = {(m, p.count("/")) for p, methods in api.app.routes.paths().items() for m in methods}
    described = {
        (method.upper(), path.count("/"))
        for path, item in found["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described == served
    schemas = found["components"]["schemas"]
    for name, assembled in REGISTRY.resources.items():
        shown = {a.name for a in assembled.attributes.values() if a.visible}
        assert shown <= schemas[name]["properties"].keys()
        if "create" in assembled.resource.verbs:
            given = {a.name for a in assembled.attributes.values() if a.post}
            assert given <= schemas[f"{name}_create"]["properties"].keys()
