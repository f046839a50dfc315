"""Ceilings over jobs that run at once, and stores that an older version wrote."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from reviewer.llm.messages import Reply
from reviewer.llm.usage import Attempt
from tests.fixtures.job_worker import automatic, prompt
from webhooks.events.deliveries import Job
from webhooks.operator_settings.spending import SpendingLimit, SpendingPart
from webhooks.queue.account import StoreAccount
from webhooks.queue.store import billing, job_records, reservations
from webhooks.queue.store.database import Database
from webhooks.queue.store.job_state import JobState

ALL = SpendingLimit(SpendingPart(), Decimal(1))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/store.sqlite3")
    database.open()
    database.create_tables()
    yield database
    database.close()


def accepted(database: Database, actor: str = "mona") -> tuple[Job, StoreAccount]:
    job = replace(automatic(), actor=actor)
    with database.write() as connection:
        job_records.add(connection, job)
    return job, StoreAccount(database, job)


def bill(database: Database, job: Job, usd: str | None) -> None:
    cost = None if usd is None else Decimal(usd)
    with database.write() as connection:
        billing.enter(connection, job, prompt("x"), Reply("y", attempts=(Attempt("m", "ok", 10, 1, cost),)))


def test_of_many_jobs_at_once_only_as_many_spend_as_there_is_money(database: Database) -> None:
    """Twenty jobs want 30 cents of one dollar at the same moment: three get it, whoever is first."""
    accounts = [accepted(database)[1] for _ in range(20)]
    start, won = threading.Barrier(20), []

    def reserve(account: StoreAccount) -> None:
        start.wait(20)
        if account.reserve(Decimal("0.3"), [ALL]) is None:
            won.append(account)

    threads = [threading.Thread(target=reserve, args=(account,)) for account in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(won) == 3
    assert accounts[0].held(SpendingPart()) in (Decimal("0.6"), Decimal("0.9"))
    won[0].release()
    assert next(account for account in accounts if account not in won).reserve(Decimal("0.3"), [ALL]) is None


def test_what_a_dead_job_reserved_comes_back(database: Database) -> None:
    """A reservation counts only as long as its job is not over; a later attempt of the job replaces its own."""
    job, account = accepted(database)
    _, other = accepted(database)
    assert account.reserve(Decimal("0.9"), [ALL]) is None
    assert account.reserve(Decimal("0.8"), [ALL]) is None
    assert other.held(SpendingPart()) == Decimal("0.8")
    assert other.reserve(Decimal("0.3"), [ALL]) == ALL
    with database.write() as connection:
        record = job_records.find(connection, job.delivery)
        assert record is not None
        assert job_records.close(connection, record, JobState.CANCELLED, "x")
    assert other.reserve(Decimal("0.3"), [ALL]) is None
    with database.write() as connection:
        assert reservations.forget_ended(connection) == 1


def test_parts_and_unknown_prices(database: Database) -> None:
    """By person, pull request and time; one call of unknown price does not make the others free."""
    job, account = accepted(database, "Mona")
    bill(database, job, "0.4")
    bill(database, job, None)
    assert account.spent(SpendingPart(person="mona")).cost_usd == Decimal("0.4")
    assert account.spent(SpendingPart(repository="octo/hello", number=job.number)).calls == 2
    assert account.spent(SpendingPart(person="stan")).cost_usd == 0
    assert account.spent(SpendingPart(since=4e9)).cost_usd == 0
    low = SpendingLimit(SpendingPart(person="mona"), Decimal("0.4"))
    assert account.reserve(Decimal("0.01"), [ALL, low]) == low
    assert account.is_first_time("a line", 1e9)
    assert not account.is_first_time("a line", 2e9)


def test_a_store_of_the_version_before_is_brought_up_to_date(tmp_path: Path, database: Database) -> None:
    """Its bill is kept and counts; the older version's rows, which name no person, can still be written."""
    job, account = accepted(database)
    bill(database, job, "0.5")
    database.close()
    old = sqlite3.connect(tmp_path / "store.sqlite3")
    for index in ("reviewer_calls_person", "reviewer_calls_at"):
        old.execute(f"DROP INDEX {index}")
    old.execute("ALTER TABLE reviewer_calls DROP COLUMN person")
    old.execute("DROP TABLE reviewer_reserved")
    old.commit()
    old.close()
    database.open()
    for _ in range(2):
        database.create_tables()
    assert account.spent(SpendingPart(repository="octo/hello")).cost_usd == Decimal("0.5")
    assert account.reserve(Decimal("0.1"), [ALL]) is None
    columns = "at, job, repository, number, task, model, outcome, prompt_tokens, completion_tokens, estimated, seconds"
    with database.write() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO reviewer_calls ({columns}) VALUES (1,'j','octo/hello',1,'t','m','ok',1,1,0,1)"
        )
    assert account.spent(SpendingPart(repository="octo/hello")).calls == 2
