r"""Hunks and their lines, with each line's number in the old and in the new file.

Numbers are exact, a line's text is everything before its `\n`, and the marker for a missing newline at the end is never
a line. `sections` finds the hunks and has checked their counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain

from unidiff.patch import Hunk as CountedHunk
from unidiff.patch import PatchSet


@dataclass(frozen=True, slots=True)
class Line:
    r"""One line of a hunk.

    `kind` is `+`, `-` or a space. `old`/`new` are 1-based line numbers, None on the side where the line is absent.
    `text` is the line without its `\n`; a `\r` of a CRLF file stays. Bytes that are not UTF-8 are kept as surrogate
    escapes. `newline` is False on a last line without newline.
    """

    kind: str
    old: int | None
    new: int | None
    text: str
    newline: bool = True


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of lines. `section` is the text after the second `@@`."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    lines: tuple[Line, ...]


def number_hunks(raw: Iterable[Iterable[str]]) -> tuple[Hunk, ...]:
    r"""Return one file's raw hunks with numbered lines. Every raw line has its marker and its `\n`."""
    numbered = PatchSet(["--- a\n", "+++ b\n", *chain.from_iterable(raw)])
    return tuple(_hunk(hunk) for file in numbered for hunk in file)


def _hunk(hunk: CountedHunk) -> Hunk:
    lines: list[Line] = []
    for line in hunk:
        if line.line_type == "\\":
            lines[-1] = replace(lines[-1], newline=False)
        else:
            lines.append(Line(line.line_type, line.source_line_no, line.target_line_no, line.value.removesuffix("\n")))
    return Hunk(
        old_start=hunk.source_start,
        old_count=hunk.source_length,
        new_start=hunk.target_start,
        new_count=hunk.target_length,
        section=hunk.section_header.rstrip(),
        lines=tuple(lines),
    )
