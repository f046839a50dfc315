"""Apply the edits of a fix to the files at head, in memory, and write them as a patch. Pure.

An edit replaces a quote that stands exactly once in its file. A fix changes only code of the repository: no tests, no
settings of tools, nothing outside. It leaves nothing out, holds no secret or mark, and adds no syntax error.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reviewer.demonstration.runs import ChangedFiles, Edit
from reviewer.domain.demonstrations import FixedFile, FixGate, StoppedDemonstration
from reviewer.languages.allowed_tests import refused_path
from reviewer.languages.elisions import elided
from reviewer.languages.paths import is_code, is_test
from reviewer.languages.syntax import errors_in
from reviewer.safety.placeholders import new_placeholder, stands_for_secret
from reviewer.safety.redaction import redact
from reviewer.testgen.merge import patch_of_text

#: Edits of one fix, files that it may change, and characters of one edit.
MOST_EDITS, MOST_FILES, MOST_CHARACTERS = 20, 6, 20_000

#: Files that tools obey: a fix of a defect does not touch them.
_TOOLS = re.compile(
    r"(?:^|/)(?:conftest|setup|noxfile|tasks|fabfile|gulpfile|gruntfile|[\w.-]{1,60}\.config)\.\w{1,4}$"
)


@dataclass(frozen=True, slots=True)
class Fix:
    """A fix applied in memory. `one_click`: it is the finding's own suggestion."""

    files: tuple[FixedFile, ...]
    one_click: bool = False

    @property
    def changed(self) -> ChangedFiles:
        """The texts of the changed files."""
        return {file.path: file.after for file in self.files}

    @property
    def patch(self) -> str:
        """The fix as a patch for `git apply`."""
        return "".join(patch_of_file(file) for file in self.files)


def apply_edits(edits: Sequence[Edit], read: Callable[[str], str | None]) -> Fix | StoppedDemonstration:
    """Return the files with the edits applied in their order, or the gate that stops them."""
    if not edits:
        return StoppedDemonstration(FixGate.OFFERED, "The model wrote no fix.")
    paths = dict.fromkeys(edit.path for edit in edits)
    if len(edits) > MOST_EDITS or len(paths) > MOST_FILES:
        reason = f"It is too large: at most {MOST_EDITS} edits in {MOST_FILES} files."
        return StoppedDemonstration(FixGate.POLICY, reason)
    before = {path: read(path) for path in paths}
    after: dict[str, str] = {}
    for edit in edits:
        text = after.get(edit.path, before[edit.path])
        result = _refused(edit) or _applied(edit, text)
        if isinstance(result, StoppedDemonstration):
            return result
        after[edit.path] = result
    return fix_of({path: text for path, text in after.items() if text != before[path]}, before)


def fix_of(
    after: Mapping[str, str], before: Mapping[str, str | None], *, one_click: bool = False
) -> Fix | StoppedDemonstration:
    """Return the fix with those texts, unless it changes nothing or adds syntax errors."""
    if not after:
        return StoppedDemonstration(FixGate.APPLIES, "It changes nothing.")
    for path, text in after.items():
        old = errors_in(path, before.get(path) or "")
        new = errors_in(path, text)
        if old is not None and new is not None and new > old:
            return StoppedDemonstration(FixGate.PARSES, f"`{path}` would no longer parse.")
    files = tuple(FixedFile(path, before.get(path), text) for path, text in after.items())
    return Fix(files, one_click)


def _refused(edit: Edit) -> StoppedDemonstration | None:
    """Stop an edit of what a fix may not change, or that cannot be committed as it was written."""

    def stopped(reason: str) -> StoppedDemonstration:
        return StoppedDemonstration(FixGate.POLICY, reason)

    if refused_path(edit.path) or not is_code(edit.path) or _TOOLS.search(edit.path):
        return stopped(f"`{edit.path[:200]}` is not code of the repository that a fix may change.")
    if is_test(edit.path):
        return stopped(f"`{edit.path}` is a test: a fix changes the code, not what is demanded of it.")
    if len(edit.replacement) > MOST_CHARACTERS:
        return stopped(f"An edit of `{edit.path}` is too large: at most {MOST_CHARACTERS:,} characters.")
    marked = new_placeholder(edit.replacement, edit.quote) or stands_for_secret(edit.replacement, edit.quote)
    if marked or redact(edit.replacement)[1] > redact(edit.quote)[1]:
        return stopped("It holds what looks like a secret, or a mark that stands for hidden text.")
    if (row := elided(edit.replacement.split("\n"), edit.quote.split("\n"))) is not None:
        return stopped(f"It leaves code out: {row[:200]}")
    return None


