"""Measure how quickly real gunicorn accepts deliveries, on SQLite and Postgres, and what a review costs."""

from __future__ import annotations

import http.client
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from bench.deliveries import peer
from bench.deliveries.app_process import SECRET
from bench.table import show
from tests.fakes.github import default_world
from tests.fixtures import postgres
from tests.fixtures.app_server import AppProcess, AppServer
from tests.paths import ROOT
from webhooks.server.signature import sign

OURS = "/webhooks/github"

PER_SECOND, SECONDS = 20, 15
AT_ONCE = 200
IGNORED_SECONDS, ROUNDS, SENDERS = 2.0, 4, 4
REVIEWS = 30

#: Seconds that a model call takes while deliveries arrive.
THINKS = "0.5"


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a delivery; status 0 if there was none. `handled` (in the handler) and `waited` are in seconds."""

    status: int
    handled: float
    waited: float


class Deliveries:
    """Signed deliveries made from one of the double's: each opens another pull request, of one of ten installations."""

    def __init__(self) -> None:
        with default_world(strict=False) as world:
            self._payload = world.deliveries[-1].payload
        self._number = 1000

    def opened(self) -> bytes:
        self._number += 1
        pull = {**self._payload["pull_request"], "number": self._number}
        installation = {**self._payload["installation"], "id": 1 + self._number % 10}
        opened = {"number": self._number, "pull_request": pull, "installation": installation}
        return json.dumps({**self._payload, **opened}).encode()

    def ignored(self) -> bytes:
        return json.dumps({**self._payload, "action": "edited"}).encode()


def _headers(body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": sign(body, SECRET),
    }


def _deliver(connection: http.client.HTTPConnection, body: bytes, path: str = OURS) -> Answered:
    began = time.perf_counter()
    connection.request("POST", path, body, _headers(body))
    response = connection.getresponse()
    response.read()
    # The peer does not report the time in its handler.
    return Answered(response.status, float(response.headers.get("X-Seconds", "nan")), time.perf_counter() - began)


def _alone(port: int, body: bytes, path: str = OURS) -> Answered:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        return _deliver(connection, body, path)
    except OSError:
        return Answered(0, math.inf, math.inf)
    finally:
        connection.close()


def _paced(port: int, bodies: Sequence[bytes], path: str = OURS) -> list[Answered]:
    """Deliver so many a second, without waiting for the answers to earlier ones."""
    began = time.perf_counter()
    with ThreadPoolExecutor(64) as senders:
        waiting = []
        for place, body in enumerate(bodies):
            time.sleep(max(0.0, began + place / PER_SECOND - time.perf_counter()))
            waiting.append(senders.submit(_alone, port, body, path))
        return [one.result() for one in waiting]


def _at_once(port: int, bodies: Sequence[bytes], path: str = OURS) -> list[Answered]:
    with ThreadPoolExecutor(len(bodies)) as senders:
        return list(senders.map(lambda body: _alone(port, body, path), bodies))


def _ignored_per_second(port: int, body: bytes, path: str = OURS) -> float:
    """Return how many a second, the best of some rounds: other work on the machine disturbs some of them."""
    head = "".join(f"{name}: {value}\r\n" for name, value in _headers(body).items())
    request = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    command = [sys.executable, "-m", "bench.deliveries.sender", str(port), str(IGNORED_SECONDS), str(SENDERS)]
    rounds = [subprocess.run(command, cwd=ROOT, input=request, capture_output=True, check=True) for _ in range(ROUNDS)]
    return max(int(one.stdout) for one in rounds) / IGNORED_SECONDS


@contextmanager
def _serving(store: str, folder: Path) -> Iterator[int]:
    values = {"STORE": store, "THINKS": THINKS}
    apart = not store.startswith("sqlite")
    if apart:
        # As it should run on Postgres: separate processes accept and work.
        values["REVIEWER_ROLE"] = "web"
    server = AppServer(folder, app="bench.deliveries.app_process:create_app()", ready="/readyz", **values)
    command = [sys.executable, "-m", "bench.deliveries.app_process", "work"]
    worker = AppProcess("worker", command, server.process.environ, folder / "worker.log")
    try:
        if apart:
            worker.start()
        server.start()
        yield server.port
    finally:
        worker.kill()
        server.close()


