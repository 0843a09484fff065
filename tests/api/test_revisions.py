# SPDX-License-Identifier: Apache-2.0
"""Revisions and timestamps, and changes that are conditional on a revision."""

from __future__ import annotations

import re

import pytest

from tests.api.conftest import Api


@pytest.mark.parametrize("condition", ["revision_number=1", '"revision_number=1"', "*", "other"])
def test_condition_met(api: Api, condition: str) -> None:
    path = f"/v2.0/networks/{api.create('network')['id']}"
    headers = {"if-match": condition}
    answer = api.call("PUT", path, {"network": {"name": "x"}}, headers=headers)
    assert (answer.status, answer.body["network"]["revision_number"]) == (200, 2)


@pytest.mark.parametrize("number", ["2", "-1", "99999999999999999999999"])
def test_condition_not_met(api: Api, number: str) -> None:
    network = api.create("network", name="old")
    path = f"/v2.0/networks/{network['id']}"
    headers = {"if-match": f"revision_number={number}"}
    for method, below, body in (
        ("PUT", "", {"network": {"name": "new"}}),
        ("DELETE", "", None),
        ("PUT", "/tags/x", None),
    ):
        answer = api.call(method, path + below, body, headers=headers)
        assert answer.status == 412
        assert answer.body["NeutronError"] == {
            "type": "RevisionNumberConstraintFailed",
            "message": f"Constrained to {number}, but current revision is 1",
            "detail": "",
        }
    assert api.get(f"networks/{network['id']}")["network"] == network


@pytest.mark.parametrize("condition", ["revision_number=x", 'revision_number="1"'])
def test_condition_that_is_none(api: Api, condition: str) -> None:
    path = f"/v2.0/networks/{api.create('network')['id']}"
    answer = api.call("PUT", path, {"network": {}}, headers={"if-match": condition})
    assert answer.status == 400
    assert answer.body["NeutronError"]["message"] == (
        "Bad if-match request: Revision number etag must be in the format of revision_number=<int>."
    )


def test_timestamps(api: Api) -> None:
    network = api.create("network")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", network["created_at"])
    assert network["updated_at"] == network["created_at"]
    path = f"/v2.0/networks/{network['id']}"
    changed = api.call("PUT", path, {"network": {"name": "x"}}).body["network"]
    assert changed["created_at"] == network["created_at"] <= changed["updated_at"]
    assert changed["revision_number"] == network["revision_number"] + 1
