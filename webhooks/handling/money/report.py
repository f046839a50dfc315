"""What was spent on a pull request, and what is left of each ceiling, as `/cost` tells it."""

from __future__ import annotations

from dataclasses import dataclass

from reviewer.llm.usage import Usage
from webhooks.handling.money.ceilings import CeilingState
from webhooks.handling.money.purse import Purse
from webhooks.operator_settings.spending import SpendingPart


@dataclass(frozen=True, slots=True)
class SpendingReport:
    """What a pull request has cost so far, and the ceilings that hold for its next review.

    `on_pull` counts calls and tokens; its cost is the sum of those that are known. Of a ceiling with `is_shared`,
    people may only be told whether it is reached.
    """

    on_pull: Usage
    ceilings: tuple[CeilingState, ...]


def spending_report(purse: Purse | None) -> SpendingReport | None:
    """Return what was spent and what is left; None where no record is kept. Raises ReviewerError if unreadable."""
    if purse is None:
        return None
    return SpendingReport(spent_on_pull(purse), tuple(purse.states()))


def spent_on_pull(purse: Purse) -> Usage:
    """Return what the pull request has cost so far, this job included."""
    return purse.account.spent(SpendingPart(repository=purse.payer.repository, number=purse.payer.number))
