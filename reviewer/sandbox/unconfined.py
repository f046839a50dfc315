"""Run a command without a sandbox, for a person's own code (`--sandbox none`, command line only).

The code gets none of the reviewer's variables except PATH and the locale. Time, output and results are limited.
Processes it started are killed with it, if they stayed in its session. The network, the person's files and memory are
not protected. The code runs in the copy itself: `shown_at` and `read_only` have no effect, and the caller must point
the language at the copy (PYTHONPATH). Make the copy with `share=False`, because code can write into it.
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
    """Return a runner with the person's own rights. It raises NoSandbox if a command cannot be started."""
    return _run


def _run(command: SandboxCommand) -> SandboxResult:
    with tempfile.TemporaryDirectory(prefix="reviewer-run-", ignore_cleanup_errors=True) as scratch:
        home, results = Path(scratch, "home"), Path(scratch, "results")
        home.mkdir()
        results.mkdir()
        began = time.monotonic()
        with _started(command, home, results) as process:
            run = _Run(process, began + command.limits.seconds, command.limits.output_bytes)
            run.until_it_ends()
        folder = os.open(results, os.O_RDONLY | os.O_DIRECTORY)
        try:
            files, refused = collect(folder, command.limits.file_bytes)
        finally:
            os.close(folder)
    kept = command.limits.output_bytes
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
def _started(command: SandboxCommand, home: Path, results: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command in a session of its own. At the end kill that session and wait, in every case."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    fixed = {"HOME": str(home), "TMPDIR": str(home), "REVIEWER_RESULTS": str(results)}
    try:
        process = subprocess.Popen(  # noqa: S603 - an argument list
            command.argv,
            cwd=command.tree / command.cwd,
            env={"LANG": "C.UTF-8", **kept, **command.environment, **fixed},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NoSandbox(f"{command.argv[:1]} could not be started: {error}.") from error
    with process:
        try:
            yield process
        finally:
            # The group's number is not used again as long as one of its processes is left.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@dataclass(slots=True)
class _Run:
    """A running command, its output so far, and how it ended."""

    process: subprocess.Popen[bytes]
    deadline: float
    output_bytes: int
    output: bytearray = field(default_factory=bytearray)
    stopped: str = ""
    cpu_seconds: float = 0.0

    def until_it_ends(self) -> None:
        """Read until the command ends or its time is up; keep at most one byte more than the limit.

        Do not wait for the end of the output: a process left behind may keep it open for ever.
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
                time.sleep(_TICK)  # it closed its output but goes on running
        while is_open and time.monotonic() <= self.deadline and select.select([pipe], [], [], 0)[0]:
            is_open = self._read(pipe)

    def _has_ended(self) -> bool:
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid:
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
        return bool(pid)

    def _read(self, pipe: int) -> bool:
        """Read what is available; return whether there may be more."""
        data = os.read(pipe, 1 << 16)
        self.output += data[: self.output_bytes + 1 - len(self.output)]
        return bool(data)
