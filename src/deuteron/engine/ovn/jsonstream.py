# SPDX-License-Identifier: Apache-2.0
"""A faster JSON stream parser for the `ovs` package.

Without its C extension, which its wheel does not have, `ovs.json.Parser` walks every character in
Python: 1.3 MB/s, seconds of each resync. This one only looks for where a message ends and leaves
the rest to the standard library's C decoder.

Invariant: it has the interface and the result of `ovs.json.Parser` for streams of objects, which
is all that OVSDB sends.
"""

from __future__ import annotations

import json
import re
from typing import Any

import ovs.json

# A whole string, a brace, or the quote of a string that goes on in the next piece.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}]|"', re.DOTALL)
_STRING_END = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class StreamParser:
    """Takes a message piece by piece: `feed` returns how many characters belong to it."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._depth = 0
        self._done = False
        # The part of a string that has begun and not ended, kept whole so that an escape that is
        # split between two pieces is read as one.
        self._open = ""

    def feed(self, text: str) -> int:
        if self._done:
            return 0
        position = 0
        if self._open:
            begun = len(self._open)
            end = _STRING_END.match(self._open + text, 1)
            if end is None:
                self._open += text
                self._pieces.append(text)
                return len(text)
            position = end.end() - begun
            self._open = ""
        for token in _TOKEN.finditer(text, position):
            match token.group():
                case "{":
                    self._depth += 1
                case "}":
                    self._depth -= 1
                    if self._depth <= 0:
                        self._done = True
                        self._pieces.append(text[: token.end()])
                        return token.end()
                case '"':
                    self._open = text[token.start() :]
                    break
        self._pieces.append(text)
        return len(text)

    def is_done(self) -> bool:
        return self._done

    def finish(self) -> Any:
        """The message; a text says what is wrong with it, as ovs.json has it."""
        if not self._done:
            return "unexpected end of input"
        try:
            return json.loads("".join(self._pieces))
        except ValueError as error:
            return str(error)


def install() -> None:
    """Let the `ovs` package use this parser, unless it has its C one."""
    if ovs.json.PARSER == ovs.json.PARSER_PY:
        ovs.json.Parser = StreamParser
