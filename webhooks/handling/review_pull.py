"""Review a pull request and publish the result, with a check run from beginning to end.

Promises: safe to repeat from the top at any moment; the head is read again before anything is posted; a check run that
was begun is completed, whatever happens.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import Any

from reviewer.domain.findings import Review
from reviewer.domain.settings import FailLevel
from reviewer.errors import ReviewerError
from webhooks.events.deliveries import Job, Trigger
from webhooks.github.types import Pull
from webhooks.handling.failures import is_worth_retrying, report_failure
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import BaseChanged, JobContext, Superseded
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.handling.reading.check_reports import read_reports
from webhooks.handling.review_changes import ReviewRequest, already_published, review_changes
from webhooks.publishing.checks import Conclusion, annotations_of, completed_check, with_buttons
from webhooks.publishing.ledger import PostedState, current_ledger
from webhooks.publishing.markers.summary import without_markers
from webhooks.publishing.people.learning.learn import learn, learned_preferences
from webhooks.publishing.plan import from_ledger, plan_publication
from webhooks.publishing.publish import CheckRun, PublishResult, close_check, open_check, publish
from webhooks.publishing.read_posted import read_posted
from webhooks.publishing.review_scope import ReviewScope, ReviewTarget
from webhooks.telemetry.spans import step

log = logging.getLogger(__name__)


def review_pull(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull, request: ReviewRequest) -> JobOutcome:
    """Review, publish, and complete the check run. Raises only GitHub's transient errors."""
    check = open_check(context.repository, pull.number, pull.head_sha, job.key, again=context.again)
    try:
        return _review(job, context, pull, check, fetched, request)
    except Superseded:
        body = completed_check(Conclusion.CANCELLED, "Superseded", "A newer push, or a new base, is reviewed instead.")
        close_check(context.repository, check, body)
        return JobOutcome(JobEnding.SUPERSEDED, "newer head", pull.head_sha)
    except ReviewerError as error:
        if is_worth_retrying(error):
            raise
        return report_failure(job, context, pull, check, error)


def _review(
    job: Job, context: JobContext, pull: Pull, check: CheckRun | None, fetched: FetchedPull, request: ReviewRequest
) -> JobOutcome:
    """Read what we posted before, review what changed since, read the head once more, then post."""
    repository = context.repository
    login = (check.login if check else "") or repository.identity(pull.number)
    before = _posted_before(job, context, pull, fetched, login)
    may_dismiss = fetched.settings.review.author_may_dismiss
    if request.is_automatic and before.ledger is not None and before.ledger.paused_by:
        return _complete_paused(context, pull, check, fetched, before)
    level = context.fail_level or fetched.settings.review.fail_level
    # What comes afterwards may be what a killed job still has to do.
    if request.afterwards is None and (scope := already_published(job, pull, fetched, before)) is not None:
        return _complete_published(context, pull, check, fetched, before, scope, level)
    reports = read_reports(repository, pull, fetched.diff, check)
    fetched = replace(fetched, reports=reports, preferences=learned_preferences(context.memory, fetched.settings))
    with step("review", reviewer__files=len(fetched.diff.files)):
        result = review_changes(request, context, pull, fetched, before)
    target = _target(job, context, pull)
    planned = partial(plan_publication, result, target, fail_level=level)
    quiet = job.is_automatic and not (result.scope.reviewed or fetched.problems)
    with step("publish"):
        refusal = partial(_refusal, context, pull)
        sent = publish(repository, pull, login, planned, quiet=quiet, refusal=refusal, author_may_dismiss=may_dismiss)
    plan = sent.plan or planned(before)
    body = plan.check | ({"details_url": sent.summary_url} if sent.summary_url else {})
    if sent.refused:
        # Where comments cannot be posted, the check run shows the findings.
        log.info("comments refused", extra={"repository": repository.name, "why": sent.refused})
        body["output"]["annotations"] = annotations_of((*plan.standing, *result.review.below))
    _close(context, check, body)
    if sent.plan:
        learn(repository, context.memory, pull, fetched.settings, sent.plan.entries)
    if request.afterwards is not None:
        request.afterwards(result.review)
    review = replace(result.review, findings=plan.standing)
    done = JobOutcome(JobEnding.REVIEWED, sent.refused, pull.head_sha, review, fetched.diff, sent, body["conclusion"])
    return replace(done, reviewed=result.scope.reviewed)


