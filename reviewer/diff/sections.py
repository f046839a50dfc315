r"""Split a unified diff into sections: one per file, with its header fields and the raw lines of its hunks.

Only `\n` ends a line. Inside a hunk only the counts of its header decide where it ends, so code that looks like a
header (`-- a/x` removed is `--- a/x`) stays code. Text around the sections (commit messages, diffstats, mail
signatures) is ignored. Never interprets names and never numbers lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from reviewer.errors import DiffError

#: The only text that unidiff knows. Git translates it, so only the backslash is certain.
NO_NEWLINE = "\\ No newline at end of file\n"

_HUNK = re.compile(r"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@")
_FIELD = re.compile(
    r"(old mode|new mode|new file mode|deleted file mode|rename from|rename to|copy from|copy to"
    r"|similarity index|dissimilarity index|index|Binary files|GIT binary patch)(?: (.*))?"
)
_BINARY = re.compile(r"Binary files (.+) differ")
#: diff.submodule=log, https://git-scm.com/docs/git-config#Documentation/git-config.txt-diffsubmodule
_SUBMODULE = re.compile(r"Submodule (.+) ([0-9a-f]{7,64})\.{2,3}([0-9a-f]{7,64})(?: \([^()]{0,100}\))?:?")
_COMBINED = re.compile(r"diff --(?:cc|combined) |@@@+ -")
_COMMIT = re.compile(r"commit [0-9a-f]{7,64}\b|From [0-9a-f]{40,64} ")

#: The ids of a file without contents, in SHA-1 and SHA-256 repositories.
_EMPTY_BLOBS = (
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)


@dataclass(frozen=True, slots=True)
class Section:
    r"""One file's part of a diff.

    `start` is the 1-based line where it begins. `commit` counts the commit headers before it (`git log`,
    `git format-patch`). `fields` maps the words at the start of a header line (`diff --git`, `old mode`, `rename to`,
    `index`, `---`, `+++`, ...) to the rest of the line. Each hunk is its `@@` line and its body, every line with a
    marker and a `\n`.
    """

    start: int
    commit: int
    fields: dict[str, str] = field(default_factory=dict)
    hunks: list[list[str]] = field(default_factory=list)

    @property
    def added(self) -> bool:
        """Whether git says that the file is new."""
        return "new file mode" in self.fields

    @property
    def removed(self) -> bool:
        """Whether git says that the file is deleted."""
        return "deleted file mode" in self.fields

    @property
    def modes(self) -> tuple[str | None, str | None]:
        """The old and the new mode; an unchanged mode is after the blob ids of the `index` line."""
        same = self.fields.get("index", "").partition(" ")[2] or None
        old = self.fields.get("old mode", self.fields.get("deleted file mode", same))
        new = self.fields.get("new mode", self.fields.get("new file mode", same))
        return (None if self.added else old), (None if self.removed else new)

    @property
    def binary(self) -> bool:
        """Whether git shows the file as binary, by a sentence or as encoded data."""
        return "Binary files" in self.fields or "GIT binary patch" in self.fields

    @property
    def withheld(self) -> bool:
        """Whether the contents changed by the `index` line but no hunk shows it (`--irreversible-delete`, `-w`)."""
        if self.hunks or self.binary:
            return False
        old, _, new = self.fields.get("index", "").partition(" ")[0].partition("..")
        return any(blob.strip("0") and not any(empty.startswith(blob) for empty in _EMPTY_BLOBS) for blob in (old, new))


def split_sections(text: str) -> list[Section]:
    """Return the sections of a diff in order; none if it has no file header.

    Raises DiffError, with the line, for a hunk without a file, a hunk with wrong counts, and a combined diff.
    """
    return _SectionReader(_lines(text)).read()


def read_hunks(text: str) -> list[list[str]]:
    """Return the hunks of a text without file header, as in GitHub's `patch`. Raises DiffError as `split_sections`."""
    section = Section(start=1, commit=0)
    reader = _SectionReader(_lines(text), section)
    if reader.read() or (text and not section.hunks):
        raise DiffError("This text is not exactly the hunks of one file.")
    return section.hunks


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


