"""Read the results folder of a run, after every process that could change it has ended.

Opens regular files only, never through a symlink, and never more bytes, files or levels than allowed. Names are plain
relative paths. Files that are not taken are counted by reason. Imports little, because each start of the supervisor
loads this module.
"""

from __future__ import annotations

import os
import stat

_MAX_DEPTH = 8
_MAX_FILES = 1000
_MAX_NAME = 200
#: Bytes of all results of one run together.
MAX_BYTES = 64 << 20


def collect(folder: int, file_bytes: int) -> tuple[dict[str, bytes], dict[str, int]]:
    """Return the files below an open folder, and how many were refused for which reason.

    `file_bytes` caps each file, `MAX_BYTES` all of them. The folder's descriptor stays open.
    """
    found: dict[str, bytes] = {}
    refused: dict[str, int] = {}
    left = MAX_BYTES
    for name, parent in _walk(folder, "", 0, refused):
        if len(found) >= _MAX_FILES:
            _count(refused, f"more than {_MAX_FILES} files")
            continue
        data = _read(parent, name.rpartition("/")[2], min(file_bytes, left))
        if isinstance(data, str):
            _count(refused, data)
        else:
            found[name] = data
            left -= len(data)
    return found, refused


def _walk(folder: int, prefix: str, depth: int, refused: dict[str, int]):  # type: ignore[no-untyped-def]  # noqa: ANN202 - naming Iterator would import collections
    """Yield the relative path and the open parent folder of each file, sorted by name."""
    for entry in sorted(os.listdir(folder)):
        if not entry.isprintable() or "\\" in entry or len(entry) > _MAX_NAME:
            _count(refused, "an unusual name")
        elif not stat.S_ISDIR(_kind(folder, entry)):
            yield prefix + entry, folder
        elif depth >= _MAX_DEPTH:
            _count(refused, f"more than {_MAX_DEPTH} levels")
        else:
            inner = _open(folder, entry, os.O_DIRECTORY)
            if inner is None:
                _count(refused, "not readable")
                continue
            try:
                yield from _walk(inner, f"{prefix}{entry}/", depth + 1, refused)
            finally:
                os.close(inner)


def _read(parent: int, name: str, limit: int) -> bytes | str:
    """Return the content of a regular file, or the reason why it is refused."""
    if not stat.S_ISREG(_kind(parent, name)):
        return "not a regular file"  # never open it: opening a device or pipe can have effects
    file = _open(parent, name, os.O_NONBLOCK)
    if file is None:
        return "not readable"
    with os.fdopen(file, "rb") as stream:
        data = stream.read(limit + 1) if stat.S_ISREG(os.fstat(file).st_mode) else b""
    return data if len(data) <= limit else "too large"


def _kind(parent: int, name: str) -> int:
    """Return a file's mode, 0 if it is gone: without a sandbox, a process that removes it may still be running."""
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except OSError:
        return 0


def _open(parent: int, name: str, flags: int) -> int | None:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=parent)
    except OSError:
        return None


def _count(refused: dict[str, int], reason: str) -> None:
    refused[reason] = refused.get(reason, 0) + 1
