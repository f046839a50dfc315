"""A job, from the pull request as GitHub knows it now to what is posted there: fetch, review, plan, publish.

Promises: safe to repeat from the top at any instant; the head is read before money is spent and again before anything
is posted; every ending is an Outcome that says why, and where a check run was begun it is completed. Only transient
errors of GitHub leave as exceptions (`retryable`), for the engine to try the job again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from reviewer.diff.model import Diff
from reviewer.domain.findings import Review
from reviewer.domain.settings import FailLevel, Settings
from reviewer.errors import ReviewerError
from reviewer.llm.errors import ModelError
from reviewer.safety.markdown import neutralise
from reviewer.tasks.answer_question import answer_question
from webhooks.events.commands import Command
from webhooks.events.deliveries import Job, Trigger
from webhooks.github.errors import NotFound
from webhooks.github.repository import Pull, Repository
from webhooks.handling.fetch import FetchedPull, change_of, fetch
from webhooks.handling.review_changes import (
    BudgetSpent,
    JobContext,
    Superseded,
    already_published,
    review_changes,
    stop_when_moot,
    within_budget,
)
from webhooks.publishing.commit_tests import NotAdded, add_tests
from webhooks.publishing.ledger import PostedState
from webhooks.publishing.markers import without_marks
from webhooks.publishing.plan import annotations_of, completed_check, from_ledger, plan_publication
from webhooks.publishing.publish import CheckRun, PublishResult, close_check, ignore_github_errors, open_check, publish
from webhooks.publishing.read_posted import read_posted
from webhooks.publishing.reply import answer_mark, answer_text, post_once, tests_added_mark, tests_added_text
from webhooks.publishing.summary import ReviewScope, ReviewTarget

__all__ = ["BudgetSpent", "JobContext", "JobEnding", "JobOutcome", "Superseded", "give_up", "handle"]

log = logging.getLogger(__name__)

#: The API may still show the older head just after a push: seconds between looks.
SETTLE = (1.0, 2.0)


class JobEnding(StrEnum):
    """How a job ended."""

    REVIEWED = "reviewed"
    ANSWERED = "answered"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """The ending of a job. `review` and `diff` are there when one was made; `sent` tells what was posted."""

    state: JobEnding
    reason: str = ""
    head_sha: str = ""
    review: Review | None = None
    diff: Diff | None = None
    sent: PublishResult = field(default_factory=PublishResult)
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


def handle(job: Job, means: JobContext) -> JobOutcome:
    """Carry a job out. Raises only errors that are worth trying the job again for (`retryable`)."""
    try:
        pull = _current(job, means.repository)
        if isinstance(pull, JobOutcome):
            return pull
        if job.command and (refused := _refuse_actor(job, means.repository)):
            return refused
        fetched = fetch(means.repository, pull)
        if not job.command and (why := _unwanted(pull, fetched.settings)):
            return JobOutcome(JobEnding.IGNORED, why, pull.head_sha)
        if job.command is Command.ASK:
            return _answer(job, means, pull, fetched)
    except ReviewerError as error:
        if _again(error):
            raise
        return JobOutcome(JobEnding.FAILED, str(error), job.head_sha or "", error=error)
    check = open_check(means.repository, pull.head_sha, job.key, again=means.again)
    try:
        return _carry_out(job, means, pull, check, fetched)
    except Superseded:
        close_check(
            means.repository, check, completed_check("cancelled", "Superseded", "A newer push is reviewed instead.")
        )
        return JobOutcome(JobEnding.SUPERSEDED, "newer head", pull.head_sha)
    except ReviewerError as error:
        if _again(error):
            raise
        return _failed(job, means, pull, check, error)


def _again(error: ReviewerError) -> bool:
    """Whether the job is worth another try. The model's errors are not: its client has tried for long enough."""
    return bool(getattr(error, "retryable", False)) and not isinstance(error, ModelError)


def _current(job: Job, repository: Repository) -> Pull | JobOutcome:
    """Return the pull request as it is now, or the reason why there is nothing to do about it."""
    try:
        pull = repository.pull(job.number)
        for pause in SETTLE:
            if job.head_sha in (None, pull.head_sha):
                break
            time.sleep(pause)
            pull = repository.pull(job.number)
    except NotFound:
        return JobOutcome(JobEnding.IGNORED, "the pull request is gone", job.head_sha or "")
    if pull.state != "open":
        return JobOutcome(JobEnding.IGNORED, "closed", pull.head_sha)
    if job.head_sha not in (None, pull.head_sha):
        return JobOutcome(JobEnding.SUPERSEDED, "the head has moved on", pull.head_sha)
    return pull


def _refuse_actor(job: Job, repository: Repository) -> JobOutcome | None:
    """Commands cost money and speak for the maintainers: only who may write may give them."""
    if repository.permission(job.actor or "") in ("admin", "write"):
        if job.comment_id is not None:
            comment_id = job.comment_id
            ignore_github_errors(lambda: repository.react(comment_id, "eyes"))
        return None
    return JobOutcome(JobEnding.IGNORED, "no write permission")


def _unwanted(pull: Pull, settings: Settings) -> str | None:
    """Tell why the repository does not want an automatic review of this pull request, or None."""
    if not settings.review.auto:
        return "automatic reviews are off"
    if pull.draft and not settings.review.drafts:
        return "draft"
    if pull.author_is_bot and not settings.review.bots:
        return "opened by a bot"
    return None


