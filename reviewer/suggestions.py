r"""Is a suggested replacement safe to offer as a one-click suggestion? Applied in memory, and judged by the result.

GitHub replaces exactly the anchored lines of the new file
(https://docs.github.com/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/commenting-on-a-pull-request).
Promises: what is called proven keeps indentation and line ends, changes something, and leaves a file that still parses.
Pure; never touches a file.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reviewer.anchoring import Located
from reviewer.diff import Side
from reviewer.replies import unfence


@dataclass(frozen=True, slots=True)
class Proven:
    """The text that may replace the anchored lines; empty means to delete them. Lines end as the file's do."""

    text: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """Why the suggestion is shown as advice only."""

    reason: str


def prove(located: Located, suggestion: str, head: str | None) -> Proven | Unproven:
    """Judge a suggestion for the located lines, given the whole file at head (None: it could not be read)."""
    if located.anchor.side is Side.LEFT:
        return Unproven("removed lines cannot be replaced")
    if not located.exact:
        return Unproven("the quoted code is only partly in the diff")
    if head is None:
        return Unproven("the file could not be read")
    start = (located.anchor.start_line or located.anchor.line) - 1
    lines = head.split("\n")
    old = lines[start : located.anchor.line]
    if [line.text for line in located.lines] != old:
        return Unproven("the file has moved on")
    new = _as_in_file(_bare(suggestion), old)
    if new == old:
        return Unproven("it changes nothing")
    if "\n".join(new) == suggestion == "" and len(old) == len(lines):
        return Unproven("it would empty the file")
    after = "\n".join(lines[:start] + new + lines[located.anchor.line :])
    problem = _broken(located.anchor.path, head, after, old, new)
    return Unproven(problem) if problem else Proven("\n".join(new))


def _bare(suggestion: str) -> str:
    """Return the suggestion without a Markdown fence round it, with plain line ends and none at its end."""
    return unfence(suggestion).replace("\r\n", "\n").removesuffix("\n")


def _as_in_file(suggestion: str, old: Sequence[str]) -> list[str]:
    """Return the suggestion's lines with the indentation and the line ends of the lines that they replace."""
    if suggestion == "":
        return []
    new = suggestion.split("\n")
    missing = _indent(old)
    if missing and not _indent(new) and not new[0][:1].isspace():
        new = [missing + line if line.strip() else line for line in new]
    if all(line.endswith("\r") for line in old):
        new = [line + "\r" for line in new]
    return new


def _indent(lines: Sequence[str]) -> str:
    """Return the white space that all non-empty lines begin with."""
    indents = [re.match(r"[ \t]*", line)[0] for line in lines if line.strip()]  # type: ignore[index]
    if not indents:
        return ""
    shortest = min(indents, key=len)
    return shortest if all(indent.startswith(shortest) for indent in indents) else ""


def _broken(path: str, before: str, after: str, old: Sequence[str], new: Sequence[str]) -> str | None:
    """Tell what the replacement breaks, or None. A file that did not parse before proves nothing either way."""
    parse = _PARSERS.get(path.rsplit(".", 1)[-1].lower())
    if parse is not None:
        if not _parses(parse, before):
            return "the file does not parse as it is"
        return None if _parses(parse, after) else "the file would no longer parse"
    if _brackets(old) != _brackets(new):
        return "its brackets do not match those of the lines it replaces"
    return None


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _toml(text: str) -> object:
    import tomllib  # noqa: PLC0415 - few changes touch such a file, and the command line should start fast

    return tomllib.loads(text)


def _yaml(text: str) -> object:
    import yaml  # noqa: PLC0415 - as above

    try:
        return list(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


_PARSERS: dict[str, Callable[[str], object]] = {
    "py": ast.parse,
    "pyi": ast.parse,
    "json": json.loads,
    "toml": _toml,
    "yml": _yaml,
    "yaml": _yaml,
}

_STRINGS = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`(?:[^`\\\n]|\\.)*`|//[^\n]*')
_PAIRS = {")": "(", "]": "[", "}": "{"}


def _brackets(lines: Sequence[str]) -> tuple[str, str]:
    """Return the brackets that the lines leave closed and open, outside of strings: what their surroundings rely on."""
    closed: list[str] = []
    opened: list[str] = []
    for char in _STRINGS.sub("", "\n".join(lines)):
        if char in "([{":
            opened.append(char)
        elif char in _PAIRS:
            if opened and opened[-1] == _PAIRS[char]:
                opened.pop()
            else:
                closed.append(char)
    return "".join(closed), "".join(opened)
