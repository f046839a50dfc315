r"""Recognise the Markdown fence that a model puts round a whole text: of three or more back-ticks or tildes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPENING = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})[ \t]*+(?P<info>[^\n]*+)$")


@dataclass(frozen=True, slots=True)
class WrappedText:
    """A text inside a fence: its marks, the word behind them (a language), and what is between."""

    marks: str
    info: str
    inner: str


def may_be_fence(line: str) -> bool:
    """Whether the line holds enough marks: a look that is far cheaper than `fence_marks`."""
    return "```" in line or "~~~" in line


def fence_marks(line: str) -> str:
    """Return the marks with which the line opens or closes a fence, empty where it does neither."""
    found = _OPENING.match(line.rstrip("\r")) if may_be_fence(line) else None
    if found is None or (found["marks"][0] == "`" and "`" in found["info"]):
        return ""
    return found["marks"]


def wrapped(text: str) -> WrappedText | None:
    """Return what stands inside of the fence round the whole of a text; None where the text is no such block."""
    lines = text.replace("\r\n", "\n").strip("\n").rstrip().split("\n")
    marks = fence_marks(lines[0])
    if len(lines) < 2 or not marks:
        return None
    closing = lines[-1].strip()
    if set(closing) != {marks[0]} or len(closing) < len(marks):
        return None
    info = lines[0].strip().lstrip(marks[0]).strip()
    inner = lines[1:-1]
    # A line that would close the fence earlier: these are two blocks with something between them.
    if any(_closes(line, marks) for line in inner) and open_fence(inner):
        return None
    return WrappedText(marks, info, "\n".join(inner))


def unfence(text: str) -> str:
    """Remove a Markdown fence round the whole of a text, if there is one."""
    block = wrapped(text)
    return text if block is None else block.inner


def without_markdown_block(answer: str) -> str:
    """Return an answer in Markdown without a block of Markdown around the whole of it."""
    block = wrapped(answer)
    return block.inner.strip() if block is not None and block.info.lower() in ("markdown", "md") else answer


def open_fence(lines: list[str]) -> str:
    """Return the marks of the fence that is open at the end of the lines, empty where none is."""
    marks = ""
    for line in lines:
        if not marks:
            marks = fence_marks(line)
        elif _closes(line, marks):
            marks = ""
    return marks


def _closes(line: str, marks: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(marks) and set(bare) == {marks[0]} and len(line) - len(line.lstrip(" ")) <= 3
