"""Files that belong to one running process: locked as long as it lives, so that the next process knows what is left.

A lock of `flock` ends with its process, however that ends (https://man7.org/linux/man-pages/man2/flock.2.html).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Ending of a file's name until its process has locked it.
BEGINNING = ".beginning"


def create_locked(path: Path, flags: int = 0) -> int:
    """Create the file for its owner only, locked by this process; return its descriptor. Raises OSError.

    `flags` are added for `open`, such as `os.O_APPEND`. The file gets its final name only when it is locked: otherwise
    another process would take it for one that is left.
    """
    beginning = path.with_suffix(BEGINNING)
    while True:
        file = os.open(beginning, os.O_RDWR | os.O_CREAT | flags, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            beginning.rename(path)
        except FileNotFoundError:  # another process removed it before it was locked
            os.close(file)
        except OSError:
            os.close(file)
            raise
        else:
            return file


@contextmanager
def left_by_dead_process(path: Path) -> Iterator[bytes | None]:
    """Give what stands in the file of a process that is dead, and remove the file when the caller is done with it.

    None if its process runs, or another process was quicker. If the caller raises, the file stays.
    """
    try:
        opened = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file.read()
        path.unlink(missing_ok=True)
