"""A job, from the pull request as GitHub knows it now to what is posted there: fetch, review, plan, publish.

Promises: safe to repeat from the top at any instant; the head is read before money is spent and again before anything
is posted; every ending is an Outcome that says why, and where a check run was begun it is completed. Only transient
errors of GitHub leave as exceptions (`retryable`), for the engine to try the job again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any

from reviewer.asking import Ask, Prompt, Reply
from reviewer.diff import Diff
from reviewer.errors import ModelError, ReviewerError
from reviewer.findings import Review
from reviewer.neutral import neutralise
from reviewer.question import answer_question
from reviewer.review import Wish, review
from reviewer.settings import SETTINGS_PATH, FailLevel, Settings
from webhooks.ceilings import KEPT_BY_THE_APP, Spent, is_kept_elsewhere, remaining
from webhooks.commands import Command
from webhooks.deliveries import Job
from webhooks.fetching import Fetched, change_of, fetch
from webhooks.github_api import Pull, Repository
from webhooks.github_errors import NotFound
from webhooks.publication import Posted, Target, annotations_of, completed, plan
from webhooks.publishing import CheckRun, Sent, close_check, open_check, publish, quietly
from webhooks.replying import answer_mark, answer_text, say_once

log = logging.getLogger(__name__)

#: The API may still show the older head just after a push: seconds between looks.
SETTLE = (1.0, 2.0)


class State(StrEnum):
    """How a job ended."""

    REVIEWED = "reviewed"
    ANSWERED = "answered"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The ending of a job. `review` and `diff` are there when one was made; `sent` tells what was posted."""

    state: State
    reason: str = ""
    head_sha: str = ""
    review: Review | None = None
    diff: Diff | None = None
    sent: Sent = field(default_factory=Sent)
    conclusion: str = ""
    error: ReviewerError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what is kept of the outcome: counts and reasons, no code."""
        done = self.review
        return {
            "state": self.state.value,
            "reason": self.reason,
            "head_sha": self.head_sha,
            "conclusion": self.conclusion,
            "findings": len(done.findings) if done else 0,
            "calls": done.usage.calls if done else 0,
            "prompt_tokens": done.usage.prompt_tokens if done else 0,
            "completion_tokens": done.usage.completion_tokens if done else 0,
            "cost_usd": None if done is None or done.usage.cost_usd is None else str(done.usage.cost_usd),
            "review_url": self.sent.review_url,
        }


@dataclass(frozen=True, slots=True)
class Means:
    """What a job is carried out with.

    `wanted` is asked before each batch of paid calls and before posting; `salt` keys the prompts' fences;
    `cost_per_thousand` is as in `Wish`; `again` says that the job was begun before; `fail_level` overrides the
    repository's; `spent` is the ledger, where there is one.
    """

    repository: Repository
    ask: Ask
    salt: bytes
    wanted: Callable[[], bool] = lambda: True
    cost_per_thousand: Decimal | None = None
    again: bool = False
    fail_level: FailLevel | None = None
    spent: Spent | None = None


class BudgetSpent(ReviewerError):
    """The repository allows no more reviews for now."""


class Superseded(Exception):
    """A newer head or an operator made the job moot: `means.ask` may raise it while it waits."""


def handle(job: Job, means: Means) -> Outcome:
    """Carry a job out. Raises only errors that are worth trying the job again for (`retryable`)."""
    try:
        pull = _current(job, means.repository)
        if isinstance(pull, Outcome):
            return pull
        if job.command and (refused := _refuse_actor(job, means.repository)):
            return refused
        fetched = fetch(means.repository, pull)
        if not job.command and (why := _unwanted(pull, fetched.settings)):
            return Outcome(State.IGNORED, why, pull.head_sha)
        if job.command is Command.ASK:
            return _answer(job, means, pull, fetched)
    except ReviewerError as error:
        if _again(error):
            raise
        return Outcome(State.FAILED, str(error), job.head_sha or "", error=error)
    check = open_check(means.repository, pull.head_sha, job.key, again=means.again)
    try:
        return _publish(job, means, pull, check, _review(means, pull, fetched), fetched)
    except Superseded:
        close_check(means.repository, check, completed("cancelled", "Superseded", "A newer push is reviewed instead."))
        return Outcome(State.SUPERSEDED, "newer head", pull.head_sha)
    except ReviewerError as error:
        if _again(error):
            raise
        return _failed(job, means, pull, check, error)


def _again(error: ReviewerError) -> bool:
    """Whether the job is worth another try. The model's errors are not: its client has tried for long enough."""
    return bool(getattr(error, "retryable", False)) and not isinstance(error, ModelError)


def _current(job: Job, repository: Repository) -> Pull | Outcome:
    """Return the pull request as it is now, or the reason why there is nothing to do about it."""
    try:
        pull = repository.pull(job.number)
        for pause in SETTLE:
            if job.head_sha in (None, pull.head_sha):
                break
            time.sleep(pause)
            pull = repository.pull(job.number)
    except NotFound:
        return Outcome(State.IGNORED, "the pull request is gone", job.head_sha or "")
    if pull.state != "open":
        return Outcome(State.IGNORED, "closed", pull.head_sha)
    if job.head_sha not in (None, pull.head_sha):
        return Outcome(State.SUPERSEDED, "the head has moved on", pull.head_sha)
    return pull


def _refuse_actor(job: Job, repository: Repository) -> Outcome | None:
    """Commands cost money and speak for the maintainers: only who may write may give them."""
    if repository.permission(job.actor or "") in ("admin", "write"):
        if job.comment_id is not None:
            comment_id = job.comment_id
            quietly(lambda: repository.react(comment_id, "eyes"))
        return None
    return Outcome(State.IGNORED, "no write permission")


