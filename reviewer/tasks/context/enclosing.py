"""Show the function or block around each hunk, without the lines that the hunk shows already.

With the hunks alone, the model reports a variable as unused that is used two lines further down. Uses the grammar if
there is one, else the indentation. Pure: texts in, numbered lines out, within a budget.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reviewer.diff.model import FileDiff, FileStatus, Hunk
from reviewer.languages.outline import Outline, outline_of, remarks_of
from reviewer.languages.paths import is_test
from reviewer.languages.registry import language_of
from reviewer.languages.treesitter import Definition
from reviewer.llm.models import planned_tokens
from reviewer.safety.prompt_text import printable_lines, printable_path
from reviewer.tasks.context.changed_symbols import is_class
from reviewer.tasks.context.snippets import OPENER, with_marks

#: Tokens of surroundings in one prompt, beside CHUNK_TOKENS of diff.
CONTEXT_TOKENS = 4_500

#: Lines of one block above and below the hunk; a longer block is cut around the change. The smaller numbers are tried
#: where a change would not fit otherwise.
REACHES = (60, 20, 8)

#: A class of at most so many lines is shown whole; of a longer one, only its signature and the method.
SMALL = 60

#: Lines above and below a changed member that is no method of a long class, and below a new test.
BESIDE_MEMBER, BESIDE_TEST = 20, 6

_CLOSER = re.compile(r"^\s*(?:[)\]}]|end\b|else\b|elif\b|except\b|finally\b|catch\b|rescue\b|ensure\b|when\b|case\b)")
#: Lines that begin a branch or a loop. The definition that a reader needs is further out.
_CONTROL = re.compile(
    r"^\s*(?:[})\]]\s*)?(?:async\s+)?(?:if|for|while|switch|else|elif|elsif|try|except|finally|catch|do|with|match|case"
    r"|when|unless|until|loop|begin|rescue|ensure|default|select|return|and|or)\b|^\s*[)}\]]"
)


def surroundings(
    files: Iterable[FileDiff],
    head: Mapping[str, str],
    *,
    budget: int = CONTEXT_TOKENS,
    outline: Callable[[str, str], Outline] = outline_of,
) -> str:
    """Return the code around the hunks, from the files' texts at head.

    If a file exceeds the remaining budget, show fewer lines, then none. `outline` takes a path and its text.
    """
    parts: list[str] = []
    for file in files:
        text = head.get(file.path)
        if text is None or file.status in (FileStatus.ADDED, FileStatus.REMOVED):
            continue
        place = _Place.of(file, text, outline)
        for reach in REACHES:
            part = place.written(reach)
            size = planned_tokens(part)
            if size <= budget:
                parts += [part] if part else []
                budget -= size
                break
    return "\n".join(parts)


def around(file: FileDiff, text: str, outline: Callable[[str, str], Outline] = outline_of) -> set[int]:
    """Return the 1-based lines at head of the functions, small classes or other blocks that the hunks stand in."""
    return _Place.of(file, text, outline).around(REACHES[0])


@dataclass(frozen=True, slots=True)
class _Place:
    """A changed file with its text at head, parsed once."""

    file: FileDiff
    lines: tuple[str, ...]
    outline: Outline | None

    @classmethod
    def of(cls, file: FileDiff, text: str, outline: Callable[[str, str], Outline]) -> _Place:
        language = language_of(file.path)
        spots = outline(file.path, text) if language and language.grammar else None
        return cls(file, spots.lines if spots else tuple(text.split("\n")), spots)

    def around(self, reach: int) -> set[int]:
        rows: set[int] = set()
        remarks = remarks_of(self.file.path, self.lines) if self.outline else frozenset()
        for hunk in self.file.hunks:
            if all(line.kind == " " or not line.text.strip() for line in hunk.lines):
                continue  # only blank lines changed: no context is needed
            # A function without a name, such as a handler or a test that is passed on, is found by its indentation.
            block = block_of(hunk, self.lines, reach)
            beside = min(reach, BESIDE_TEST if is_test(self.file.path) else BESIDE_MEMBER)
            named = _enclosing(hunk, self.outline, remarks, reach, block, beside) if self.outline else set()
            rows |= named or set(block)
        return rows

    def written(self, reach: int) -> str:
        shown = {line.new for hunk in self.file.hunks for line in hunk.lines if line.new is not None}
        numbers = self.around(reach) - shown
        rows = _rows(sorted(number for number in numbers if self.lines[number - 1].strip()), self.lines)
        return "\n".join([f"### {printable_path(self.file.path)}", *rows]) + "\n" if rows else ""


def _enclosing(
    hunk: Hunk, outline: Outline, remarks: Collection[int], reach: int, block: range, beside: int
) -> set[int]:
    """Return the lines of the definitions around the hunk's changed lines; of a long one, those within reach.

    Changed comments (`remarks`) count only where no code changed: what a member's comment says needs no neighbours.
    Of a long class, only `beside` lines next to a changed member, or the `block` of the change, if that has no name. A
    long function is shown around a function inside it, which sees its variables.
    """
    changed = [line.new for line in hunk.lines if line.kind == "+" and line.new and line.text.strip()]
    code = [number for number in changed if number not in remarks]
    numbers = code or changed or [line.new for line in hunk.lines if line.new and line.text.strip()]
    enclosing: set[int] = set()
    for number in numbers:
        outer = [spot for spot in outline.around(number) if spot.last > spot.first]
        for place, spot in enumerate(outer):
            small = spot.last - spot.first < SMALL
            innermost = place == len(outer) - 1
            first = with_marks(spot.first, outline.lines)
            if innermost and not small and is_class(spot):
                near = range(max(first, number - beside), min(spot.last, number + beside) + 1)
                enclosing |= set(block if _is_inside(number, block, spot, outline) else near)
            elif small or not is_class(spot):
                enclosing |= set(range(max(first, number - reach), min(spot.last, number + reach) + 1))
            enclosing |= set(range(first, min(spot.head, spot.first + _GAP) + 1))
            if small:
                break
    return enclosing


def _is_inside(number: int, block: range, spot: Definition, outline: Outline) -> bool:
    """Whether a line stands in a block inside the definition; one that begins above the reach shows no header."""
    inside = spot.head < block.start and number in block
    return inside and _indent(outline.lines[block.start - 1]) < _indent(outline.lines[number - 1])


def _rows(numbers: Sequence[int], lines: Sequence[str]) -> list[str]:
    """Write the lines with their numbers, and a gap where lines are left out."""
    if not numbers:
        return []
    code = printable_lines(numbers, lines)
    rows: list[str] = []
    for place, (number, text) in enumerate(zip(numbers, code, strict=True)):
        if place and number - numbers[place - 1] > _GAP:
            rows.append("      ...")
        rows.append(f"{number:>5} | {text}")
    return rows


#: Blank lines are not shown. A larger jump of numbers means that code is left out.
_GAP = 4


def block_of(hunk: Hunk, lines: Sequence[str], reach: int = REACHES[0]) -> range:
    """Return the 1-based line numbers of the function or other block around the hunk's changed lines."""
    changed = [line.new for line in hunk.lines if line.kind == "+" and line.new and line.text.strip()]
    numbers = changed or [line.new for line in hunk.lines if line.new and line.text.strip()]
    if not numbers or numbers[-1] > len(lines):
        return range(0)
    depth = min(_indent(lines[number - 1]) for number in numbers)
    if depth == 0 and not _opens(lines[numbers[0] - 1]):
        return range(0)
    start = _header_above(numbers[0], depth, lines, reach)
    header = _indent(lines[start - 1])
    while start > 1 and OPENER.match(lines[start - 2]) and _indent(lines[start - 2]) == header:
        start -= 1
    end = numbers[-1]
    while end < len(lines) and end - numbers[-1] < reach and _belongs(lines[end], header):
        end += 1
    return range(start, end + 1)


def _header_above(number: int, depth: int, lines: Sequence[str], reach: int) -> int:
    """Return the line that begins the enclosing definition, passing over the headers of branches and loops."""
    top = max(1, number - reach)
    start = number
    while start > top and depth > 0:
        start -= 1
        line = lines[start - 1]
        if line.strip() and _indent(line) < depth:
            depth = _indent(line)
            if not _CONTROL.match(line):
                break
    return start


def _opens(line: str) -> bool:
    """Whether a line without indentation begins a block."""
    return line.rstrip().endswith((":", "{", "(", "do", "then", "=")) or line.startswith(
        ("def ", "class ", "func ", "fn ")
    )


def _belongs(line: str, header: int) -> bool:
    """Whether the line still belongs to a block whose header has that indentation."""
    return not line.strip() or _indent(line) > header or (_indent(line) == header and bool(_CLOSER.match(line)))


def _indent(line: str) -> int:
    """Return the width of the white space at the front; a tab counts as four."""
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))
