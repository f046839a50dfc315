"""Recognise replacements that lose what the replaced lines do: code that was to stand beside them, or a part of them.

A model that wants a check before a line often gives the check alone, and one that quotes two lines may write only the
one that it changes. The click would take the rest away without a word, and the file may parse all the same. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reviewer.languages.paths import is_code
from reviewer.tasks.verification.replacements.replaced_lines import ReplacedLines, indent_of, likeness

#: What is put before code, not in its place.
_BESIDE = re.compile(
    r"\s{0,200}+(?P<word>if|unless|guard|assert|defer|import(?=\s)|from(?=\s+\S+\s+import\b)|use(?=\s+[\w\\:]+;)|\#include\b)\b"
)
_CALLED = re.compile(r"(?<![\w$])([A-Za-z_$][\w$]{0,80}+)[!?]?\s{0,2}+\(")
_ASSIGNED = re.compile(
    r"\s{0,200}+(?:(?:const|let|var|val|auto|final|mut|static)\s{1,4}+){0,3}(?:[\w$]{1,60}+\.){0,5}([A-Za-z_$][\w$]{0,80}+)"
    r"\s{0,4}+(?::[^=\n]{1,80})?:?=(?!=)"
)
#: A call for its effect: neither its value nor a condition is used.
_STATEMENT = re.compile(r"\s{0,200}+(?:await\s{1,4}+)?(?:[\w$]{1,60}+(?:\.|->|::)){0,8}[A-Za-z_$][\w$]{0,80}+[!?]?\(")
_JUMP = re.compile(r"\s{0,200}+(return|raise|throw|yield|break|continue)\b")
_JUMPS = frozenset({"return", "raise", "throw", "yield", "break", "continue"})
_COMMENT = re.compile(r"\s{0,200}+(?:#|//|/?\*|--)")
_NO_CALLS = frozenset({
    "if", "elif", "while", "for", "foreach", "switch", "match", "catch", "except", "with", "return", "function", "func",
    "fn", "def", "class", "sizeof", "typeof", "and", "or", "not", "in", "case", "when", "until", "unless", "print",
    "assert", "lambda", "new", "struct", "interface", "enum",
})  # fmt: skip
_WORD = re.compile(r"[\w$]+")

#: From this similarity on, a new line is an old one after a change.
_SAME_LINE = 0.6

#: Longer replacements are blocks written anew, which no comparison line by line judges.
_MOST_LINES, _LONGEST_LINE = 12, 300

#: A variable inside a function, and a line of Go that imports a package.
_LOCAL = re.compile(
    r"\s{1,200}+(?:(?:const|let|var|val|auto|final|mut)\s{1,4}+){1,2}(?P<name>[A-Za-z_$][\w$]{0,80}+)(?!\s{0,4}[,({])"
    r"|\s{1,200}+(?P<go>\w{1,80}+)\s{0,4}:="
)
_GO_IMPORT = re.compile(r"\s{0,200}+(?:import\s{1,4})?\"(?:[\w.-]{1,80}/){0,12}(?P<name>\w{1,80})\"\s{0,200}$")


def leaves_unused(new: Sequence[str], replaced: ReplacedLines) -> str | None:
    """Return the name of a variable, or of a package in Go, whose last use the replacement takes away; or None.

    Go does not compile with one, and elsewhere a linter complains: the click needs another edit beside it.
    """
    if not is_code(replaced.path):
        return None
    gone = set(_WORD.findall("\n".join(replaced.old))) - set(_WORD.findall("\n".join(new)))
    rest = [*replaced.lines[: replaced.start], *new, *replaced.lines[replaced.end :]] if gone else []
    holding: dict[str, list[str]] = {}
    for line in rest:
        for word in gone.intersection(_WORD.findall(line)):
            holding.setdefault(word, []).append(line)
    declared = (
        name for name, lines in sorted(holding.items()) if len(lines) == 1 and _declares(lines[0], name, replaced)
    )
    return next(declared, None)


def _declares(line: str, name: str, replaced: ReplacedLines) -> bool:
    """Whether the line declares the name and does nothing else with it."""
    if len(line) > _LONGEST_LINE or _WORD.findall(line).count(name) > 1:
        return False
    found = [_LOCAL.match(line), _GO_IMPORT.match(line) if replaced.path.endswith(".go") else None]
    return any(match is not None and name in match.groupdict().values() for match in found)


def loses_code(new: Sequence[str], replaced: ReplacedLines) -> str | None:
    """Return the first replaced line whose work nothing in the replacement does, although the rest stays; or None."""
    old = [line for line in replaced.old if line.strip() and not _COMMENT.match(line)]
    full = [line for line in new if line.strip()]
    if not (full and old and is_code(replaced.path)) or max(len(old), len(full)) > _MOST_LINES:
        return None
    if max(map(len, (*old, *full))) > _LONGEST_LINE:
        return None
    words = set(_WORD.findall("\n".join(full)))
    return _beside(full, old, words) or _left_out(full, old, words)


def _beside(new: Sequence[str], old: Sequence[str], words: set[str]) -> str | None:
    """Return the first old line where the new ones are a check, an import or the like, and hold nothing of the old."""
    begins, before = _BESIDE.match(new[0]), _BESIDE.match(old[0])
    if begins is None or (before is not None and before["word"] == begins["word"]):
        return None
    named = {name for line in old for name in (*_calls(line), *_targets(line))}
    return old[0] if named and not named & words else None


def _left_out(new: Sequence[str], old: Sequence[str], words: set[str]) -> str | None:
    """Return a statement beside a changed line that is nowhere any more. Where lines are only deleted, none is."""
    if len(old) < 2 or {line.strip() for line in new} <= {line.strip() for line in old}:
        return None
    least = min(len(indent_of(line)) for line in old)
    lines = [line for line in old if len(indent_of(line)) == least]
    lost = [line for line in lines if _is_lost(line, words)]
    changed = (line for line in lines if line not in lost and line not in new)
    return lost[0] if lost and any(_resembles(line, new) for line in changed) else None


def _is_lost(line: str, words: set[str]) -> bool:
    if _JUMP.match(line):
        return not _JUMPS & words
    if not _STATEMENT.match(line) or words & set(_calls(line)) or not _calls(line):
        return False
    its_words = set(_WORD.findall(line))
    return 2 * len(its_words & words) < len(its_words)


def _resembles(line: str, new: Sequence[str]) -> bool:
    return any(likeness(line, other) >= _SAME_LINE for other in new)


def _calls(line: str) -> list[str]:
    return [name for name in _CALLED.findall(line) if name not in _NO_CALLS]


def _targets(line: str) -> list[str]:
    found = _ASSIGNED.match(line)
    return [found[1]] if found else []
