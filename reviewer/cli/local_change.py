"""Read a local change: a range or the working tree of a clone, or a diff in a file.

Settings and guidance come from the base of the change, which it cannot edit. A bare diff has neither, and no other
file is read. Writes only problems of the settings, to standard error.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import GUIDANCE_PATHS, Change, Guidance
from reviewer.domain.formatting import FORMAT_PATHS, read_formatting
from reviewer.domain.settings import DEFAULTS, Settings, parse_settings
from reviewer.domain.settings_files import SETTINGS_FOLDER, SettingsPlace, find_settings, look_alike_problem, no_text
from reviewer.errors import SettingsError, UsageError
from reviewer.git.selection import Selection, pathspecs, untracked_left_out
from reviewer.git.sources import CheckoutSources, checkout_of
from reviewer.git.worktree import LocalChange, Worktree, open_worktree


def change_of_diff(name: str) -> tuple[Change, Settings]:
    """Read a unified diff from a file, or from standard input for `-`. Raises UsageError."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read the diff {name}: {error.strerror}.") from error
    return Change(diff=parse_diff(data)), DEFAULTS


def selection_of(options: argparse.Namespace, root: Path) -> Selection:
    """Return which part of the change the options select. Raises UsageError."""
    outputs = {options.output, options.patch, getattr(options, "relay", None)} - {None}
    places = [Path(os.path.abspath(name)) for name in outputs]  # noqa: PTH100 - links are not followed
    return Selection(
        paths=pathspecs(options.paths, Path.cwd(), root),
        staged=options.staged,
        untracked=options.untracked,
        include=tuple(options.include),
        left_out=frozenset(place.relative_to(root).as_posix() for place in places if place.is_relative_to(root)),
    )


def change_of_options(options: argparse.Namespace, progress: Callable[[str], None]) -> tuple[Change, Settings]:
    """Read the change of `options.range` from the clone around the current folder. Raises ReviewerError."""
    tree = open_worktree(Path.cwd())
    return _read(tree, tree.diff(options.range, selection_of(options, tree.root)), progress)


def _read(tree: Worktree, local: LocalChange, progress: Callable[[str], None]) -> tuple[Change, Settings]:
    progress(f"comparing {local.description}")
    if local.not_shown:
        progress(untracked_left_out(local.not_shown))

    def read(paths: Sequence[str], revision: str | None) -> dict[str, str]:
        return {path: data.decode("utf-8", "surrogateescape") for path, data in tree.read_all(paths, revision).items()}

    settings, files = _base_files(tree, local.base_sha)
    title, description = tree.title_and_description(local)
    change = Change(
        diff=parse_diff(local.diff_bytes),
        title=title,
        description=description,
        guidance=tuple(Guidance(path, files[path]) for path in GUIDANCE_PATHS if files.get(path)),
        read_head=lambda paths: read(paths, local.head),
        sources=checkout_of(tree, local),
        formatting=read_formatting(files),
    )
    return change, settings


def untracked_of(change: Change) -> frozenset[str]:
    """Return the files of the change that git does not track yet."""
    return frozenset(change.sources.untracked) if isinstance(change.sources, CheckoutSources) else frozenset()


def _base_files(tree: Worktree, base: str) -> tuple[Settings, dict[str, str]]:
    """Read the settings at the base, and the files with guidance and of formatters.

    Raises SettingsError if nothing may be reviewed.
    """
    blobs = tree.blobs(base, (SETTINGS_FOLDER,))
    # In whatever case the folder is written: a disk of a Mac or of Windows makes no difference.
    others = [name for name in blobs if name.casefold() == SETTINGS_FOLDER and name != SETTINGS_FOLDER]
    blobs |= tree.blobs(base, others) if others else {}
    place = find_settings({path: bool(blob) for path, blob in blobs.items()})
    other_files = (*GUIDANCE_PATHS, *FORMAT_PATHS)
    paths = (place.path, *place.look_alikes, *other_files)
    data = tree.read_blobs({path: blobs[path] for path in paths if path and blobs.get(path)})
    texts = {path: data[path].decode("utf-8", "surrogateescape") for path in other_files if path in data}
    return _settings(place, data, base), texts


def _settings(place: SettingsPlace, data: Mapping[str, bytes], base: str) -> Settings:
    """Return the settings, and print their problems. Raises SettingsError if nothing may be reviewed."""
    texts = {path: text for path in data if (text := _text(data[path])) is not None}
    settings, problems = DEFAULTS, place.problems
    if place.path in texts:
        settings, more = parse_settings(texts[place.path], place.path)
        problems += more
    elif place.path is not None:
        problems += (no_text(place.path),)
    found = (look_alike_problem(path, texts.get(path)) for path in place.look_alikes)
    problems += tuple(problem for problem in found if problem is not None)
    for problem in problems:
        # The working tree may hold a corrected version: name the commit that was read.
        sys.stderr.write(f"reviewer: at {base[:10]}: {problem}\n")
    if any(problem.stops for problem in problems):
        raise SettingsError(
            f"Nothing was reviewed, because the settings at {base[:10]} do not say what may be. Correct them there, or "
            "review the bare diff, for which no settings are read: git diff A...B | reviewer diff --diff -"
        )
    return settings


def _text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def change_without_progress(folder: Path, revisions: str) -> tuple[Change, Settings]:
    """Read the change of a range from the clone in that folder, without progress lines. Raises ReviewerError."""
    tree = open_worktree(folder)
    return _read(tree, tree.diff(revisions), lambda _: None)
