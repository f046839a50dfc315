"""Choose the files of a change to review, with a reason for each that is skipped. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reviewer.diff.line_endings import ignore_line_ending_changes
from reviewer.diff.model import Diff, FileDiff, FileStatus
from reviewer.domain.findings import Skipped
from reviewer.domain.path_patterns import PathPatterns
from reviewer.domain.settings import PathInstructions, ReviewSettings
from reviewer.languages.paths import LOCK_FILES, is_data, is_generated, is_vendored
from reviewer.tasks.planning.release_notes import is_plain_release_note

#: https://pkg.go.dev/cmd/go#hdr-Generate_Go_files and the mark of Meta's tools, both searched at the top of a file.
_GENERATED_MARK = re.compile(r"^\W*Code generated .* DO NOT EDIT|@generated\b", re.IGNORECASE)
#: A file with more changed text is a data dump or a code drop, which nobody reviews line by line.
MAX_FILE_BYTES = 400_000


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why a file is skipped; `needless` as in Skipped."""

    text: str
    needless: str = ""


_LINE_ENDS = _Reason("only its line ends changed", "line ends")
_RELEASE_NOTES = _Reason("release notes alone need no review", "release notes")


def select(diff: Diff, settings: ReviewSettings) -> tuple[tuple[FileDiff, ...], tuple[Skipped, ...]]:
    """Split the files of a change into those to review and those skipped, each with its reason.

    In the files to review, lines that differ only in their line ends no longer count as changed. Release notes are
    reviewed beside what they tell of; where nothing else is left to review, they are skipped.
    """
    is_chosen = _Choice.of(settings)
    kept: list[FileDiff] = []
    skipped: list[Skipped] = []
    for original in diff.files:
        file = ignore_line_ending_changes(original)
        reason = _LINE_ENDS if original.hunks and not file.hunks else _shape_reason(file)
        reason = reason or is_chosen.reason(file.path)
        if reason is None and not settings.generated:
            reason = _generated_reason(file)
        if reason is None and _size(file) > MAX_FILE_BYTES:
            reason = _too_large(_size(file))
        if reason is None:
            kept.append(file)
        else:
            skipped.append(Skipped(file.path, reason.text, reason.needless))
    if all(is_plain_release_note(file) and not _is_instructed(file, settings) for file in kept):
        skipped += [Skipped(file.path, _RELEASE_NOTES.text, _RELEASE_NOTES.needless) for file in kept]
        kept = []
    return tuple(kept), tuple(skipped)


def searched_for_secrets(diff: Diff, settings: ReviewSettings) -> tuple[FileDiff, ...]:
    """Return the files in which added secrets are looked for, which takes no call: also lock files, data and notes.

    Not those that the settings leave out, nor other people's code and what a program wrote.
    """
    is_chosen = _Choice.of(settings)
    return tuple(
        file
        for file in diff.files
        if file.hunks
        and is_chosen.reason(file.path) is None
        and (settings.generated or not (is_vendored(file.path) or is_generated(file.path)))
        and _size(file) <= MAX_FILE_BYTES
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    """The files that `review.include` and `review.exclude` leave."""

    included: PathPatterns | None
    excluded: PathPatterns | None

    @classmethod
    def of(cls, settings: ReviewSettings) -> _Choice:
        """Return the choice of the settings."""
        return cls(
            PathPatterns(settings.include) if settings.include else None,
            PathPatterns(settings.exclude) if settings.exclude else None,
        )

    def reason(self, path: str) -> _Reason | None:
        """Return why the settings leave the file out; None if they do not."""
        if self.included is not None and not self.included(path):
            return _Reason("not in `review.include`")
        if self.excluded is not None and self.excluded(path):
            return _Reason("in `review.exclude`")
        return None


def _is_instructed(file: FileDiff, settings: ReviewSettings) -> bool:
    """Whether the maintainers wrote down how such files are to be reviewed."""
    return bool(instructions_for([file.path], settings.path_instructions))


def _shape_reason(file: FileDiff) -> _Reason | None:
    """Return why the file has nothing to review, whatever its name; None if it has."""
    if file.submodule:
        return _Reason("submodule: only the commit it points to changed")
    if file.symlink:
        return _Reason("symbolic link")
    if file.binary:
        return _Reason("binary, or too large to compare")
    if file.left_out:
        return _too_large(file.left_out)
    if file.missing:
        return _Reason("GitHub gave no diff for it (too large, or binary)")
    if file.status is FileStatus.REMOVED:
        return None if file.hunks else _Reason("removed, and it was empty", "empty files")
    if not file.hunks:
        return {
            FileStatus.RENAMED: _Reason(f"renamed from {file.old_path} without changes", "renames without changes"),
            FileStatus.COPIED: _Reason(f"copied from {file.old_path} without changes", "copies without changes"),
            FileStatus.MODE: _Reason("only its mode changed", "file modes"),
            FileStatus.ADDED: _Reason("empty", "empty files"),
        }.get(file.status, _Reason("no changed lines"))
    return None


def _generated_reason(file: FileDiff) -> _Reason | None:
    """Return why the file counts as generated, by its name or by the mark at its top; None if it does not."""
    name = file.path.rsplit("/", 1)[-1]
    if name in LOCK_FILES:
        return _Reason("lock file", "lock files")
    if is_vendored(file.path):
        return _Reason("vendored")
    if is_generated(file.path):
        return _Reason("generated")
    if is_data(file.path):
        return _Reason("data, not code")
    top = [line.text for hunk in file.hunks[:1] for line in hunk.lines if (line.new or 99) <= 5]
    is_marked = any(_GENERATED_MARK.search(text) for text in top)
    return _Reason("generated (its header says so)") if is_marked else None


def _too_large(size: int) -> _Reason:
    return _Reason(f"too large: {size // 1000:,} kB of changed text")


def _size(file: FileDiff) -> int:
    return sum(len(line.text) for hunk in file.hunks for line in hunk.lines)


def instructions_for(paths: Iterable[str], rules: Iterable[PathInstructions]) -> tuple[str, ...]:
    """Return the instructions of the rules that match one of the paths, in their order."""
    paths = tuple(paths)
    return tuple(rule.instructions for rule in rules if any(map(PathPatterns((rule.path,)), paths)))
