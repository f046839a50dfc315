r"""Check that a suggested replacement is safe to apply with one click: apply it in memory and judge the result.

GitHub replaces exactly the anchored lines of the new file
(https://docs.github.com/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/commenting-on-a-pull-request).
A proven suggestion keeps indentation and line ends, changes something, and adds no syntax error. Pure; never touches a
file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reviewer.diff.model import Anchor, Side
from reviewer.domain.findings import Finding
from reviewer.languages.syntax import errors_in, is_exact
from reviewer.tasks.conversation.replies import unfence
from reviewer.tasks.verification.anchoring import LocatedQuote


@dataclass(frozen=True, slots=True)
class ProvenSuggestion:
    """The text that may replace the anchored lines; empty deletes them. It has the file's line ends."""

    text: str


@dataclass(frozen=True, slots=True)
class UnprovenSuggestion:
    """Why the suggestion is shown as advice only."""

    reason: str


def prove_suggestion(located: LocatedQuote, suggestion: str, head: str | None) -> ProvenSuggestion | UnprovenSuggestion:
    """Check a suggestion for the located lines against the whole file at head (None: it could not be read)."""
    if located.anchor.side is Side.LEFT:
        return UnprovenSuggestion("removed lines cannot be replaced")
    if not located.exact:
        return UnprovenSuggestion("the quoted code is only partly in the diff")
    if head is None:
        return UnprovenSuggestion("the file could not be read")
    start = (located.anchor.start_line or located.anchor.line) - 1
    lines = head.split("\n")
    old = lines[start : located.anchor.line]
    if [line.text for line in located.lines] != old:
        return UnprovenSuggestion("the file has moved on")
    new = _as_in_file(_bare(suggestion), old)
    if new == old:
        return UnprovenSuggestion("it changes nothing")
    if "\n".join(new) == suggestion == "" and len(old) == len(lines):
        return UnprovenSuggestion("it would empty the file")
    after = "\n".join(lines[:start] + new + lines[located.anchor.line :])
    problem = _broken(located.anchor.path, head, after, old, new)
    return UnprovenSuggestion(problem) if problem else ProvenSuggestion("\n".join(new))


def _bare(suggestion: str) -> str:
    """Return the suggestion without a Markdown fence around it, with plain line ends and none at its end."""
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
    """Return what the replacement breaks, or None.

    A grammar may not know all of a language, so only new errors count. Near an existing error, and if no parser can
    tell, the brackets must match as well.
    """
    first, second = errors_in(path, before), errors_in(path, after)
    if first is not None and second is not None:
        if first and is_exact(path):
            return "the file does not parse as it is"
        if second > first:
            return "the file would no longer parse"
        if not first:
            return None
    if _brackets(old) != _brackets(new):
        return "its brackets do not match those of the lines it replaces"
    return None


def drop_overlapping(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings in their order; of suggestions that overlap, only the first stays clickable.

    Whoever commits two suggestions for the same lines at once gets a conflict. The others become advice.
    """
    taken: list[Anchor] = []
    result: list[Finding] = []
    for finding in findings:
        if finding.suggestion is not None and any(finding.anchor.overlaps(other) for other in taken):
            result.append(replace(finding, suggestion=None, advice=finding.suggestion or None))
            continue
        if finding.suggestion is not None:
            taken.append(finding.anchor)
        result.append(finding)
    return result


_STRINGS = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`(?:[^`\\\n]|\\.)*`|//[^\n]*')
_PAIRS = {")": "(", "]": "[", "}": "{"}


def _brackets(lines: Sequence[str]) -> tuple[str, str]:
    """Return the brackets that the lines close and open without a partner, outside of strings."""
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
