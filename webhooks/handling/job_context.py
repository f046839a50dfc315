"""What a job is carried out with, and what ends it early: a newer head or another base."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from reviewer.demonstration.request import DemonstrationRequest
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import FailLevel, Settings
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt, Reply
from reviewer.testgen.evidence import GeneratedTests, NotRun
from webhooks.events.job import Job
from webhooks.github.errors import GitHubError
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.handling.money.ceilings import Payer
from webhooks.handling.money.purse import BudgetSpent, Purse
from webhooks.publishing.people.learning.dismissed import NO_MEMORY, DismissalMemory

__all__ = ["BaseChanged", "BudgetSpent", "JobContext", "Prove", "Superseded", "ask_while_wanted", "within_budget"]

#: Suggests tests for a change and runs them. Never on a server.
Prove = Callable[[Change, Settings, Pull], GeneratedTests | NotRun]

#: Runs tests that show the findings of a review, and their fixes. Never on a server.
Demonstrate = Callable[[Review, Change, Settings, Pull, DemonstrationRequest], Review]


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job is carried out with.

    `is_wanted` is called before each batch of paid calls and before posting; `salt` keys the prompts' fences;
    `cost_per_thousand` is as in `ReviewOptions`; `again`: the job was begun before; `fail_level` overrides the
    repository's; `purse` limits the money, where there is a record of what was spent; `prove` runs suggested tests,
    and `demonstrate` those that show findings, where allowed. `outages_pass`: where findings fail nothing, a service
    that fails does not either. `strangers_wait`: pull requests from forks of people without write access are reviewed
    when somebody with it asks. `waited`: seconds since the job was accepted; None where nothing carries it out again.
    `has_buttons`: whoever presses a button of our check run reaches us, as in the App.
    `memory` is what people dismissed in the repository.
    A command's handler gets the context of its pull request: see `under_ceilings`.
    """

    repository: Repository
    ask: Ask
    salt: bytes
    is_wanted: Callable[[], bool] = lambda: True
    cost_per_thousand: Decimal | None = None
    again: bool = False
    fail_level: FailLevel | None = None
    purse: Purse | None = None
    outages_pass: bool = False
    strangers_wait: bool = False
    waited: float | None = None
    has_buttons: bool = False
    prove: Prove | None = None
    demonstrate: Demonstrate | None = None
    memory: DismissalMemory = NO_MEMORY


class BaseChanged(GitHubError):
    """The pull request got another base branch while it was reviewed: the job is tried again, with the new diff."""

    retryable = True

    def __init__(self) -> None:
        """Say what happened."""
        super().__init__("the base of the pull request was changed while it was reviewed")


class Superseded(Exception):
    """A newer head or an operator made the job pointless: `context.ask` may raise it while it waits."""


def under_ceilings(context: JobContext, job: Job, pull: Pull, settings: Settings) -> JobContext:
    """Return the context for that pull request: no call of it gets past a ceiling, and its fail level is known."""
    context = replace(context, fail_level=context.fail_level or settings.review.fail_level)
    if context.purse is None:
        return context
    purse = context.purse.of(Payer(job.repository, pull.number, job.actor or ""), settings)
    return replace(context, purse=purse, ask=purse.guarded(context.ask))


def within_budget(context: JobContext, _pull: Pull, settings: Settings) -> Settings:
    """Return the settings with what is left as the limit of this review. Raises BudgetSpent when nothing is."""
    if context.purse is None:
        return settings
    left = context.purse.left()
    return settings.model_copy(update={"budget": settings.budget.model_copy(update={"per_review_usd": left})})


def ask_while_wanted(context: JobContext) -> Ask:
    """Return `ask` that raises Superseded before a paid batch when the job is no longer wanted."""

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        if not context.is_wanted():
            raise Superseded
        return context.ask(prompts)

    return ask
