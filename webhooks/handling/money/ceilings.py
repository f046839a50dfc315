"""List the ceilings that hold for a job, from the repository's budget and the operator's rules. Pure.

A month is a calendar month in UTC. Money counts in the month in which a call was made, so that a review which goes on
over the end of a month is paid from both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from reviewer.domain.settings import BudgetSettings
from reviewer.domain.settings_problems import SETTINGS_PATH
from reviewer.output.wording import cost_text
from webhooks.handling.money.account import SpendingAccount
from webhooks.operator_settings.rules import OperatorCeilings
from webhooks.operator_settings.spending import SpendingLimit, SpendingPart

NOT_KEPT = (
    "`budget.per_pull_usd` and `budget.per_month_usd` do not hold in this run: there is no record of what was spent."
)


class CeilingSetter(StrEnum):
    """Who set a ceiling, and may raise it."""

    REPOSITORY = "repository"
    WORKFLOW = "workflow"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Payer:
    """For what a job's money is spent: a pull request of a repository, on behalf of a person (a login, or empty)."""

    repository: str
    number: int
    person: str = ""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One ceiling that holds for a job. `key` is where it is set, `covers` says in words what it limits.

    `monthly`: it begins again with the next month.
    """

    key: str
    setter: CeilingSetter
    covers: str
    limit: SpendingLimit
    monthly: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether it is about more than this repository: then its amounts are not for the repository's people."""
        part = self.limit.part
        return self.setter is CeilingSetter.OPERATOR and not part.repository


@dataclass(frozen=True, slots=True)
class CeilingState:
    """A ceiling, what was spent of it, and what jobs that run now are about to spend."""

    ceiling: Ceiling
    spent: Decimal
    held: Decimal = Decimal(0)

    @property
    def left(self) -> Decimal:
        """The dollars that are left, 0 where the ceiling was lowered below what is spent."""
        return max(Decimal(0), self.ceiling.limit.usd - self.spent - self.held)


def month_start(now: datetime) -> float:
    """Return when the month of that time began, in seconds since 1970."""
    day = now.astimezone(UTC)
    return datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()


def ceilings_of_repository(budget: BudgetSettings, payer: Payer, now: datetime, *, workflow: bool) -> list[Ceiling]:
    """Return the ceilings over several reviews that the repository sets, in its settings or in a workflow."""
    setter = CeilingSetter.WORKFLOW if workflow else CeilingSetter.REPOSITORY
    pull = SpendingPart(repository=payer.repository, number=payer.number)
    month = SpendingPart(since=month_start(now), repository=payer.repository)
    names = ("max-usd-per-pull", "max-usd-per-month") if workflow else ("budget.per_pull_usd", "budget.per_month_usd")
    rows = [
        (names[0], "this pull request", budget.per_pull_usd, pull, False),
        (names[1], "this repository in a month", budget.per_month_usd, month, True),
    ]
    return [
        Ceiling(key, setter, covers, SpendingLimit(part, usd), monthly)
        for key, covers, usd, part, monthly in rows
        if usd is not None
    ]


def ceilings_of_operator(ceilings: OperatorCeilings, payer: Payer, now: datetime) -> list[Ceiling]:
    """Return the operator's ceilings that hold for the payer."""
    month = month_start(now)
    rows = [
        ("per_pull_usd", "this pull request", SpendingPart(repository=payer.repository, number=payer.number)),
        ("per_repository_usd", "this repository in a month", SpendingPart(month, payer.repository)),
        ("per_person_usd", "each person in a month", SpendingPart(month, person=payer.person)),
        ("per_month_usd", "everything in a month", SpendingPart(month)),
    ]
    found = []
    for name, covers, part in rows:
        usd: Decimal | None = getattr(ceilings, name)
        if usd is None or (name == "per_person_usd" and not payer.person):
            continue
        monthly = name != "per_pull_usd"
        limit = SpendingLimit(part, usd)
        found.append(Ceiling(f"ceilings.{name}", CeilingSetter.OPERATOR, covers, limit, monthly))
    return found


def states_of(ceilings: Sequence[Ceiling], account: SpendingAccount) -> list[CeilingState]:
    """Return what was spent of each ceiling."""
    return [
        CeilingState(it, account.spent(it.limit.part).cost_usd or Decimal(0), account.held(it.limit.part))
        for it in ceilings
    ]


def lowest(states: Sequence[CeilingState]) -> CeilingState | None:
    """Return the ceiling of which the least is left; None where there is none."""
    return min(states, key=lambda state: state.left) if states else None


def reached_text(state: CeilingState, now: datetime) -> str:
    """Return what to say where a ceiling is reached: which, how much was spent, and when or how it goes on."""
    ceiling = state.ceiling
    amounts = f" of {_usd(ceiling.limit.usd)} ({_usd(state.spent)} spent)"
    who, raised = {
        CeilingSetter.OPERATOR: ("the operator of this App set", "the operator raises it"),
        CeilingSetter.WORKFLOW: (f"this workflow sets (`{ceiling.key}`)", f"`{ceiling.key}` is raised"),
        CeilingSetter.REPOSITORY: (f"`{ceiling.key}` in {SETTINGS_PATH} sets", "it is raised there"),
    }[ceiling.setter]
    shown = "" if ceiling.is_shared else amounts
    text = f"The ceiling{shown} that {who} for {ceiling.covers} is reached, so nothing more is spent."
    day = now.astimezone(UTC)
    following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    when = f" on {following:%Y-%m-%d} (UTC), or when {raised}" if ceiling.monthly else f" when {raised}"
    return f"{text} Reviews begin again{when}."


def _usd(amount: Decimal) -> str:
    """Return whole cents where the amount is at least one, else up to a hundredth of a cent."""
    return cost_text(amount) if 0 < amount < Decimal("0.01") else f"${amount.quantize(Decimal('0.01'))}"
