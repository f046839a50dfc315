"""Runs an order without a sandbox, where a person says so about their own code (`--sandbox none`): command line only.

Promises: none of the reviewer's variables reach the code but PATH and the locale; its time, output and results are
limited; what it started is killed with it, as far as it stayed in its session. Does not keep it from the network, the
person's files, or memory. The code runs in the copy itself: `shown_at` and `read_only` mean nothing here, and whoever
orders must point the language at the copy (PYTHONPATH). Make the copy with `share=False`: code can write into it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from reviewer.errors import NoSandbox
from reviewer.sandbox.api import SandboxCommand, SandboxResult, SandboxRunner
from reviewer.sandbox.result_files import collect

_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
_TICK = 0.05


def unconfined_runner() -> SandboxRunner:
    """Return what runs an order with the person's own rights. Raises NoSandbox when a command cannot be started."""
    return _run


def _run(order: SandboxCommand) -> SandboxResult:
    with tempfile.TemporaryDirectory(prefix="reviewer-run-", ignore_cleanup_errors=True) as scratch:
        home, results = Path(scratch, "home"), Path(scratch, "results")
        home.mkdir()
        results.mkdir()
        began = time.monotonic()
        with _started(order, home, results) as process:
            run = _Run(process, began + order.limits.seconds, order.limits.output_bytes)
            run.until_it_ends()
        folder = os.open(results, os.O_RDONLY | os.O_DIRECTORY)
        try:
            files, refused = collect(folder, order.limits.file_bytes)
        finally:
            os.close(folder)
    kept = order.limits.output_bytes
    return SandboxResult(
        exit_code=None if run.stopped or process.returncode < 0 else process.returncode,
        output=run.output[:kept].decode("utf-8", "replace"),
        results=files,
        seconds=time.monotonic() - began,
        cpu_seconds=run.cpu_seconds,
        timed_out=bool(run.stopped),
        truncated=len(run.output) > kept,
        stopped=run.stopped,
        refused=refused,
    )


@contextmanager
def _started(order: SandboxCommand, home: Path, results: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command in a session of its own; kill that session, and wait, however this ends."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    fixed = {"HOME": str(home), "TMPDIR": str(home), "REVIEWER_RESULTS": str(results)}
    try:
        process = subprocess.Popen(  # noqa: S603 - an argument list
            order.argv,
            cwd=order.tree / order.cwd,
            env={"LANG": "C.UTF-8", **kept, **order.environment, **fixed},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NoSandbox(f"{order.argv[:1]} could not be started: {error}.") from error
    with process:
        try:
            yield process
        finally:
            # The group keeps its leader's number from being given away for as long as there is something to kill.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@dataclass(slots=True)
class _Run:
    """A run under way: what it said, and how it ended."""

    process: subprocess.Popen[bytes]
    deadline: float
    output_bytes: int
    output: bytearray = field(default_factory=bytearray)
    stopped: str = ""
    cpu_seconds: float = 0.0

    def until_it_ends(self) -> None:
        """Read, a byte more than the limit at most, until the command ends or its time is up.

        It is over with the command, not with its output: a process left behind may hold that open for ever.
        """
        assert self.process.stdout
        pipe = self.process.stdout.fileno()
        is_open = True
        while not self._has_ended():
            if time.monotonic() > self.deadline:
                self.stopped = "time"
                return
            if is_open and select.select([pipe], [], [], _TICK)[0]:
                is_open = self._read(pipe)
            elif not is_open:
                time.sleep(_TICK)  # it closed its output and goes on
        while is_open and time.monotonic() <= self.deadline and select.select([pipe], [], [], 0)[0]:
            is_open = self._read(pipe)

    def _has_ended(self) -> bool:
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid:
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
        return bool(pid)

    def _read(self, pipe: int) -> bool:
        """Read what is there; say whether there may be more."""
        data = os.read(pipe, 1 << 16)
        self.output += data[: self.output_bytes + 1 - len(self.output)]
        return bool(data)
