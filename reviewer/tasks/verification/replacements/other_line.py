"""Recognise replacements that are a change of a line nearby, and not of those that they would replace.

A model that quotes a signature, or the comment above a statement, may write the statement anew. The click would write
over what was quoted, and leave beside it what was to change. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reviewer.tasks.verification.replacements.replaced_lines import ReplacedLines, indent_of, is_telling, likeness

_WORD = re.compile(r"[\w$]+")
#: What a line sets: `self.n = ...`, `color: ...`, `const n := ...`.
_KEY = re.compile(
    r"\s{0,200}+[\"']?(?:(?:const|let|var|val|final|private|public|readonly|static)\s{1,4}+){0,4}"
    r"([\w$.-]{1,80}+)[\"']?\s{0,4}+:?[:=](?![=:])"
)
#: Lines of no other words stand for what is still to be written.
_PLACEHOLDERS = frozenset({
    "pass", "todo", "fixme", "raise", "throw", "new", "return", "none", "null", "nil", "undefined",
    "notimplementederror", "error", "exception", "unimplemented", "panic", "comment", "here",
})  # fmt: skip

#: Lines above and below that a model may have meant; replacements and lines that are compared.
_REACH, _MOST_LINES, _LONGEST_LINE = 8, 3, 300

#: From the one similarity on, a line is another after a change; up to the other it is not.
_CHANGED, _UNLIKE, _CLEARLY = 0.75, 0.55, 0.25


def changes_other_line(new: Sequence[str], replaced: ReplacedLines) -> str | None:
    """Return the line nearby that the replacement is a change of, having nothing of the replaced ones; or None."""
    full, old = ([line for line in lines if line.strip()] for lines in (new, replaced.old))
    if not full or not old or len(full) > _MOST_LINES or max(map(len, (*full, *old))) > _LONGEST_LINE:
        return None
    if {word.lower() for word in _words(old)} <= _PLACEHOLDERS:
        return None
    block = _block(replaced, indent_of(old[0]))
    near = [line for line in _near(replaced) if is_telling(line) and len(line) <= _LONGEST_LINE]
    meant: list[str] = []
    for line in full:
        found = next(
            (other for other in near if _is_changed(other, line, old) or _sets_other(other, line, old, block)), None
        )
        if found is None:
            return None
        meant.append(found)
    return meant[0]


def _near(replaced: ReplacedLines) -> list[str]:
    return [*replaced.above[: -_REACH - 1 : -1], *replaced.below[:_REACH]]


def _block(replaced: ReplacedLines, indent: str) -> list[str]:
    """Return the lines nearby in the same block, and no deeper."""
    found: list[str] = []
    for side in (replaced.above[: -_REACH - 1 : -1], replaced.below[:_REACH]):
        for line in side:
            if line.strip() and len(indent_of(line)) < len(indent):
                break
            if indent_of(line) == indent:
                found.append(line)
    return found


def _is_changed(line: str, new: str, old: Sequence[str]) -> bool:
    """Whether `new` is that line after a change, and like none of the old ones."""
    its_words, words = _words([line]), _words([new])
    alike = likeness(new, line)
    return (
        line.strip() != new.strip()
        and not (words & _words(old)) - its_words
        and alike >= _CHANGED
        and 10 * len(its_words & words) >= 7 * len(its_words)
        and all(likeness(new, other) <= min(_UNLIKE, alike - _CLEARLY) for other in old)
    )


def _sets_other(line: str, new: str, old: Sequence[str], block: Sequence[str]) -> bool:
    """Whether `new` sets what that line of the block sets, and the old ones set something else, which `new` ignores."""
    key, keys = _key(new), [_key(other) for other in old]
    if not key or line not in block or _key(line) != key or not all(keys) or key in keys:
        return False
    its_words, words = _words([line]), _words([new])
    return line.strip() != new.strip() and not (words & _words(old)) - its_words


def _key(line: str) -> str:
    found = _KEY.match(line)
    return found[1] if found else ""


def _words(lines: Sequence[str]) -> set[str]:
    return set(_WORD.findall("\n".join(lines)))
