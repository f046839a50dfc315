r"""Parse a diff, as text or as GitHub's list of files, into a `Diff`.

Line numbers are exact, only `\n` ends a line, and names are decoded. unidiff numbers the lines of the hunks (`hunks`);
`sections` and `filenames` read what surrounds them, because unidiff leaves names quoted and refuses some of git's
headers. Never reads a file, runs git or makes a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from reviewer.diff.filenames import absent, old_and_new
from reviewer.diff.hunks import number_hunks
from reviewer.diff.model import Diff, FileDiff, FileStatus
from reviewer.diff.sections import Section, read_hunks, split_sections
from reviewer.errors import DiffError
from reviewer.safety.terminal import terminal_safe

#: Characters of a text that is no diff in which its form is looked for.
_LONGEST_HINT = 20_000

#: Characters of one file's hunks. More are left out: a numbered line takes twenty times its length in memory, and no
#: review reads so much of a file.
MAX_HUNKS = 2_000_000

#: GitHub's words for what happened to a file, https://docs.github.com/rest/pulls/pulls#list-pull-requests-files
_LISTED_STATUS = {
    "added": FileStatus.ADDED,
    "removed": FileStatus.REMOVED,
    "modified": FileStatus.MODIFIED,
    "renamed": FileStatus.RENAMED,
    "copied": FileStatus.COPIED,
    "changed": FileStatus.MODE,
    "unchanged": FileStatus.MODE,
}


@dataclass(frozen=True, slots=True)
class FilePatch:
    """One entry of GitHub's `GET /pulls/{number}/files`, where `patch` holds hunks without a header, or is absent."""

    filename: str
    status: str
    patch: str | None
    changes: int
    previous_filename: str | None = None


def parse_diff(data: bytes | str) -> Diff:
    r"""Parse a unified diff: any form of git's, or of `diff -u`, `hg` or `svn`. Text around it is ignored.

    Empty input is a diff without files. The patches of several commits (`git log -p`, a `git format-patch` series) are
    combined if no two of them change the same file: each counts lines from its own parent, so for a file changed twice
    the numbers would be wrong for one of the versions.

    Raises DiffError, with what to pass instead, for input that is not a diff, a diff that is cut off or damaged, a
    combined diff of a merge (`@@@`) and a file that is changed twice.
    """
    text = (data if isinstance(data, str) else _decode(data)).removeprefix("\ufeff")
    sections = split_sections(text)
    if not sections and text.strip():
        raise DiffError(f"This is not a unified diff. Pass the output of git diff, for example.{_hint(text)}")
    files = [_file(section) for section in sections]
    commits: dict[str, int] = {}
    for section, file in zip(sections, files, strict=True):
        if any(commits.setdefault(path, section.commit) != section.commit for path in (file.path, file.old_path)):
            raise _changed_twice(file.path)
    return Diff(_one_per_path(files))


def diff_from_files(entries: Iterable[FilePatch]) -> Diff:
    """Build the diff from GitHub's list of files.

    GitHub omits `patch` for binary files, pure renames and large patches. An entry with changes but without a readable
    patch is `missing`. A binary file has zero changes and no patch, like a file without hunks, so `binary` is never
    set. The list has no modes.

    Raises DiffError if a path is listed twice with different contents, because the head moved between two pages.
    """
    return Diff(_one_per_path([_listed_file(entry) for entry in dict.fromkeys(entries)]))


def _hint(text: str) -> str:
    """Say what the text may be instead of a unified diff."""
    start = text[:_LONGEST_HINT]
    if "\x1b[" in text:
        return " It is coloured: add --no-color."
    if re.search(r"^\*{15}$", start, re.MULTILINE):
        return " It is a context diff: use diff -u instead of -c."
    if re.search(r"^[0-9]{1,9}(?:,[0-9]{1,9})?[acd][0-9]{1,9}(?:,[0-9]{1,9})?$", start, re.MULTILINE):
        return " It is diff's own format, without names: use diff -u."
    if re.match(r":[0-7]{6} [0-7]{6} |[ \t]*\S+ +\| +[0-9]{1,9} ", start):
        return " It lists the files only: leave --stat, --raw and --name-only out."
    return ""


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DiffError("This file is UTF-16, as PowerShell's > writes it. Use git diff --output=FILE instead.")
    return data.decode("utf-8", "surrogateescape")


