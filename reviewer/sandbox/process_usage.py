"""Read what processes, folders in memory and the machine use. For the supervisor, so it imports almost nothing."""

from __future__ import annotations

import errno
import os

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_INODE_BYTES = 1024  # kernel memory for each file of a tmpfs
_ENOUGH = 1 << 40


def pids(proc: int) -> list[str]:
    """Return the processes of a sandbox, whose /proc is open as `proc`; none once all have ended."""
    try:
        return [name for name in os.listdir(proc) if name.isdecimal()]
    except OSError:
        return []


def usage_of(proc: int, pid: str) -> tuple[int, float]:
    """Return a process's resident memory in bytes, and the processor seconds of it and its ended children.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the second field is any text in parentheses.
    """
    fields = _text(proc, f"{pid}/stat").rpartition(")")[2].split()
    return (int(fields[21]) * _PAGE, sum(map(int, fields[11:15])) / _TICKS) if fields else (0, 0.0)


def proportional(proc: int, pid: str) -> int:
    """Return a process's memory in bytes, shared pages divided among the processes that share them; 0 once it ended."""
    for line in _text(proc, f"{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return usage_of(proc, pid)[0]


def stored(folder: int) -> int:
    """Return the memory of the files of a tmpfs, in bytes."""
    usage = os.fstatvfs(folder)
    return (usage.f_blocks - usage.f_bfree) * usage.f_frsize + (usage.f_files - usage.f_ffree) * _INODE_BYTES


def machine_memory() -> tuple[int, int]:
    """Return the machine's available memory and what its kernel uses for itself, in bytes.

    The second is what is neither free, nor a page of a process or file, nor a cache. Where the first is unknown, there
    is enough to go on. https://docs.kernel.org/filesystems/proc.html#meminfo
    """
    rows = (line.split() for line in _text(None, "/proc/meminfo").splitlines())
    sizes = {row[0]: int(row[1]) * 1024 for row in rows if len(row) > 1}
    others = ("MemFree:", "Active:", "Inactive:", "Unevictable:", "SReclaimable:", "Hugetlb:")
    kernel = sizes.get("MemTotal:", 0) - sum(sizes.get(name, 0) for name in others)
    return sizes.get("MemAvailable:", _ENOUGH), kernel


def _text(folder: int | None, name: str) -> str:
    """Return a file of /proc; empty if its process has ended."""
    try:
        file = os.open(name, os.O_RDONLY, dir_fd=folder)
    except OSError:
        return ""
    try:
        return os.read(file, 1 << 14).decode("ascii", "replace")
    except OSError as error:
        if error.errno == errno.ESRCH:
            return ""
        raise
    finally:
        os.close(file)
