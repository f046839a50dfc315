"""The App's HTTP, over sockets: gunicorn and the real application, one process for all tests of this file."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fixtures.app_server import SECRET, AppServer
from tests.fixtures.waiting import wait_until
from tests.paths import ROOT
from tests.webhooks.events.test_deliveries import issue_comment, pull_request
from webhooks.queue.jobs import Jobs
from webhooks.server.signature import sign

pytestmark = pytest.mark.slow

MAX_BODY = 25 * 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[AppServer]:
    with AppServer(tmp_path_factory.mktemp("web"), REVIEWER_ROLE="web") as server:
        yield server


@pytest.fixture
def jobs(server) -> Iterator[Jobs]:
    """Open the store that the server writes to."""
    jobs = Jobs(server.store_url)
    jobs.open()
    yield jobs
    jobs.close()


def key(payload: dict[str, Any]) -> str:
    return f"octo/hello.world#7@{payload['pull_request']['head']['sha']}"


class TestDeliveries:
    def test_a_job_is_accepted(self, server, jobs):
        """A signed delivery is answered with the key of its job, which is in the store by then."""
        guid, payload = str(uuid.uuid4()), pull_request()
        assert server.deliver(payload, X_GitHub_Delivery=guid) == (202, {"job": key(payload)})
        assert jobs.record(guid).job.installation_id == 42

    def test_a_redelivery_changes_nothing(self, server, jobs):
        """The same delivery again has the same answer and makes no second job."""
        guid, payload = str(uuid.uuid4()), pull_request()
        first = server.deliver(payload, X_GitHub_Delivery=guid)
        before = sum(jobs.counts().values())
        assert server.deliver(payload, X_GitHub_Delivery=guid) == first
        assert sum(jobs.counts().values()) == before

    def test_a_form_is_accepted(self, server, jobs):
        """A webhook that sends forms works as well; the signature is over the form's raw bytes."""
        guid = str(uuid.uuid4())
        body = urlencode({"payload": json.dumps(issue_comment("/review full"))}).encode()
        status, answer = server.deliver(
            None,
            "issue_comment",
            body=body,
            X_GitHub_Delivery=guid,
            Content_Type="application/x-www-form-urlencoded; charset=utf-8",
        )
        assert (status, answer) == (202, {"job": "octo/hello.world#7@head+99"})
        assert jobs.record(guid).job.argument == "full"

    def test_nothing_to_do_says_why_and_writes_nothing(self, server, jobs):
        """What is ignored is answered with its reason and leaves no trace in the store."""
        before = sum(jobs.counts().values())
        assert server.deliver({"zen": "x", "hook_id": 1}, "ping") == (202, {"ignored": "ping"})
        assert server.deliver(pull_request("assigned")) == (202, {"ignored": "action not handled"})
        assert server.deliver(issue_comment("hi"), "issue_comment") == (202, {"ignored": "no command"})
        assert server.deliver({}, "invented_tomorrow") == (202, {"ignored": "event not handled"})
        assert sum(jobs.counts().values()) == before

    def test_the_old_secret_still_works(self, server):
        """While the secret is rotated, deliveries signed with the old one are accepted."""
        body = b"{}"
        assert server.deliver(None, "ping", body=body, X_Hub_Signature_256=sign(body, "old"))[0] == 202

    @pytest.mark.parametrize("signature", [None, "sha256=" + "0" * 64, "sha1=x", "sha256=\xe9"])
    def test_what_is_not_signed_is_refused(self, server, jobs, signature):
        """Without the right signature nothing is read, whatever the body: it is not even parsed."""
        before = sum(jobs.counts().values())
        for body in (json.dumps(pull_request()).encode(), b"not json", b""):
            status, answer = server.deliver(None, body=body, X_Hub_Signature_256=signature)
            assert status == 401
            assert "GITHUB_WEBHOOK_SECRET" in answer["error"]
        assert sum(jobs.counts().values()) == before

    @pytest.mark.parametrize(
        "missing", [["X-GitHub-Event"], ["X-GitHub-Delivery"], ["X-GitHub-Event", "X-GitHub-Delivery"]]
    )
    def test_missing_headers_are_named(self, server, missing):
        """A signed request without GitHub's headers is answered with exactly those that are missing."""
        status, answer = server.deliver(pull_request(), **dict.fromkeys(missing))
        assert status == 400
        assert re.findall(r"X-GitHub-\w+", answer["error"]) == missing

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"action": "opened"}', b'{"action": "opened", "repository": 1}'],
    )
    def test_malformed_payloads_are_refused(self, server, body):
        """A signed body that is not a payload of its event is answered with what is wrong."""
        status, answer = server.deliver(None, body=body)
        assert status == 400
        assert answer["error"]

    @pytest.mark.parametrize(
        "body", [b"payload", b"a=1", b"payload=%7B", b"payload={}&payload={}", b"payload=\xff", b""]
    )
    def test_malformed_forms_are_refused(self, server, body):
        """A form without exactly one JSON field `payload` is refused."""
        assert server.deliver(None, body=body, Content_Type="application/x-www-form-urlencoded")[0] == 400

    @pytest.mark.parametrize("guid", ["a/b", "x" * 101, "a b", "☃".encode().decode("latin-1")])
    def test_a_delivery_that_is_no_guid_is_refused(self, server, guid):
        """What becomes part of keys and logs is checked."""
        assert server.deliver(pull_request(), X_GitHub_Delivery=guid)[0] == 400

    @pytest.mark.parametrize("content_type", [None, "text/plain", "multipart/form-data", "application/xml"])
    def test_other_content_types_are_refused(self, server, content_type):
        """Only what a webhook can be set to is accepted, and the answer says which."""
        status, answer = server.deliver(pull_request(), Content_Type=content_type)
        assert status == 415
        assert "application/json" in answer["error"]

    def test_two_hundred_at_once(self, server, jobs):
        """A burst of 200 deliveries is answered within five seconds, none refused, each in the store once."""
        before = sum(jobs.counts().values())
        started = time.monotonic()
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda _: server.deliver(pull_request())[0], range(200)))
        assert set(answers) == {202}
        assert sum(jobs.counts().values()) == before + 200
        assert time.monotonic() - started < 10  # the bench asks for five on an idle machine