def _file(section: Section) -> FileDiff:
    names = old_and_new(section.fields)
    if names is None:
        raise DiffError(
            f"Line {section.start} of the diff: the file's name cannot be read from its header. Name it in the lines "
            "`--- a/PATH` and `+++ b/PATH`; for diff -u, give --label a/PATH --label b/PATH."
        )
    old_path, path = names
    status = _status(section)
    if status is FileStatus.REMOVED:
        path = old_path
    old_mode, new_mode = section.modes
    size = sum(len(line) for hunk in section.hunks for line in hunk)
    left_out = size if size > MAX_HUNKS else 0
    return FileDiff(
        path=path,
        old_path=old_path if status in {FileStatus.RENAMED, FileStatus.COPIED} else path,
        status=status,
        hunks=() if left_out else number_hunks(section.hunks),
        old_mode=old_mode,
        new_mode=new_mode,
        binary=section.binary,
        missing=section.withheld or bool(left_out),
        left_out=left_out,
    )


def _status(section: Section) -> FileStatus:
    if section.added or absent(section.fields.get("---")):
        return FileStatus.ADDED
    if section.removed or absent(section.fields.get("+++")):
        return FileStatus.REMOVED
    if "rename to" in section.fields:
        return FileStatus.RENAMED
    if "copy to" in section.fields:
        return FileStatus.COPIED
    if "new mode" in section.fields and not section.hunks and "index" not in section.fields:
        return FileStatus.MODE
    return FileStatus.MODIFIED


def _listed_file(entry: FilePatch) -> FileDiff:
    try:
        hunks = number_hunks(read_hunks(entry.patch or ""))
    except DiffError:  # one patch that GitHub cut off must not stop the review of the others
        hunks = ()
    status = _LISTED_STATUS.get(entry.status, FileStatus.MODIFIED)
    if status is FileStatus.MODE and (hunks or entry.changes):
        status = FileStatus.MODIFIED
    moved = status in {FileStatus.RENAMED, FileStatus.COPIED}
    return FileDiff(
        path=entry.filename,
        old_path=(moved and entry.previous_filename) or entry.filename,
        status=status,
        hunks=hunks,
        missing=not hunks and bool(entry.changes or entry.patch),
    )


def _one_per_path(files: Iterable[FileDiff]) -> tuple[FileDiff, ...]:
    joined: dict[str, FileDiff] = {}
    for file in files:
        earlier = joined.get(file.path)
        joined[file.path] = _type_change(earlier, file) if earlier else file
    return tuple(joined.values())


def _type_change(removed: FileDiff, added: FileDiff) -> FileDiff:
    """Join the two entries of a file that changed its type, for example to a symlink; refuse any other pair."""
    same_type = removed.old_mode and added.new_mode and removed.old_mode[:3] == added.new_mode[:3]
    if (removed.status, added.status) != (FileStatus.REMOVED, FileStatus.ADDED) or same_type:
        raise _changed_twice(added.path)
    return replace(
        added,
        status=FileStatus.MODIFIED,
        hunks=removed.hunks + added.hunks,
        old_mode=removed.old_mode,
        binary=removed.binary or added.binary,
        missing=removed.missing or added.missing,
        left_out=removed.left_out + added.left_out,
    )


def _changed_twice(path: str) -> DiffError:
    shown = terminal_safe(path.replace("\n", " ").replace("\t", " "))
    return DiffError(
        f"{shown} is changed twice, by several commits (git log -p, git format-patch) or because the head moved. "
        "Pass the net change instead: git diff BASE...HEAD"
    )
