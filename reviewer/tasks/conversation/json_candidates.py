"""Find the parts of a reply that may be the JSON that was asked for, in linear time. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator


def repairable(text: str) -> bool:
    """Whether json-repair may have a try: it is quadratic on what a model in a loop may write."""
    brackets = text.count("{") + text.count("[")
    return len(text) <= _MOST_CHARACTERS and brackets <= _MOST_BRACKETS and text.count('"') <= _MOST_QUOTES


_MOST_CHARACTERS, _MOST_BRACKETS, _MOST_QUOTES = 60_000, 600, 2_000


def candidates(text: str) -> Iterator[str]:
    """Yield the parts of the text that may be the JSON meant: all of it, fenced blocks, the last balanced objects."""
    text = text.strip().removeprefix("\ufeff")
    yield text
    yield from reversed(_fenced(text))
    yield from _balanced(text)


def _fenced(text: str) -> list[str]:
    """Return the contents of the blocks between lines that begin with three backticks."""
    blocks: list[str] = []
    opened: list[str] | None = None
    for line in text.split("\n"):
        if opened is None:
            opened = [] if line.startswith("```") and "`" not in line[3:] else None
        elif line.lstrip().startswith("```"):
            blocks.append("\n".join(opened).strip())
            opened = None
        else:
            opened.append(line)
    return blocks


#: The last few objects are looked at, not all of them: a reply may be long and full of braces.
_MOST_OBJECTS = 20


def _balanced(text: str) -> Iterator[str]:
    """Yield top-level `{...}` and `[...]` runs of the text, the last first; braces inside JSON strings do not count.

    One pass by hand: a regular expression for strings is quadratic on a reply that never closes one. Quotes count only
    inside an object, so that an apostrophe or inch mark in the prose before it opens no string.
    """
    spans: list[tuple[int, int]] = []
    start = depth = position = 0
    quoted = False
    while match := _MARKS.search(text, position):
        mark, position = match.group(), match.end()
        if quoted:
            quoted = mark not in ('"', "\n")
        elif mark == '"':
            quoted = depth > 0
        elif mark in ("{", "["):
            start = match.start() if depth == 0 else start
            depth += 1
        elif mark in ("}", "]") and depth:
            depth -= 1
            if depth == 0:
                spans.append((start, position))
    yield from (text[begin:end] for begin, end in reversed(spans[-_MOST_OBJECTS:]))


_MARKS = re.compile(r'\\.|["{}\[\]\n]', re.DOTALL)
