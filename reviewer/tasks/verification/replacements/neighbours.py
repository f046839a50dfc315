"""Take off the lines around the replaced ones that a replacement repeats, where it is certain that it does. Pure.

A replacement that holds more of the code around, or the whole function for one line of it, would double that code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from reviewer.languages.outline import defined_on
from reviewer.languages.registry import family_of
from reviewer.languages.syntax import refuses_sentences
from reviewer.tasks.verification.replacements.block_words import WORD_FAMILIES
from reviewer.tasks.verification.replacements.replaced_lines import ReplacedLines, indent_of, is_telling

#: So many lines of a replacement are compared with those above and below.
_MOST = 200

#: What may be declared once in a block: the name of `const n = ...`, of `n := ...`.
_DECLARED = re.compile(r"\s*(?:(?:const|let|val|final|auto)\s+(?:mut\s+)?(?:[A-Z]\w*\s+)?(\w+)\s*[:=]|(\w+)\s*:=)")
_WORD = re.compile(r"\w+")
#: Lines of nothing else may well follow one another.
_BARE = re.compile(r"[()\[\]{}<>;,:'\"`\s]*")

#: An element of a page, which holds no other of its kind directly; the quotes around a text of several lines.
_ONCE = re.compile(r"<\w+>|[(]*(?:\"\"\"|''')[),;]*")

#: What ends a block, or begins its other half: whether it is one too many is seen by counting.
_ENDS = frozenset(
    {"end", "else", "else:", "fi", "done", "esac", "end;", "endif", "then", "do", "try:", "finally:", "begin"}
)


def without_neighbours(new: Sequence[str], replaced: ReplacedLines) -> list[str] | None:
    """Return the lines without those around that it begins or ends with; None if it is not about the replaced ones."""
    old = replaced.old
    # Block words are counted or parsed, but not in a script inside of YAML: there one too many is not seen.
    ends = _ENDS if family_of(replaced.path) in WORD_FAMILIES or refuses_sentences(replaced.path) else frozenset[str]()
    back = _repeated(new, replaced.below, old, ends, front=False)
    front = _repeated(new[: len(new) - back], replaced.above[::-1], old, ends, front=True)
    framed = _framed(new, replaced)
    front, back = front or framed[0], back or framed[1]
    kept = list(new[front : len(new) - back])
    doubtful = (front or back) and (front + back >= len(new) or not _resembles(kept, old))
    return None if doubtful else kept


def with_known_first(new: Sequence[str], replaced: ReplacedLines) -> list[str]:
    """Return the lines; if they begin with lines from above, the first of them has its indentation from there."""
    if new[0] in replaced.old or new[0].strip() in _ENDS:
        return list(new)
    for count in range(min(len(new), len(replaced.above), _MOST), 0, -1):
        theirs = replaced.above[-count:]
        if (
            new[0].strip() == theirs[0].strip()
            and (_stands_once(new[0].strip()) or any(line.strip() for line in theirs[1:]))
            and [line.rstrip() for line in new[1:count]] == [line.rstrip() for line in theirs[1:]]
        ):
            return [theirs[0], *new[1:]]
    return list(new)


def trimmed(new: Sequence[str], replaced: ReplacedLines) -> list[str]:
    """Return the lines without any that stand directly above or below, brackets and blank lines included."""
    front = _overlap(list(new), replaced.above[::-1], front=True)
    back = _overlap(list(new), replaced.below, front=False)
    return list(new[front : len(new) - back]) if front + back < len(new) else list(new)


def _repeated(
    new: Sequence[str], around: Sequence[str], old: Sequence[str], ends: Collection[str], *, front: bool
) -> int:
    """Return how many lines at that end are the file's own lines there, and are more than the replaced lines had.

    `ends` are words whose number is checked elsewhere.
    """
    count = _overlap(list(new), around, front=front)
    if not count:
        return 0
    run = new[:count] if front else new[len(new) - count :]
    had, have = Counter(line.strip() for line in old), Counter(line.strip() for line in new)
    beside = "" if count == len(new) else (new[count] if front else new[len(new) - count - 1]).strip()
    outside = beside == next((line.strip() for line in (old if front else reversed(old)) if line.strip()), None)
    extra = [line.strip() for line in run if outside or have[line.strip()] > had[line.strip()]]
    if not any(line.strip(" \t/*#;%!-") for line in run):  # blank, in comments too
        return 0 if _is_part(new, old) else count
    several = len(run) > 1 and any(any(map(str.isalnum, line)) and line not in ends for line in extra)
    return count if several or any(_stands_once(line, ends) for line in extra) else 0


def _framed(new: Sequence[str], replaced: ReplacedLines) -> tuple[int, int]:
    """Return how many lines at both ends are those around, and less indented than all that is replaced.

    Brackets alone are no sign of a repetition, but these belong to the block around the replaced lines: where they
    stand at both ends, or several at one, as `}` and `{` between two blocks.
    """
    front = _overlap(list(new), replaced.above[::-1], front=True)
    back = _overlap(list(new), replaced.below, front=False)
    width = min((len(indent_of(line)) for line in replaced.old if line.strip()), default=0)
    ends = ([line for line in lines if line.strip()] for lines in (new[:front], new[len(new) - back :]))
    most, least = [all(len(indent_of(line)) < width for line in end) * len(end) for end in ends], 2
    if front + back >= len(new):
        return 0, 0
    if all(most):
        least = 1
    return front * (most[0] >= least), back * (most[1] >= least)


def _stands_once(line: str, ends: Collection[str] = _ENDS) -> bool:
    """Whether the line is hardly ever repeated directly after itself."""
    if line in ("else", ";;"):  # a block that ends too often is seen by counting; these two are not counted
        return True
    if _ONCE.fullmatch(line):
        return True
    letters = sum(map(str.isalnum, line))
    if not letters:
        return _BARE.fullmatch(line) is None
    return letters > (2 if len(line) < 4 else 0) and line not in ends


def _overlap(new: list[str], around: Sequence[str], *, front: bool) -> int:
    """Return the most lines of that end that equal the lines around, of which `around` has the nearest first."""
    most = min(len(new), len(around), _MOST)
    near = [line.rstrip() for line in around[:most]]
    ours = [line.rstrip() for line in (new[:most] if front else new[len(new) - most :])]
    for count in range(most, 0, -1):
        run, theirs = (ours[:count], near[count - 1 :: -1]) if front else (ours[most - count :], near[:count])
        if run == theirs:
            return count
    return 0


def _is_part(new: Sequence[str], old: Sequence[str]) -> bool:
    """Whether the new lines are old ones, some left out."""
    rest = iter(old)
    return all(any(line == other for other in rest) for line in new)


def _resembles(kept: Sequence[str], old: Sequence[str]) -> bool:
    """Whether what is left has words in common with what it replaces."""
    a, b = ({word for line in lines for word in _WORD.findall(line)} for lines in (kept, old))
    return bool(a & b) or not a or not b


def repeats_more(new: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether the lines hold code from around them that they do not replace."""
    had = {line.strip() for line in replaced.old}
    extra = [line for line in new if line.strip() not in had]
    return (
        _names_around(extra, replaced)
        or _declares_twice(extra, replaced)
        or _several_from_around(extra, replaced)
        or _in_step(new, replaced)
    )