def _unwanted(pull: Pull, settings: Settings) -> str | None:
    """Tell why the repository does not want an automatic review of this pull request, or None."""
    if not settings.review.auto:
        return "automatic reviews are off"
    if pull.draft and not settings.review.drafts:
        return "draft"
    if pull.author_is_bot and not settings.review.bots:
        return "opened by a bot"
    return None


def _review(means: Means, pull: Pull, fetched: Fetched) -> Review:
    settings = _within_budget(means, pull, fetched.settings)
    wish = Wish(tests=settings.tests.suggest, cost_per_thousand=means.cost_per_thousand)
    change = change_of(means.repository, pull, fetched)
    made = review(change, settings, _guarded(means), salt=means.salt, wish=wish)
    return replace(made, notes=(*made.notes, *_notes(means, pull, fetched)))


def _answer(job: Job, means: Means, pull: Pull, fetched: Fetched) -> Outcome:
    """Answer the question of a comment in a comment."""
    try:
        settings = _within_budget(means, pull, fetched.settings)
        change = change_of(means.repository, pull, fetched)
        answered = answer_question(change, settings, job.argument, _guarded(means), salt=means.salt)
    except Superseded:
        return Outcome(State.SUPERSEDED, "not wanted any more", pull.head_sha)
    except ReviewerError as error:
        return _failed(job, means, pull, None, error)
    login = means.repository.identity()
    url = say_once(means.repository, pull.number, login, answer_mark(job), answer_text(job, answered))
    done = Review(summary="", usage=answered.usage, models=answered.models, skipped=answered.skipped)
    return Outcome(State.ANSWERED, "", pull.head_sha, done, fetched.diff, Sent(summary_url=url))


def _within_budget(means: Means, pull: Pull, settings: Settings) -> Settings:
    """Return the settings with what is left as the ceiling of this review. Raises BudgetSpent when nothing is."""
    if means.spent is None:
        return settings
    left, name = remaining(settings.budget, means.spent, pull.number, datetime.now(UTC))
    if left is not None and left <= 0:
        raise BudgetSpent(f"The budget `budget.{name}` of this repository is spent. Raise it in {SETTINGS_PATH}.")
    return settings.model_copy(update={"budget": settings.budget.model_copy(update={"per_review_usd": left})})


def _notes(means: Means, pull: Pull, fetched: Fetched) -> list[str]:
    """Return what else a reader must know of what was not done."""
    notes = []
    given, changed = len(fetched.diff.files), pull.changed_files or 0
    if given < changed:
        # https://docs.github.com/rest/pulls/pulls#list-pull-requests-files: at most 3,000
        notes.append(f"GitHub gave only {given:,} of {changed:,} changed files; the others were not reviewed.")
    if means.spent is None and is_kept_elsewhere(fetched.settings.budget):
        notes.append(KEPT_BY_THE_APP)
    return notes


def _guarded(means: Means) -> Ask:
    """Return `ask` that stops before a paid batch when the job is no longer wanted."""

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        if not means.wanted():
            raise Superseded
        return means.ask(prompts)

    return ask


def _publish(job: Job, means: Means, pull: Pull, check: CheckRun | None, made: Review, fetched: Fetched) -> Outcome:
    """Look at the head once more, then post; where comments are refused, the check run carries the findings."""
    repository = means.repository
    target = Target(repository.name, pull.number, pull.head_sha, pull.web_url)
    level = means.fail_level or fetched.settings.review.fail_level
    planned = partial(plan, made, target, fail_level=level, problems=fetched.problems)
    login = (check.login if check else "") or repository.identity()
    quiet = not (made.files_reviewed or job.command or fetched.problems)
    sent = publish(repository, pull.number, login, planned, quiet=quiet, refusal=lambda: _refusal(means, pull))
    body = planned(Posted()).check
    if sent.refused:
        log.info("comments refused", extra={"repository": repository.name, "why": sent.refused})
        body["output"]["annotations"] = annotations_of((*made.findings, *made.below))
    close_check(repository, check, body)
    return Outcome(State.REVIEWED, sent.refused, pull.head_sha, made, fetched.diff, sent, body["conclusion"])


def _refusal(means: Means, pull: Pull) -> str:
    """Tell why comments may not be posted now. Raises Superseded when the head moved or the job is not wanted."""
    now = means.repository.pull(pull.number)
    if now.head_sha != pull.head_sha or not means.wanted():
        raise Superseded
    return "" if now.state == "open" else "the pull request was closed meanwhile"


def _failed(job: Job, means: Means, pull: Pull, check: CheckRun | None, error: ReviewerError) -> Outcome:
    """Say on the pull request that it was not reviewed, why, and what to do."""
    text = _not_reviewed(pull, str(error))
    quietly(lambda: close_check(means.repository, check, completed("failure", "Not reviewed", text)))
    if check is None or job.command:
        mark = f"<!-- reviewer:failure job={job.key} -->"
        login = means.repository.identity
        quietly(lambda: say_once(means.repository, pull.number, login(), mark, f"{mark}\n{text}"))
    return Outcome(State.FAILED, str(error), pull.head_sha, conclusion="failure", error=error)


def give_up(job: Job, repository: Repository, reason: str) -> None:
    """Say on the pull request that a job was tried for the last time. What cannot be said is only logged."""

    def say() -> None:
        pull = repository.pull(job.number)
        check = open_check(repository, job.head_sha or pull.head_sha, job.key, again=True)
        close_check(repository, check, completed("failure", "Not reviewed", _not_reviewed(pull, reason)))

    quietly(say)


def _not_reviewed(pull: Pull, reason: str) -> str:
    text = neutralise(reason)
    return f"**Not reviewed** at {pull.head_sha[:7]}.\n\n{text}\n\nComment `/review` to try again."
