"""The small process between the reviewer and one sandbox: start bubblewrap, enforce the limits, return one reply.

A new one is started for each run, with an empty environment, as root if root makes the sandbox (see `sandbox`). It
reads one request from standard input, watches time, memory, processes and output, and writes one reply. When the
reviewer is gone (its end of standard input closes), everything inside ends. Endless output neither fills memory nor
blocks. Results are read only after all processes inside have ended. It never reads the environment and never opens a
path that code inside chose. It imports almost nothing, because each module makes every start slower.
"""

from __future__ import annotations

import fcntl
import marshal
import os
import select
import sys
import time

from reviewer.sandbox.memory_cgroup import MemoryCgroup, open_cgroup
from reviewer.sandbox.process_usage import machine_memory, pids, proportional, stored, usage_of
from reviewer.sandbox.result_files import collect

_ABOVE_ALL = 64  # our descriptors are above this number, so that none is overwritten when the child gets its own
_START_SECONDS = 20.0
_END_SECONDS = 5.0
_TICK = 0.03
_SIGKILL, _SIGPIPE, _SIGXFSZ = 9, 13, 25  # the module signal costs 5 ms
_FEW = 16  # for the sandbox's own processes and for a count that is slightly late
_SPARE = 256 << 20
#: Kernel memory that other programs of the machine may take meanwhile; much of it where a cgroup counts the sandbox's.
_OTHERS, _OTHERS_BESIDE_CGROUP = 128 << 20, 1 << 30


def main() -> None:
    """Serve one request. marshal is safe here: both ends are trusted and the same interpreter. It is also built in."""
    request = marshal.loads(_exactly(int.from_bytes(_exactly(8), "big")))  # noqa: S302
    reply = marshal.dumps(_serve(**request))
    with open(1, "wb", closefd=False) as out:
        out.write(len(reply).to_bytes(8, "big") + reply)


def _serve(
    argv: list[str], files: dict[int, bytes], ends: tuple[int, int, int], folders: list[str], limits: dict[str, float]
) -> dict[str, object]:
    """Run bubblewrap. `files` are the bytes it reads, by descriptor.

    `ends` are the descriptors on which it reports that it is ready, is told to go on, and reports the pid of its first
    process. `folders` are the writable folders, the one for results first.
    """
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as adjust:  # noqa: PTH123 - pathlib costs 8 ms
        adjust.write("1000")  # inherited: if the machine runs out of memory, the kernel kills the sandbox first
    cgroup = open_cgroup(int(limits["memory_bytes"]))
    pid, ready, go, info, output = _start_in(cgroup, argv, files, ends)
    if not _is_ready(ready):
        os.kill(pid, _SIGKILL)
        os.waitpid(pid, 0)
        return {"started": False, "output": _left(output)}
    inner = _number_after('"child-pid":', os.read(info, 4096).decode())
    root = f"/proc/{inner}/root/"
    # Opened before untrusted code runs; they stay valid after the namespace is gone.
    places = [os.open(root + folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) for folder in ("proc", *folders)]
    namespace = os.pidfd_open(inner)
    os.write(go, b"\n")
    run = RunWatch(inner, output, places, limits, cgroup)
    stopped = run.until_it_ends()
    code = _exit_code(pid, namespace)
    if cgroup is not None:
        cgroup.remove()
    results, refused = collect(places[1], int(limits["file_bytes"]))
    return {
        "started": True,
        "exit_code": None if stopped or code < 0 else code,
        "stopped": stopped,
        "output": b"".join(run.output),
        "truncated": run.truncated,
        "results": results,
        "refused": refused,
        "seconds": time.monotonic() - run.began,
        "cpu_seconds": run.cpu_seconds,
    }


def _start_in(
    cgroup: MemoryCgroup | None, argv: list[str], files: dict[int, bytes], ends: tuple[int, int, int]
) -> tuple[int, int, int, int, int]:
    """Start bubblewrap inside a cgroup, if there is one: this process enters it for as long as the start takes."""
    is_inside = cgroup is not None and cgroup.enter()
    started = _start(argv, files, ends)
    if cgroup is not None and is_inside:
        cgroup.leave()
    return started


def _start(argv: list[str], files: dict[int, bytes], ends: tuple[int, int, int]) -> tuple[int, int, int, int, int]:
    """Start bubblewrap; return its pid and our ends: ready, go, info, output."""
    ready, ready_there = _pipe()
    go_there, go = _pipe()
    info, info_there = _pipe()
    output, output_there = _pipe()
    there = {1: output_there, 2: output_there, **dict(zip(ends, (ready_there, go_there, info_there), strict=True))}
    there |= {number: _in_memory(data) for number, data in files.items()}
    actions = (
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        *((os.POSIX_SPAWN_DUP2, ours, number) for number, ours in there.items()),
    )
    # Python ignores two signals; test suites may rely on their default action.
    pid = os.posix_spawn(argv[0], argv, {}, file_actions=actions, setsigdef=(_SIGPIPE, _SIGXFSZ), setsigmask=())
    for descriptor in set(there.values()):
        os.close(descriptor)
    os.set_blocking(output, False)
    return pid, ready, go, info, output


