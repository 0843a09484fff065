# SPDX-License-Identifier: Apache-2.0
"""Pages of lists and the links between them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.conftest import Api

NAMES = ["a", "b", "b", "c", "d"]


@pytest.fixture
def ids(api: Api) -> list[str]:
    """The networks' ids in the order of their names, and of ids where names are equal."""
    made = [api.create("network", name=name) for name in NAMES]
    return [n["id"] for n in sorted(made, key=lambda n: (n["name"], n["id"]))]


def page(api: Api, query: str) -> tuple[list[str], dict[str, str]]:
    body = api.get("networks", query)
    links = {link["rel"]: link["href"] for link in body.get("networks_links", [])}
    return [network["id"] for network in body["networks"]], links


def follow(api: Api, query: str, rel: str) -> list[list[str]]:
    """The pages from a query on, until one is empty or leads nowhere."""
    pages: list[list[str]] = []
    while True:
        found, links = page(api, query)
        if not found:
            return pages
        pages.append(found)
        if rel not in links:
            return pages
        query = urlsplit(links[rel]).query


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_walk_forth_and_back(api: Api, ids: list[str], size: int, direction: str) -> None:
    order = f"limit={size}&sort_key=name&sort_dir={direction}"
    forth = follow(api, order, "next")
    expected = ids
    if direction == "desc":
        names = dict(zip(ids, NAMES, strict=True))
        expected = sorted(sorted(ids), key=lambda i: names[i], reverse=True)
    assert [i for found in forth for i in found] == expected
    back = follow(api, f"{order}&page_reverse=True", "previous")
    assert [i for found in reversed(back) for i in found] == expected


@pytest.mark.parametrize(
    ("query", "rels"),
    [
        ("limit=2", {"next", "previous"}),
        ("limit=9", {"previous"}),
        ("limit=9&page_reverse=True", {"next"}),
        ("limit=5", {"next", "previous"}),
        ("limit=0", set()),
        ("", set()),
    ],
)
@pytest.mark.usefixtures("ids")
def test_links(api: Api, query: str, rels: set[str]) -> None:
    assert page(api, query)[1].keys() == rels


def test_links_keep_the_query(api: Api, ids: list[str]) -> None:
    query = "limit=1&fields=name&name=b&sort_key=name&sort_dir=asc"
    answer = api.call(
        "GET",
        "/v2.0/networks",
        query=query,
        headers={"host": "cloud:1", "x-forwarded-proto": "https"},
    )
    assert answer.body["networks"] == [{"name": "b"}]
    links: dict[str, Any] = {link["rel"]: link["href"] for link in answer.body["networks_links"]}
    assert links["next"] == f"https://cloud:1/v2.0/networks?{query}&marker={ids[1]}"
    assert links["previous"] == f"{links['next']}&page_reverse=True"
    beyond = f"limit=1&marker={ids[-1]}&sort_key=name&sort_dir=asc"
    found, links = page(api, beyond)
    assert found == []
    assert "marker" not in parse_qs(urlsplit(links["previous"]).query)


def test_marker(api: Api, ids: list[str]) -> None:
    order = "sort_key=name&sort_dir=asc"
    assert page(api, f"{order}&limit=2&marker={ids[0]}")[0] == ids[1:3]
    assert page(api, f"{order}&limit=2&marker={ids[3]}&page_reverse=TRUE")[0] == ids[1:3]
    assert page(api, f"{order}&limit=2&marker=")[0] == ids[:2]
    assert page(api, f"{order}&limit=99999999999999999999999")[0] == ids
    assert api.refused("GET", "networks", query="limit=1&marker=x") == (404, "NetworkNotFound")


def test_ties_are_broken_by_id(api: Api, ids: list[str]) -> None:
    assert (
        page(api, f"sort_key=status&sort_dir=asc&limit=3&marker={sorted(ids)[0]}")[0]
        == (sorted(ids)[1:4])
    )