def _cpu(store: str) -> float:
    environment = {"PATH": os.environ["PATH"], "STORE": store, "THINKS": "0"}
    command = [sys.executable, "-m", "bench.deliveries.app_process", str(REVIEWS)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return float(run.stdout)


def _measure(name: str, store: str, other: str, deliveries: Deliveries, slowest: int) -> list[list[object]]:
    """Return the rows of one kind of store; `store` and `other` are empty ones."""
    with tempfile.TemporaryDirectory() as folder, _serving(store, Path(folder)) as port:
        ignored = _ignored_per_second(port, deliveries.ignored())
        paced = _paced(port, [deliveries.opened() for _ in range(PER_SECOND * SECONDS)])
        burst = _at_once(port, [deliveries.opened() for _ in range(AT_ONCE)])
    hundredths = quantiles([one.handled * 1000 for one in paced], n=100)
    refused = sum(one.status != 202 for one in (*paced, *burst))
    waited = quantiles([one.waited * 1000 for one in paced], n=100)
    return [
        [name, f"{PER_SECOND}/s with work going on: p50, in the handler", f"{hundredths[49]:.1f} ms", "10 ms"],
        [name, "p99, in the handler", f"{hundredths[98]:.1f} ms", f"{slowest} ms"],
        [name, "p50 and p99, with the way there and back", f"{waited[49]:.1f} and {waited[98]:.1f} ms", ""],
        [name, f"{AT_ONCE} at once: the last is answered after", f"{max(one.waited for one in burst):.2f} s", "5 s"],
        [name, "refused", refused, "0"],
        [name, "ignored deliveries", f"{ignored:.0f}/s", "800/s"],
        [name, "the engine's CPU for a review of 5 instant calls", f"{_cpu(other) * 1000:.0f} ms", "300 ms"],
    ]


def _measure_peer(deliveries: Deliveries) -> list[list[object]]:
    """Return the rows of PR-Agent, which answers and keeps nothing."""
    name = "PR-Agent"
    try:
        with peer.serving(SECRET) as port:
            ignored = _ignored_per_second(port, deliveries.ignored(), peer.PATH)
            paced = _paced(port, [deliveries.opened() for _ in range(PER_SECOND * SECONDS)], peer.PATH)
            burst = _at_once(port, [deliveries.opened() for _ in range(AT_ONCE)], peer.PATH)
    except peer.NoPeer as error:
        return [[name, f"not measured: {error}", "", ""]]
    waited = quantiles([one.waited * 1000 for one in paced], n=100)
    refused = sum(one.status != 200 for one in (*paced, *burst))
    return [
        [name, "p50 and p99, with the way there and back", f"{waited[49]:.1f} and {waited[98]:.1f} ms", ""],
        [name, f"{AT_ONCE} at once: the last is answered after", f"{max(one.waited for one in burst):.2f} s", ""],
        [name, "refused", refused, ""],
        [name, "ignored deliveries", f"{ignored:.0f}/s", ""],
    ]


def main() -> None:
    """Print the table. The sender shares the machine with what it measures."""
    deliveries = Deliveries()
    with tempfile.TemporaryDirectory() as folder:
        rows = _measure("SQLite", f"sqlite:///{folder}/a.sqlite3", f"sqlite:///{folder}/b.sqlite3", deliveries, 100)
    try:
        with postgres.serving(durable=True) as server:
            rows += _measure("Postgres, web and worker apart", server.fresh(), server.fresh(), deliveries, 50)
    except postgres.NoPostgres as error:
        rows.append(["Postgres", f"not measured: {error}", "", ""])
    rows += _measure_peer(deliveries)
    show("Durable: deliveries taken in while jobs are carried out", ["store", "what", "is", "aim"], rows)


if __name__ == "__main__":
    main()
