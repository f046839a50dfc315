"""What a job is carried out with, and the two things that end it early: a spent budget and a newer head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from reviewer.domain.change import Change
from reviewer.domain.settings import SETTINGS_PATH, FailLevel, Settings
from reviewer.errors import ReviewerError
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt, Reply
from reviewer.testgen.evidence import GeneratedTests, NotRun
from webhooks.github.errors import GitHubError
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.handling.budgets import Spent, remaining_budget

#: Suggests tests for a change and runs them. Never on a server.
Prove = Callable[[Change, Settings, Pull], GeneratedTests | NotRun]


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job is carried out with.

    `is_wanted` is called before each batch of paid calls and before posting; `salt` keys the prompts' fences;
    `cost_per_thousand` is as in `ReviewOptions`; `again`: the job was begun before; `fail_level` overrides the
    repository's; `spent` is what was spent before, where that is recorded; `prove` runs suggested tests, where allowed.
    """

    repository: Repository
    ask: Ask
    salt: bytes
    is_wanted: Callable[[], bool] = lambda: True
    cost_per_thousand: Decimal | None = None
    again: bool = False
    fail_level: FailLevel | None = None
    spent: Spent | None = None
    prove: Prove | None = None


class BudgetSpent(ReviewerError):
    """The repository allows no more reviews for now."""


class BaseChanged(GitHubError):
    """The pull request got another base branch while it was reviewed: the job is tried again, with the new diff."""

    retryable = True

    def __init__(self) -> None:
        """Say what happened."""
        super().__init__("the base of the pull request was changed while it was reviewed")


class Superseded(Exception):
    """A newer head or an operator made the job pointless: `context.ask` may raise it while it waits."""


def within_budget(context: JobContext, pull: Pull, settings: Settings) -> Settings:
    """Return the settings with what is left as the limit of this review. Raises BudgetSpent when nothing is."""
    if context.spent is None:
        return settings
    left, name = remaining_budget(settings.budget, context.spent, pull.number, datetime.now(UTC))
    if left is not None and left <= 0:
        raise BudgetSpent(f"The budget `budget.{name}` of this repository is spent. Raise it in {SETTINGS_PATH}.")
    return settings.model_copy(update={"budget": settings.budget.model_copy(update={"per_review_usd": left})})


def ask_while_wanted(context: JobContext) -> Ask:
    """Return `ask` that raises Superseded before a paid batch when the job is no longer wanted."""

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        if not context.is_wanted():
            raise Superseded
        return context.ask(prompts)

    return ask
