"""The money of one job: what it may spend, asked before each batch of calls.

Promises: whatever a job does, its calls go through `Purse.guarded`, so that no command can spend past a ceiling; rules
of the operator that change or cannot be read count from the next batch on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from reviewer.domain.settings import DEFAULTS, BudgetSettings, Settings
from reviewer.errors import ReviewerError
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt, Reply
from webhooks.handling.money.account import SpendingAccount
from webhooks.handling.money.ceilings import (
    Ceiling,
    CeilingState,
    Payer,
    ceilings_of_operator,
    ceilings_of_repository,
    lowest,
    reached_text,
    states_of,
)
from webhooks.operator_settings.rules import OperatorRules
from webhooks.publishing.markers.bill import RunBill

log = logging.getLogger(__name__)

#: Until the pull request is known.
_NOBODY = Payer("", 0)

_UNREADABLE = (
    "The settings of this App's operator cannot be read, so nothing is reviewed until they are corrected: its log says"
    " what is wrong."
)
_NO_PRICE = (
    "There is a ceiling, but the price of the model is not known, so nothing is spent. Whoever set the model can name"
    " its price in REVIEWER_PRICES."
)


class BudgetSpent(ReviewerError):
    """A ceiling is reached, so no review begins. `key` is where the ceiling is set, `period` its month."""

    def __init__(self, message: str, key: str = "", period: str = "") -> None:
        """Store what people are told, and what identifies the stop, so that it is told once."""
        super().__init__(message)
        self.key, self.period = key, period


class CeilingReached(ModelError):
    """A ceiling was reached while a review was under way: the call was not made. The fields are as in BudgetSpent."""

    kind = "ceiling"

    def __init__(self, message: str, key: str = "", period: str = "") -> None:
        """Store what people are told, and what identifies the stop."""
        super().__init__(message)
        self.key, self.period = key, period


class OperatorRulesUnreadable(ReviewerError):
    """The operator's rules cannot be read: nothing may be spent."""

    def __init__(self) -> None:
        """Say so without the details, which are the operator's."""
        super().__init__(_UNREADABLE)


@dataclass(frozen=True, slots=True)
class Purse:
    """What limits the money of a job. `payer` is for whom it is spent, where that is known by now.

    `read_rules` returns the operator's rules as they are now; `estimate` what prompts are likely to cost (None: the
    price is not known); `models` are those that may be asked; `workflow` are the ceilings that a workflow sets, over
    those of the settings; `mark` returns what the summary has to keep of the cost; `clock` tells the time; `stops`
    collects why calls were not made, in order.
    """

    account: SpendingAccount
    read_rules: Callable[[], OperatorRules] = OperatorRules
    estimate: Callable[[Sequence[Prompt]], Decimal | None] = lambda _: None
    models: tuple[str, ...] = ()
    workflow: BudgetSettings | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    mark: Callable[[], RunBill | None] = lambda: None
    payer: Payer = _NOBODY
    budget: BudgetSettings = DEFAULTS.budget
    stops: dict[str, None] = field(default_factory=dict)

    def of(self, payer: Payer, settings: Settings) -> Purse:
        """Return the purse for a pull request with the settings of its repository."""
        return replace(self, payer=payer, budget=settings.budget)

    def rules(self) -> OperatorRules:
        """Return the operator's rules. Raises OperatorRulesUnreadable."""
        try:
            return self.read_rules()
        except ReviewerError as error:
            log.error("the operator's settings cannot be read: %s", error)  # noqa: TRY400 - the message says it all
            raise OperatorRulesUnreadable from error

    def ceilings(self) -> list[Ceiling]:
        """Return the ceilings that hold now, over more than one review. Raises OperatorRulesUnreadable."""
        now = self.clock()
        found = ceilings_of_repository(self.budget, self.payer, now, workflow=False)
        if self.workflow is not None:
            found += ceilings_of_repository(self.workflow, self.payer, now, workflow=True)
        return found + ceilings_of_operator(self.rules().ceilings, self.payer, now)

    def states(self) -> list[CeilingState]:
        """Return what was spent of each ceiling. Raises ReviewerError where that cannot be read."""
        return states_of(self.ceilings(), self.account)

    def left(self) -> Decimal | None:
        """Return the dollars that one review may cost; None: no limit. Raises BudgetSpent where none are left."""
        self._refuse_unknown_price()
        state = lowest(self.states())
        own = self.budget.per_review_usd
        if state is not None and state.left <= 0:
            raise BudgetSpent(*self._stop(state))
        if own is not None and own <= 0:
            raise BudgetSpent("`budget.per_review_usd` is 0, so nothing may be spent.", "budget.per_review_usd")
        amounts = [amount for amount in (own, state.left if state else None) if amount is not None]
        return min(amounts) if amounts else None

    def guarded(self, ask: Ask) -> Ask:
        """Return `ask` that makes no call where a ceiling is reached: its answers are CeilingReached then."""

        def ask_within_ceilings(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
            if (stop := self._reserve(prompts)) is not None:
                self.stops[stop[0]] = None
                return [CeilingReached(*stop) for _ in prompts]
            try:
                return ask(prompts)
            finally:
                with suppress(ReviewerError):  # what is left behind goes with the job
                    self.account.release()

        return ask_within_ceilings

    def _reserve(self, prompts: Sequence[Prompt]) -> tuple[str, str, str] | None:
        """Reserve what the prompts are likely to cost; return what stands against it."""
        try:
            self._refuse_unknown_price()
            ceilings = self.ceilings()
            usd = self.estimate(prompts) or Decimal(0)
        except (OperatorRulesUnreadable, BudgetSpent) as error:
            return str(error), "operator", ""
        limits = [ceiling.limit for ceiling in ceilings]
        against = self.account.reserve(usd, limits) if limits else None
        if against is None:
            return None
        ceiling = ceilings[limits.index(against)]
        return self._stop(states_of([ceiling], self.account)[0])

    def _refuse_unknown_price(self) -> None:
        has_ceiling = self.workflow is not None or self.rules().has_ceiling
        if self.models and has_ceiling and self.estimate(()) is None:
            raise BudgetSpent(_NO_PRICE, "price")

    def _stop(self, state: CeilingState) -> tuple[str, str, str]:
        now = self.clock().astimezone(UTC)
        period = f"{now:%Y-%m}" if state.ceiling.monthly else ""
        return reached_text(state, now), state.ceiling.key, period
