"""A store of the version before, on SQLite and on a real Postgres: kept, shared with that version, or refused."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from reviewer.domain.findings import Category
from reviewer.domain.severity import Severity
from tests.fixtures.job_worker import QUICK, automatic
from tests.fixtures.waiting import wait_until
from tests.webhooks.queue.test_job_processes import Workers
from webhooks.operator_settings.spending import SpendingPart
from webhooks.publishing.people.learning.dismissed import DismissedFinding
from webhooks.queue.jobs import Jobs, JobState, StoreUnavailable

pytestmark = pytest.mark.slow

LEARNED = DismissedFinding(7, "f", "src/a.py", Category.BUG, Severity.ERROR, "It may be empty", "mona", "checked", "u")

OLD_DISMISSALS = """CREATE TABLE reviewer_dismissals (repository TEXT NOT NULL, pull INTEGER NOT NULL,
fingerprint TEXT NOT NULL, at FLOAT NOT NULL, forgotten BOOLEAN NOT NULL, data TEXT NOT NULL,
PRIMARY KEY (repository, pull, fingerprint))"""

BEFORE = Path(__file__).with_name("before.sql")
TABLES = ("reviewer_answers", "reviewer_calls", "reviewer_jobs", "reviewer_looks")

#: How SQLite writes what Postgres writes so.
ON_SQLITE = (
    (r"BIGSERIAL", "INTEGER"),
    (r"BYTEA", "BLOB"),
    (r"'\\x([0-9a-f]*)'", r"x'\1'"),
    (r"extract\(epoch FROM now\(\)\)", "((julianday('now') - 2440587.5) * 86400.0)"),
)


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """Give a connection of the test's own: a transaction that is committed at the end."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection


def fill(url: str) -> str:
    """Make the store of the version before, and return its URL."""
    text = BEFORE.read_text("utf-8")
    for pattern, instead in ON_SQLITE if url.startswith("sqlite") else ():
        text = re.sub(pattern, instead, text)
    with connected(url) as connection:
        for table in (*TABLES, "reviewer_schema", "reviewer_workers"):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")  # a server named by hand is not empty
        for statement in text.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    return url


@pytest.fixture
def postgres_store(fresh_postgres) -> str:
    return fill(fresh_postgres())


@pytest.fixture(params=["sqlite", "postgres"])
def old_store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a store that the version before filled."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres_store")
    return fill(f"sqlite:///{tmp_path}/jobs.sqlite3")


@contextmanager
def opened(url: str) -> Iterator[Jobs]:
    """Open the store as this version does."""
    jobs = Jobs(url, QUICK)
    jobs.open()
    try:
        yield jobs
    finally:
        jobs.close()