class TestSize:
    HEAD = "POST /webhooks/github HTTP/1.1\nHost: x\nContent-Type: application/json\nX-GitHub-Event: ping\n"

    def test_too_large_by_its_own_word(self, server):
        """A body that says it is too large is refused before it is sent."""
        head = f"{self.HEAD}Content-Length: {MAX_BODY + 1}\n\n"
        assert server.raw(head, []).startswith(b"HTTP/1.1 413")

    def test_too_large_for_a_client_that_sends_all_of_it(self, server):
        """It gets its answer all the same, though it reads nothing before it has sent the last byte."""
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        client.request("POST", "/webhooks/github", b" " * (MAX_BODY + 1), {"Content-Type": "application/json"})
        assert client.getresponse().status == 413
        client.close()

    def test_too_large_in_chunks(self, server):
        """A body that says nothing of its size is refused when it passes the limit, not read to its end."""
        sent = []

        def chunks() -> Iterator[bytes]:
            piece = b"x" * 1_000_000
            for _ in range(200):
                sent.append(len(piece))
                yield b"%x\r\n%s\r\n" % (len(piece), piece)

        answer = server.raw(f"{self.HEAD}Transfer-Encoding: chunked\n\n", chunks())
        # Nothing, where the server hung up while we still sent: the reset may overtake its answer.
        assert answer.startswith(b"HTTP/1.1 413") or answer == b""
        assert sum(sent) < 2 * MAX_BODY
        assert server.get("/healthz")[0] == 200

    def test_chunks_within_the_limit(self, server):
        """A delivery in chunks is read and verified like any other."""
        body = json.dumps({"zen": "x" * 10_000}).encode()
        extra = f"X-GitHub-Delivery: 1\nX-Hub-Signature-256: {sign(body, SECRET)}\nTransfer-Encoding: chunked\n\n"
        chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:])] + [b"0\r\n\r\n"]
        assert server.raw(self.HEAD + extra, chunks).startswith(b"HTTP/1.1 202")

    def test_shorter_than_it_says(self, server):
        """A body that ends before its announced end is not taken for a delivery."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(f"{self.HEAD}Content-Length: 1000\n\n".replace("\n", "\r\n").encode() + b"{}")
            connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb").readline()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")

    def test_longer_than_it_says(self, server):
        """Only the announced bytes are the delivery; what follows them is not smuggled in."""
        body = b'{"zen": 1}'
        extra = (
            f"X-GitHub-Delivery: 1\nX-Hub-Signature-256: {sign(body + b'x', SECRET)}\nContent-Length: {len(body)}\n\n"
        )
        assert server.raw(self.HEAD + extra, [body + b"x"]).startswith(b"HTTP/1.1 401")


class TestOperating:
    def test_health_and_readiness(self, server):
        """A server whose store can be used is alive and ready."""
        assert server.get("/healthz") == (200, {"status": "ok"})
        assert server.get("/readyz") == (200, {"status": "ready"})

    def test_elsewhere(self, server):
        """A wrong address or method is answered in JSON with where to deliver."""
        for path, method, status in (
            ("/nowhere", "GET", 404),
            ("/webhooks/github", "GET", 405),
            ("/healthz", "POST", 405),
        ):
            answer = server.get(path, method)
            assert answer[0] == status
            assert "POST /webhooks/github" in answer[1]["error"]

    def test_metrics(self, server):
        """Deliveries are counted by event and outcome, jobs by state; an unknown event's name is not taken over."""

        def count(labels: str) -> float:
            match = re.search(
                rf"^reviewer_deliveries_total{{{re.escape(labels)}}} (\S+)$", server.get("/metrics")[1], re.MULTILINE
            )
            return float(match[1]) if match else 0.0

        labels = {
            'event="pull_request",outcome="accepted"': lambda: server.deliver(pull_request()),
            'event="ping",outcome="ignored"': lambda: server.deliver({}, "ping"),
            'event="other",outcome="refused"': lambda: server.deliver({}, "evil", X_Hub_Signature_256=None),
        }
        for label, deliver in labels.items():
            before = count(label)
            deliver()
            assert count(label) == before + 1
        text = server.get("/metrics")[1]
        assert "evil" not in text
        assert re.search(r'^reviewer_jobs{state="queued"} [1-9]', text, re.MULTILINE)

    def test_processes_count_together(self, server):
        """Two processes accept side by side; /metrics tells of both, whichever answers."""
        asked = set()
        for _ in range(20):
            server.deliver({}, "check_run")
            (count,) = re.findall(r'event="check_run",outcome="ignored"} (\S+)', server.get("/metrics")[1])
            asked.add(count)
        assert len(asked) == 20  # each delivery was seen at once
        children = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True)
        assert len(children.stdout.split()) == 2

    def test_counts_of_killed_processes_are_removed(self, tmp_path):
        """What a kill leaves in memory is removed at the next start; what a stop leaves is nothing."""

        def counted(pid: int) -> list[Path]:
            return list(Path("/dev/shm").glob(f"reviewer-metrics-{pid}-*"))

        with AppServer(tmp_path, REVIEWER_ROLE="web") as server:
            killed = server.process.pid
            assert counted(killed)
            server.process.kill()
            server.start()
            stopped = server.process.pid
            assert not counted(killed)
            assert counted(stopped)
            server.process.stop()
            assert not counted(stopped)

    def test_the_store_goes_away_and_comes_back(self, tmp_path):
        """While the store cannot be used deliveries are answered 503, so that GitHub shows the failure."""
        with AppServer(tmp_path, REVIEWER_ROLE="web") as server:
            path = tmp_path / "reviewer.sqlite3"
            guid = str(uuid.uuid4())

            def rename(old: str, new: str) -> None:
                connection = sqlite3.connect(path)
                connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
                connection.close()

            rename("reviewer_jobs", "elsewhere")
            status, answer = server.deliver(pull_request(), X_GitHub_Delivery=guid)
            assert (status, answer) == (503, {"error": "The store is not available. Redeliver this later."})
            assert server.get("/readyz")[0] == 503
            assert server.get("/healthz")[0] == 200
            assert 'outcome="unavailable"' in server.get("/metrics")[1]
            assert server.deliver({}, "ping")[0] == 202
            rename("elsewhere", "reviewer_jobs")
            assert server.deliver(pull_request(), X_GitHub_Delivery=guid)[0] == 202
            assert server.get("/readyz")[0] == 200


