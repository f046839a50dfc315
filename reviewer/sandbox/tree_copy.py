"""Copies a folder so that nobody who changes it meanwhile can make the copy hold, or write, anything from elsewhere.

Promises: walks by open folders, never by paths, and follows no symlink on either side; leaves `.git`, devices, sockets,
pipes and what may not be read out; never overwrites. Whatever it copies others can read, as the sandbox's user must.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reviewer.errors import UnsafePath

#: What package managers and build tools fill with tens of thousands of files, and tests only read.
_SHARED = frozenset({"node_modules", ".venv", "venv", ".tox", ".nox", ".gradle", ".m2", ".cargo", "target"})
_MAX_DEPTH = 200  # each level holds two open files
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class TreeCopy:
    """A copy in the making, from a checkout to a tree, without some paths.

    `share`: files of large tool folders become hard links where the file system allows that.
    """

    checkout: Path
    tree: Path
    share: bool
    without: frozenset[str] = frozenset()

    def all(self) -> None:
        """Copy everything."""
        with _opened(self.checkout) as source, _opened(self.tree) as target:
            self._folder(source, target, "", shared=False, depth=0)

    def add(self, path: str) -> None:
        """Copy one file or folder, where the tree has nothing of that name; folders are merged."""
        above, _, name = path.rpartition("/")
        shared = not _SHARED.isdisjoint(above.split("/"))
        try:
            with folder_of(self.checkout, path, make=False) as (source, _):
                kind = os.stat(name, dir_fd=source, follow_symlinks=False).st_mode
                with folder_of(self.tree, path, make=True) as (target, _):
                    self._entry(source, target, path, kind, shared=shared, depth=0)
        except (UnsafePath, FileNotFoundError):
            return  # it is gone by now, or the tree has a file or symlink where this needs a folder

    def _folder(self, source: int, target: int, path: str, *, shared: bool, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise UnsafePath(f"{path[:100]}... has more than {_MAX_DEPTH} levels.")
        with os.scandir(source) as entries:
            for entry in entries:
                with suppress(PermissionError, FileNotFoundError):
                    kind = entry.stat(follow_symlinks=False).st_mode
                    self._entry(source, target, path + entry.name, kind, shared=shared, depth=depth)

    def _entry(self, source: int, target: int, path: str, kind: int, *, shared: bool, depth: int) -> None:
        name = path.rpartition("/")[2]
        if name == ".git" or path in self.without:
            return
        with suppress(FileExistsError):
            if stat.S_ISLNK(kind):
                os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            elif stat.S_ISREG(kind):
                if not (shared and self.share and _link(source, target, name, kind)):
                    _copy(source, target, name)
            elif stat.S_ISDIR(kind):
                _make(target, name)
                with ExitStack() as opened, suppress(NotADirectoryError):
                    old, new = (_enter(opened, name, parent) for parent in (source, target))
                    self._folder(old, new, f"{path}/", shared=shared or name in _SHARED, depth=depth + 1)


@contextmanager
def folder_of(root: Path, path: str, *, make: bool) -> Iterator[tuple[int, str]]:
    """Open the folder that holds a path below the root; give it and the last name, for use with `dir_fd`.

    `make` makes missing folders. Raises UnsafePath for a path that is absolute, leaves the root, leads through a
    symlink or into `.git`, and FileNotFoundError for a missing folder.
    """
    *above, name = path.split("/")
    if "\0" in path or any(part in {"", ".", ".."} or part.lower() == ".git" for part in (*above, name)):
        raise UnsafePath(f"{path!r} is not a path below the checkout.")
    with ExitStack() as opened:
        folder = opened.enter_context(_opened(root))
        for part in above:
            if make:
                _make(folder, part)
            try:
                folder = _enter(opened, part, folder)
            except NotADirectoryError as error:
                raise UnsafePath(f"{path} leads through {part}, which is a file or a symlink.") from error
        yield folder, name


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _enter(opened: ExitStack, name: str, parent: int) -> int:
    """Open a folder until the stack unwinds. A symlink is no folder here: NotADirectoryError."""
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    opened.callback(os.close, descriptor)
    return descriptor


def _make(parent: int, name: str) -> None:
    """Make a folder that others can enter, whatever the umask is, where there is nothing of that name."""
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
        os.chmod(name, 0o755, dir_fd=parent)  # noqa: S103 - below a folder that is ours alone


def _link(source: int, target: int, name: str, kind: int) -> bool:
    """Make a hard link; say whether that could be done so that others can read the file."""
    if _readable(kind) & 0o005 & ~kind:
        return False
    try:
        os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # another file system, or a link too many, or somebody else's file
        return False
    return True


def _copy(source: int, target: int, name: str) -> None:
    """Copy content, mode and time: a time that stays keeps compiled files valid."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # it may have become a symlink or a pipe
    with os.fdopen(os.open(name, flags, dir_fd=source), "rb") as old:
        status = os.fstat(old.fileno())
        if not stat.S_ISREG(status.st_mode):
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(name, flags, 0o600, dir_fd=target), "wb") as new:
            while os.sendfile(new.fileno(), old.fileno(), None, 1 << 30):
                pass
            os.fchmod(new.fileno(), _readable(status.st_mode))
            os.utime(new.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))


def _readable(mode: int) -> int:
    """Return a file's permissions with others allowed to read it, and to run it where its owner may."""
    return mode & 0o755 | 0o644 | (0o111 if mode & 0o100 else 0)
