"""What an operator does from a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

import app
from reviewer.domain.findings import Category
from reviewer.domain.severity import Severity
from tests.fixtures.job_worker import automatic
from webhooks.environment import read_environment
from webhooks.publishing.people.learning.dismissed import DismissedFinding
from webhooks.queue.jobs import Jobs, JobState
from webhooks.queue.store import job_records


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
    """Jobs are listed newest first, one a line, with id, state, key and reason; a state narrows the list."""
    older, newer = automatic("a"), automatic("b")
    jobs.accept(older)
    jobs.accept(newer)
    jobs.cancel(older.delivery)
    code, out, _ = reviewer("jobs", "list")
    rows = [line.split() for line in out.splitlines()[1:]]
    assert code == 0
    assert [row[:2] for row in rows] == [[newer.delivery, "queued"], [older.delivery, "cancelled"]]
    assert [row[4] for row in rows] == [newer.key, older.key]
    assert rows[1][5:] == ["cancelled", "by", "an", "operator"]
    assert older.delivery in reviewer("jobs", "list", "--state", "cancelled")[1]
    assert len(reviewer("jobs", "list", "--state", "failed")[1].splitlines()) == 1
    assert len(reviewer("jobs", "list", "--limit", "1")[1].splitlines()) == 2


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "9999999999"])
def test_a_limit_is_a_whole_number_from_one(jobs, reviewer, limit):
    """SQLite takes -1 for no limit, Postgres for an error: neither is asked."""
    with pytest.raises(SystemExit) as ended:
        reviewer("jobs", "list", "--limit", limit)
    assert ended.value.code == 2


@pytest.mark.slow
def test_an_empty_database_url_means_the_data_directory(tmp_path, monkeypatch, reviewer):
    """A file for `docker --env-file` may name the variable without a value: then the folder is made as without it."""
    monkeypatch.setenv("DATABASE_URL", " ")
    monkeypatch.setenv("REVIEWER_DATA_DIR", str(tmp_path / "data"))
    app._open(read_environment(os.environ, strict=False)).close()
    assert (tmp_path / "data").is_dir()
    assert reviewer("jobs", "list")[0] == 0


def test_a_job_is_shown(jobs, reviewer):
    """`show` prints all that is known, by id as well as by key."""
    job = automatic()
    jobs.accept(job)
    shown = reviewer("jobs", "show", job.delivery)[1]
    assert f"id: {job.delivery}\nkey: {job.key}\nstate: queued\n" in shown
    assert reviewer("jobs", "show", job.key)[1] == shown


def test_jobs_are_cancelled_and_retried(jobs, reviewer):
    """`cancel` and `retry` change the job, and what cannot be done is said with exit code 2."""
    job = automatic()
    jobs.accept(job)
    assert reviewer("jobs", "cancel", job.delivery)[:2] == (0, f"cancelled: {job.key}\n")
    assert jobs.record(job.delivery).state is JobState.CANCELLED
    assert reviewer("jobs", "cancel", job.delivery)[0] == 2
    assert reviewer("jobs", "retry", job.delivery)[:2] == (0, f"queued again: {job.key}\n")
    assert jobs.record(job.delivery).state is JobState.QUEUED
    code, _, err = reviewer("jobs", "retry", job.delivery)
    assert (code, "it is queued" in err) == (2, True)
    code, _, err = reviewer("jobs", "show", "nonsense")
    assert (code, "there is no job nonsense" in err) == (2, True)


def test_list_and_show_agree(jobs, reviewer):
    """Both call the state by the same word and give the reason; what came of the review is its outcome."""
    job = automatic()
    jobs.accept(job)
    with jobs._database.write() as connection:
        job_records.begin(connection, job.delivery, 1, "me")
        job_records.end(
            connection, job.delivery, "me", JobState.DONE, "", {"state": "ignored", "reason": "draft", "calls": 0}
        )
    row = reviewer("jobs", "list")[1].splitlines()[1].split()
    assert (row[1], row[5]) == ("done", "draft")
    shown = reviewer("jobs", "show", job.delivery)[1].splitlines()
    assert {"state: done", "reason: draft", "outcome: ignored", "calls: 0"} <= set(shown)


@pytest.mark.parametrize("words", [("list",), ("show", "x"), ("retry", "x")])
def test_a_store_that_is_not_there(reviewer, monkeypatch, tmp_path, words):
    """Commands on a store that is not there make none: they say where they looked and what to do, with exit code 3."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("REVIEWER_DATA_DIR", str(tmp_path / "data"))
    code, _, err = reviewer("jobs", *words)
    assert (code, f"there is no store {tmp_path}/data/reviewer.sqlite3: start the App first" in err) == (3, True)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/jobs.sqlite3")
    assert reviewer("jobs", *words)[0] == 3
    assert list(tmp_path.iterdir()) == []


