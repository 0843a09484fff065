# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deuteron.engine.ovn import OvnEngine
from tests.engine.ovn.private_ovn import PrivateOvn


@pytest.fixture
def ovn(tmp_path: Path) -> Iterator[PrivateOvn]:
    """Empty northbound and southbound databases, without northd."""
    stack = PrivateOvn(tmp_path)
    try:
        stack.start("nb")
        stack.start("sb")
        yield stack
    finally:
        stack.close()


@pytest.fixture
def engine(ovn: PrivateOvn) -> Iterator[OvnEngine]:
    made = OvnEngine(ovn.remote("nb"), ovn.remote("sb"), "test")
    yield made
    made.close()
