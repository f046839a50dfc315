"""A change on this machine: of a range or the working tree of a clone, or of a diff that somebody has.

Promises: settings and guidance are those of what the change starts from, which it cannot edit; of a bare diff there are
none, and no file around it is looked at. Writes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import GUIDANCE_PATHS, Change, Guidance
from reviewer.domain.settings import DEFAULTS, SETTINGS_PATH, Settings, parse_settings
from reviewer.errors import UsageError
from reviewer.git.sources import checkout_of
from reviewer.git.worktree import open_worktree


def change_of_diff(name: str) -> tuple[Change, Settings]:
    """Read a unified diff from a file, or from standard input where it is `-`. Raises UsageError."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read the diff {name}: {error.strerror}.") from error
    return Change(diff=parse_diff(data)), DEFAULTS


def change_of_range(
    wanted: str | None, progress: Callable[[str], None], folder: Path | None = None
) -> tuple[Change, Settings]:
    """Take the change of a range from git; None: all that is new against the default branch.

    `progress` hears what is compared, since the base may have been guessed, and what is wrong with the settings.
    `folder` is the clone, by default this one. Raises ReviewerError.
    """
    tree = open_worktree(folder or Path.cwd())
    local = tree.diff(wanted)
    progress(f"comparing {local.description}")

    def read(paths: Sequence[str], revision: str | None) -> dict[str, str]:
        return {path: data.decode("utf-8", "surrogateescape") for path, data in tree.read_all(paths, revision).items()}

    told = read((SETTINGS_PATH, *GUIDANCE_PATHS), local.base_sha)
    settings, problems = parse_settings(told.get(SETTINGS_PATH, ""))
    for problem in problems:
        # Whoever just mended the file has to know which version this is about.
        sys.stderr.write(f"reviewer: at {local.base_sha[:10]}: {problem}\n")
    title, description = tree.title_and_description(local)
    change = Change(
        diff=parse_diff(local.diff_bytes),
        title=title,
        description=description,
        guidance=tuple(Guidance(path, told[path]) for path in GUIDANCE_PATHS if told.get(path)),
        read_head=lambda paths: read(paths, local.head),
        sources=checkout_of(tree, local),
    )
    return change, settings


def staged_change(folder: Path, wanted: str) -> tuple[Change, Settings]:
    """Take the change of a range from the clone in that folder, as `change_of_range` does, and tell nobody."""
    return change_of_range(wanted, lambda _: None, folder)
