# SPDX-License-Identifier: Apache-2.0
"""An engine that executes the model in memory: ask it where a packet goes, and why."""

from deuteron.engine.simulator.engine import SimulatorEngine
from deuteron.engine.simulator.network import SimulatedNetwork
from deuteron.engine.simulator.packet import Packet
from deuteron.engine.simulator.stages import Hop, Verdict

__all__ = ["Hop", "Packet", "SimulatedNetwork", "SimulatorEngine", "Verdict"]
