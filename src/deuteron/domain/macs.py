# SPDX-License-Identifier: Apache-2.0
"""MAC addresses of ports: those that Deuteron chooses, and those that a caller may ask for.

Invariant: a chosen MAC begins with the operator's base MAC.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any, Final

from deuteron.declare.types import Invalid, Mac

# A spelling in pairs, in fours or without any separator.
_DIGITS: Final = re.compile(r"[0-9a-f]{12}")
_SPELLING: Final = re.compile(
    r"[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}|[0-9a-f]{12}|[0-9a-f]{4}(\.[0-9a-f]{4}){2}"
)
_NO_PORTS: Final = frozenset({"000000000000", "ffffffffffff"})


class PortMac(Mac):
    """The MAC of one device: neither the zero nor the broadcast address; stored with colons."""

    def convert(self, value: Any) -> str:
        text = value.lower() if isinstance(value, str) else ""
        if not _SPELLING.fullmatch(text) or (":" in text and "-" in text):
            raise Invalid(f"'{value}' is not a valid MAC address")
        if ":" in text or "-" in text:
            digits = "".join(pair.zfill(2) for pair in re.split("[:-]", text))
        else:
            digits = text.replace(".", "")
        if digits in _NO_PORTS or not _DIGITS.fullmatch(digits):
            raise Invalid(f"'{value}' is not a valid MAC address")
        return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def random_mac(base: str) -> str:
    """A MAC that begins with the first three octets of `base`, or four if the fourth is not 0."""
    if base[9:11] != "00":
        chosen = secrets.token_hex(2)
        return f"{base[:11]}:{chosen[:2]}:{chosen[2:]}"
    chosen = secrets.token_hex(3)
    return f"{base[:8]}:{chosen[:2]}:{chosen[2:4]}:{chosen[4:]}"


def stable_mac(base: str, seed: str) -> str:
    """A MAC that is always the same for the same seed."""
    digest = hashlib.sha256(seed.encode()).hexdigest()
    return ":".join([*base.split(":")[:3], digest[:2], digest[2:4], digest[4:6]])
