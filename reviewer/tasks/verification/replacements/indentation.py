"""Give a replacement the indentation of the file: tabs or spaces as they are there, and what the first line lost.

Returns None where two readings are possible: then nobody can tell what the model meant. Pure.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from reviewer.tasks.verification.replacements.replaced_lines import ReplacedLines, indent_of

#: Lines around the replaced ones that show what the file is indented with; most lines that are compared.
_NEAR, _MOST = 20, 200

_MAKEFILE = re.compile(r"(?:^|/)(?:GNU)?[Mm]akefile(?:\.\w+)?$|\.mk$|\.mak$")
_TABS_ONLY = re.compile(r"\.go$")

#: What a line ends or begins with if the next one may be indented deeper.
_OPENS = re.compile(r"(?:[{(\[:]|\b(?:then|do|else|begin|try))\s*$")
_MAY_OPEN = re.compile(r"(?:[,=\\+*/&|.?<>-]|\b(?:and|or|not|in|return))\s*$")
_HEADER = re.compile(r"\s*(?:\}\s*)?(?:if|for|while|elif|else|switch|case|with|def|class|func|fn|foreach|unless)\b")
_CLOSES = re.compile(r"\s*(?:[})\]]|</|end\b|fi\b|done\b|esac\b|else\b|elif\b|except\b|finally\b|catch\b)")


# ----------------------------------------------------------------------- tabs or spaces


def in_kind(new: Sequence[str], replaced: ReplacedLines) -> list[str] | None:
    """Return the lines with tabs where the file has tabs, and with spaces where it has spaces."""
    here, kinds = _kinds_of_file(replaced), _kinds(new)
    if kinds <= here:
        return list(new) if len(here) < 2 or _known_indents(new, replaced) else None
    if len(kinds) > 1:
        return None
    if here == {"\t"}:
        return _tabs_for_spaces(new, replaced)
    if here == {" "}:
        return _spaces_for_tabs(new, replaced)
    return list(new)


def _kinds_of_file(replaced: ReplacedLines) -> set[str]:
    """Return what the replaced lines are indented with; if they are not, those around them, then all of the file.

    Where nothing in the file is indented, the repository's formatters may tell.
    """
    if _TABS_ONLY.search(replaced.path):
        return {"\t"}
    around = (*replaced.above[-_NEAR:], *replaced.below[:_NEAR])
    kinds = _kinds(replaced.old) or _kinds(around) or _kinds(replaced.lines)
    return kinds or ({"\t"} if _MAKEFILE.search(replaced.path) else set((replaced.rules.indent or "")[:1]))


def _kinds(lines: Sequence[str]) -> set[str]:
    """Return the first characters of the lines' indentation. The ` *` of a comment does not count."""
    return {line[0] for line in lines if line[:1] in (" ", "\t") and line.strip() and not line.startswith(" *")}


