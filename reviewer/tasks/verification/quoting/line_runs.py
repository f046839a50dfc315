"""Find a text in the lines of a diff, without regard to white space and to where lines end. Pure and linear.

A match is a side of the diff and a run of its lines. Secrets and unprintable characters of the lines are compared as
the model saw them.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reviewer.diff.model import FileDiff, Line, Side
from reviewer.safety.invisible import INVISIBLE, holds_bytes
from reviewer.safety.prompt_text import printable, printable_code

#: A run of lines on one side of one hunk.
Match = tuple[Side, tuple[Line, ...]]

#: Letters that are no ASCII, or stand for bytes that could not be read.
_FOREIGN = re.compile(r"[^\x00-\x7f]+")

#: What the model is shown in place of an invisible character.
_WRITTEN_OUT = re.compile(r"<U\+[0-9A-F]{4,6}>")
#: Signs for which models type others.
_TYPED = str.maketrans({
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u2032\u00b4", "'"), "\u3001": ",", "\u3002": ".", "\u3010": "[", "\u3011": "]",
})  # fmt: skip

#: So many places of a text are looked at; what stands more often is found nowhere.
_MOST_PLACES = 50


@dataclass(slots=True)
class HunkSide:
    """The lines of one hunk as they are in the new file, or as they were in the old one.

    Their texts are worked out when they are first needed, and kept: a quote is looked for many times.
    """

    side: Side
    lines: list[Line]
    _shown: list[str] | None = None
    _redacted: list[str] | None = None

    def texts(self, *, redacted: bool = False) -> list[str]:
        """Return the lines as the model saw them; without `redacted`, secrets stay."""
        if self._shown is None:
            self._shown = [printable(line.text) for line in self.lines]
        if not redacted:
            return self._shown
        if self._redacted is None:
            self._redacted = printable_code("\n".join(line.text for line in self.lines)).split("\n")
        return self._redacted

    def hides_secrets(self) -> bool:
        """Whether the model saw any of the lines otherwise than they are."""
        return self.texts(redacted=True) != self.texts()


def sides_of(file: FileDiff) -> list[HunkSide]:
    """Return the two sides of each hunk, the new one first."""
    return [
        HunkSide(side, [line for line in hunk.lines if line.kind != kind])
        for hunk in file.hunks
        for side, kind in ((Side.RIGHT, "-"), (Side.LEFT, "+"))
    ]


def typed_plainly(text: str) -> str:
    """Return the text with plain signs for dashes, quotation marks and wide letters, and without invisible ones."""
    if text.isascii() and "<U+" not in text:
        return text
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", _WRITTEN_OUT.sub("", text))).translate(_TYPED)


def rewritten(sides: Sequence[HunkSide], rewrite: Callable[[str], str]) -> list[HunkSide]:
    """Return the sides with each line's text rewritten."""
    return [
        HunkSide(
            each.side,
            each.lines,
            [rewrite(text) for text in each.texts()],
            [rewrite(text) for text in each.texts(redacted=True)],
        )
        for each in sides
    ]


def without_foreign(text: str) -> str:
    """Return the text with one mark for each run of letters that are no ASCII."""
    return _FOREIGN.sub("\ufffd", text)


def with_bytes(sides: Sequence[HunkSide]) -> list[HunkSide]:
    """Return the sides with bytes that are no UTF-8, without letters that are no ASCII.

    The model saw marks in place of such bytes, and neither counts those rightly nor leaves them as they are.
    """
    mixed = [each for each in sides if any(holds_bytes(line.text) for line in each.lines)]
    return rewritten(mixed, without_foreign)


def is_commentable(side: Side, run: Sequence[Line]) -> bool:
    """Whether a comment may stand at those lines: of the old file, only at removed ones."""
    return side is Side.RIGHT or all(line.kind == "-" for line in run)


def squeezed(text: str) -> str:
    """Return the text without any white space."""
    return "".join(text.split())


@dataclass(frozen=True, slots=True)
class _Stream:
    """The lines of one side of a hunk as one text without white space; `starts` are the offsets of the lines in it."""

    shown: list[str]
    text: str
    starts: list[int]

    def line_at(self, offset: int) -> int:
        return bisect_right(self.starts, offset) - 1

    def is_start(self, offset: int) -> bool:
        return self.starts[self.line_at(offset)] == offset

    def is_end(self, offset: int) -> bool:
        return offset == len(self.text) or self.is_start(offset)

    def splits_word(self, offset: int) -> bool:
        """Whether a word, or a number, goes on over the offset, in the line as it is written."""
        if not 0 < offset < len(self.text) or self.is_start(offset):
            return False
        pair = self.text[offset - 1 : offset + 1]
        if not all(char.isalnum() or char == "_" for char in pair):
            return False
        number = self.line_at(offset)
        return not _space_before(self.shown[number], offset - self.starts[number])


def _space_before(text: str, count: int) -> bool:
    """Whether white space stands before the character that has `count` others, not white space, before it."""
    for at, char in enumerate(text):
        if char.isspace():
            continue
        if not count:
            return at > 0 and text[at - 1].isspace()
        count -= 1
    return True


def matching_runs(sides: Sequence[HunkSide], text: str) -> list[Match]:
    """Return the runs of whole lines that are the text, but for white space and line ends."""
    return _found(sides, text, whole=True)


def matching_parts(sides: Sequence[HunkSide], text: str) -> list[Match]:
    """Return the lines, or runs of lines, that hold the text between two words, but for white space and line ends."""
    return _found(sides, text, whole=False)


def _found(sides: Sequence[HunkSide], text: str, *, whole: bool) -> list[Match]:
    needle = squeezed(text)
    if not needle:
        return []
    for redacted in (False, True):
        found: list[Match] = []
        for each in sides:
            if redacted and not each.hides_secrets():
                continue
            stream = _stream(each, redacted=redacted)
            runs = [tuple(each.lines[first : last + 1]) for first, last in _places(stream, needle, whole=whole)]
            found += [(each.side, run) for run in runs if is_commentable(each.side, run)]
        if found:
            return found[:_MOST_PLACES]
    return []


def _stream(each: HunkSide, *, redacted: bool) -> _Stream:
    """Return the lines as one text; `redacted`: as the model saw them, secrets replaced."""
    shown = each.texts(redacted=redacted)
    pieces = [squeezed(text) for text in shown]
    starts, offset = [], 0
    for piece in pieces:
        starts.append(offset)
        offset += len(piece)
    return _Stream(shown, "".join(pieces), starts)


def _places(stream: _Stream, needle: str, *, whole: bool) -> Iterator[tuple[int, int]]:
    """Yield the first and the last line of each place of the needle."""
    start = stream.text.find(needle)
    for _ in range(_MOST_PLACES):
        if start < 0:
            return
        end = start + len(needle)
        if whole:
            fits = stream.is_start(start) and stream.is_end(end)
        else:
            fits = not stream.splits_word(start) and not stream.splits_word(end)
        if fits:
            # Of blank lines, which have the offset of the next one, none is part of the run.
            yield stream.line_at(start), stream.line_at(end - 1)
        start = stream.text.find(needle, start + 1)
