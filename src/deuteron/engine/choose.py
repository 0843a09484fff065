# SPDX-License-Identifier: Apache-2.0
"""Engines by name. Invariant: nothing outside `engine/` imports an engine."""

from __future__ import annotations

from deuteron.engine.model import Engine


def make_engine(name: str, nb: str, sb: str) -> Engine:
    """`ovn` on its two databases, or `simulator`. Imports only what it makes."""
    if name == "simulator":
        from deuteron.engine.simulator import SimulatorEngine

        return SimulatorEngine()
    from deuteron.engine.ovn import OvnEngine

    return OvnEngine(nb, sb, "deuteron")