def _known_indents(new: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether, in a file with both, each new indentation begins as one of the lines around."""
    around = (*replaced.above[-_NEAR:], *replaced.old, *replaced.below[:_NEAR])
    known = {indent_of(line) for line in around}
    return all(indent_of(line) in known for line in new if line.strip())


def _tabs_for_spaces(new: Sequence[str], replaced: ReplacedLines) -> list[str] | None:
    widths = [len(indent_of(line)) for line in new if line.strip() and not line.startswith(" *")]
    if not widths or any(indent_of(line).strip("\t") for line in replaced.old if not line.startswith(" *")):
        return None
    unit, shift = _unit_of_known(new, replaced), 0
    if unit is None:
        measured = _unit_and_shift(widths, new, replaced.old)
        if measured is None:
            return None
        unit, shift = measured
    lines = []
    for line in new:
        width = len(indent_of(line))
        level, rest = divmod(width, unit)
        if line.startswith(" *") or not line.strip():
            lines.append(line)
        elif rest or level + shift < 0:
            return None
        else:
            lines.append("\t" * (level + shift) + line[width:])
    return lines


def _unit_of_known(new: Sequence[str], replaced: ReplacedLines) -> int | None:
    """Return how many spaces stand for a tab, by the lines that are the same but for it; None if they do not tell."""
    near = (*replaced.above[-_NEAR:], *replaced.below[:_NEAR], *replaced.old)
    depths = {line.strip(): indent_of(line) for line in near if any(map(str.isalnum, line))}
    units = set()
    for line in new:
        width, depth = len(indent_of(line)), depths.get(line.strip(), "")
        if width and depth and not depth.strip("\t"):
            units.add(width / len(depth))
    unit = units.pop() if len(units) == 1 else 0
    return int(unit) if unit in (2, 3, 4, 8) else None


def _unit_and_shift(widths: Sequence[int], new: Sequence[str], old: Sequence[str]) -> tuple[int, int] | None:
    """Return how many spaces stand for a tab, and how many tabs all lines lack, by the first lines; None in doubt."""
    indent, first = _first_indent(new, old), widths[0]
    depth = len(indent)
    steps = {abs(width - first) for width in widths} - {0}
    unit = math.gcd(*steps) if steps else 0
    if unit > 8 and unit % 4 == 0:
        unit = 4
    if indent.strip("\t") or (unit and not 2 <= unit <= 8):
        return None
    if not first:
        # Either the file's first line has no indentation, or the suggestion's lost it.
        other = max(widths) // depth if depth and len(steps) == 1 and max(widths) % depth == 0 else unit
        return (unit, 0) if unit in (2, 4, 8) and other == unit else None
    exact = first // depth if depth and first % depth == 0 else 0
    if exact in (2, 4, 8) and unit in (0, exact):
        return exact, 0
    if exact in (2, 4, 8) or first % (unit or 4):
        return None
    return unit or 4, depth - first // (unit or 4)


def _first_indent(new: Sequence[str], old: Sequence[str]) -> str:
    """Return the indentation that the first new line should have: that of the old line which it is, or of the first."""
    full, had = ([line for line in lines if line.strip()] for lines in (new, old))
    return _known(full, had).get(0, indent_of(had[0])) if had else ""


def _spaces_for_tabs(new: Sequence[str], replaced: ReplacedLines) -> list[str] | None:
    unit = _unit(replaced.lines) or len(replaced.rules.indent or "") or None
    base = len(_first_indent(new, replaced.old))
    depths = [len(indent_of(line)) for line in new if line.strip()]
    if unit is None or not depths:
        return None
    first, flush = depths[0], any(line.strip() and not indent_of(line) for line in replaced.old)
    lines = []
    for line in new:
        indent = indent_of(line)
        width = (base if first else 0) + (len(indent) - first) * unit
        if indent.strip("\t") or width < 0 or (width and not indent and flush and line.strip()):
            return None
        lines.append(" " * width + line[len(indent) :] if line.strip() else line)
    return lines if _is_as_deep(lines, replaced) else None


def _is_as_deep(new: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether lines are as deep as the old lines which they are, or stand in the place of, or as others nearby.

    If not, a tab does not stand for the file's usual step here.
    """
    full, had = ([line for line in lines if line.strip()] for lines in (new, replaced.old))
    known = _known(full, had)
    if any(known.values()):
        shifts = {len(indent_of(full[number])) - len(indent) for number, indent in known.items()}
        begun = any(map(_opens, full[: min(known)]))  # then all of them may be deeper
        return len(shifts) == 1 and (shifts == {0} or (begun and min(shifts) > 0))
    if len(full) == len(had):
        others = (pair for pair in zip(full, had, strict=True) if pair[0] != pair[1])
        return any(indent_of(ours) == indent_of(theirs) for ours, theirs in others)
    near = {indent_of(line) for line in (*replaced.above[-_NEAR:], *replaced.old, *replaced.below[:_NEAR])} - {""}
    return not near or any(indent_of(line) in near for line in full)


def _unit(lines: Sequence[str]) -> int | None:
    """Return how many spaces the file indents by: the most frequent step from a line to a deeper one."""
    widths = [len(indent_of(line)) for line in lines if line.strip() and not line.startswith((" *", "\t"))]
    steps = Counter(b - a for a, b in pairwise(widths) if 2 <= b - a <= 8)
    return steps.most_common(1)[0][0] if steps else None


# ----------------------------------------------------------------------- the first line


def with_first_indent(new: list[str], old: Sequence[str]) -> list[str] | None:
    """Return the lines with the indentation that the first one, or all of them, lost."""
    full, had = ([line for line in lines if line.strip()] for lines in (new, old))
    if not full or not had:
        return new
    known = _known(full, had)
    if len(full) == len(had) > 1 and all(indent_of(a) == indent_of(b) for a, b in zip(full[1:], had[1:], strict=True)):
        known |= {number: indent_of(line) for number, line in enumerate(had) if number}
    lost, indent = known.get(0, indent_of(had[0])), indent_of(full[0])
    if not lost.startswith(indent) or len(indent) >= len(lost):
        return new
    if _is_unwrapped(full, had, known):
        return new
    missing = lost[len(indent) :]
    shifted = [missing + line if line.strip() else line for line in new]
    at = new.index(full[0])
    mended = [*new[:at], missing + new[at], *new[at + 1 :]]
    reading = _told(full, known, missing)
    if reading == "mended" and indent:
        return new
    if reading is not None:
        return {"shifted": shifted, "mended": mended}.get(reading)
    if indent and 0 not in known:
        return new  # less indented on purpose, as far as anybody can tell
    only_first = _only_first_lost(full[0], full[1:], lost, min((indent_of(line) for line in had), key=len))
    return None if only_first is None else (mended if only_first else shifted)


def _known(full: Sequence[str], had: Sequence[str]) -> dict[int, str]:
    """Return, for the new lines that stand among the old ones but for their indentation, what it is there."""
    a, b = ([line.strip() for line in lines[:_MOST]] for lines in (had, full))
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return {block.b + n: indent_of(had[block.a + n]) for block in blocks for n in range(block.size)}


def _told(full: Sequence[str], known: dict[int, str], missing: str) -> str | None:
    """Return what the known lines tell of all others: shifted, mended (they are right) or unclear; None if nothing."""
    rest = [(indent_of(full[number]), indent) for number, indent in known.items() if number]
    if not rest:
        return None
    if all(here == there for here, there in rest):
        return "mended"
    return "shifted" if all(missing + here == there for here, there in rest) else "unclear"


def _is_unwrapped(full: Sequence[str], had: Sequence[str], known: dict[int, str]) -> bool:
    """Whether the lines are what stood in a block of the old ones, without that block and as deep as it began."""
    begins = indent_of(had[0])
    if 0 not in known or indent_of(full[0]) != begins or len(known[0]) <= len(begins):
        return False
    if had[0].strip() in {line.strip() for line in full}:
        return False
    return _told(full, known, known[0][len(begins) :]) in (None, "shifted")


def _opens(line: str) -> bool:
    return _OPENS.search(line) is not None or _HEADER.match(line) is not None


def _only_first_lost(first: str, rest: Sequence[str], lost: str, least: str) -> bool | None:
    """Whether only the first line lost its indentation, and not all lines; None where it cannot be told.

    `least` is the least indentation of the lines that are replaced.
    """
    common = min((indent_of(line) for line in rest), key=len, default="")
    if rest and least != lost and common == least:
        return True
    if not rest or not common or not common.startswith(least):
        return False
    deeper = len(indent_of(rest[0])) > len(lost)
    if _CLOSES.match(rest[-1]) and indent_of(rest[-1]) == lost:
        return True
    if not all(indent_of(line).startswith(lost) for line in rest):
        return least != lost
    if _opens(first):
        return deeper
    if _MAY_OPEN.search(first):
        return True if deeper else None
    return None if deeper else True
