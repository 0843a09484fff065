# SPDX-License-Identifier: Apache-2.0
"""The pages name files that exist and settings that load."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from deuteron import settings

ROOT = Path(__file__).parent.parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
PLACES = (ROOT, ROOT / "src" / "deuteron")
SUFFIXES = r"\.(?:py|md|toml|txt|json)"
# What a reader's own machine has, or a page makes up.
ELSEWHERE = {"attachments.json", "deuteron_asset/extension.py"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page: Path) -> None:
    named = set(re.findall(rf"[`(]([\w./-]+{SUFFIXES})[`)]", page.read_text()))
    places = (*PLACES, page.parent)
    missing = [n for n in named - ELSEWHERE if not any((place / n).exists() for place in places)]
    assert missing == []


def test_every_setting_is_described() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    internal = {"database", "poke_socket"}
    names = {field.name for field in fields(settings.Settings)} - internal
    assert sorted(name for name in names if f"`{name}`" not in text) == []


def test_the_suites_example_loads() -> None:
    path = ROOT / "docs" / "examples" / "suites.toml"
    loaded = settings.load(path, {}, database="sqlite:///deuteron.db")
    assert loaded.network_vlan_ranges == {"foo": ((1, 10),)}
    assert loaded.flat_networks == ("public",)
