"""Stories of the App: real gunicorn, real DBOS on SQLite, and the doubles of GitHub and of the model."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.fakes.github import World
from tests.fakes.model import Call, FakeModel, Stall
from tests.fixtures.app_server import AppServer, doubles_environment
from tests.fixtures.scenarios import DEFAULT, DELETE, TEST
from tests.fixtures.waiting import wait_until
from webhooks.server.signature import sign

pytestmark = pytest.mark.slow

#: What the server asks when it starts, to tell its operator whether it is connected (a token for it comes on top).
AT_START = ("/app", "/app/installations", "/installation/repositories")


@contextmanager
def serving(github: World, model: FakeModel, folder: Path, **more: str) -> Iterator[AppServer]:
    """Serve the App for the world and the model; leave no process at the end."""
    values = {
        **doubles_environment(github, model),
        "GITHUB_WEBHOOK_SECRET": f"an-old-one {github.hook.secret}".replace("It's a Secret to Everybody", "s3cret"),
        "REVIEWER_DATA_DIR": str(folder / "data"),
        "REVIEWER_MISSED_MINUTES": "0",
        **more,
    }
    with AppServer(folder, ready="/readyz", **values) as server:
        yield server


def find(model: FakeModel, *findings: dict[str, object]) -> None:
    """Make the model find these in whatever it is shown, confirm them all and suggest a test."""

    def verdicts(call: Call) -> str:
        count = call.user.count("\n## Claim ")
        return json.dumps({"verdicts": [{"id": n + 1, "verdict": "confirmed", "reason": "r"} for n in range(count)]})

    model.answers("findings", lambda _: json.dumps({"summary": "Adds discount codes.", "findings": findings}))
    model.answers("verify", verdicts)
    model.answers("edit", lambda _: '{"findings": []}')
    model.answers("tests", lambda _: TEST)
    model.answers("edit", lambda _: '{"findings": []}')
    model.answers("refactor", lambda _: json.dumps({"summary": "", "findings": []}))


def test_a_delivery_becomes_a_review(github: World, model: FakeModel, tmp_path: Path) -> None:
    """Signed delivery in; one review, one summary, one check run out; health and counts tell."""
    github.hook.secret = "s3cret"
    find(model, DELETE, DEFAULT)
    github.visit(github.pull)  # as whoever reopens it does
    opened = github.reopen(github.pull)
    with serving(github, model, tmp_path) as server:
        answer = opened.post(server.hook)
        assert (answer.status_code, answer.json()) == (
            202, {"job": f"octo-org/shop#1@{github.pull.head}"},
        )  # fmt: skip
        github.expect_check("neutral", within=30)
        github.expect_review(comments=2)
        github.expect_comment("tests/test_discounts.py")
        again = opened.post(server.hook)
        assert again.status_code == 202
        text = httpx.get(f"{server.url}/metrics").text
        assert 'reviewer_deliveries_total{event="pull_request",outcome="accepted"} 1.0' in text
        assert 'outcome="known"' in text
        assert 'reviewer_model_calls_total{model="MiniMax-M2.1",outcome="ok"}' in text
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        for_the_job = [call for call in github.calls if call.route not in AT_START]
        # 14 for a new pull request; here it must first read what is posted. The owner's defaults in its `.github`
        # repository cost a token and a read, and the token at the start counts, too.
        assert len(for_the_job) <= 19, [str(call) for call in for_the_job]
        log = server.process.output()
        assert "accepted" in log
        assert model.key not in log
        assert server.process.stop() == 0


def test_a_review_waits_for_a_running_check(github: World, model: FakeModel, tmp_path: Path) -> None:
    """The job is queued again, which is no failure, until the limit is over; then the review is made."""
    github.hook.secret = "s3cret"
    github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  wait_for_checks: 4\n"})
    github.start_check(github.pull, "tests")
    find(model, DELETE)
    opened = github.reopen(github.pull)
    with serving(github, model, tmp_path) as server:
        assert opened.post(server.hook).status_code == 202
        github.expect_check("neutral", within=30)
        github.expect_review(comments=1)
        github.expect_comment("<!-- reviewer:summary")
        log = server.process.output()
        assert log.count("job begins") >= 2
        assert "job failed" not in log
        assert len(github.calls_to("POST /check-runs$")) == 1


def test_a_killed_server_goes_on_where_it_was(github: World, model: FakeModel, tmp_path: Path) -> None:
    """Kill -9 while the model answers: after a restart one review stands, and no finished call is bought again."""
    github.hook.secret = "s3cret"
    find(model, DELETE)
    model.script("tests", Stall())
    opened = github.reopen(github.pull)
    with serving(github, model, tmp_path) as server:
        assert opened.post(server.hook).status_code == 202
        model.wait_for(lambda: len(model.calls) >= 2, "both first calls", 30)
        wait_until(lambda: model.active == 1, "the finder's answer to arrive", 20, log=server.process.output)
        server.process.kill()
        model.release()
        server.start()
        github.expect_check("neutral", within=60)
        github.expect_review(comments=1)
        github.expect_comment("<!-- reviewer:summary")
    asked = [call.task for call in model.calls]
    assert asked.count("verify") == 1
    assert asked.count("tests") == 2
    assert asked.count("findings") <= 2


def test_what_is_not_signed_or_not_right_is_refused(github: World, model: FakeModel, tmp_path: Path) -> None:
    """401, 400, 413 and 415 as agreed, each with a reason; ignored deliveries say why."""
    github.hook.secret = "s3cret"
    opened = github.reopen(github.pull)
    with serving(github, model, tmp_path) as server:
        url = server.hook

        def post(body: bytes = opened.body, **changes: str | None) -> httpx.Response:
            headers = {**opened.headers, **{name.replace("_", "-"): value for name, value in changes.items()}}
            return httpx.post(url, content=body, headers={name: value for name, value in headers.items() if value})

        assert post(X_Hub_Signature_256=None).status_code == 401
        assert post(X_Hub_Signature_256="sha256=00").status_code == 401
        assert post(X_Hub_Signature_256="sha256=é".encode("latin-1")).status_code == 401  # type: ignore[arg-type]
        assert post(opened.body + b" ").status_code == 401
        missing = post(X_GitHub_Event=None, X_GitHub_Delivery=None)
        assert missing.status_code == 400
        assert "X-GitHub-Event" in missing.json()["error"]
        assert "X-GitHub-Delivery" in missing.json()["error"]
        assert post(Content_Type="text/plain").status_code == 415
        assert httpx.get(url).status_code == 405
        assert httpx.get(f"{server.url}/nowhere").json()["error"]
        assert httpx.post(url, content=iter([b"x" * 1_000_000] * 27)).status_code == 413
        ping = github.ping().post(url)
        assert ping.json() == {"ignored": "ping"}
        labelled = github.label(github.pull, "x").form_encoded().post(url)
        assert labelled.json() == {"ignored": "label not handled"}
        garbage = httpx.post(url, content=b"{", headers=_signed(b"{", "s3cret", opened.headers))
        assert (garbage.status_code, "JSON" in garbage.json()["error"]) == (400, True)
        assert server.process.stop() == 0


def lines_of(folder: Path, form: str) -> list[str]:
    """Return what each line of the server's log says; a line of another form fails the test."""
    lines = (folder / "server.log").read_text("utf-8").splitlines()
    if form == "json":
        values = [json.loads(line) for line in lines]
        assert all({"time", "level", "logger", "event"} <= value.keys() for value in values)
        assert {"gunicorn.error", "webhooks.server.receiver", "reviewer.worker"} <= {
            value["logger"] for value in values
        }
        return [value["event"] for value in values]
    shape = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (?:INFO|WARNING) (.+)")
    matches = [(line, shape.fullmatch(line)) for line in lines]
    assert [line for line, match in matches if match is None] == []
    return [match[1] for _, match in matches if match]


