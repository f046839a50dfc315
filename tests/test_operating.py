"""What an operator does from a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

import app
from tests.desk import automatic
from webhooks.jobs import Jobs, State


@pytest.fixture
def jobs(tmp_path, monkeypatch) -> Iterator[Jobs]:
    """Open a store that the commands find through the environment."""
    url = f"sqlite:///{tmp_path}/jobs.sqlite3"
    monkeypatch.setenv("DATABASE_URL", url)
    jobs = Jobs(url)
    jobs.open()
    yield jobs
    jobs.close()


@pytest.fixture
def reviewer(capsys) -> Callable[..., tuple[int, str, str]]:
    """Run `reviewer` with those words; return exit code, standard output and standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        code = app.main(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_jobs_are_listed(jobs, reviewer):
    """Jobs are listed newest first, one a line, with id, state and key; states narrow the list."""
    older, newer = automatic("a"), automatic("b")
    jobs.accept(older)
    jobs.accept(newer)
    jobs.cancel(older.delivery)
    code, out, _ = reviewer("jobs", "list")
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines] == [newer.delivery, older.delivery]
    assert [line.split()[1] for line in lines] == ["queued", "cancelled"]
    assert lines[1].endswith("cancelled by an operator")
    assert newer.key in lines[0]
    assert reviewer("jobs", "list", "--state", "cancelled")[1].split()[0] == older.delivery
    assert reviewer("jobs", "list", "--state", "failed")[1] == ""
    assert len(reviewer("jobs", "list", "--limit", "1")[1].splitlines()) == 1


def test_jobs_are_shown_as_json(jobs, reviewer):
    """`list --json` prints an object a line; `show` prints all that is known, with what it cost."""
    job = automatic()
    jobs.accept(job)
    (listed,) = [json.loads(line) for line in reviewer("jobs", "list", "--json")[1].splitlines()]
    assert (listed["id"], listed["state"], listed["ended_at"]) == (job.delivery, "queued", None)
    shown = json.loads(reviewer("jobs", "show", job.delivery)[1])
    assert shown["job"] == job.to_json()
    assert shown["spent"] == {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost_usd": "0"}


def test_jobs_are_cancelled_and_retried(jobs, reviewer):
    """`cancel` and `retry` change the job, and what cannot be done is said with exit code 2."""
    job = automatic()
    jobs.accept(job)
    code, out, _ = reviewer("jobs", "cancel", job.delivery)
    assert (code, out) == (0, f"{job.delivery} is cancelled ({job.key})\n")
    assert jobs.record(job.delivery).state is State.CANCELLED
    assert reviewer("jobs", "cancel", job.delivery)[0] == 2
    assert reviewer("jobs", "retry", job.delivery)[0] == 0
    assert jobs.record(job.delivery).state is State.QUEUED
    code, _, err = reviewer("jobs", "retry", job.delivery)
    assert (code, "it is queued" in err) == (2, True)
    code, _, err = reviewer("jobs", "show", "nonsense")
    assert (code, "there is no job nonsense" in err) == (2, True)


def test_a_store_that_is_not_there(reviewer, monkeypatch, tmp_path):
    """Commands on a store that cannot be opened say what to do, with exit code 3."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/none/jobs.sqlite3")
    code, _, err = reviewer("jobs", "list")
    assert (code, "there is no directory" in err) == (3, True)


def test_a_worker_needs_its_keys(reviewer, monkeypatch, tmp_path):
    """`reviewer worker` without keys says every one that is missing, with exit code 2, and makes no store."""
    for name in ("RUNAPI_KEY", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REVIEWER_DATA_DIR", str(tmp_path / "data"))
    code, _, err = reviewer("worker")
    assert code == 2
    assert all(name in err for name in ("RUNAPI_KEY", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"))
    assert not (tmp_path / "data").exists()