def test_a_worker_needs_its_keys(reviewer, monkeypatch, tmp_path):
    """`reviewer worker` without keys says every one that is missing, with exit code 2, and makes no store."""
    for name in ("RUNAPI_KEY", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REVIEWER_DATA_DIR", str(tmp_path / "data"))
    code, _, err = reviewer("worker")
    assert code == 2
    assert all(name in err for name in ("RUNAPI_KEY", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"))
    assert not (tmp_path / "data").exists()


def test_a_beginning_is_enough(jobs, reviewer):
    """Of an id or a key; where it may mean several jobs, they are named; `%` is only a character."""
    first, second = automatic("a", number=7), automatic("b", number=8)
    jobs.accept(first)
    jobs.accept(second)
    assert f"id: {first.delivery}" in reviewer("jobs", "show", first.delivery[:13])[1]
    assert f"id: {second.delivery}" in reviewer("jobs", "show", "octo/hello#8")[1]
    code, _, err = reviewer("jobs", "show", "octo/hello")
    assert code == 2
    assert first.key in err
    assert second.key in err
    assert reviewer("jobs", "show", "octo%")[0] == 2
    assert reviewer("jobs", "show", "")[0] == 2


def test_what_was_learned_is_listed_and_forgotten(jobs, reviewer):
    """`learned` lists dismissals, of all repositories or of one, in safe lines; `forget` deletes one for good."""
    finding = DismissedFinding(
        7, "f", "src/a.py", Category.BUG, Severity.ERROR, "List may be\x1b[31m empty", "mona", "callers check", "u"
    )
    job = automatic()
    jobs.accept(job)
    jobs.memory(job).keep(7, [finding])
    assert "callers check" in reviewer("jobs", "learned")[1]
    _, out, _ = reviewer("jobs", "learned", "Octo/Hello")
    row = out.splitlines()[1]
    assert "\x1b" not in out
    assert "octo/hello#7 src/a.py" in row
    assert row.endswith("empty: callers check")
    assert len(reviewer("jobs", "learned", "octo/other")[1].splitlines()) == 1
    shown = row.split()[0]
    assert reviewer("jobs", "forget", shown)[0] == 0
    jobs.memory(job).keep(7, [finding])
    assert len(reviewer("jobs", "learned")[1].splitlines()) == 1
    code, _, err = reviewer("jobs", "forget", shown)
    assert (code, "reviewer jobs learned" in err) == (2, True)


def test_a_job_knows_what_was_dismissed_before_it(jobs):
    """So that a job that is begun again sees the same, whatever was dismissed meanwhile; the next job sees all."""
    finding = DismissedFinding(7, "f", "a.py", Category.BUG, Severity.ERROR, "Empty list", "mona", "", "u")
    first, second = automatic(), automatic()
    jobs.accept(first)
    jobs.memory(first).keep(7, [finding])
    jobs.accept(second)
    assert list(jobs.memory(first).known()) == []
    assert list(jobs.memory(second).known()) == [finding]
    jobs.memory(second).keep(7, [])
    assert list(jobs.memory(second).known()) == []
