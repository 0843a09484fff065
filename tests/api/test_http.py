# SPDX-License-Identifier: Apache-2.0
"""HTTP itself: versions, methods, media types, bodies, request ids."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.api.conftest import Api

MISSING = "00000000-0000-0000-0000-000000000000"


def message(api: Api, method: str, path: str, **options: Any) -> tuple[int, str]:
    answer = api.call(method, path, **options)
    return answer.status, answer.body["NeutronError"]["message"]


def test_versions(api: Api) -> None:
    answer = api.call("GET", "/", headers={"host": "cloud:9696", "x-forwarded-proto": "https"})
    link = {"rel": "self", "href": "https://cloud:9696/v2.0/"}
    assert answer.body == {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]}


@pytest.mark.parametrize("path", ["/v2.0", "/v2.0/", "//v2.0//"])
def test_core_resources(api: Api, path: str) -> None:
    found = {r["name"]: r for r in api.call("GET", path).body["resources"]}
    assert (
        {"network", "subnet", "port"}
        <= found.keys()
        <= {"network", "subnet", "port"} | {"subnetpool"}
    )
    assert found["port"]["links"] == [{"rel": "self", "href": "http://deuteron/v2.0/ports"}]


@pytest.mark.parametrize("path", ["networks", "networks/", "networks.json", "/networks"])
def test_spellings_of_a_path(api: Api, path: str) -> None:
    network = api.create("network")
    assert [n["id"] for n in api.get(path)["networks"]] == [network["id"]]
    assert api.get(f"networks/{network['id']}.json")["network"]["id"] == network["id"]


@pytest.mark.parametrize("path", ["/nope", "/v2.0/nope", "/v2.0/networks/x/y", "/v3", "/v2.0/a/b"])
def test_unknown_path(api: Api, path: str) -> None:
    expected = (404, "The resource could not be found.")
    assert message(api, "GET", path) == expected
    assert message(api, "POST", path, raw=b"{") == expected


def test_methods(api: Api) -> None:
    for method in ("PATCH", "PUT", "DELETE", "HEAD", "TRACE"):
        answer = api.call(method, "/v2.0/networks")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
        assert method == "HEAD" or answer.body["NeutronError"]["type"] == "HTTPMethodNotAllowed"
    answer = api.call("OPTIONS", f"/v2.0/networks/{MISSING}")
    assert (answer.status, answer.headers["allow"]) == (200, "DELETE, GET, PUT")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*;q=0.1", 200),
        ("text/html,application/json", 200),
        ("", 200),
        ("anything", 200),
        ("text/html", 406),
        ("application/xml", 406),
    ],
)
def test_accept(api: Api, accept: str, status: int) -> None:
    answer = api.call("GET", "/v2.0/networks", headers={"accept": accept})
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert status == 200 or answer.body["NeutronError"]["type"] == "HTTPNotAcceptable"


def test_any_content_type_is_read_as_json(api: Api) -> None:
    for kind in ("text/plain", "application/json; charset=utf-8", "multipart/form-data"):
        answer = api.call("POST", "/v2.0/networks", {"network": {}}, headers={"content-type": kind})
        assert answer.status == 201


NO_MEMBER = "Unable to find 'network' in request body"
NO_OBJECT = "Object 'network' contains invalid data"
INVALID = "Body contains invalid data"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", NO_MEMBER),
        (b"{}", NO_MEMBER),
        (b'{"network": null}', NO_MEMBER),
        (b'{"port": {}}', NO_MEMBER),
        (b"{", INVALID),
        (b"[]", INVALID),
        (b"null", INVALID),
        (b'"x"', INVALID),
        (b'{"network": {}}x', INVALID),
        (b'{"network": {"name": NaN}}', INVALID),
        (b'{"network": {"name": "\\ud800"}}', INVALID),
        (b"[" * 100_000, INVALID),
        (b'{"network": []}', NO_OBJECT),
        (b'{"network": "x"}', NO_OBJECT),
    ],
)
def test_bodies(api: Api, raw: bytes, expected: str) -> None:
    network = api.create("network")["id"]
    assert message(api, "POST", "/v2.0/networks", raw=raw) == (400, expected)
    assert message(api, "PUT", f"/v2.0/networks/{network}", raw=raw) == (400, expected)


def test_body_that_is_no_utf8(api: Api) -> None:
    assert message(api, "POST", "/v2.0/networks", raw=b'{"network": {"name": "\xff"}}')[0] == 400


def test_bodies_of_other_verbs(api: Api) -> None:
    network = api.create("network")["id"]
    refused = (400, "Request body is not supported in DELETE.")
    assert message(api, "DELETE", f"/v2.0/networks/{network}", raw=b"{}") == refused
    refused = (400, "Bulk operation not supported")
    body = {"networks": [{"name": "x"}]}
    assert message(api, "PUT", f"/v2.0/networks/{network}", body=body) == refused


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"bogus": 1}, "Unrecognized attribute(s) 'bogus'"),
        ({"id": MISSING}, "Attribute 'id' not allowed in POST"),
        ({"revision_number": 1}, "Attribute 'revision_number' not allowed in POST"),
        ({"tenant_id": "a", "project_id": "b"}, "'project_id' and 'tenant_id' do not match"),
        ({"name": 5}, "Invalid input for name. Reason: '5' is not a valid string."),
        (
            {"admin_state_up": "maybe"},
            "Invalid input for operation: 'maybe' cannot be converted to boolean.",
        ),
    ],
)
def test_attributes_of_a_create(api: Api, attributes: dict[str, Any], expected: str) -> None:
    body = {"network": attributes}
    assert message(api, "POST", "/v2.0/networks", body=body) == (400, expected)


def test_attributes_of_an_update(api: Api) -> None:
    path = f"/v2.0/networks/{api.create('network')['id']}"
    for name in ("id", "status", "revision_number", "created_at"):
        expected = (400, f"Cannot update read-only attribute {name}")
        assert message(api, "PUT", path, body={"network": {name: "x"}}) == expected
    unknown = (400, "Unrecognized attribute(s) 'bogus'")
    assert message(api, "PUT", path, body={"network": {"bogus": 1}}) == unknown
    assert api.call("PUT", path, {"network": {}, "ignored": 1}).status == 200


@pytest.mark.parametrize("id_", ["abc", MISSING, "\u2603", "new", "x" * 1000])
def test_missing_object(api: Api, id_: str) -> None:
    expected = (404, f"Network {id_} could not be found.")
    path = f"/v2.0/networks/{id_}"
    assert message(api, "GET", path) == expected
    assert message(api, "DELETE", path) == expected
    assert message(api, "PUT", path, body={"network": {}}) == expected


def test_unicode(api: Api) -> None:
    network = api.create("network", name="\u2603", description="\u2603 \U0001f600")
    for query in ("name=%E2%98%83", "description=%E2%98%83%20%F0%9F%98%80"):
        assert api.get("networks", query)["networks"] == [network]
    assert api.refused("GET", "networks", query="name=%ff") == (400, "HTTPBadRequest")


def test_request_ids_are_our_own(api: Api) -> None:
    given = {"x-openstack-request-id": f"req-{MISSING}"}
    ids = {
        api.call("GET", path, headers=given).headers["x-openstack-request-id"]
        for path in ("/v2.0/networks", "/v2.0/nope", "/v2.0/extensions")
    }
    assert len(ids) == 3
    assert all(re.fullmatch(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", i) for i in ids)
    assert given["x-openstack-request-id"] not in ids


def test_body_in_pieces_and_too_large(api: Api) -> None:
    async def ask(parts: list[bytes]) -> list[dict[str, Any]]:
        waiting = list(parts)
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            part = waiting.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(waiting)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v2.0/networks",
            "query_string": b"",
            "headers": [(b"host", b"deuteron")],
        }
        await api.app(scope, receive, send)
        return sent

    start, _ = asyncio.run(ask([b'{"netw', b'ork": {}', b"}"]))
    assert start["status"] == 201
    start, body = asyncio.run(ask([b" " * 2**20] * 17))
    assert start["status"] == 400
    assert b"larger than" in body["body"]