def _is_ready(ready: int) -> bool:
    poll = select.poll()
    poll.register(ready, select.POLLIN)
    poll.register(0, select.POLLIN)
    events = dict(poll.poll(_START_SECONDS * 1000))
    if 0 in events:
        os._exit(1)
    return ready in events and os.read(ready, 1) != b""


def _exit_code(pid: int, namespace: int) -> int:
    """Wait until everything inside has ended, and return bubblewrap's exit code.

    Its first process ends last, but closes its files earlier. Bubblewrap ends as soon as the command does, and only
    then ends the namespace.
    """
    _, status = os.waitpid(pid, 0)
    poll = select.poll()
    poll.register(namespace, select.POLLIN)
    if not poll.poll(_END_SECONDS * 1000):
        sys.exit("something inside the sandbox could not be ended")
    return os.waitstatus_to_exitcode(status)


def _left(output: int) -> bytes:
    try:
        return os.read(output, 1 << 16)
    except BlockingIOError:
        return b""


def _number_after(key: str, text: str) -> int:
    """Return the number that follows a key in a small JSON object; the module json costs 10 ms."""
    rest = text.partition(key)[2].lstrip()
    return int(rest[: len(rest) - len(rest.lstrip("0123456789"))])


class RunWatch:
    """Watches one run until all of its processes have ended."""

    def __init__(
        self, inner: int, output: int, places: list[int], limits: dict[str, float], cgroup: MemoryCgroup | None
    ) -> None:
        """Store the sandbox's first process, its output, its /proc and writable folders, the limits, and the cgroup."""
        self.inner = inner
        self.pipe = output
        self.proc, *self.folders = places
        self.limits = limits
        self.cgroup = cgroup
        self.others = _OTHERS if cgroup is None else _OTHERS_BESIDE_CGROUP
        self.output: list[bytes] = []
        self.truncated = False
        self.cpu_seconds = 0.0
        self.began = time.monotonic()
        self.kernel = machine_memory()[1]

    def until_it_ends(self) -> str:
        """Read output and check limits until the output has no writer; return the exceeded limit, or an empty string.

        Bubblewrap keeps the output open, even if the processes inside close it.
        """
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN)
        poll.register(0, select.POLLIN)
        stopped, left, check_at, give_up_at = "", int(self.limits["output_bytes"]), 0.0, 0.0
        while True:
            events = dict(poll.poll(_TICK * 1000))
            if 0 in events:
                os._exit(1)  # the reviewer is gone; bubblewrap and everything inside end with this process
            if self.pipe in events:
                data = os.read(self.pipe, 1 << 16)
                if not data:
                    return stopped or ("memory" if self._was_killed() else "")
                self.output.append(data[:left])
                self.truncated = self.truncated or len(data) > left
                left = max(0, left - len(data))
            now = time.monotonic()
            if not stopped and now >= check_at:
                check_at = now + _TICK
                stopped = self._exceeded(now)
                if stopped:
                    os.kill(self.inner, _SIGKILL)  # killing the first process of a pid namespace kills all others
                    give_up_at = now + _END_SECONDS
            if stopped and now > give_up_at:
                sys.exit("the sandbox could not be ended")  # it ends with this process, at the latest

    def _exceeded(self, now: float) -> str:
        if self._was_killed():
            return "memory"
        if now - self.began > self.limits["seconds"]:
            return "time"
        usage = {pid: usage_of(self.proc, pid) for pid in pids(self.proc)}
        if len(usage) > self.limits["processes"] + _FEW:
            return "processes"
        self.cpu_seconds = max(self.cpu_seconds, sum(seconds for _, seconds in usage.values()))
        resident = sum(resident for resident, _ in usage.values()) + sum(map(stored, self.folders))
        available, kernel = machine_memory()
        # Socket buffers, page tables and pipes belong to no process: what the machine's kernel took since the start.
        limit = self.limits["memory_bytes"] - max(0, kernel - self.kernel - self.others)
        # The first sum counts shared pages once for each process. The exact sum takes longer, and is too high while
        # such processes end, because the pages they leave to others are counted again. So it is measured twice.
        if resident > limit and self._memory() > limit and self._memory() > limit:
            return "memory"
        return "memory of the machine" if available < _SPARE else ""

    def _was_killed(self) -> bool:
        return self.cgroup is not None and self.cgroup.has_killed()

    def _memory(self) -> int:
        """Return the memory of all processes and files, in bytes."""
        return sum(proportional(self.proc, pid) for pid in pids(self.proc)) + sum(map(stored, self.folders))


def _pipe() -> tuple[int, int]:
    ours, theirs = os.pipe()
    return _lifted(ours), _lifted(theirs)


def _in_memory(data: bytes) -> int:
    file = _lifted(os.memfd_create("data"))
    os.write(file, data)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _lifted(descriptor: int) -> int:
    lifted = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _ABOVE_ALL)
    os.close(descriptor)
    return lifted


def _exactly(size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(0, size - len(data))
        if not more:
            sys.exit(1)
        data += more
    return data
