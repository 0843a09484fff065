# SPDX-License-Identifier: Apache-2.0
"""MAC addresses that Deuteron chooses. Invariant: they begin with the operator's base MAC."""

from __future__ import annotations

import hashlib
import secrets


def random_mac(base: str) -> str:
    """A MAC that begins with the octets of `base` that are not zero at its end (at least three)."""
    octets = base.split(":")
    kept = 4 if octets[3] != "00" else 3
    chosen = secrets.token_hex(6 - kept)
    pairs = [chosen[i : i + 2] for i in range(0, len(chosen), 2)]
    return ":".join([*octets[:kept], *pairs])


def stable_mac(base: str, seed: str) -> str:
    """A MAC that is always the same for the same seed."""
    digest = hashlib.sha256(seed.encode()).hexdigest()
    return ":".join([*base.split(":")[:3], digest[:2], digest[2:4], digest[4:6]])
