"""A store that keeps what was spent, for stories about money: it bills each answer and hands out purses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt, Reply, Task
from reviewer.llm.usage import Attempt
from tests.fakes.github import Delivery, World
from tests.fixtures.scenarios import carry_out, job_of
from webhooks.events.deliveries import Job
from webhooks.handling.handle import JobOutcome
from webhooks.handling.money.purse import Purse
from webhooks.operator_settings.rules import OperatorRules
from webhooks.queue.account import StoreAccount
from webhooks.queue.store import billing, job_records
from webhooks.queue.store.database import Database


class Bank:
    """One store. `rules` are the operator's, as they are read for each batch; `now` is the time of the ceilings."""

    def __init__(self, folder: Path, github: World) -> None:
        """Open a store in that folder."""
        self.database = Database(f"sqlite:///{folder}/bank.sqlite3")
        self.database.open()
        self.database.create_tables()
        self.github = github
        self.rules: Callable[[], OperatorRules] = OperatorRules
        self.now = datetime.now(UTC)
        self.price = Decimal("0.01")

    def spend(self, job: Job, usd: str, *, at: datetime | None = None) -> None:
        """Bill dollars to the job, now or at another time."""
        with self.database.write() as connection:
            reply = Reply("", attempts=(Attempt("m", "ok", 100, 10, Decimal(usd)),))
            billing.enter(connection, job, Prompt(Task.FINDINGS, ()), reply)
            if at is not None:
                connection.exec_driver_sql(
                    "UPDATE reviewer_calls SET at = ? WHERE seq = (SELECT max(seq) FROM reviewer_calls)",
                    (at.timestamp(),),
                )

    def purse(self, job: Job) -> Purse:
        """Return the purse of a job, which is in the store then."""
        with self.database.write() as connection:
            job_records.add(connection, job)
        return Purse(
            StoreAccount(self.database, job),
            lambda: self.rules(),  # noqa: PLW0108 - as they are when they are read
            lambda prompts: self.price * len(prompts),
            ("MiniMax-M2.1",),
            clock=lambda: self.now,
        )

    def review(self, delivery: Delivery, ask: Ask) -> JobOutcome:
        """Carry the delivery's job out; each answer costs `price`."""
        job = job_of(delivery)

        def paid(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
            answers = ask(prompts)
            bill = (Attempt("m", "ok", 1000, 100, self.price),)
            answers = [replace(it, attempts=bill) if isinstance(it, Reply) else it for it in answers]
            with self.database.write() as connection:
                for prompt, answer in zip(prompts, answers, strict=True):
                    billing.enter(connection, job, prompt, answer)
            return answers

        return carry_out(self.github, delivery, paid, purse=self.purse(job))
