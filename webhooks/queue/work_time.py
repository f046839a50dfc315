"""Interrupt a job whose own work takes too much processor time. Waiting for GitHub, the model or the store is free.

Promises: Python code is interrupted within a second of its limit. Code in C that holds the interpreter is not: that is
what `crash_record` is for.
"""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_LOG = logging.getLogger("reviewer.worker")


class WorkInterrupted(BaseException):
    """The job's own work was interrupted. Like KeyboardInterrupt, so that no code on the way takes it for a failure."""


@dataclass(slots=True)
class WorkTime:
    """The threads that carry out jobs, each with the reading of its own clock at which it is interrupted."""

    _guard: threading.Lock = field(default_factory=threading.Lock)
    _ends: dict[int, tuple[int, float]] = field(default_factory=dict)

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Raise WorkInterrupted in this thread when the block has taken that much processor time."""
        thread = threading.get_ident()
        clock = time.pthread_getcpuclockid(thread)
        with self._guard:
            self._ends[thread] = (clock, time.clock_gettime(clock) + seconds)
        try:
            yield
        finally:
            with self._guard:
                self._ends.pop(thread, None)

    def interrupt(self) -> None:
        """Interrupt whoever has used up their time; call it repeatedly."""
        with self._guard:
            for thread, (clock, end) in self._ends.items():
                if time.clock_gettime(clock) > end:
                    _LOG.error("a job's own work takes too long: interrupting it")
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(thread), ctypes.py_object(WorkInterrupted)
                    )
