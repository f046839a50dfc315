"""Take the edits out of an answer in Markdown: elements that quote code and say what replaces it. Pure and linear.

An element is `<edit path="src/cart.py" line="27" why="...">` with a `<quote>` and a `<replacement>` of raw code in it.
What is no whole element stays in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPEN, _CLOSE = "<edit ", "</edit>"
_ATTRIBUTE = re.compile(r'\b(path|line|why)="([^"\n]{0,500})"')
_LAST_BREAK = re.compile(r"\n[ \t]{0,100}\Z")
_FENCE_LINE = re.compile(r"\s{0,20}(`{3,}|~{3,})[\w+-]{0,20}\s{0,20}\Z")

#: Characters of an element's tag.
_LONGEST_TAG = 2_000


@dataclass(frozen=True, slots=True)
class WrittenEdit:
    """An edit as the model wrote it: nothing of it is checked. `line` is None where it named none."""

    path: str
    line: int | None
    quote: str
    replacement: str
    why: str = ""


def take_edits(text: str, *, complete: bool = True) -> tuple[str, tuple[WrittenEdit, ...]]:
    """Return the text without its edits, and the edits. Of an incomplete answer, an edit that is cut off is dropped."""
    kept: list[str] = []
    edits: list[WrittenEdit] = []
    place = 0
    while (start := text.find(_OPEN, place)) >= 0:
        end = text.find(_CLOSE, start)
        if end < 0:
            break
        end += len(_CLOSE)
        edit = _read(text[start : end - len(_CLOSE)])
        if edit is None:
            kept.append(text[place:end])
        else:
            before, end = _without_fence(text[place:start], text, end)
            kept.append(before)
            edits.append(edit)
        place = end
    rest = text[place:]
    if not complete and (cut := rest.find(_OPEN)) >= 0:
        rest = rest[:cut]
    kept.append(rest)
    parts = [part.strip("\n") for part in kept]
    return "\n\n".join(part for part in parts if part.strip()).strip(), tuple(edits)


def _read(element: str) -> WrittenEdit | None:
    """Return the edit that an element without its closing tag holds; None where a part is missing."""
    tag, found, inside = element[:_LONGEST_TAG].partition(">")
    if not found:
        return None
    inside = element[len(tag) + 1 :]
    fields = dict(_ATTRIBUTE.findall(tag))
    quote, replacement = _between(inside, "quote"), _between(inside, "replacement")
    if not fields.get("path", "").strip() or not quote or replacement is None:
        return None
    number = fields.get("line", "").strip()
    line = int(number) if number.isascii() and number.isdecimal() and len(number) < 8 else None
    return WrittenEdit(fields["path"].strip(), line, quote, replacement, " ".join(fields.get("why", "").split()))


def _between(text: str, name: str) -> str | None:
    """Return what stands between two tags, without the line breaks beside the tags; None where one is missing."""
    start = text.find(f"<{name}>")
    end = text.find(f"</{name}>", start)
    if start < 0 or end < 0:
        return None
    inner = text[start + len(name) + 2 : end].replace("\r\n", "\n")
    return _LAST_BREAK.sub("", inner.removeprefix("\n"), count=1)


def _without_fence(before: str, text: str, end: int) -> tuple[str, int]:
    """Return what stands before an element and where it ends, without a fence that is written around it."""
    head, _, last = before.rstrip().rpartition("\n")
    opened = _FENCE_LINE.match(last)
    stripped = end + len(text[end : end + 200]) - len(text[end : end + 200].lstrip())
    following = text[stripped : stripped + 200].partition("\n")[0]
    closed = _FENCE_LINE.match(following)
    if opened is None or closed is None or following.strip() != opened[1]:
        return before, end
    return head, stripped + len(following)
