# SPDX-License-Identifier: Apache-2.0
"""What is missing is named with the command that gets it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deuteron.host import requirements


def test_nothing_is_missing_here() -> None:
    assert requirements.missing() == []
    assert requirements.missing_line() is None


def test_everything_is_missing_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(requirements, "SEARCH_PATH", str(tmp_path))
    monkeypatch.setattr(requirements, "TUN", str(tmp_path / "tun"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    names = [item.what for item in requirements.missing()]
    for name in ("root", "ovsdb-server", "ovs-vswitchd", "ovn-northd", "ovn-controller", "ip"):
        assert name in names
    assert "ovn-host" in str(next(m for m in requirements.missing() if m.what == "ovn-controller"))
    line = requirements.missing_line()
    assert line is not None
    assert "\n" not in line
    assert line.count("apt-get install") == 1
    assert "openvswitch-switch" in line
    assert "sudo deuteron up" in line