@dataclass(slots=True)
class _SectionReader:
    """Reads the lines once. `section` may still get header fields or hunks."""

    lines: list[str]
    section: Section | None = None
    sections: list[Section] = field(default_factory=list)
    commits: int = 0
    at: int = 0

    def read(self) -> list[Section]:
        while self.at < len(self.lines):
            # A name never ends with a bare \r (git quotes it), so a tool has converted the line endings of this diff.
            line = self.lines[self.at].removesuffix("\r")
            if hunk := _HUNK.match(line):
                self._take_hunk(hunk)
            elif self._at_file_lines(line):
                self._take_file_lines(line)
            else:
                self._take_header(line)
                self.at += 1
        return self.sections

    def _begin(self, fields: dict[str, str]) -> None:
        self.section = Section(start=self.at + 1, commit=self.commits, fields=fields)
        self.sections.append(self.section)

    def _at_file_lines(self, line: str) -> bool:
        """Whether `---`, `+++` and `@@` follow each other here; fewer of them may be prose."""
        following = self.lines[self.at + 1 : self.at + 3]
        return (
            line.startswith("--- ")
            and len(following) == 2
            and following[0].startswith("+++ ")
            and bool(_HUNK.match(following[1]))
        )

    def _take_file_lines(self, line: str) -> None:
        if self.section is None or self.section.hunks or "---" in self.section.fields:
            self._begin({})
        assert self.section is not None
        self.section.fields["---"] = line[4:]
        self.section.fields["+++"] = self.lines[self.at + 1].removesuffix("\r")[4:]
        self.at += 2

    def _take_header(self, line: str) -> None:
        if line.startswith("diff --git "):
            self._begin({"diff --git": line.removeprefix("diff --git ")})
        elif _COMBINED.match(line):
            raise DiffError(
                f"Line {self.at + 1}: this is a combined diff of a merge, which has more than two sides. "
                "Pass the change against one parent instead: git diff MERGE^1 MERGE"
            )
        elif self.section and not self.section.hunks and (entry := _FIELD.fullmatch(line)):
            self.section.fields[entry[1]] = entry[2] or ""
        elif (binary := _BINARY.fullmatch(line)) and " and " in binary[1]:
            self._begin({"Binary files": f"{binary[1]} differ"})
        elif submodule := _SUBMODULE.fullmatch(line):
            self._begin(_submodule_fields(*submodule.groups()))
        else:
            self._ignore(line)

    def _ignore(self, line: str) -> None:
        """Ignore text that belongs to no section, and end the section before it."""
        if self.section and line.startswith("@@ -"):
            raise self._broken("this hunk header cannot be read")
        if _COMMIT.match(line):
            self.commits += 1
        if line.strip():
            self.section = None

    def _take_hunk(self, header: re.Match[str]) -> None:
        if self.section is None:
            raise self._broken("a hunk has no file header (---, +++) before it, so its file is not known")
        old_start, old_left, new_start, new_left = (1 if number is None else int(number) for number in header.groups())
        if (old_left and not old_start) or (new_left and not new_start):
            raise self._broken("this hunk begins at line 0, but lines count from 1")
        hunk = [self.lines[self.at] + "\n"]
        self.at += 1
        while self._at_marker() or old_left or new_left:
            line = self._body_line()
            old_left -= line[0] in " -"
            new_left -= line[0] in " +"
            if old_left < 0 or new_left < 0 or (line == NO_NEWLINE and len(hunk) == 1):
                raise self._broken("this line is more than the hunk's header counts")
            hunk.append(line)
            self.at += 1
        if len(hunk) > 1:
            self.section.hunks.append(hunk)

    def _at_marker(self) -> bool:
        return self.at < len(self.lines) and self.lines[self.at].startswith("\\")

    def _body_line(self) -> str:
        if self.at == len(self.lines):
            raise self._broken("the input ends inside a hunk, so it was cut off")
        line = self.lines[self.at]
        if line[:1] in {"+", "-", " "}:
            return line + "\n"
        if line.startswith("\\"):
            return NO_NEWLINE
        if line in {"", "\r"}:  # an empty context line without its space: by an editor, or diff.suppressBlankEmpty
            return f" {line}\n"
        raise self._broken("this line is not part of a hunk, but the header of the hunk counts more lines")

    def _broken(self, what: str) -> DiffError:
        return DiffError(f"Line {self.at + 1} of the diff: {what}. Pass the unchanged output of git diff.")


def _submodule_fields(path: str, old: str, new: str) -> dict[str, str]:
    """Convert the line of diff.submodule=log to the header fields that git writes without that setting."""
    fields = {"Submodule": path, "index": f"{old}..{new} 160000"}
    if not old.strip("0"):
        fields["new file mode"] = "160000"
    if not new.strip("0"):
        fields["deleted file mode"] = "160000"
    return fields