def _answer(job: Job, means: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Answer the question of a comment in a comment."""
    try:
        settings = within_budget(means, pull, fetched.settings)
        change = change_of(means.repository, pull, fetched)
        answered = answer_question(change, settings, job.argument, stop_when_moot(means), salt=means.salt)
    except Superseded:
        return JobOutcome(JobEnding.SUPERSEDED, "not wanted any more", pull.head_sha)
    except ReviewerError as error:
        return _failed(job, means, pull, None, error)
    login = means.repository.identity()
    url = post_once(means.repository, pull.number, login, answer_mark(job), answer_text(job, answered))
    done = Review(summary="", usage=answered.usage, models=answered.models, skipped=answered.skipped)
    return JobOutcome(JobEnding.ANSWERED, "", pull.head_sha, done, fetched.diff, PublishResult(summary_url=url))


def _carry_out(job: Job, means: JobContext, pull: Pull, check: CheckRun | None, fetched: FetchedPull) -> JobOutcome:
    """Look at what stands there, review what changed since, look at the head once more, then post."""
    login = (check.login if check else "") or means.repository.identity()
    # Nothing of ours can stand on a pull request that was opened just now.
    first = job.trigger is Trigger.OPENED and not means.again
    before = PostedState() if first else read_posted(means.repository, pull, login)
    level = means.fail_level or fetched.settings.review.fail_level
    adds = job.command is Command.TESTS and bool(job.argument)  # comes last, so a job that was killed has it to do
    if not adds and (extent := already_published(job, pull, fetched, before)) is not None:
        return _again_as_it_stands(means, pull, check, fetched, before, extent, level)
    result = review_changes(job, means, pull, fetched, before)
    target = ReviewTarget(means.repository.name, pull.number, pull.head_sha, pull.web_url, pull.base_sha, job.key)
    planned = partial(plan_publication, result, target, fail_level=level)
    quiet = not (result.extent.reviewed or job.command or fetched.problems)
    sent = publish(means.repository, pull, login, planned, quiet=quiet, refusal=lambda: _refusal(means, pull))
    made = sent.plan or planned(before)
    body = made.check | ({"details_url": sent.summary_url} if sent.summary_url else {})
    if sent.refused:
        # Where comments cannot be posted, the check run carries the findings.
        log.info("comments refused", extra={"repository": means.repository.name, "why": sent.refused})
        body["output"]["annotations"] = annotations_of((*made.standing, *result.review.below))
    close_check(means.repository, check, body)
    if adds:
        _add_tests(job, means.repository, pull, login, result.review)
    review = replace(result.review, findings=made.standing)
    return JobOutcome(JobEnding.REVIEWED, sent.refused, pull.head_sha, review, fetched.diff, sent, body["conclusion"])


def _add_tests(job: Job, repository: Repository, pull: Pull, login: str, made: Review) -> None:
    """Add the tests that proved something to the branch, or stacked on it, and answer with what came of it."""
    proven = [test for test in made.tests if test.evidence]
    if proven:
        came = add_tests(repository, pull, proven, stacked=job.argument == "pull", job=job.key)
    else:
        came = NotAdded("No suggested test was run and proved something, so there is nothing to add: see the summary.")
    mark = tests_added_mark(job)
    post_once(repository, pull.number, login, mark, tests_added_text(job, came))


def _again_as_it_stands(
    means: JobContext,
    pull: Pull,
    check: CheckRun | None,
    fetched: FetchedPull,
    before: PostedState,
    extent: ReviewScope,
    level: FailLevel,
) -> JobOutcome:
    """Complete the check run of a job whose summary is written: it was killed in between, or is carried out again."""
    conclusion, title, found = from_ledger(before, fetched.diff, extent, level)
    close_check(means.repository, check, completed_check(conclusion, title, without_marks(before.summary_body)))
    review = Review("", findings=found, files_reviewed=extent.reviewed)
    sent = PublishResult(summary_url=before.summary_url)
    return JobOutcome(JobEnding.REVIEWED, "reviewed before", pull.head_sha, review, fetched.diff, sent, conclusion)


def _refusal(means: JobContext, pull: Pull) -> str:
    """Tell why comments may not be posted now. Raises Superseded when the head moved or the job is not wanted."""
    if not means.wanted():
        raise Superseded
    now = means.repository.pull(pull.number)  # last: what moves after it cannot be seen
    if now.head_sha != pull.head_sha:
        raise Superseded
    return "" if now.state == "open" else "the pull request was closed meanwhile"


def _failed(job: Job, means: JobContext, pull: Pull, check: CheckRun | None, error: ReviewerError) -> JobOutcome:
    """Say on the pull request that it was not reviewed, why, and what to do."""
    text = _not_reviewed(pull, str(error))
    ignore_github_errors(lambda: close_check(means.repository, check, completed_check("failure", "Not reviewed", text)))
    if check is None or job.command:
        mark = f"<!-- reviewer:failure job={job.key} -->"
        login = means.repository.identity
        ignore_github_errors(lambda: post_once(means.repository, pull.number, login(), mark, f"{mark}\n{text}"))
    return JobOutcome(JobEnding.FAILED, str(error), pull.head_sha, conclusion="failure", error=error)


def give_up(job: Job, repository: Repository, reason: str) -> None:
    """Say on the pull request that a job was tried for the last time. What cannot be said is only logged."""

    def say() -> None:
        pull = repository.pull(job.number)
        check = open_check(repository, job.head_sha or pull.head_sha, job.key, again=True)
        close_check(repository, check, completed_check("failure", "Not reviewed", _not_reviewed(pull, reason)))

    ignore_github_errors(say)


def _not_reviewed(pull: Pull, reason: str) -> str:
    text = neutralise(reason)
    return f"**Not reviewed** at {pull.head_sha[:7]}.\n\n{text}\n\nComment `/review` to try again."
