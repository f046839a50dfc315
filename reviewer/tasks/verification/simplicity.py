"""Measure whether a replacement is simpler than the code it replaces, by counting. Pure.

Comments and documentation count for nothing, nor does layout: the same words in other lines are no simplification.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from reviewer.languages.registry import language_of

#: A replacement with fewer lines or less nesting may have at most so many times the words and signs of the old code.
_WORDIER = 1.1

#: Lines that less nesting may cost: an early return needs some.
_LINES_FOR_NESTING = 2

#: A replacement whose longest line has more characters than this, and than the old code's, is only packed tighter.
_LONG_LINE = 100

_WORDS = re.compile(r"\w+|[^\w\s]+")
#: Brackets and separators, which are a matter of layout and style.
_LAYOUT = str.maketrans("", "", "()[]{},;")
#: Documentation that stands as a statement of its own.
_DOCUMENTATION = re.compile(r"^[ \t]*(\"\"\"|''')(?:(?!\1)[\s\S])*\1[ \t]*$", re.MULTILINE)
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class _Size:
    """Lines that are not blank, levels of indentation and of brackets, words and signs, characters of a line."""

    lines: int
    nesting: int
    brackets: int
    words: int
    longest: int


def is_simpler(old: str, new: str, path: str = "") -> bool:
    """Whether `new` has fewer lines, less nesting or fewer words and signs than `old`, and is not more in another way.

    `path` is that of their file: its language tells what a comment is.
    """
    old, new = _code(old, path), _code(new, path)
    if _substance(old) == _substance(new):
        return False
    a, b = _size(old), _size(new)
    if b.nesting > a.nesting or b.brackets > a.brackets + 1 or b.longest > max(a.longest, _LONG_LINE):
        return False
    if b.lines > a.lines + (_LINES_FOR_NESTING if b.nesting < a.nesting else 0):
        return False
    less = b.lines < a.lines or b.nesting < a.nesting or b.words < a.words
    return less and b.words <= a.words * _WORDIER


def _code(text: str, path: str) -> str:
    """Return the text without documentation and without lines that are comments."""
    language = language_of(path)
    mark = language.comment if language is not None and language.is_code else ""
    marks = ("//", "/*", "* ", "*/") if mark == "//" else (mark,)
    bare = _DOCUMENTATION.sub("", text)
    return "\n".join(line for line in bare.splitlines() if not (mark and line.lstrip().startswith(marks)))


def _substance(code: str) -> Counter[str]:
    """Count the words and signs but for brackets and separators."""
    return Counter(_WORDS.findall(code.translate(_LAYOUT)))


def _size(code: str) -> _Size:
    lines = [line.expandtabs(4) for line in code.splitlines() if line.strip()]
    indents = sorted({len(line) - len(line.lstrip()) for line in lines})
    longest = max(map(len, lines), default=0)
    return _Size(len(lines), max(len(indents) - 1, 0), _brackets(code), len(_WORDS.findall(code)), longest)


def _brackets(code: str) -> int:
    """Return how deep brackets stand in one another."""
    deepest = depth = 0
    for sign in code:
        depth += (sign in _OPENING) - (sign in _CLOSING)
        deepest = max(deepest, depth)
    return deepest
