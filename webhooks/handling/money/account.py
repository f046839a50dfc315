"""The interface to the record of what was spent: the App's store, or the marks in the Action's comments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from reviewer.llm.usage import Usage
from webhooks.operator_settings.spending import SpendingLimit, SpendingPart


class SpendingAccount(Protocol):
    """The account of one job. The methods raise ReviewerError where the record cannot be read or written."""

    def spent(self, part: SpendingPart, /) -> Usage:
        """Return what was spent on that part; the cost is the sum of those that are known."""

    def held(self, part: SpendingPart, /) -> Decimal:
        """Return what other jobs that run now are about to spend on that part."""

    def reserve(self, usd: Decimal, limits: Sequence[SpendingLimit], /) -> SpendingLimit | None:
        """Reserve dollars for the job's next calls; return the limit that stands against it, if any does."""

    def release(self) -> None:
        """Give back what the job reserved."""

    def is_first_time(self, name: str, now: float, /) -> bool:
        """Whether nothing of that name was done before; from now on it counts as done."""
