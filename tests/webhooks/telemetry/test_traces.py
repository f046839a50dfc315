"""Traces of the App over a real socket: what stands in them, what never does, and a collector that is away."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time

import pytest

from tests.fakes.collector import collecting
from tests.fakes.github import World
from tests.fakes.model import FakeModel
from tests.fixtures.app_server import child_environment
from tests.fixtures.scenarios import DEFAULT, DELETE
from tests.fixtures.waiting import LOOPBACK
from tests.paths import ROOT
from tests.stories.test_app import find, serving
from webhooks.telemetry.github_calls import route_of
from webhooks.telemetry.spans import NO_TRACER, call_place, current_trace, delivery_place, job_place, opened, step
from webhooks.telemetry.start import start_tracing

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def need_extra() -> None:
    """Skip a test that needs the packages of the extra `otel`; the development lock holds them."""
    pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")


@pytest.mark.slow
def test_a_review_is_a_trace(github: World, model: FakeModel, tmp_path) -> None:
    """Delivery, job, steps, calls to the model and to GitHub: a tree with figures, the log names it, nothing leaks."""
    need_extra()
    github.hook.secret = "s3cret-of-the-hook"
    find(model, DELETE, DEFAULT)
    opened_pull = github.reopen(github.pull)
    with collecting() as collector:
        with serving(github, model, tmp_path, **{ENDPOINT: collector.url, "OTEL_SERVICE_NAME": "our-reviewer"}) as app:
            assert opened_pull.post(app.hook).status_code == 202
            github.expect_check("neutral", within=30)
            github.expect_review(comments=2)
            github.expect_comment("tests/test_discounts.py")
            assert app.process.stop() == 0
            log = app.process.log.read_text("utf-8")
        (delivery,) = collector.named("delivery")
        (job,) = collector.named("job")
        spans = {span.id: span for span in collector.spans}
        assert len(spans) == len(collector.spans)
        assert collector.services == {"our-reviewer"}
        assert {span.trace for span in collector.spans} == {delivery.trace}
        assert (delivery.parent, job.parent) == ("", delivery.id)
        assert all(span.parent in spans for span in collector.spans if span is not delivery)
        assert delivery.attributes["reviewer.outcome"] == "accepted"
        assert job.attributes["reviewer.key"] == f"octo-org/shop#1@{github.pull.head}"
        assert job.attributes["reviewer.ending"] == "done"
        assert {span.name for span in collector.spans if span.parent == job.id} >= {"fetch", "review", "publish"}
        (review,) = collector.named("review")
        assert {span.parent for span in collector.named("ask the model")} == {review.id}
        calls = collector.named("model call")
        assert {span.parent for span in calls} == {job.id}
        assert len(calls) == len(model.calls)
        assert {span.attributes["reviewer.task"] for span in calls} >= {"findings", "verify"}
        assert all(span.attributes["reviewer.outcome"] == "ok" for span in calls)
        assert all(span.attributes["gen_ai.request.model"] == "MiniMax-M2.1" for span in calls)
        assert all(span.attributes["gen_ai.usage.input_tokens"] > 0 for span in calls)
        assert all(span.attributes["reviewer.cost_usd"] > 0 for span in calls)
        (diff,) = collector.named("GET /repos/{owner}/{repo}/pulls/{number}")[:1]
        assert diff.attributes["http.response.status_code"] == 200
        assert collector.named("POST /repos/{owner}/{repo}/pulls/{number}/reviews")
        for event in ("accepted", "job begins", "job ends"):
            assert any(f" {event} " in line and f"trace={delivery.trace}" in line for line in log.splitlines()), event
        sent = b"".join(collector.bodies)
        files = [b"cart.py", b"discounts.py"]
        for text in (
            model.key.encode(),
            b"s3cret-of-the-hook",
            b"PRIVATE KEY",
            b"ghs_",
            b"# Task",
            b"discount",
            *files,
        ):
            assert text not in sent, text


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["refuses", "never answers"])
def test_a_collector_that_is_away_costs_nothing(github: World, model: FakeModel, tmp_path, kind: str) -> None:
    """The review is posted all the same, the delivery is answered at once, and the end waits two seconds at most."""
    need_extra()
    github.hook.secret = "s3cret"
    find(model, DELETE)
    opened_pull = github.reopen(github.pull)
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        if kind == "never answers":
            listening.listen()
        address = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        with serving(github, model, tmp_path, **{ENDPOINT: address, "OTEL_BSP_SCHEDULE_DELAY": "50"}) as app:
            began = time.monotonic()
            assert opened_pull.post(app.hook).status_code == 202
            assert time.monotonic() - began < 5
            github.expect_check("neutral", within=30)
            github.expect_review(comments=1)
            github.expect_comment("<!-- reviewer:summary")
            began = time.monotonic()
            assert app.process.stop() == 0
            assert time.monotonic() - began < 15  # a try of the exporter alone may take ten seconds, with its pauses
            log = app.process.output()
    assert "job failed" not in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_nothing_is_imported_without_a_collector() -> None:
    """OpenTelemetry is not loaded by default: it takes half a second and 8 MB."""
    code = (
        "import sys, app, webhooks.server.receiver, webhooks.queue.jobs, webhooks.handling.handle\n"
        "from webhooks.telemetry.start import start_tracing\n"
        "start_tracing({})\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=child_environment(), capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


def test_a_missing_extra_is_told(monkeypatch, caplog) -> None:
    """The App starts without traces, and says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "webhooks.telemetry.collector", raising=False)
    assert start_tracing({ENDPOINT: "http://localhost:4318"}) is NO_TRACER
    assert ENDPOINT in caplog.text
    assert "requirements/otel.txt" in caplog.text