@pytest.fixture(scope="module")
def private_key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class TestOneProcess:
    def test_accepts_and_works(self, tmp_path, private_key):
        """One process accepts and works, and kill -9 loses nothing."""
        values = {
            "RUNAPI_KEY": "key-1",
            "RUNAPI_BASE_URL": "http://127.0.0.1:1",
            "GITHUB_API_URL": "http://127.0.0.1:1",
            "GITHUB_APP_ID": "1",
            "GITHUB_APP_PRIVATE_KEY": private_key,
        }
        server = AppServer(tmp_path, **values)
        jobs = Jobs(server.store_url)
        jobs.open()
        try:
            server.start()
            guid = str(uuid.uuid4())
            assert server.deliver(pull_request(), X_GitHub_Delivery=guid)[0] == 202
            wait_until(lambda: jobs.record(guid).starts == 1, "it is begun", 30)
            server.process.kill()
            server.start()
            begun_again = "what was accepted before the kill is begun again"
            wait_until(lambda: (record := jobs.record(guid)).starts == 2 or record.attempt > 1, begun_again, 30)
            assert not jobs.record(guid).state.is_final
            assert "key-1" not in server.process.log.read_text()
        finally:
            server.close()
            jobs.close()

    def test_no_secret_no_start(self, tmp_path):
        """Without a webhook secret the server does not start, and says what to set."""
        environment = {"PATH": os.environ["PATH"], "REVIEWER_ROLE": "web", "REVIEWER_DATA_DIR": str(tmp_path)}
        command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "app:create_app()"]
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, timeout=60, text=True, check=False
        )
        assert ended.returncode != 0
        assert "GITHUB_WEBHOOK_SECRET is missing" in ended.stderr


def test_importing_the_command_is_cheap():
    """The command line loads neither Flask nor the engine before a command needs them."""
    code = "import sys, app; print(sorted({'flask', 'dbos', 'sqlalchemy', 'github', 'httpx'} & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.strip() == "[]"
