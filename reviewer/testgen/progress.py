"""Tell what runs and since when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds between two lines about the same step.
EVERY = 20.0


def say_nothing(_text: str) -> None:
    """Take progress that nobody wants to see."""


@contextmanager
def telling(progress: Callable[[str], None], what: str, every: float = EVERY) -> Iterator[None]:
    """Say what begins, every few seconds that it still runs and since when, and at the end how long it took."""
    done = threading.Event()
    start = time.monotonic()

    def keep_telling() -> None:
        while not done.wait(every):
            progress(f"still {what}: for {time.monotonic() - start:.0f} s")

    progress(what)
    thread = threading.Thread(target=keep_telling, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        if (seconds := time.monotonic() - start) >= 1:
            progress(f"done in {seconds:.0f} s: {what}")