def _applied(edit: Edit, text: str | None) -> str | StoppedDemonstration:
    if text is None:
        if edit.quote.strip():
            return StoppedDemonstration(FixGate.APPLIES, f"There is no file `{edit.path}` to change.")
        return edit.replacement.rstrip("\n") + "\n"
    if not edit.quote.strip():
        return StoppedDemonstration(FixGate.APPLIES, f"An edit of `{edit.path}` quotes nothing.")
    ends = "\r\n" if "\r\n" in text else "\n"
    quote, new = (part.replace("\r\n", "\n").replace("\n", ends) for part in (edit.quote, edit.replacement))
    count = text.count(quote)
    if count == 1:
        return text.replace(quote, new)
    if count > 1:
        reason = f"The quote for `{edit.path}` stands there {count} times: quote more lines."
        return StoppedDemonstration(FixGate.APPLIES, reason)
    return _by_lines(edit.path, text, quote.split(ends), new.split(ends), ends)


def _by_lines(path: str, text: str, quote: list[str], new: list[str], ends: str) -> str | StoppedDemonstration:
    """Apply a quote whose lines differ from the file's in white space at their ends, or in a common indentation."""
    while quote and not quote[-1].strip():
        quote.pop()
    while new and len(new) > 1 and not new[-1].strip():
        new.pop()
    rows = text.split(ends)
    quoted = [row.strip() for row in quote]
    places = [
        start
        for start in range(len(rows) - len(quote) + 1)
        if [row.strip() for row in rows[start : start + len(quote)]] == quoted
    ]
    shift = None
    if len(places) == 1:
        shift = _shift(rows[places[0] : places[0] + len(quote)], quote)
    if shift is None:
        return StoppedDemonstration(FixGate.APPLIES, f"The quote for `{path}` does not stand in it exactly once.")
    shifted = [f"{shift}{row}" if row.strip() else row for row in new]
    return ends.join([*rows[: places[0]], *shifted, *rows[places[0] + len(quote) :]])


def _shift(rows: Sequence[str], quote: Sequence[str]) -> str | None:
    """Return the indentation that every quoted line lacks, the same for all; None if there is no such."""
    lacks: set[str] = set()
    for row, written in zip(rows, quote, strict=True):
        if not row.strip():
            continue
        indent, own = (text[: len(text) - len(text.lstrip())] for text in (row, written))
        if not indent.endswith(own):
            return None
        lacks.add(indent[: len(indent) - len(own)])
    return lacks.pop() if len(lacks) == 1 else None


def patch_of_file(file: FixedFile) -> str:
    """Return the change of one file as a section of a patch."""
    return patch_of_text(file.path, file.before, file.after)


def fixes_together(first: Sequence[FixedFile], second: Sequence[FixedFile]) -> tuple[FixedFile, ...] | None:
    """Return two fixes of the same head as one; None if they change the same lines of a file, or neighbouring ones."""
    files = {file.path: file for file in first}
    for file in second:
        other = files.get(file.path)
        if other is None or other.after == file.after:
            files[file.path] = file
            continue
        if other.before is None or file.before is None:
            return None
        merged = _merged(other.before, other.after, file.after)
        if merged is None:
            return None
        files[file.path] = FixedFile(file.path, file.before, merged)
    return tuple(files.values())


def _merged(before: str, first: str, second: str) -> str | None:
    """Return the text with both changes, None where they touch."""
    rows = before.split("\n")
    changes = sorted([*_changes(rows, first.split("\n")), *_changes(rows, second.split("\n"))])
    merged: list[str] = []
    place = 0
    for number, (start, end, new) in enumerate(changes):
        if number and start <= changes[number - 1][1]:
            return None
        merged += [*rows[place:start], *new]
        place = end
    return "\n".join([*merged, *rows[place:]])


def _changes(old: list[str], new: list[str]) -> list[tuple[int, int, list[str]]]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [(i1, i2, new[j1:j2]) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]
