"""Let the kernel count all memory of a sandbox, its own included, where this machine lets us make a memory cgroup.

Root usually may (GitHub's own runners with sudo, a container whose cgroups are writable), and an ordinary user where
systemd has handed a part of the tree over. Elsewhere `open_cgroup` returns None, and the supervisor measures alone.
It imports almost nothing, because it is part of the supervisor.
https://docs.kernel.org/admin-guide/cgroup-v2.html#memory, https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator

_NAME = "minimax-reviewer-"
#: For bubblewrap and the kernel's own bookkeeping of the processes inside.
_START_BYTES = 16 << 20
_END_SECONDS = 2.0
#: Files that set the limit, and the file that counts kills: by version.
_LIMITS = {
    1: ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.kmem.tcp.limit_in_bytes"),
    2: ("memory.max",),
}
_COUNTS = {1: "memory.oom_control", 2: "memory.events"}


class MemoryCgroup:
    """A cgroup for one run. What is started between `enter` and `leave` belongs to it."""

    def __init__(self, folder: str, own: str, version: int) -> None:
        """Store the cgroup's folder, the one this process is in, and the version of the interface (1 or 2)."""
        self.folder = folder
        self.own = own
        self.version = version

    def enter(self) -> bool:
        """Move this process into the cgroup; return whether the kernel let us."""
        return _write(f"{self.folder}/cgroup.procs", str(os.getpid()))

    def leave(self) -> None:
        """Move this process back to where it was. Raises OSError: it must not count, nor be killed, with the run."""
        with open(f"{self.own}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))

    def has_killed(self) -> bool:
        """Return whether the kernel ended a process because the limit was reached."""
        for line in _read(f"{self.folder}/{_COUNTS[self.version]}").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1]) > 0
        return False

    def remove(self) -> None:
        """Delete the cgroup. Its processes have ended; the kernel may need a moment to see that."""
        give_up_at = time.monotonic() + _END_SECONDS
        while not _is_removed(self.folder) and time.monotonic() < give_up_at:
            os.sched_yield()


def open_cgroup(memory_bytes: int) -> MemoryCgroup | None:
    """Make a cgroup with this limit beside or below the one that this process is in; None where that is not allowed."""
    for version, own, folders in _places():
        for above in folders:
            _remove_left(above)
            folder = f"{above}/{_NAME}{os.getpid()}"
            try:
                os.mkdir(folder, 0o700)
            except OSError:
                continue
            cgroup = MemoryCgroup(folder, own, version)
            if _limited(cgroup, memory_bytes + _START_BYTES):
                return cgroup
            cgroup.remove()
    return None


def _limited(cgroup: MemoryCgroup, limit: int) -> bool:
    first, *more = _LIMITS[cgroup.version]
    if not _write(f"{cgroup.folder}/{first}", str(limit)):
        return False
    for name in more:  # absent where the kernel does not count swap
        _write(f"{cgroup.folder}/{name}", str(limit))
    if cgroup.version == 2:
        _write(f"{cgroup.folder}/memory.swap.max", "0")
        _write(f"{cgroup.folder}/memory.oom.group", "1")
    return True


def _places() -> Iterator[tuple[int, str, list[str]]]:
    """Yield the version, our own cgroup's folder, and the folders in which a new one may be made.

    https://man7.org/linux/man-pages/man7/cgroups.7.html: `/proc/self/cgroup` has `ID:CONTROLLERS:PATH`.
    """
    mounts = _mounts()
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(",") and 1 in mounts:
            root, mounted = mounts[1]
            own = mounted + _below(path, root)
            yield 1, own, [own]
        elif not controllers and 2 in mounts:
            root, mounted = mounts[2]
            own = mounted + _below(path, root)
            # Version 2 allows no cgroup below one that has processes: only beside ours, or further up.
            above = [own := own.rpartition("/")[0] for _ in range(own.count("/") - mounted.count("/"))]
            delegated = [folder for folder in above if "memory" in _read(f"{folder}/cgroup.subtree_control").split()]
            yield 2, mounted + _below(path, root), delegated


def _mounts() -> dict[int, tuple[str, str]]:
    """Return where the cgroups with the memory controller are: version -> (root of the mount, folder)."""
    mounts: dict[int, tuple[str, str]] = {}
    for line in _read("/proc/self/mountinfo").splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        root, folder = fields.split(" ")[3:5]
        if kind == "cgroup2":
            mounts.setdefault(2, (root, folder))
        elif kind == "cgroup" and "memory" in options.split(","):
            mounts.setdefault(1, (root, folder))
    return mounts


def _below(path: str, root: str) -> str:
    """Return a cgroup's path as it is below a mount that shows the tree from `root` on."""
    inside = path.removeprefix(root) if root != "/" else path
    return "" if inside in {"", "/"} else "/" + inside.strip("/")


def _remove_left(above: str) -> None:
    """Delete the cgroups of runs whose supervisor was killed: nobody has its process id, and the cgroup is empty."""
    try:
        names = os.listdir(above)
    except OSError:
        return
    for name in names:
        if name.startswith(_NAME) and not _lives(name.removeprefix(_NAME)):
            _is_removed(f"{above}/{name}")


def _lives(pid: str) -> bool:
    try:
        os.stat(f"/proc/{pid}")
    except OSError:
        return False
    return True


def _is_removed(folder: str) -> bool:
    try:
        os.rmdir(folder)
    except OSError as error:
        return error.errno == errno.ENOENT
    return True


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, text: str) -> bool:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError:
        return False
    return True
