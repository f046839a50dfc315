"""`reviewer doctor --app` against the double of GitHub: a healthy App, and each thing that can be wrong."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

import app
from tests.fakes.github import World, default_world
from tests.fixtures.app_server import doubles_environment
from tests.fixtures.waiting import reserved_port
from webhooks.queue.jobs import Jobs

pytestmark = pytest.mark.slow

Checks = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture
def github() -> Iterator[World]:
    """Serve a GitHub that checks nothing at the end: some tests are refused on purpose."""
    with default_world(strict=False) as world:
        world.hook.url = "https://reviewer.example.com/webhooks/github"
        yield world


@pytest.fixture
def doctor(tmp_path, monkeypatch, capsys, github, model) -> Checks:
    """Run `reviewer doctor --app` with an open store; return what it printed, by what was checked, and the code."""
    jobs = Jobs(f"sqlite:///{tmp_path}/jobs.sqlite3")
    jobs.open()
    jobs.close()
    known = {
        **doubles_environment(github, model),
        "GITHUB_WEBHOOK_SECRET": github.hook.secret,
        "DATABASE_URL": f"sqlite:///{tmp_path}/jobs.sqlite3",
        "REVIEWER_DATA_DIR": str(tmp_path),
    }

    def run(**changed: str | None) -> dict[str, tuple[str, str]]:
        for name, value in {**known, **changed}.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        model.script("ask", "ready")
        code = app.main(["doctor", "--app"])
        lines = capsys.readouterr().out.splitlines()
        found: dict[str, tuple[str, str]] = {"code": ("", str(code))}
        about = ""
        for line in lines:
            if line.startswith("     "):
                found[about] = (found[about][0], f"{found[about][1]}\n{line.strip()}")
            else:
                about, _, text = line[5:].partition(": ")
                found[about] = (line[:4].strip(), text)
        return found

    return run


def test_healthy_app(doctor: Checks, github: World) -> None:
    """Everything is fine but for the worker, which no test has started: that alone fails, and says what to do."""
    found = doctor()
    failed = {about: text for about, (mark, text) in found.items() if mark == "FAIL"}
    assert set(failed) == {"worker"}, failed
    assert "reviewer worker" in failed["worker"]
    assert "id and key match" in found["App"][1]
    assert github.hook.url in found["webhook"][1]
    assert found["store"][0] == found["clock"][0] == found["permissions"][0] == "ok"
    assert found["installations"][1]
    assert found["code"][1] == "3"


def test_worker_is_seen(doctor: Checks, tmp_path) -> None:
    """While a process holds the lock of the store, a worker is alive."""
    with (tmp_path / "jobs.sqlite3.worker.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = doctor()
    assert (found["worker"], found["code"][1]) == (("ok", "alive"), "0")


def test_key_of_another_app(doctor: Checks) -> None:
    """GitHub refuses it: that is named, the other checks go on."""
    found = doctor(GITHUB_APP_ID="999999")
    assert found["App"][0] == "FAIL"
    assert "make a new one" in found["App"][1]
    assert found["store"][0] == "ok"


def test_key_that_is_none(doctor: Checks) -> None:
    """Before anything is asked."""
    found = doctor(GITHUB_APP_PRIVATE_KEY="-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----")
    assert found["App"][0] == "FAIL"


def test_missing_variables(doctor: Checks) -> None:
    """Each is named with what to do."""
    found = doctor(GITHUB_WEBHOOK_SECRET=None)
    assert (found["variables"][0], "GITHUB_WEBHOOK_SECRET is missing" in found["variables"][1]) == ("FAIL", True)
    assert found["webhook secret"][0] == "FAIL"


def test_hook_that_leads_elsewhere(doctor: Checks, github: World) -> None:
    """An address without our path, and none at all."""
    github.hook.url = "https://reviewer.example.com/"
    assert doctor()["webhook"] == (
        "FAIL", "GitHub sends to https://reviewer.example.com/, which does not end with /webhooks/github",
    )  # fmt: skip
    github.hook.url = ""
    assert "GitHub has no address" in doctor()["webhook"][1]


def test_permissions_and_events_that_are_missing(doctor: Checks, github: World) -> None:
    """Of the App, and of an account that did not accept the new ones."""
    github.app.permissions = {name: level for name, level in github.app.permissions.items() if name != "checks"}
    found = doctor()
    assert found["permissions"][0] == "FAIL"
    assert "checks: write" in found["permissions"][1]


def test_what_reviews_work_without(doctor: Checks, github: World) -> None:
    """It is named with what it is for, and fails nothing: what the App does not ask for, and what is not granted."""
    assert "actions: read (read the logs of failed jobs for `/ci`)" in doctor()["permissions"][1]
    github.app.permissions["actions"] = "read"
    found = doctor()
    assert "actions" not in found["permissions"][1]
    mark, text = found["installation octo-org"]
    assert mark != "FAIL"
    assert "not granted yet, but reviews work without: actions: read (read the logs of failed jobs for `/ci`)" in text
    github.installation.permissions["actions"] = "read"
    assert "installation octo-org" not in doctor()


def test_deliveries_that_were_refused(doctor: Checks, github: World) -> None:
    """An answer of 401 tells that the secrets differ."""
    with reserved_port() as port, pytest.raises(httpx.ConnectError):
        github.opened.post(f"http://127.0.0.1:{port}/webhooks/github")
    assert "GitHub got no answer" in doctor()["deliveries"][1]
    (last,) = github.log.attempts
    github.log.attempts[:] = [replace(last, status="Unauthorized", status_code=401)]
    found = doctor()["deliveries"]
    assert (found[0], "GITHUB_WEBHOOK_SECRET is not the secret" in found[1]) == ("FAIL", True)
    github.log.attempts[:] = [replace(last, status="OK", status_code=202)]
    assert doctor()["deliveries"] == ("ok", "1 of the last 1 succeeded (newest first: 202)")


def test_store_that_is_not_there(doctor: Checks, tmp_path) -> None:
    """The message says which variables lead to it."""
    found = doctor(DATABASE_URL=f"sqlite:///{tmp_path}/other/jobs.sqlite3")
    assert (found["store"][0], "REVIEWER_DATA_DIR" in found["store"][1]) == ("FAIL", True)
