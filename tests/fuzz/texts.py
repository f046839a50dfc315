"""How hostile texts are drawn: pieces that mean something to a parser, and valid texts with a few edits.

Each text is decoded from one draw of bytes. That costs a fifth of drawing it piece by piece, and the smallest input
that fails is found all the same: fewer bytes are fewer pieces, and smaller ones come first in the table.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

#: What parsers, terminals and people stumble over, whatever is read.
_PIECES = (
    *("a", " ", "\n", "0", "x" * 50, "é", "\t", "\r", "\r\n", "\n\n", '"', "'", "`", "```", "~~~", "[", "]"),
    *("{", "}", "("),
    *(")", "<", ">", "</", "/>", "*", "-", "_", "\\", "/", "|", "#", "@", "&", "%", "$", ":", ";", ",", "."),
    *("=", "+", "!"),
    *("?", "^", "1", "9" * 30, "-1", "1e999", "NaN", "Ab9", "null", "true", "<!--", "-->", "::", "##[", "${{"),
    *("\x0b", "\x0c", "\x00", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff", "\u00ad", "\ud800"),
    *("\udfff", "\udc80", "\U000e0041", "\U0001f469\u200d\U0001f467", "e\u0301", "data-0123456789abcdef"),
    *("[redacted: x]",),
)  # fmt: skip


def _table(own: Sequence[str]) -> list[str]:
    """Return 256 pieces: a target's own, twice, then those for all, then any characters."""
    pieces = [*own, *_PIECES, *own]
    chance = random.Random(len(pieces))
    while len(pieces) < 256:
        pieces.append(chr(chance.choice((chance.randrange(0x80, 0x800), chance.randrange(0x110000)))))
    return pieces[:256]


def text(*own: str, most: int = 20) -> st.SearchStrategy[str]:
    """Draw a text of up to so many pieces."""
    table = _table(own)
    return st.binary(max_size=most).map(lambda data: "".join(table[byte] for byte in data))


def edited(valid: Sequence[str], *own: str) -> st.SearchStrategy[str]:
    """Draw a valid text with up to four parts removed, doubled, swapped or replaced by a piece."""
    table = _table(own)

    def decoded(data: bytes) -> str:
        source = valid[data[0] % len(valid)] if data else valid[0]
        for at in range(1, len(data) - 4, 5):
            place, fine, length, piece, kind = data[at : at + 5]
            source = _edit(source, place * 256 + fine, _LENGTHS[length % 8], table[piece], kind)
        return source

    return st.binary(max_size=21).map(decoded)


_LENGTHS = (0, 0, 0, 1, 1, 3, 20, 80)


def _edit(source: str, place: int, length: int, piece: str, kind: int) -> str:
    start = place % (len(source) + 1)
    part = source[start : start + length]
    middle = (piece, piece, "", part + part, piece + part, part + piece, part * 20, piece * 20)[kind % 8]
    return source[:start] + middle + source[start + length :]


def made(function: Callable[[random.Random], T]) -> st.SearchStrategy[T]:
    """Draw what the function makes with a generator of random numbers."""
    return st.integers(0, 2**32 - 1).map(lambda seed: function(random.Random(seed)))


def utf8(text: str) -> bytes:
    """Return the bytes of a text; lone surrogates are written as such."""
    return text.encode("utf-8", "surrogatepass")


def explain_itself(error: Exception) -> None:
    """Fail for an error without words, or with characters that a terminal would obey."""
    assert str(error).strip()
    assert str(error).isprintable(), repr(error)