@pytest.mark.parametrize(("form", "how"), [("json", "SIGTERM"), ("text", "Ctrl-C")])
def test_a_stop_says_what_it_waits_for(github: World, model: FakeModel, tmp_path: Path, form: str, how: str) -> None:
    """At SIGTERM to gunicorn, and at Ctrl-C, which reaches all processes. Every line has the form that is set."""
    github.hook.secret = "s3cret"
    find(model, DELETE)
    model.script("findings", Stall())
    opened = github.reopen(github.pull)
    with serving(github, model, tmp_path, REVIEWER_LOG_FORMAT=form) as server:
        assert opened.post(server.hook).status_code == 202
        model.wait_for(lambda: any(call.task == "findings" for call in model.calls), "the finder's call", 30)
        if how == "SIGTERM":
            os.kill(server.process.pid, signal.SIGTERM)
        else:
            os.killpg(server.process.pid, signal.SIGINT)
        stopping = f"stopping: waiting up to 20 s for 1 job: {opened.guid}"
        wait_until(lambda: stopping in server.process.output(), "it says what it waits for", 10)
        model.release()
        wait_until(lambda: server.process.exit_code is not None, "it ends by itself", 15, log=server.process.output)
        assert server.process.exit_code == 0
    said = lines_of(tmp_path, form)
    assert [line for line in said if line.startswith("stopping:")] == [stopping]
    assert any(line.startswith("Starting gunicorn") for line in said)
    assert not any("SIGKILL" in line for line in said)
    github.forgive()


def _signed(body: bytes, secret: str, headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "X-Hub-Signature-256": sign(body, secret), "X-GitHub-Delivery": "another"}


@pytest.mark.parametrize("missing", ["GITHUB_WEBHOOK_SECRET", "RUNAPI_KEY", "GITHUB_APP_PRIVATE_KEY"])
def test_without_a_secret_there_is_no_start(github: World, model: FakeModel, tmp_path: Path, missing: str) -> None:
    """The App refuses to start, and names the variable and what to set it to."""
    with (
        pytest.raises(AssertionError, match=f"{missing} is missing: set it"),
        serving(github, model, tmp_path, **{missing: ""}),
    ):
        pass
