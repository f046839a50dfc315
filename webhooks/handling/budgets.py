"""How much a review may cost, by what the repository allows and what was spent before. Pure.

Only the App keeps a ledger; the Action and the command line hold to the ceiling of one review alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from reviewer.domain.settings import BudgetSettings

#: What a repository spent, in dollars, since that time (seconds since 1970), on one pull request or (None) on all.
#: None: the price of a call is not known.
Spent = Callable[[int | None, float], Decimal | None]

KEPT_BY_THE_APP = "`budget.per_pull_usd` and `budget.per_month_usd` are kept by the App; this run cannot see them."


def remaining_budget(budget: BudgetSettings, spent: Spent, number: int, now: datetime) -> tuple[Decimal | None, str]:
    """Return the dollars left for one review (None: no ceiling) and the name of the ceiling that is the lowest."""
    month = datetime(now.year, now.month, 1, tzinfo=UTC).timestamp()
    ceilings = [(budget.per_review_usd, Decimal(0), "per_review_usd")]
    if budget.per_pull_usd is not None:
        ceilings.append((budget.per_pull_usd, spent(number, 0.0) or Decimal(0), "per_pull_usd"))
    if budget.per_month_usd is not None:
        ceilings.append((budget.per_month_usd, spent(None, month) or Decimal(0), "per_month_usd"))
    left = [(ceiling - before, name) for ceiling, before, name in ceilings if ceiling is not None]
    return min(left) if left else (None, "")


def is_kept_elsewhere(budget: BudgetSettings) -> bool:
    """Whether the repository set a ceiling that needs a ledger."""
    return budget.per_pull_usd is not None or budget.per_month_usd is not None
