# SPDX-License-Identifier: Apache-2.0
"""Creating several objects at once: all or none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api


def test_order_is_kept(api: Api) -> None:
    wanted = [f"n{i}" for i in range(30)]
    bodies: list[Any] = [{"name": name} for name in wanted]
    bodies[7] = {"network": bodies[7]}
    answer = api.call("POST", "/v2.0/networks", {"networks": bodies, "network": {"name": "x"}})
    assert answer.status == 201
    assert [n["name"] for n in answer.body["networks"]] == wanted
    assert len({n["id"] for n in answer.body["networks"]}) == len(wanted)


NO_OBJECT = "Object 'network' contains invalid data"
INVALID = "Body contains invalid data"


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "Resources required"),
        (None, "Resources required"),
        ({}, "Resources required"),
        ({"name": "x"}, NO_OBJECT),
        ("abc", NO_OBJECT),
        ([[]], NO_OBJECT),
        (["abc"], NO_OBJECT),
        ([{"network": []}], NO_OBJECT),
        ([{"network": None}], "Unable to find 'network' in request body"),
        ([None], INVALID),
        ([1], INVALID),
        ([{"name": "ok"}, {"bogus": 1}], "Unrecognized attribute(s) 'bogus'"),
        (
            [{"name": "ok"}, {"name": 5}],
            "Invalid input for name. Reason: '5' is not a valid string.",
        ),
    ],
)
def test_refused(api: Api, items: Any, message: str) -> None:
    answer = api.call("POST", "/v2.0/networks", {"networks": items})
    assert (answer.status, answer.body["NeutronError"]["message"]) == (400, message)
    assert api.get("networks")["networks"] == []


def test_nothing_stays_of_a_refused_one(api: Api) -> None:
    network = api.create("network")["id"]
    missing = "00000000-0000-0000-0000-000000000000"
    body = {"ports": [{"network_id": network}, {"network_id": missing}]}
    assert api.refused("POST", "ports", body) == (404, "NetworkNotFound")
    assert api.get("ports")["ports"] == []
