"""How quickly deliveries are answered while slow senders hold connections: idle, headers and body byte by byte."""

from __future__ import annotations

import itertools
import json
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from bench.table import show
from tests.fixtures.app_server import SECRET, AppServer
from tests.paths import ROOT
from tests.webhooks.events.test_deliveries import pull_request
from webhooks.server.signature import sign

CONNECTIONS, SECONDS, PER_SECOND = 500, 8.0, 20

#: Seconds between two bytes of a slow sender.
BETWEEN = 0.25

_HEAD = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: ping\r\nContent-Type: application/json\r\n"

#: What a slow sender sends at once, and what byte by byte.
KINDS = {
    "idle": (b"", b""),
    "headers byte by byte": (b"", _HEAD * 1000),
    "body byte by byte": (_HEAD + b"Content-Length: 1000000\r\n\r\n", b" " * 1_000_000),
    "chunks byte by byte": (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 100_000),
}


class _SlowSender:
    """A connection that begins again when it is closed."""

    def __init__(self, port: int, at_once: bytes, slowly: bytes) -> None:
        self._port, self._at_once, self._slowly = port, at_once, slowly
        self._sock: socket.socket | None = None
        self._sent = 0

    def step(self) -> bool:
        """Send one more byte; return whether it is connected."""
        try:
            if self._sock is None:
                self._sock = socket.create_connection(("127.0.0.1", self._port), timeout=5)
                self._sock.sendall(self._at_once)
                self._sock.setblocking(False)
                self._sent = 0
            elif _is_over(self._sock):
                self.close()
            elif self._slowly:
                self._sock.send(self._slowly[self._sent : self._sent + 1])
                self._sent += 1
        except OSError:
            self.close()
        return self._sock is not None

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
        self._sock = None


def _is_over(sock: socket.socket) -> bool:
    try:
        return not sock.recv(4096)
    except BlockingIOError:
        return False


def send_slowly(port: int, count: int, kinds: list[str], over: threading.Event, ready: threading.Event) -> None:
    """Hold `count` connections until `over`; `ready` is set when all of them were opened once."""
    senders = [_SlowSender(port, *KINDS[kind]) for kind, _ in zip(itertools.cycle(kinds), range(count), strict=False)]
    while not over.wait(BETWEEN):
        for sender in senders:
            sender.step()
        ready.set()
    for sender in senders:
        sender.close()


def deliver(port: int) -> float:
    """Make one signed delivery on a connection of its own; return the seconds until its answer."""
    body = json.dumps(pull_request()).encode()  # type: ignore[no-untyped-call]
    lines = {
        "Host": "x",
        "Content-Type": "application/json",
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": sign(body, SECRET),
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(f"POST /webhooks/github HTTP/1.1\r\n{head}\r\n".encode() + body)
        status = sock.makefile("rb").readline()
    assert status.startswith(b"HTTP/1.1 202"), status
    return time.perf_counter() - began


def paced(port: int, seconds: float, per_second: int) -> list[float]:
    """Deliver at that pace and return how long each took, in milliseconds."""
    began, times = time.perf_counter(), []
    for number in range(round(seconds * per_second)):
        time.sleep(max(0.0, began + number / per_second - time.perf_counter()))
        times.append(deliver(port) * 1000)
    return times


@contextmanager
def slow_senders(port: int, count: int, kinds: list[str]) -> Iterator[None]:
    """Run slow senders in a process of their own, so that they do not slow the measurement down."""
    command = [sys.executable, "-m", "bench.deliveries.slow", str(port), str(count), *kinds]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def main() -> None:
    """Print the table."""
    rows: list[list[object]] = []
    for kinds in ([], *([kind] for kind in KINDS), list(KINDS)):
        with tempfile.TemporaryDirectory() as folder, AppServer(Path(folder), REVIEWER_ROLE="web") as server:
            if kinds:
                with slow_senders(server.port, CONNECTIONS, kinds):
                    times = paced(server.port, SECONDS, PER_SECOND)
            else:
                times = paced(server.port, SECONDS, PER_SECOND)
        hundredths = quantiles(times, n=100)
        name = "all of these" if len(kinds) > 1 else next(iter(kinds), "none")
        rows.append([name, f"{hundredths[49]:.1f} ms", f"{hundredths[98]:.1f} ms", f"{max(times):.1f} ms"])
    head = [f"{CONNECTIONS} slow connections", "p50", "p99 (aim: 100 ms)", "slowest"]
    show(f"Slow senders: {PER_SECOND} deliveries a second meanwhile", head, rows)


def _send() -> None:
    over, ready = threading.Event(), threading.Event()
    arguments = (int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:], over, ready)
    thread = threading.Thread(target=send_slowly, args=arguments)
    thread.start()
    ready.wait()
    print("ready", flush=True)
    with selectors.DefaultSelector() as wait:
        wait.register(sys.stdin, selectors.EVENT_READ)
        wait.select()  # until the measurement is over
    over.set()
    thread.join()


if __name__ == "__main__":
    _send()
