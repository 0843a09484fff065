# SPDX-License-Identifier: Apache-2.0
"""Messages come out of the stream parser whole, however the stream is cut."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deuteron.engine.ovn.jsonstream import StreamParser

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
_MESSAGES = st.dictionaries(st.text(), _VALUES)


def _parse(pieces: list[str]) -> list[Any]:
    """As ovs.jsonrpc does it: what a parser leaves of a piece goes to the next parser."""
    found: list[Any] = []
    parser = StreamParser()
    for piece in pieces:
        rest = piece
        while rest:
            rest = rest[parser.feed(rest) :]
            if parser.is_done():
                found.append(parser.finish())
                parser = StreamParser()
    return found


@given(
    st.lists(_MESSAGES, min_size=1, max_size=3),
    st.integers(min_value=1, max_value=7),
    st.booleans(),
)
def test_messages_split_anywhere(messages: list[Any], size: int, ascii_only: bool) -> None:
    text = "".join(json.dumps(message, ensure_ascii=ascii_only) for message in messages)
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert _parse(pieces) == messages


def test_garbage_is_an_error_text_and_not_an_exception() -> None:
    parser = StreamParser()
    parser.feed("{nonsense}")
    assert parser.is_done()
    assert isinstance(parser.finish(), str)
