"""Choose the files of a change to review, with a reason for each that is skipped. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reviewer.diff.line_endings import ignore_line_ending_changes
from reviewer.diff.model import Diff, FileDiff, FileStatus
from reviewer.domain.findings import Skipped
from reviewer.domain.path_patterns import PathPatterns
from reviewer.domain.settings import PathInstructions, ReviewSettings
from reviewer.languages.paths import LOCK_FILES, is_data, is_generated, is_vendored

#: https://pkg.go.dev/cmd/go#hdr-Generate_Go_files and the mark of Meta's tools, both searched at the top of a file.
_GENERATED_MARK = re.compile(r"^\W*Code generated .* DO NOT EDIT|@generated\b", re.IGNORECASE)
#: A file with more changed text is a data dump or a code drop, which nobody reviews line by line.
MAX_FILE_BYTES = 400_000


def select(diff: Diff, settings: ReviewSettings) -> tuple[tuple[FileDiff, ...], tuple[Skipped, ...]]:
    """Split the files of a change into those to review and those skipped, each with its reason.

    In the files to review, lines that differ only in their line ends no longer count as changed.
    """
    included = PathPatterns(settings.include) if settings.include else None
    excluded = PathPatterns(settings.exclude) if settings.exclude else None
    kept: list[FileDiff] = []
    skipped: list[Skipped] = []
    for original in diff.files:
        file = ignore_line_ending_changes(original)
        reason = "only its line ends changed" if original.hunks and not file.hunks else _shape_reason(file)
        if reason is None and included is not None and not included(file.path):
            reason = "not in `review.include`"
        if reason is None and excluded is not None and excluded(file.path):
            reason = "in `review.exclude`"
        if reason is None and not settings.generated:
            reason = _generated_reason(file)
        if reason is None and _size(file) > MAX_FILE_BYTES:
            reason = f"too large: {_size(file) // 1000:,} kB of changed text"
        if reason is None:
            kept.append(file)
        else:
            skipped.append(Skipped(file.path, reason))
    return tuple(kept), tuple(skipped)


def _shape_reason(file: FileDiff) -> str | None:
    """Return why the file has nothing to review, whatever its name; None if it has."""
    if file.submodule:
        return "submodule: only the commit it points to changed"
    if file.symlink:
        return "symbolic link"
    if file.binary:
        return "binary"
    if file.missing:
        return "GitHub gave no diff for it (too large, or binary)"
    if file.status is FileStatus.REMOVED:
        return None if file.hunks else "removed, and it was empty"
    if not file.hunks:
        return {
            FileStatus.RENAMED: f"renamed from {file.old_path} without changes",
            FileStatus.COPIED: f"copied from {file.old_path} without changes",
            FileStatus.MODE: "only its mode changed",
            FileStatus.ADDED: "empty",
        }.get(file.status, "no changed lines")
    return None


def _generated_reason(file: FileDiff) -> str | None:
    """Return why the file counts as generated, by its name or by the mark at its top; None if it does not."""
    name = file.path.rsplit("/", 1)[-1]
    if name in LOCK_FILES:
        return "lock file"
    if is_vendored(file.path):
        return "vendored"
    if is_generated(file.path):
        return "generated"
    if is_data(file.path):
        return "data, not code"
    top = [line.text for hunk in file.hunks[:1] for line in hunk.lines if (line.new or 99) <= 5]
    return "generated (its header says so)" if any(_GENERATED_MARK.search(text) for text in top) else None


def _size(file: FileDiff) -> int:
    return sum(len(line.text) for hunk in file.hunks for line in hunk.lines)


def instructions_for(paths: Iterable[str], rules: Iterable[PathInstructions]) -> tuple[str, ...]:
    """Return the instructions of the rules that match one of the paths, in their order."""
    paths = tuple(paths)
    return tuple(rule.instructions for rule in rules if any(map(PathPatterns((rule.path,)), paths)))
