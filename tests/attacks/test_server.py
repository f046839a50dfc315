"""Attacks on the App's server from the network: slow and endless senders, malformed bodies, curious strangers."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.deliveries.slow import KINDS, slow_senders
from reviewer.llm.base_url import plain_http_warning
from tests.fakes.github import default_world
from tests.fakes.model import FakeModel
from tests.fixtures.app_server import SECRET, AppServer, doubles_environment
from tests.fixtures.waiting import wait_until
from tests.webhooks.events.test_deliveries import pull_request
from webhooks.queue.jobs import Jobs
from webhooks.server.connections import Connection, UnfinishedConnections, network_of
from webhooks.server.request_buffer import MAX_BODY, RequestBuffer
from webhooks.server.signature import sign

HEAD = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-GitHub-Event: ping\r\n"

#: Seconds for an answer, on a machine that has other things to do. Without the event loop it takes 30 and more.
SOON = 5.0


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[AppServer]:
    with AppServer(tmp_path_factory.mktemp("attacked"), REVIEWER_ROLE="web") as server:
        yield server


def answered_soon(server: AppServer) -> bool:
    """Whether each of some deliveries is accepted in time."""
    for _ in range(5):
        began = time.monotonic()
        if server.deliver(pull_request())[0] != 202 or time.monotonic() - began > SOON:
            return False
    return True


def connect(server: AppServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


@pytest.mark.parametrize("kind", KINDS)
def test_slow_senders(server, kind):
    """Sixty connections that send slowly, or nothing, do not keep a delivery from being accepted."""
    with slow_senders(server.port, 60, [kind]):
        assert answered_soon(server)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST", id="part of a line"),
        pytest.param(HEAD, id="headers without an end"),
        pytest.param(HEAD + b"Content-Length: 1000\r\n\r\n{", id="part of a body"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{", id="part of a chunk"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n", id="part of trailers"),
        pytest.param(HEAD + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n", id="a body that must be asked for"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /hea", id="part of a second request"),
    ],
)
def test_what_stops_half_way(server, sent):
    """Forty connections that stop in the midst of a request hold no thread."""
    with ExitStack() as held:
        for _ in range(40):
            held.enter_context(connect(server)).sendall(sent)
        assert answered_soon(server)


def test_answers_that_nobody_reads(server):
    """A client that asks again and again and reads no answer is closed, and holds no thread."""
    with ExitStack() as held:
        for _ in range(16):
            sock = held.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            sock.connect(("127.0.0.1", server.port))
            sock.setblocking(False)
            try:
                for _ in range(200):
                    sock.send(b"GET /nothing-here HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
            except OSError:
                pass  # it does not take more, or has hung up
        assert answered_soon(server)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"zz\r\n", id="no number"),
        pytest.param(b"-5\r\nhello\r\n", id="a negative size"),
        pytest.param(b"5\r\nhelloXX0\r\n\r\n", id="no end of a chunk"),
        pytest.param(b"5\r\nhe", id="cut off"),
        pytest.param(b"ffffffffffffffff\r\nx", id="an enormous chunk"),
        pytest.param(b"1;" + b"x" * 9000 + b"\r\na\r\n0\r\n\r\n", id="a long extension"),
        pytest.param(b"1\r\nx\r\n" * 30_000, id="too many chunks"),
        pytest.param(b"0\r\n" + b"a: b\r\n" * 20_000, id="endless trailers"),
    ],
)
def test_malformed_chunks(server, body):
    """A body whose chunks are none is refused without a traceback, and the server lives."""
    with connect(server) as sock:
        try:
            sock.sendall(HEAD + b"X-GitHub-Delivery: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
            sock.shutdown(socket.SHUT_WR)
            line = sock.makefile("rb").readline()
        except OSError:
            line = b""
    assert line == b"" or line.startswith(b"HTTP/1.1 4"), line
    assert "Traceback" not in server.process.output()
    assert server.get("/healthz")[0] == 200


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 99999999999999999999\r\n\r\n",
        b"Transfer-Encoding: gzip\r\n\r\nx",
        b"Content-Length: 0x10\r\n\r\n",
        b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"X: y\r\n" * 5_000 + b"\r\n",
        b"X\x00: y\r\n\r\n",
    ],
)
def test_ambiguous_requests(server, head):
    """A request whose end is ambiguous is refused, and what is behind it is not taken for another request."""
    with connect(server) as sock:
        try:
            sock.sendall(HEAD + head + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            answer = sock.makefile("rb").read()
        except OSError:
            answer = b""
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b" 200 " not in answer
    assert "Traceback" not in server.process.output()
    assert answered_soon(server)


def test_kept_connections_and_requests_behind_each_other(server):
    """Requests that come in one piece, or byte by byte, are answered in order on one connection."""
    body = json.dumps(pull_request()).encode()
    delivery = (
        HEAD.replace(b"ping", b"pull_request")
        + f"X-GitHub-Delivery: 7\r\nX-Hub-Signature-256: {sign(body, SECRET)}\r\n".encode()
        + f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    with connect(server) as sock:
        sock.sendall(delivery + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + delivery[:50])
        for part in (delivery[50:60], delivery[60:]):
            sock.sendall(part)
        sock.shutdown(socket.SHUT_WR)
        answers = sock.makefile("rb").read()
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"202", b"200", b"202"]


def test_a_body_that_must_be_asked_for(server):
    """A client that expects `100 Continue` hears it, sends its body, and is answered."""
    body = b"{}"
    head = f"X-GitHub-Delivery: 8\r\nX-Hub-Signature-256: {sign(body, SECRET)}\r\nExpect: 100-continue\r\n".encode()
    with connect(server) as sock:
        sock.sendall(HEAD + head + b"Content-Length: 2\r\n\r\n")
        file = sock.makefile("rb")
        assert file.readline() == b"HTTP/1.1 100 Continue\r\n"
        sock.sendall(body)
        sock.shutdown(socket.SHUT_WR)
        assert b"HTTP/1.1 202" in file.read()


class TestOperators:
    """What is for operators only."""

    @pytest.mark.parametrize(
        "header", ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Real-IP: ::1", "Via: 1.1 x"]
    )
    def test_counts_are_not_for_everybody(self, server, header):
        """What a proxy passes on sees no counts, whatever address it claims; this machine sees them."""
        assert server.raw(f"GET /metrics HTTP/1.1\nHost: x\n{header}\n\n", []).startswith(b"HTTP/1.1 401")
        assert server.get("/metrics")[0] == 200

    @pytest.mark.slow
    def test_with_a_token(self, tmp_path):
        """With a token set, only the token opens the counts and the reasons, from this machine as well."""
        with AppServer(tmp_path, REVIEWER_ROLE="web", REVIEWER_OPERATOR_TOKEN="open sesame") as server:
            assert server.get("/metrics")[0] == 401
            assert "REVIEWER_OPERATOR_TOKEN" in server.get("/metrics")[1]["error"]
            head = "GET /metrics HTTP/1.1\nHost: x\nConnection: close\n"
            for word in ("", "Bearer", "Bearer wrong", "Basic open sesame", "Bearer open sesamE", "Bearer \xe9"):
                assert server.raw(f"{head}Authorization: {word}\n\n", []).startswith(b"HTTP/1.1 401")
            assert server.raw(f"{head}Authorization: Bearer open sesame\n\n", []).startswith(b"HTTP/1.1 200")
            (tmp_path / "reviewer.sqlite3").rename(tmp_path / "elsewhere")
            assert str(tmp_path) not in str(server.get("/readyz")[1])

    def test_the_store_is_private(self, server, tmp_path):
        """Nobody else on the machine reads the store, also where an earlier version left it readable."""
        folder = Path(server.process.environ["REVIEWER_DATA_DIR"])
        files = [path for path in folder.iterdir() if path.name.startswith("reviewer.sqlite3")]
        assert files
        assert [path.name for path in files if path.stat().st_mode & 0o077] == []
        old = tmp_path / "old.sqlite3"
        old.touch(mode=0o644)
        jobs = Jobs(f"sqlite:///{old}")
        jobs.open()
        jobs.close()
        assert old.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize(
        ("url", "is_told"),
        [
            ("http://model.example/v1", True),
            ("http://10.0.0.1:8000", True),
            ("http://localhost.example", True),
            ("http://127.0.0.1.example", True),
            ("http://localhost:1", False),
            ("http://127.0.0.53:1/v1", False),
            ("http://[::1]:1", False),
            ("https://model.example/v1", False),
        ],
    )
    def test_keys_in_the_clear(self, url, is_told):
        """An unencrypted address beyond this machine is named, with what can be read and what to do."""
        warning = plain_http_warning("RUNAPI_BASE_URL", url, "RUNAPI_KEY and code")
        assert (warning is not None) is is_told
        assert warning is None or "https://" in warning


@pytest.mark.slow
class TestTwoProcesses:
    """With the role `all`, who accepts and who works are processes of their own."""

    @pytest.fixture
    def both(self, tmp_path) -> Iterator[AppServer]:
        with (
            default_world(strict=False) as github,
            FakeModel() as model,
            AppServer(tmp_path, **doubles_environment(github, model)) as both,
        ):
            wait_until(lambda: len(children(both)) == 2, "two processes", 30, log=both.process.output)
            yield both

    def test_a_worker_that_stands_still(self, both):
        """Deliveries are answered in time while the process that works stands still, even if it holds the store."""
        worker = working(both)
        os.kill(worker, signal.SIGSTOP)
        try:
            for _ in range(3):
                began = time.monotonic()
                assert both.deliver(pull_request())[0] in {202, 503}
                assert time.monotonic() - began < 10
        finally:
            os.kill(worker, signal.SIGCONT)
        wait_until(lambda: both.deliver(pull_request())[0] == 202, "deliveries are accepted", 30)

    @pytest.mark.parametrize("is_worker", [True, False])
    def test_either_is_killed(self, both, is_worker):
        """Either is started again when it is killed, as what it was, and the other one is left alone."""
        worker = working(both)
        (web,) = children(both) - {worker}
        victim, other = (worker, web) if is_worker else (web, worker)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(children(both) - {victim}) == 2, "another process", 30, log=both.process.output)
        wait_until(lambda: working(both) != victim, "one process works", 30, log=both.process.output)
        both.wait()
        assert other in children(both)
        assert (working(both) == other) is not is_worker
        assert answered_soon(both)

    def test_a_reload_leaves_one_of_each(self, both):
        """After a reload there are again two new processes, and one of them works."""
        before = children(both)
        os.kill(both.process.pid, signal.SIGHUP)
        wait_until(lambda: len(children(both)) == 2 and not children(both) & before, "a reload", 60)
        wait_until(lambda: working(both) in children(both), "one works", 30, log=both.process.output)
        assert answered_soon(both)


def children(server: AppServer) -> set[int]:
    found = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=False)
    return {int(line) for line in found.stdout.split()}


def working(server: AppServer) -> int:
    """Return the process that carries jobs out: it keeps a file of what runs, named by its number."""
    folder = Path(server.process.environ["REVIEWER_DATA_DIR"])

    def found() -> set[int]:
        return {int(path.name.partition("-")[0]) for path in folder.glob("*.running")} & children(server)

    return max(wait_until(found, "a process that works", 30, log=server.process.output))


class TestRequestBuffer:
    """What is waited for, without a socket."""

    @pytest.mark.parametrize(
        "rest",
        [
            b"Content-Length: 5\r\n\r\nhello",
            b"\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
        ],
    )
    def test_byte_by_byte(self, rest):
        """A request is whole with its last byte and not before; what follows is kept."""
        request = RequestBuffer(MAX_BODY)
        for byte in HEAD + rest:
            assert not request.is_whole
            request.add(bytes([byte]))
        assert request.is_whole
        assert not request.ends_connection
        request.add(b"next")
        assert b"".join(request.pieces()) == HEAD + rest
        assert request.behind() == b"next"

    def test_linear(self):
        """A megabyte byte by byte, in chunks of one, or without an end of the headers, takes no time."""
        for data in (HEAD + b"X" * 60_000, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 19_000):
            request = RequestBuffer(MAX_BODY)
            began = time.process_time()
            for byte in data:
                request.add(bytes([byte]))
            assert time.process_time() - began < 3


class TestUnfinishedConnections:
    """Who is closed when there are too many."""

    @staticmethod
    def connections(*addresses: str) -> list[Connection]:
        made = [Connection(None, (address, 1), None, RequestBuffer(MAX_BODY)) for address in addresses]
        for number, connection in enumerate(made):
            connection.began = float(number)
        return made

    def test_who_opens_many_closes_their_own(self):
        """The busiest address loses its oldest connection; nobody else loses one."""
        unfinished = UnfinishedConnections()
        honest, *others = self.connections("192.0.2.1", *["192.0.2.2"] * 5)
        for connection in (honest, *others):
            unfinished.add(connection)
        assert unfinished.oldest_of_busiest() is others[0]
        assert unfinished.too_many_of("192.0.2.2", 4, begun_before=10) is others[0]
        assert unfinished.too_many_of("192.0.2.2", 4, begun_before=0) is None
        assert unfinished.too_many_of("192.0.2.1", 4, begun_before=10) is None
        for connection in others:
            unfinished.remove(connection)
        assert unfinished.all() == [honest]

    def test_who_holds_most_bytes(self):
        """Where memory is short, the address that holds most of it loses its oldest large request."""
        unfinished = UnfinishedConnections()
        honest, small, large = self.connections("192.0.2.1", "192.0.2.2", "192.0.2.2")
        for connection, size in ((honest, 10_000), (small, 1), (large, 50_000)):
            connection.request.add(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * size)
            unfinished.add(connection)
        assert unfinished.oldest_of_largest() is large

    @pytest.mark.parametrize(
        ("first", "second", "is_same"),
        [
            ("192.0.2.1", "192.0.2.2", False),
            ("2001:db8::1", "2001:db8::2:3:4:5", True),
            ("2001:db8::1", "2001:db8:0:1::1", False),
            ("::ffff:192.0.2.1", "192.0.2.1", True),
        ],
    )
    def test_one_address(self, first, second, is_same):
        """All addresses that one customer has count as one."""
        assert (network_of((first, 1)) == network_of((second, 1))) is is_same