def _names_around(extra: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether a line begins the same definition, or block, as one around the replaced lines: the whole for a part."""
    headers = _headers(replaced)
    names = {name for line in headers if (name := defined_on(line))} - {
        name for line in replaced.old if (name := defined_on(line))
    }
    same = {line.strip() for line in headers if is_telling(line)}
    text = "\n".join(extra)
    same, names = ({word for word in words if word in text} for words in (same, names))
    if not same and not names:
        return False
    return any(line.strip() in same or (names and (defined_on(line) or "") in names) for line in extra)


def _headers(replaced: ReplacedLines) -> list[str]:
    """Return the lines above that begin what the replaced lines are in: each less indented than the one below it."""
    first = next((line for line in replaced.old if line.strip()), "")
    width = len(indent_of(first).expandtabs(4))
    found: list[str] = []
    for line in reversed(replaced.above):
        if not width:
            break
        depth = len(indent_of(line).expandtabs(4))
        if line.strip() and depth < width and any(char.isalnum() for char in line):
            found.append(line)
            width = depth
    return found


def _declares_twice(extra: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether a line declares a name that the lines next to it, in the same block, declare already."""
    declared: set[tuple[str, str]] = set()
    depth = min((len(indent_of(line)) for line in extra if line.strip()), default=0)
    for side in (replaced.above[::-1], replaced.below):
        for line in side[:_MOST]:
            found = _declared(line)
            if found:
                declared.add(found)
            if line.strip() and len(indent_of(line)) < depth:
                break
    return any((found := _declared(line)) is not None and found in declared for line in (extra if declared else ()))


def _declared(line: str) -> tuple[str, str] | None:
    """Return the indentation and the name of a declaration that may stand once in its block."""
    found = _DECLARED.match(line)
    return (indent_of(line), found[1] or found[2]) if found else None


def _several_from_around(extra: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether two or more lines stand nearby, and only there, in the same order."""
    reach = max(2 * len(extra), 12)
    around = [*replaced.above[-reach:], *replaced.below[:reach]]
    counts = Counter(line.strip() for line in replaced.lines)
    near = [line.strip() for line in around if is_telling(line) and counts[line.strip()] == 1]
    places = {line: number for number, line in enumerate(near)}
    hits = [places[line.strip()] for line in extra if line.strip() in places]
    return len(hits) > 1 and hits == sorted(hits) and max(b - a for a, b in pairwise(hits)) <= 3


def _in_step(new: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether a line from above or below stands in the replacement as far from its own lines as it does in the file."""
    old, above, below = replaced.old, replaced.above[::-1], replaced.below
    had = {line.strip() for line in old}
    first, last = _likest(new, old[0]), _likest(new, old[-1])
    up = zip(reversed(new[: first or 0]), above, strict=False)
    down = zip(new[last + 1 :], below, strict=False) if last is not None else ()
    return any(
        line.strip() == theirs.strip() and line.strip() not in had and is_telling(line) for line, theirs in (*up, *down)
    )


def _likest(new: Sequence[str], line: str) -> int | None:
    """Return the number of the new line that is most like an old one, None if none is like it."""
    shares = [
        (SequenceMatcher(None, text.strip()[:200], line.strip()[:200], autojunk=False).quick_ratio(), -number)
        for number, text in enumerate(new[:_MOST])
    ]
    best = max(shares, default=(0.0, 0))
    return -best[1] if best[0] >= 0.6 else None
