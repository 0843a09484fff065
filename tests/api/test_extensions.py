# SPDX-License-Identifier: Apache-2.0
"""The list of extensions."""

from __future__ import annotations

from tests.api.conftest import REGISTRY, Api


def test_list(api: Api) -> None:
    found = api.get("extensions")["extensions"]
    assert [e["alias"] for e in found] == sorted(REGISTRY.extensions)
    for extension in found:
        assert extension.keys() == {"name", "alias", "description", "updated", "links"}
        assert extension["links"] == []
        assert all(extension[name] for name in ("name", "alias", "description", "updated"))
    assert {"filter-validation", "quotas", "standard-attr-tag", "agent"} <= {
        e["alias"] for e in found
    }
    assert api.get("extensions", "fields=alias")["extensions"][0].keys() == {"alias"}


def test_show(api: Api) -> None:
    assert api.get("extensions/sorting")["extension"]["name"] == "Sorting support"
    assert api.get("extensions/sorting.json")["extension"]["alias"] == "sorting"
    assert api.refused("GET", "extensions/nope") == (404, "HTTPNotFound")
