"""What was spent before a job, and what it may reserve: the store's side of the ceilings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from reviewer.llm.usage import Usage
from webhooks.events.deliveries import Job
from webhooks.operator_settings.spending import SpendingLimit, SpendingPart
from webhooks.queue.store import billing, leases, reservations
from webhooks.queue.store.database import Database

#: Longer than any store is kept.
_EVER = 100 * 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class StoreAccount:
    """The account of one job in the store. Each method raises StoreUnavailable."""

    database: Database
    job: Job

    def spent(self, part: SpendingPart) -> Usage:
        """Return what was spent on that part; the cost is the sum of those that are known."""
        with self.database.read() as connection:
            return billing.known_cost(connection, part)

    def held(self, part: SpendingPart) -> Decimal:
        """Return what other jobs are about to spend on that part."""
        with self.database.read() as connection:
            return reservations.held(connection, part, besides=self.job.delivery)

    def reserve(self, usd: Decimal, limits: Sequence[SpendingLimit]) -> SpendingLimit | None:
        """Reserve dollars for the job's next calls, or return the limit that stands against it."""
        with self.database.write() as connection:
            return reservations.reserve(connection, self.job, usd, limits)

    def release(self) -> None:
        """Give back what the job reserved."""
        with self.database.write() as connection:
            reservations.release(connection, self.job.delivery)

    def is_first_time(self, name: str, now: float) -> bool:
        """Whether nothing of that name was done before, in any process; from now on it counts as done."""
        with self.database.write() as connection:
            return leases.take_turn(connection, name, now=now, after=_EVER) is not None
