"""Ports that are free, and waiting for something with a deadline."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_until(
    true: Callable[[], object], what: str, *, seconds: float, story: Callable[[], str], pause: float = 0.05
) -> None:
    """Wait for a condition that another process brings about; fails with what was said so far."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}\n{story()}"
        time.sleep(pause)