def rows_of(url: str) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of the tables that the version before has."""
    with connected(url) as connection:
        found = {table: connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}
        return {table: [dict(row) for row in rows.mappings()] for table, rows in found.items()}


def test_rows_are_kept(old_store: str) -> None:
    """Opened by three at once and once more, every row is as it was; the bill counts, and names nobody."""
    before = rows_of(old_store)
    assert [len(before[table]) for table in TABLES] == [3, 3, 3, 0]

    def open_and_close(_: int) -> None:
        with opened(old_store):
            pass

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(open_and_close, range(3)))
    open_and_close(0)
    after = rows_of(old_store)
    for table, rows in before.items():
        assert len(after[table]) == len(rows)
        assert [{name: row[name] for name in old} for old, row in zip(rows, after[table], strict=True)] == rows
    assert {row["person"] for row in after["reviewer_calls"]} == {None}
    with opened(old_store) as jobs:
        states = {number: jobs.record(f"guid-{number}").state for number in (1, 2, 3)}
        assert states == {1: JobState.DONE, 2: JobState.FAILED, 3: JobState.RUNNING}
        account = jobs.account(jobs.record("guid-1").job)
        assert account.spent(SpendingPart(repository="octo/shop")).cost_usd == Decimal("0.000063")


def test_what_was_under_way_is_done(old_store: str, tmp_path: Path) -> None:
    """The job that the old version was carrying out is carried out; what failed waits for an operator."""
    workers = Workers(old_store, tmp_path / "log")
    try:
        with opened(old_store) as jobs:
            workers.start("lost_after=0.2")
            wait_until(lambda: jobs.record("guid-3").state is JobState.DONE, "the job is done", 40)
            assert jobs.record("guid-2").state is JobState.FAILED
            jobs.retry("guid-2")
            wait_until(lambda: jobs.record("guid-2").state is JobState.DONE, "the other job is done", 40)
        assert workers.notes("posted") == ["guid-3", "guid-2"]
    finally:
        workers.close()


# What the version before sends to the store while it works.
OLD_BEAT = """INSERT INTO reviewer_workers (executor, seen) VALUES ('old-1', extract(epoch FROM clock_timestamp()))
 ON CONFLICT (executor) DO UPDATE SET seen = excluded.seen"""
OLD_BILL = """INSERT INTO reviewer_calls (at, job, repository, number, installation, task, model, outcome,
 prompt_tokens, completion_tokens, cost_nano_usd, estimated, seconds) VALUES (extract(epoch FROM now()), 'guid-1',
 'octo/shop', 1, 42, 'findings', 'MiniMax-M2.1', 'ok', 100, 10, 21000, false, 0.0)"""
OLD_JOB = """INSERT INTO reviewer_jobs (id, key, pull, installation, automatic, head, updated_at, job, state, reason,
 attempt, failures, starts, accepted_at) SELECT %(id)s, replace(key, '#3@', %(pull)s), 'octo/shop' || %(pull)s, 42,
 true, head, updated_at, replace(replace(job, 'guid-3', %(id)s), '#3@', %(pull)s), 'queued', '', 1, 0, 0,
 extract(epoch FROM now()) FROM reviewer_jobs WHERE id = 'guid-3'"""


def test_an_old_worker_works_beside_a_new_one(postgres_store: str, tmp_path: Path) -> None:
    """A rolling deploy: the new worker does what the old version accepted, whose statements go on to work."""
    workers = Workers(postgres_store, tmp_path / "log")
    ending, billed = threading.Event(), list[str]()

    def old_worker() -> None:
        while not ending.wait(0.05):
            with connected(postgres_store) as connection:
                connection.exec_driver_sql(OLD_BEAT)
                connection.exec_driver_sql(OLD_BILL)
            billed.append("guid-1")

    with ThreadPoolExecutor(1) as pool:
        old = pool.submit(old_worker)
        try:
            with opened(postgres_store) as jobs:
                workers.start("lost_after=0.2")
                with connected(postgres_store) as connection:
                    for number in range(10, 14):
                        connection.exec_driver_sql(OLD_JOB, {"id": f"guid-{number}", "pull": f"#{number}@"})
                accepted = automatic()
                jobs.accept(accepted)
                ids = ["guid-3", *(f"guid-{number}" for number in range(10, 14)), accepted.delivery]
                wait_until(lambda: {jobs.record(job).state for job in ids} == {JobState.DONE}, "all are done", 40)
        finally:
            ending.set()
            workers.close()
        old.result(10)  # raises what the old version's statements met
    assert sorted(workers.notes("posted")) == sorted(ids)
    rows = rows_of(postgres_store)["reviewer_calls"]
    assert sum(row["person"] is None for row in rows) == 3 + len(billed)
    assert billed


def test_what_was_learned_before_installations_were_noted(old_store: str) -> None:
    """The operator sees it; who administers an installation sees it once its pull request is looked at again."""
    values = f"('octo/hello', 7, 'f', 1.0, FALSE, '{json.dumps(LEARNED.to_json())}')"
    with connected(old_store) as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS reviewer_dismissals")
        connection.exec_driver_sql(OLD_DISMISSALS)
        connection.exec_driver_sql(f"INSERT INTO reviewer_dismissals VALUES {values}")
    with opened(old_store) as jobs:
        (entry,) = jobs.learned.of()
        assert (entry.finding, entry.at) == (LEARNED, 1.0)
        assert jobs.learned.repositories([42]) == []
        assert jobs.learned.forget([entry.id], [42]) == []
        job = replace(automatic(), installation_id=42)
        jobs.accept(job)
        jobs.memory(job).keep(7, [LEARNED])
        assert [(each.name, each.count, each.last_at) for each in jobs.learned.repositories([42])] == [
            ("octo/hello", 1, 1.0)
        ]
        assert jobs.learned.forget([entry.id], [43]) == []
        assert jobs.learned.forget([entry.id], [42]) == [entry]
        assert jobs.learned.repositories() == []


def test_a_newer_store_is_refused(old_store: str) -> None:
    """Once this version has been given up for a newer one, it says so, and changes nothing."""
    with opened(old_store):
        pass
    with connected(old_store) as connection:
        connection.exec_driver_sql("UPDATE reviewer_schema SET version = 2")
    before = rows_of(old_store)
    with pytest.raises(StoreUnavailable, match="version 2, this program knows 1: start the newer program again"):
        Jobs(old_store).open()
    assert rows_of(old_store) == before