def _close(context: JobContext, check: CheckRun | None, body: dict[str, Any]) -> None:
    close_check(context.repository, check, with_buttons(body) if context.has_buttons else body)


def _target(job: Job, context: JobContext, pull: Pull) -> ReviewTarget:
    """Return where the review is posted, with what this run has cost by now."""
    bill = context.purse.mark() if context.purse else None
    name, base = context.repository.name, pull.base_sha
    return ReviewTarget(name, pull.number, pull.head_sha, pull.web_url, base, job.key, pull.base_ref, bill)


def _posted_before(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull, login: str) -> PostedState:
    """Return what we posted before. On a pull request that was opened just now there is nothing of ours."""
    if job.trigger is Trigger.OPENED and not context.again:
        return PostedState()
    may_dismiss = fetched.settings.review.author_may_dismiss
    return read_posted(context.repository, pull, login, author_may_dismiss=may_dismiss)


def _complete_paused(
    context: JobContext, pull: Pull, check: CheckRun | None, fetched: FetchedPull, before: PostedState
) -> JobOutcome:
    """Complete the check run of a pull request whose reviews are paused: what is open fails it as before."""
    level = context.fail_level or fetched.settings.review.fail_level
    conclusion, title, _ = from_ledger(before, fetched.diff, ReviewScope(0, 0), level)
    conclusion = Conclusion.FAILURE if conclusion is Conclusion.FAILURE else Conclusion.NEUTRAL
    text = f"**Not reviewed** at {pull.head_sha[:7]}: automatic reviews are paused. Comment `/resume` or `/review`."
    left = f"; {title[0].lower()}{title[1:]}" if conclusion is Conclusion.FAILURE else ""
    _close(context, check, completed_check(conclusion, f"Not reviewed: paused{left}", text))
    return JobOutcome(JobEnding.IGNORED, "paused", pull.head_sha, conclusion=conclusion.value)


def _complete_published(
    context: JobContext,
    pull: Pull,
    check: CheckRun | None,
    fetched: FetchedPull,
    before: PostedState,
    scope: ReviewScope,
    level: FailLevel,
) -> JobOutcome:
    """Complete the check run of a job whose summary is posted already: it was killed after that, or runs again."""
    conclusion, title, found = from_ledger(before, fetched.diff, scope, level)
    _close(context, check, completed_check(conclusion, title, without_markers(before.summary_body)))
    learn(context.repository, context.memory, pull, fetched.settings, current_ledger(before))
    review = Review("", findings=found, files_reviewed=scope.reviewed)
    sent = PublishResult(summary_url=before.summary_url)
    done = JobOutcome(
        JobEnding.REVIEWED, "reviewed before", pull.head_sha, review, fetched.diff, sent, conclusion.value
    )
    return replace(done, reviewed=scope.reviewed)


def _refusal(context: JobContext, pull: Pull) -> str:
    """Return why comments may not be posted now. Raises Superseded when the head moved or the job is not wanted."""
    if not context.is_wanted():
        raise Superseded
    now = context.repository.pull(pull.number)  # last: what moves after it cannot be seen
    if now.head_sha != pull.head_sha:
        raise Superseded
    if now.base_ref != pull.base_ref:
        # A workflow may not listen to this: without another try, the new diff would never be reviewed.
        raise BaseChanged
    return "" if now.state == "open" else "the pull request was closed meanwhile"
