"""Compute how much a review may cost, from the repository's budgets and what was spent before. Pure.

Only the App records what was spent; the Action and the command line apply only the limit of one review.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from reviewer.domain.settings import BudgetSettings

#: What a repository spent, in dollars, since that time (seconds since 1970), on one pull request or (None) on all.
#: None: the price of a call is not known.
Spent = Callable[[int | None, float], Decimal | None]

KEPT_BY_THE_APP = "`budget.per_pull_usd` and `budget.per_month_usd` are enforced by the App only, not in this run."


def remaining_budget(budget: BudgetSettings, spent: Spent, number: int, now: datetime) -> tuple[Decimal | None, str]:
    """Return the dollars left for one review (None: no limit) and the name of the lowest limit."""
    month = datetime(now.year, now.month, 1, tzinfo=UTC).timestamp()
    limits = [(budget.per_review_usd, Decimal(0), "per_review_usd")]
    if budget.per_pull_usd is not None:
        limits.append((budget.per_pull_usd, spent(number, 0.0) or Decimal(0), "per_pull_usd"))
    if budget.per_month_usd is not None:
        limits.append((budget.per_month_usd, spent(None, month) or Decimal(0), "per_month_usd"))
    left = [(limit - before, name) for limit, before, name in limits if limit is not None]
    return min(left) if left else (None, "")


def is_kept_elsewhere(budget: BudgetSettings) -> bool:
    """Whether the repository has a budget that needs a record of what was spent."""
    return budget.per_pull_usd is not None or budget.per_month_usd is not None
