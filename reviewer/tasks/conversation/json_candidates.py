"""Find the JSON objects, the fenced blocks and the broken parts of a reply, in linear time. Pure.

Whatever stands around an object, brackets of prose or of quoted code, does not hide it.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: A reply that needs more attempts than this to find its objects holds code, not an answer.
_MOST_FAILURES = 100

_MOST_CHARACTERS, _MOST_BRACKETS, _MOST_QUOTES = 60_000, 600, 2_000

#: How an object of JSON begins: with its first key, or empty.
_OBJECT = re.compile(r'\{\s{0,200}+(?:\}|"(?:[^"\\\n]|\\.){0,200}+"\s{0,50}+:)')
_LOOSE_OBJECT = re.compile(r"""\{\s{0,200}+["'\u201c]""")
_FENCE = re.compile(r"^[ \t]{0,8}+(?P<marks>```|~~~)(?P<label>[^`\n]{0,100}+)$", re.MULTILINE)

#: Labels of a fence that may hold an answer without a finding; others hold code that is only quoted.
_LABELS = {"", "json", "json5", "jsonc", "jsonl", "javascript", "js", "text", "plaintext", "txt"}


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object of JSON, and where it stands in the text. `quoted`: as code that the text is about."""

    value: dict[Any, Any]
    start: int
    end: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class FencedBlock:
    """A block between two lines of three back-ticks or tildes; `start` and `end` are those of its contents."""

    label: str
    start: int
    end: int

    @property
    def holds_code(self) -> bool:
        """Whether its label names a language that no answer is written in."""
        return self.label not in _LABELS


def repairable(text: str) -> bool:
    """Whether json-repair may have a try: it is quadratic on what a model in a loop may write."""
    # For each closing bracket in what it takes for a text, it looks through the rest.
    brackets = max(text.count("{") + text.count("["), text.count("}") + text.count("]"))
    return len(text) <= _MOST_CHARACTERS and brackets <= _MOST_BRACKETS and text.count('"') <= _MOST_QUOTES


def decode(text: str) -> Any:
    """Return the value of a text that is JSON and nothing else. Raises ValueError."""
    try:
        return json.loads(text, strict=False, object_pairs_hook=_joined)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def json_objects(text: str, blocks: Sequence[FencedBlock]) -> list[JsonObject]:
    """Return the outermost objects of the text, in order."""
    decoder = json.JSONDecoder(strict=False, object_pairs_hook=_joined)
    found: list[JsonObject] = []
    position = failures = 0
    while failures < _MOST_FAILURES and (begin := _OBJECT.search(text, position)):
        start = begin.start()
        try:
            value, position = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            failures += 1
            position = start + 1
        else:
            quoted = text[max(0, start - 1) : start] == "`" and not text.startswith("```", max(0, start - 3))
            quoted |= any(block.start <= start < block.end and block.holds_code for block in blocks)
            found.append(JsonObject(value, start, position, quoted))
    return found


def _joined(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs; lists under the same key are joined, so that the last does not hide the first."""
    value: dict[str, Any] = {}
    for key, item in pairs:
        earlier = value.get(key)
        value[key] = [*earlier, *item] if isinstance(earlier, list) and isinstance(item, list) else item
    return value


def fenced_blocks(text: str) -> list[FencedBlock]:
    """Return the blocks between lines that begin with three back-ticks or tildes."""
    blocks: list[FencedBlock] = []
    opened: re.Match[str] | None = None
    for line in _FENCE.finditer(text):
        if opened is None:
            opened = line
        elif line["marks"] == opened["marks"]:
            label = opened["label"].strip().lower()
            blocks.append(FencedBlock(label, min(opened.end() + 1, line.start()), line.start()))
            opened = None
    return blocks


@dataclass(frozen=True, slots=True)
class BrokenPart:
    """A part of the text that is not quite JSON, and where it stands.

    `cut`: an object follows before it has ended. `alone`: it is all of the reply or of a fenced block.
    """

    text: str
    start: int
    cut: bool
    alone: bool


def broken_parts(text: str, key: str, objects: Sequence[JsonObject]) -> list[BrokenPart]:
    """Return the parts of the text that hold the key outside of these objects: answers that are not quite JSON."""
    begins = [begin.start() for begin in _LOOSE_OBJECT.finditer(text)]
    places = (bisect_left(begins, mark) for mark in _outside(text, key, objects))
    starts = list(dict.fromkeys(begins[place - 1] if place else 0 for place in places))
    ends = [*starts[1:], len(text)]
    return [_broken_part(text, start, end, objects) for start, end in zip(starts, ends, strict=False)]


def _outside(text: str, key: str, objects: Sequence[JsonObject]) -> list[int]:
    """Return the places of the key that are in none of the objects."""
    marks = re.finditer(rf"""(?<!\\)["'\u201c]{re.escape(key)}["'\u201d]\s{{0,50}}+:""", text)
    spans = iter(objects)
    span = next(spans, None)
    found = []
    for mark in marks:
        while span is not None and span.end <= mark.start():
            span = next(spans, None)
        if span is None or mark.start() < span.start:
            found.append(mark.start())
    return found


def _broken_part(text: str, start: int, end: int, objects: Sequence[JsonObject]) -> BrokenPart:
    """Return the part from there to the next object, the end of its fenced block, or the end given."""
    fence = text.find("\n```", start, end)
    place = bisect_left(objects, start, key=lambda found: found.start)
    following = objects[place].start if place < len(objects) else len(text)
    part = text[start : min(end, following, end if fence < 0 else fence)]
    rest = part[max(part.rfind("}"), part.rfind("]")) + 1 :]
    before, after = text[:start].rstrip(), text[start + len(part) :].lstrip()
    fenced = before.rpartition("\n")[2].lstrip().startswith(("```", "~~~"))
    alone = part.rstrip()[-1:] in ("}", "]") and (not before or fenced) and after[:3] in ("", "```", "~~~")
    return BrokenPart(part, start, cut=start + len(part) == following < len(text) and '"' in rest, alone=alone)
