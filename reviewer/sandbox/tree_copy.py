"""Copy a folder safely, even if another process changes it meanwhile: nothing outside of it is read or written.

Walks by open folders instead of paths and follows no symlink on either side. Leaves out `.git`, devices, sockets, pipes
and unreadable files. Never overwrites. All users can read the copies, because the sandbox's user must.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reviewer.errors import UnsafePath

#: Folders that package managers and build tools fill with tens of thousands of files, which tests only read.
_SHARED = frozenset({"node_modules", ".venv", "venv", ".tox", ".nox", ".gradle", ".m2", ".cargo", "target"})
_MAX_DEPTH = 200  # each level holds two open files
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class TreeCopy:
    """Copies a checkout, or parts of it, to a tree, except for the paths in `without`.

    `share`: files of large tool folders become hard links if the file system allows it.
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
        """Copy one file or folder unless the tree has it already; folders are merged."""
        above, _, name = path.rpartition("/")
        shared = not _SHARED.isdisjoint(above.split("/"))
        try:
            with folder_of(self.checkout, path, make=False) as (source, _):
                kind = os.stat(name, dir_fd=source, follow_symlinks=False).st_mode
                with folder_of(self.tree, path, make=True) as (target, _):
                    self._entry(source, target, path, kind, shared=shared, depth=0)
        except (UnsafePath, FileNotFoundError):
            return  # it is gone now, or the tree has a file or symlink where this needs a folder

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
    """Open the folder of a path below the root; yield it and the last name, for use with `dir_fd`.

    `make` creates missing folders. Raises UnsafePath for a path that is absolute, leaves the root, goes through a
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
    """Open a folder until the stack unwinds. Raises NotADirectoryError for a symlink."""
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    opened.callback(os.close, descriptor)
    return descriptor


def _make(parent: int, name: str) -> None:
    """Make a folder that others can enter, whatever the umask is, unless something has that name."""
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
        os.chmod(name, 0o755, dir_fd=parent)  # noqa: S103 - below a folder that is ours alone


def _link(source: int, target: int, name: str, kind: int) -> bool:
    """Make a hard link and return True, if that is possible and others can read the file."""
    if _readable(kind) & 0o005 & ~kind:
        return False
    try:
        os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # another file system, too many links, or a file of another user
        return False
    return True


def _copy(source: int, target: int, name: str) -> None:
    """Copy content, mode and time; the time keeps compiled files valid."""
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
    """Return a file's permissions, with others allowed to read it, and to run it if its owner may."""
    return mode & 0o755 | 0o644 | (0o111 if mode & 0o100 else 0)
