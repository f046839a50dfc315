"""Answers of a hostile or broken service over a socket: too long, too large, endless. Memory and time are bounded."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.slow

#: Asks once in a process of its own; prints the error's class and how many MB its memory grew at the most.
ASK = """
import resource, sys
from reviewer.llm.client import Client
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Message, Prompt, Task

prompt = Prompt(Task.FINDINGS, (Message("system", "s"), Message("user", "u")), 1000, 0.1)
with Client(key="k" * 30, base_url=sys.argv[1], max_attempts=1, total_timeout=60.0, idle_timeout=10.0) as client:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        client.complete(prompt)
        print("answered", end=" ")
    except ModelError as error:
        print(type(error).__name__, end=" ")
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
MB = 1024 * 1024


def delta(text: str) -> bytes:
    """Return an event of a stream that carries so much of the answer."""
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"


def pieces(piece: bytes, total: int) -> Iterator[bytes]:
    """Yield a piece again and again, until `total` bytes were yielded."""
    block = piece * max(1, 65_536 // len(piece))
    yield HEAD
    yield from (block for _ in range(total // len(block)))


@contextmanager
def service(answer: Callable[[], Iterator[bytes]]) -> Iterator[str]:
    """Serve one answer, byte by byte as it is given, to every request."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            try:
                for chunk in answer():
                    self.wfile.write(chunk)
            except OSError:
                pass  # the client hung up, as it should

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "most"),
    [
        pytest.param(lambda: pieces(delta("word " * 200), 700 * MB), 100, id="700 MB of answer"),
        pytest.param(lambda: pieces(delta("x"), 20 * MB), 100, id="many small pieces"),
        pytest.param(lambda: pieces(b": keep-alive\n\n", 700 * MB), 100, id="comments without end"),
        pytest.param(lambda: pieces(b"x", 700 * MB), 100, id="one line without end"),
        pytest.param(lambda: pieces(b"data: " + b"[" * 60_000 + b"\n\n", 100 * MB), 100, id="events that are no JSON"),
        pytest.param(lambda: iter([b"HTTP/1.1 200 OK\r\n", *[b"X-A: " + b"y" * 60_000 + b"\r\n"] * 2_000]), 100,
                     id="headers without end"),
        pytest.param(lambda: iter([HEAD, b"{", *[b'"a": [' * 10_000] * 2_000]), 100, id="120 MB of JSON, not streamed"),
    ],
)  # fmt: skip
def test_an_answer_without_end(answer: Callable[[], Iterator[bytes]], most: int) -> None:
    """The call ends with a typed error, and the answer is never held whole."""
    with service(answer) as url:
        done = subprocess.run(
            [sys.executable, "-c", ASK, url], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
        )
    assert done.returncode == 0, done.stderr
    ending, grown = done.stdout.split()
    assert ending in {"BrokenReply", "ModelUnavailable", "CutOff", "PromptTooLong"}
    assert int(grown) <= most, (ending, grown)
