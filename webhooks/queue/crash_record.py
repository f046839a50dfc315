"""Know, after a worker has crashed or was blocked, which jobs it was carrying out.

A worker keeps two files in a folder: the jobs that run, and, by `faulthandler`, where its threads were when it crashed.
The second is written in C, so also while code in C holds the interpreter: a worker that shows no sign of life ends
itself. The next worker on the machine reads both. A worker that was killed from outside leaves the second file empty.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from webhooks.queue.process_files import BEGINNING, create_locked, left_by_dead_process

_LOG = logging.getLogger("reviewer.worker")

_RUNNING, _CRASH = ".running", ".crash"


class CrashRecord:
    """The two files of one worker process."""

    def __init__(self, folder: Path, stuck_after: float) -> None:
        """Store the folder, and after how many seconds without a sign of life the process ends itself."""
        self._folder = folder
        self._stuck_after = stuck_after
        self._jobs: list[str] = []
        self._guard = threading.Lock()
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._running: IO[bytes] | None = None
        self._crash: IO[str] | None = None

    def open(self, found: Callable[[list[str]], None]) -> None:
        """Begin; first hand over the jobs that ran in a process that crashed."""
        try:
            for ending in (_RUNNING, BEGINNING):
                for path in sorted(self._folder.glob(f"*{ending}")):
                    _take_over(path, found)
            self._running = os.fdopen(create_locked(self._folder / f"{self._name}{_RUNNING}"), "wb")
            self._crash = _private(self._folder / f"{self._name}{_CRASH}")
        except OSError as error:
            _LOG.warning("jobs that crash their worker cannot be recognised: %s", error)
            return
        faulthandler.enable(self._crash)
        self.alive()

    def alive(self) -> None:
        """Show a sign of life."""
        if self._crash is not None:
            faulthandler.dump_traceback_later(self._stuck_after, file=self._crash, exit=True)

    def begin(self, job_id: str) -> None:
        """Remember that a job runs."""
        with self._guard:
            self._jobs.append(job_id)
            self._write()

    def end(self, job_id: str) -> None:
        """Remember that a job runs no more."""
        with self._guard:
            self._jobs.remove(job_id)
            self._write()

    def close(self) -> None:
        """Remove the files: this process ends in order."""
        faulthandler.cancel_dump_traceback_later()
        with self._guard:
            if self._crash is not None:
                faulthandler.disable()
                self._crash.close()
            if self._running is not None:
                for ending in (_CRASH, _RUNNING):
                    (self._folder / f"{self._name}{ending}").unlink(missing_ok=True)
                self._running.close()
            self._crash = self._running = None

    def _write(self) -> None:
        if self._running is None:
            return
        text = json.dumps(self._jobs).encode("ascii")
        try:
            os.pwrite(self._running.fileno(), text, 0)
            os.ftruncate(self._running.fileno(), len(text))
        except OSError as error:
            _LOG.warning("it is not kept which jobs run: %s", error)


def _private(path: Path) -> IO[str]:
    path.touch(mode=0o600)
    return path.open("r+", encoding="ascii")


def _take_over(path: Path, found: Callable[[list[str]], None]) -> None:
    """Hand over the jobs of a process that is dead, if it crashed, and remove its files."""
    with left_by_dead_process(path) as content:
        if content is None:
            return
        crash = path.with_suffix(_CRASH)
        text = crash.read_text("utf-8", "replace") if crash.exists() else ""
        try:
            jobs = [str(job) for job in json.loads(content or b"[]")]
        except ValueError:
            jobs = []
        if text:
            _LOG.error("the last worker crashed or was blocked while it ran %d jobs:\n%s", len(jobs), text[:4000])
            found(jobs)
        crash.unlink(missing_ok=True)
