"""Recognise plain release notes, which need no review. Pure.

When in doubt, it says no: text that may hold a command, code or hidden characters is not a plain release note.
"""

from __future__ import annotations

import re

from reviewer.diff.model import FileDiff, FileStatus
from reviewer.safety.invisible import INVISIBLE

#: Names of the files in which projects tell what is new, and folders that hold one note in a file (towncrier).
_NAME = re.compile(
    r"(?:^|/)(?:CHANGELOG|CHANGES|HISTORY|NEWS|RELEASES|RELEASE[-_]?NOTES)(?:\.(?:md|markdown|rst|txt|adoc))?$"
    r"|(?:^|/)(?:changelog\.d|newsfragments)/[^/]+\.(?:md|rst)$",
    re.IGNORECASE,
)
#: Folders in which a file of such a name is read by a program: a Debian package has its version from there.
_READ_BY_PROGRAMS = re.compile(r"(?:^|/)debian/", re.IGNORECASE)
#: Code, or what may begin some: a fence, a prompt of a shell, a directive, an element of HTML, deep indentation.
_CODE = re.compile(
    r"```|~~~|^\s*(?:[$%#>]|PS>|>>>) ?[a-z./]|::\s*$|^\s*\.\. |</?[a-z]|^ {4,}[^\s*+-]|^\t", re.IGNORECASE
)
_HEADING = re.compile(r"^#{1,6} ")
#: What begins like a command of a shell: a line, an item of a list, or code within a line.
_COMMAND = re.compile(
    r"(?:^[\s#]*(?:[-*+] +)?|`)(?:sudo|pip3?|pipx|uv|npm|npx|yarn|pnpm|bun|cargo|go|docker|podman|kubectl|helm|git|curl"
    r"|wget|make|python3?|ruby|bundle|gem|rails|rake|brew|apt|apt-get|dnf|yum|export|source|psql|mysql|composer|php"
    r"|dotnet|mvn|gradle|sh|bash|cd|rm|chmod|\./\S+) +\S"
)
#: Longer lines are no prose that people wrapped; only so much of a line is looked at.
_MOST_CHARACTERS = 2_000


def is_plain_release_note(file: FileDiff) -> bool:
    """Whether all that the file's change does is to add or reword prose of release notes."""
    if file.status not in (FileStatus.ADDED, FileStatus.MODIFIED) or not file.hunks:
        return False
    if not _NAME.search(file.path) or _READ_BY_PROGRAMS.search(file.path):
        return False
    # Lines beside the change count too: a changed line may stand in code that begins there.
    return all(_is_prose(line.text) for hunk in file.hunks for line in hunk.lines)


def _is_prose(text: str) -> bool:
    if len(text) > _MOST_CHARACTERS or INVISIBLE.search(text):
        return False
    return not _COMMAND.search(text) and (_HEADING.match(text) is not None or not _CODE.search(text))