@pytest.mark.parametrize(
    "more",
    [
        {ENDPOINT: " "},
        {"OTEL_SDK_DISABLED": "True"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_traces_are_off(more, caplog) -> None:
    """OpenTelemetry's own switches hold; a protocol that we do not speak is told."""
    caplog.set_level(logging.INFO)
    assert start_tracing({ENDPOINT: "http://localhost:4318", **more}) is NO_TRACER
    assert bool(caplog.records) == ("OTEL_EXPORTER_OTLP_PROTOCOL" in more)


def test_places_are_derived() -> None:
    """Every process finds the same ids; another start of a job is another span of the same trace."""
    first, job = delivery_place("guid"), job_place("guid", 1, 1)
    assert (len(first.trace), len(first.own), first.parent) == (32, 16, "")
    assert (job.trace, job.parent) == (first.trace, first.own)
    assert job_place("guid", 1, 2).own != job.own != job_place("guid", 2, 1).own
    assert (call_place("guid", 1, 1).parent, call_place("guid", 1, 1).own) == (job.own, "")
    assert delivery_place("other").trace != first.trace


def test_without_a_tracer_no_trace_is_open() -> None:
    """Steps outside of a span, or below the App's own tracer without a collector, do nothing."""
    with opened(NO_TRACER, "job", delivery_place("guid")) as span, step("fetch") as below:
        span.set(reviewer__ending="done")
        below.failed("Error")
        assert current_trace() == ""


@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("/repos/octo/pulls/pulls/12", "/repos/{owner}/{repo}/pulls/{number}"),
        ("/repos/octo/shop/contents/src/secret.py?ref=x", "/repos/{owner}/{repo}/contents/{path}"),
        ("/repos/octo/shop/git/ref/heads/feature/rescue", "/repos/{owner}/{repo}/git/ref/heads/{path}"),
        (f"/repos/octo/shop/commits/{'a' * 40}/check-runs", "/repos/{owner}/{repo}/commits/{sha}/check-runs"),
        ("/repos/octo/shop/collaborators/mona/permission", "/repos/{owner}/{repo}/collaborators/{name}/permission"),
        ("https://ghe.example/api/v3/repos/o/r/pulls/1", "/repos/{owner}/{repo}/pulls/{number}"),
        ("https://ghe.example/api/graphql", "/graphql"),
        ("/graphql", "/graphql"),
        ("/app/installations/42/access_tokens", "/app/installations/{number}/access_tokens"),
        ("/made-up", "/{other}"),
        ("/", "/"),
    ],
)
def test_routes_hold_no_names(url, route) -> None:
    """Owners, repositories, branches, files and people are left out."""
    assert route_of(url) == route
