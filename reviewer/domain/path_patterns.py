"""Match paths against patterns written as in .gitignore, in linear time whatever the pattern. Pure.

Whoever writes a pattern may be hostile: `*a*a*a*b` as a common regular expression takes hours on a path of 100
characters. Here each `*` takes the first place where what follows it matches, and never tries another. That is enough:
a later place leaves less of the path for the rest. The same holds for `**` and the folders between two of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: What a folder's name is followed by, and what may also be a file's.
_FOLDER, _FOLDER_OR_FILE = r"(?P<folder>/)", r"(?:(?P<folder>/)|\Z)"


class BadPattern(ValueError):
    """The text is not a pattern. The message says why."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern. `includes` is False if it begins with `!`: it then takes back what earlier patterns matched."""

    expression: re.Pattern[str]
    includes: bool


class PathPatterns:
    """A list of patterns; call it with a path to ask whether the path matches. Text that is no pattern is ignored."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Read the patterns."""
        self._patterns = tuple(pattern for line in lines if (pattern := _or_none(line)) is not None)

    def __call__(self, path: str) -> bool:
        """Return whether the path matches: the last pattern that names it decides, then the last for a folder of it."""
        for_folder: bool | None = None
        for pattern in reversed(self._patterns):
            match = pattern.expression.match(path)
            if match is None:
                continue
            if not match.groupdict().get("folder"):
                return pattern.includes
            for_folder = pattern.includes if for_folder is None else for_folder
        return bool(for_folder)


def checked_pattern(line: str) -> str:
    """Return the line if it is a pattern, a comment or blank. Raises BadPattern."""
    read_pattern(line)
    return line


def _or_none(line: str) -> PathPattern | None:
    try:
        return read_pattern(line)
    except BadPattern:
        return None


def read_pattern(line: str) -> PathPattern | None:
    """Return the pattern of a line as in .gitignore, None for a blank line or a comment. Raises BadPattern."""
    text = line if line.endswith("\\ ") else line.rstrip()
    if not text or text.startswith("#") or text in ("/", "!", "!/"):
        return None
    includes = not text.startswith("!")
    segments = text.removeprefix("!").split("/")
    for_folder = not segments[-1]
    if len(segments) == 1 or (len(segments) == 2 and for_folder):
        # A name alone may stand in any folder.
        segments.insert(0, "**")
    elif not segments[0]:
        del segments[0]
    if for_folder:
        segments[-1] = "**"
    end = _FOLDER_OR_FILE
    if segments[-1] == "**":
        end = _FOLDER if for_folder else "/"
    try:
        return PathPattern(re.compile(_expression(segments, end)), includes)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(f"it cannot be read ({error})") from error


def _expression(segments: list[str], end: str) -> str:
    """Return the expression for the segments of a pattern: blocks of names with `**` before, between and after."""
    blocks: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            blocks.append([])
        else:
            blocks[-1].append(_segment(segment))
    anchored, *floating = blocks
    floating = [block for block in floating if block]
    if not anchored and not floating:
        return r"(?s:.)" if segments[0] == "**" and end == "/" else f"(?s:.*?){end}"
    if not floating:
        return "/".join(anchored) + end
    start = "/".join([*anchored, ""]) if anchored else ""
    *inner, last = floating
    middle = "".join(f"(?>(?:[^/]*+/)*?{'/'.join(block)}/)" for block in inner)
    # The last place for the last block, so that a file is preferred to a folder of the same name.
    return f"{start}{middle}(?>(?:[^/]*+/)*{'/'.join(last)}{end})"


def _segment(glob: str) -> str:
    """Return the expression for one name with `*`, `?` and `[...]`."""
    if glob == "*":
        return "[^/]++"
    pieces: list[list[str]] = [[]]
    place = 0
    while place < len(glob):
        character = glob[place]
        place += 1
        if character == "*":
            pieces.append([])
        elif character == "?":
            pieces[-1].append("[^/]")
        elif character == "[":
            expression, place = _bracket(glob, place)
            pieces[-1].append(expression)
        elif character == "\\":
            if place == len(glob):
                raise BadPattern("a backslash stands at the end of a name")
            pieces[-1].append(re.escape(glob[place]))
            place += 1
        else:
            pieces[-1].append(re.escape(character))
    first, *others = pieces
    if not others:
        return "".join(first)
    *inner, last = others
    middle = "".join(f"(?>[^/]*?{''.join(piece)})" for piece in inner if piece)
    ending = f"[^/]{{{len(last)},}}+(?<={''.join(last)})" if last else "[^/]*+"
    return "".join(first) + middle + ending


def _bracket(glob: str, place: int) -> tuple[str, int]:
    """Return the expression for the `[...]` that was opened before that place, and the place after it."""
    negated = glob[place : place + 1] in ("!", "^")
    start = place + negated
    end = glob.find("]", start + 1)
    if end < 0:
        raise BadPattern("a `[` is not closed")
    inside = "".join(f"\\{character}" if character in r"\[]^&~|" else character for character in glob[start:end])
    return f"(?!/)[{'^' if negated else ''}{inside}]", end + 1
