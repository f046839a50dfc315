"""Copy a checkout for running untrusted code: the files on disk, or the base commit plus what was built.

The copy has no `.git`. Symlinks are copied as symlinks and never followed, neither in the checkout nor when a candidate
is written. Devices, sockets and pipes are left out. The checkout is never written; but files of large tool folders may
be shared with it (hard links), so write into a copy only with `StagedTree.put`, which replaces files. All users can
read the files of a copy; only root and the reviewer's user can enter the folder around it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reviewer.errors import UnsafePath
from reviewer.git.command import git_output
from reviewer.sandbox.tree_copy import TreeCopy, folder_of

_SETTINGS = ("core.sparseCheckout=false",)


@dataclass(frozen=True, slots=True)
class StagedTree:
    """A copy of a checkout at `tree`, for any number of runs."""

    tree: Path

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files by relative path, replacing existing ones. Raises UnsafePath for a path outside the tree."""
        for path, data in files.items():
            with folder_of(self.tree, path, make=True) as (folder, name):
                _remove(folder, name, path)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file:
                    file.write(data)
                    os.fchmod(file.fileno(), 0o644)

    def take(self, paths: Iterable[str]) -> None:
        """Remove files by relative path; missing ones are ignored. Folders that `put` made stay."""
        for path in paths:
            try:
                with folder_of(self.tree, path, make=False) as (folder, name):
                    _remove(folder, name, path)
            except FileNotFoundError:
                continue


@contextmanager
def stage_working_tree(
    checkout: Path, files: Mapping[str, bytes] = {}, *, scratch: Path | None = None, share: bool = True
) -> Iterator[StagedTree]:
    """Copy the checkout as it is on disk, with everything in it but `.git`, and write the files into the copy.

    `scratch` is the folder to make the copy in (default: the system's folder for temporary files; on the checkout's own
    file system, large tool folders take almost no space). `share=False` never links: for runs that can write into the
    copy.
    """
    with _scratch(scratch) as tree:
        TreeCopy(checkout, tree, share=share).all()
        stage = StagedTree(tree)
        stage.put(files)
        yield stage


@contextmanager
def stage_revision(
    checkout: Path,
    revision: str,
    files: Mapping[str, bytes] = {},
    *,
    without: Collection[str] = (),
    scratch: Path | None = None,
    share: bool = True,
) -> Iterator[StagedTree]:
    """Make a copy of a commit (its id) plus the files that git does not track here: builds, environments.

    Untracked files that the commit has itself are left out, and so are those in `without` (relative paths): new files
    of the change that are not committed yet. Otherwise as `stage_working_tree`. Raises WorktreeError if git fails.
    """
    with _scratch(scratch) as tree, tempfile.TemporaryDirectory(prefix="reviewer-index-") as index:
        environment = {"GIT_INDEX_FILE": f"{index}/index"}
        _git(checkout, "read-tree", revision, environment=environment)
        _git(checkout, "checkout-index", "--all", "--force", f"--prefix={tree}/", environment=environment)
        untracked = _git(checkout, "ls-files", "-z", "--others", "--directory", "--no-empty-directory")
        copying = TreeCopy(checkout, tree, share=share, without=frozenset(without))
        for path in filter(None, os.fsdecode(untracked).split("\0")):
            copying.add(path.rstrip("/"))
        stage = StagedTree(tree)
        stage.put(files)
        yield stage


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="reviewer-tree-", dir=parent) as folder:
        tree = Path(folder, "tree")
        tree.mkdir()
        tree.chmod(0o755)
        yield tree


def _remove(folder: int, name: str, path: str) -> None:
    try:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
    except OSError as error:
        raise UnsafePath(f"{path} is not a file: {error.strerror}.") from error


def _git(checkout: Path, *args: str, environment: Mapping[str, str] = {}) -> bytes:
    """Run git in the checkout without changing its index or objects, and without filters: git-lfs fetches nothing."""
    umask = 0o022  # the sandbox's user must be able to read what git writes
    return git_output(checkout, *args, settings=_SETTINGS, environment=environment, umask=umask)
