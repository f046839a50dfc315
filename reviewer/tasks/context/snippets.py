"""Write snippets of related code as the model sees them: path, reason and numbered lines.

The most useful come first, within a token budget; the last ones are dropped if they do not fit. No line is shown twice.
Untrusted text is made printable, and secrets are replaced. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from reviewer.domain.context_report import ShownCode
from reviewer.languages.outline import Outline
from reviewer.languages.treesitter import Definition
from reviewer.llm.models import planned_tokens
from reviewer.safety.prompt_text import printable_lines, printable_path

#: Tokens of related code in one prompt, beside CHUNK_TOKENS of diff and CONTEXT_TOKENS of surroundings.
RELATED_TOKENS = 4_000

#: Lines: of a definition that is shown whole; of a longer one, below its signature; around a use.
MAX_WHOLE, BELOW, BESIDE = 30, 6, 3

#: Lines of a definition or block that is shown whole around a use; lines above a use in which its blocks are found.
SMALL, MAX_ABOVE = 14, 120

#: Lines of one snippet, and of one that shows members of a class.
MAX_LINES, MOST_LINES = 40, 80


#: Kinds of definitions that only group others under a name.
_GROUP = re.compile(r"^module$|namespace|internal_module|mod_item")

#: How lines begin that may stand right above a definition and belong to it: decorators, comments, modifiers.
OPENER = re.compile(r"^\s*(?:@|#\[|//|#|\*|/\*|\"\"\"|'''|template\b|public\b|private\b|protected\b|export\b)")


class Rank(IntEnum):
    """Why a snippet is shown, most useful first. The last ones are dropped if they do not fit."""

    STILL_USED = 0
    CALLER_OF_CONTRACT = 1
    DEFINITION = 2
    IMPLEMENTER = 3
    NAMED = 4
    CALLER = 5
    TEST = 6

    @property
    def kind(self) -> str:
        """The rank in words, for reports."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines (from 1, in order) of a file at head, and why they are shown."""

    rank: Rank
    path: str
    lines: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class WrittenSnippets:
    """Snippets as the model sees them, and what was shown with how many tokens."""

    text: str
    shown: tuple[ShownCode, ...] = ()


def render_snippets(
    pieces: Iterable[Snippet],
    texts: Mapping[str, Sequence[str]],
    shown: Mapping[str, Collection[int]],
    *,
    budget: int = RELATED_TOKENS,
) -> WrittenSnippets:
    """Write the snippets, best first; `texts` are lines by path, `shown` the lines already in the prompt."""
    seen: dict[str, set[int]] = {path: set(numbers) for path, numbers in shown.items()}
    parts: list[str] = []
    report: list[ShownCode] = []
    for piece in sorted(pieces, key=lambda snippet: snippet.rank):
        known = seen.setdefault(piece.path, set())
        text = texts.get(piece.path, ())
        lines = [number for number in piece.lines if 0 < number <= len(text)]
        if all(number in known or not text[number - 1].strip() for number in lines):
            continue
        part = "\n".join([f"### {printable_path(piece.path)} ({piece.reason})", *numbered(lines, text)])
        size = planned_tokens(part)
        if size <= budget:
            budget -= size
            parts.append(part)
            report.append(ShownCode(piece.path, (lines[0], lines[-1]), piece.rank.kind, size))
            known.update(lines)
    return WrittenSnippets("\n\n".join(parts), tuple(report))


def numbered(numbers: Sequence[int], text: Sequence[str]) -> list[str]:
    """Write those lines of a text with their numbers, a gap between runs that are apart."""
    code = printable_lines(numbers, text)
    rows: list[str] = []
    for place, (number, line) in enumerate(zip(numbers, code, strict=False)):
        if place and number - numbers[place - 1] > 1:
            rows.append("      ...")
        rows.append(f"{number:>5} | {line[:_WIDEST]}")
    return rows


#: Characters of a line that are shown.
_WIDEST = 500


def definition_lines(spot: Definition, outline: Outline, members: Collection[str] = ()) -> tuple[int, ...]:
    """Return the lines that show a definition: all of a short one, else its signature and those of its members.

    `members` are the ones that the change uses: short ones are shown whole.
    """
    if spot.last - spot.first < MAX_WHOLE:
        return tuple(range(spot.first, spot.last + 1))
    numbers = set(range(spot.first, min(spot.head + BELOW, spot.last) + 1))
    inside = [inner for inner in outline.spots if spot.first < inner.first <= spot.last]
    for inner in inside:
        if len(numbers) < MAX_LINES:
            numbers |= set(range(inner.first, min(inner.head, inner.first + 3) + 1))
    numbers = set(sorted(numbers)[:MAX_LINES])
    for inner in inside:
        if inner.name in members and inner.last - inner.first < MAX_WHOLE and len(numbers) < MOST_LINES:
            numbers |= set(range(inner.first, inner.last + 1))
    return tuple(sorted(numbers)[:MOST_LINES])


def worth_showing(spot: Definition, outline: Outline, members: Collection[str] = ()) -> tuple[int, ...]:
    """Return the lines that show a definition where it is used; of a module that only groups others, its `members`."""
    if not _GROUP.search(spot.kind):
        return definition_lines(spot, outline, members)
    used = [inner for inner in outline.spots if spot.first < inner.first <= spot.last and inner.name in members]
    lines = {number for inner in used for number in definition_lines(inner, outline)}
    return tuple(sorted(lines | {spot.first}))[:MOST_LINES] if lines else ()


def _blocks_around(line: int, first: int, lines: Sequence[str]) -> set[int]:
    """Return the lines from `first` that open the blocks around a line, and all of the innermost if it is small."""
    numbers: set[int] = set()
    depth = _depth(lines[line - 1])
    for number in range(line - 1, max(first, line - MAX_ABOVE) - 1, -1):
        text = lines[number - 1]
        if not text.strip() or _depth(text) >= depth:
            continue
        depth = _depth(text)
        whole = not numbers and line - number < SMALL
        numbers |= set(range(number, line)) if whole else {number}
    return numbers


def _depth(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))


def with_marks(first: int, lines: Sequence[str]) -> int:
    """Return the first line of the decorators and comments right above a line."""
    depth = _depth(lines[first - 1])
    while first > 1 and OPENER.match(lines[first - 2]) and _depth(lines[first - 2]) == depth:
        first -= 1
    return first


def usage_lines(line: int, outline: Outline) -> tuple[int, ...]:
    """Return the lines that show a use: a small definition around it whole, with what stands right above it.

    Of a larger one: its signature, the lines next to the use, and the lines that open the blocks around it. A small
    block that has no name, such as a case of a specification, is shown whole: its first line may say `pending`.
    """
    around = outline.around(line)
    first, last = (around[-1].first, around[-1].last) if around else (1, len(outline.lines))
    if around and last - first < SMALL:
        return tuple(range(with_marks(first, outline.lines), last + 1))
    numbers = set(range(max(first, line - BESIDE), min(last, line + BESIDE) + 1))
    numbers |= _blocks_around(line, first, outline.lines)
    for spot in around[-2:]:
        numbers |= set(range(spot.first, min(spot.head, spot.first + 3) + 1))
    return tuple(sorted(numbers)[:MAX_LINES])
