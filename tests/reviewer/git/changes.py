"""What the tests of local changes look at: which files a change has, and whether a clone was written to."""

from __future__ import annotations

import hashlib
from pathlib import Path

from reviewer.diff.model import FileStatus
from reviewer.diff.parser import parse_diff
from reviewer.git.worktree import LocalChange
from tests.fixtures.git_repo import Repo


def changed(change: LocalChange) -> dict[str, FileStatus]:
    return {file.path: file.status for file in parse_diff(change.diff_bytes).files}


def snapshot(repo: Repo) -> dict[str, str]:
    """Return a digest of every file below the repository, with its times: whatever is written shows."""
    return {
        str(path): f"{path.lstat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(repo.path.rglob("*"))
        if path.is_file()
    }


def clone(repo: Repo, to: Path, *options: str) -> Repo:
    repo.git("clone", "-q", *options, repo.path.as_uri(), str(to))
    return Repo(to)
