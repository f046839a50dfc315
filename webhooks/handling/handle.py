"""Carry out a job: read the pull request as it is now, then do what the event or the command asks for.

Promises: safe to repeat from the top at any moment; the head is read before money is spent and again before anything
is posted; every ending is a JobOutcome with a reason. Only transient errors of GitHub leave as exceptions
(`retryable`), for the queue to try the job again.
"""

from __future__ import annotations

import time

from reviewer.domain.settings import ReviewSettings, Settings
from reviewer.errors import ReviewerError, SettingsError
from webhooks.events.deliveries import Job, Trigger
from webhooks.github.errors import NotFound
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.handling.commands.reruns import complete_again, find_rerun
from webhooks.handling.commands.run import run_commands
from webhooks.handling.commands.strangers import is_by_stranger, wait_for_maintainer
from webhooks.handling.failures import fetch_or_report, give_up, is_worth_retrying, report_not_reviewed
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import BudgetSpent, JobContext, Superseded, under_ceilings
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.handling.money.admission import refuse_repository
from webhooks.handling.money.purse import OperatorRulesUnreadable
from webhooks.handling.reading.check_reports import wait_for_checks
from webhooks.handling.review_changes import ReviewRequest
from webhooks.handling.review_pull import review_pull
from webhooks.handling.standing import report_merge_group, report_skipped
from webhooks.publishing.publish import ignore_github_errors

__all__ = ["BudgetSpent", "JobContext", "JobEnding", "JobOutcome", "Superseded", "give_up", "handle"]

#: The collaborator permissions of people with write access.
_WRITERS = frozenset({"admin", "write"})

#: The API may still show the older head just after a push: seconds before reading it again.
SETTLE = (1.0, 2.0)


def handle(job: Job, context: JobContext) -> JobOutcome:
    """Carry a job out. Raises only errors that are worth trying the job again for (`retryable`)."""
    try:
        return _handle(job, context)
    except OperatorRulesUnreadable as error:
        return _with_unreadable_rules(job, context, error)
    except ReviewerError as error:
        if is_worth_retrying(error):
            raise
        return _failed(job, context, error)


def _failed(job: Job, context: JobContext, error: ReviewerError) -> JobOutcome:
    """Tell who gave a command why it was not even begun, if the person may give one, and return the ending."""

    def tell() -> None:
        if context.repository.permission(job.actor or "") in _WRITERS:
            give_up(job, context.repository, str(error))

    if job.comment_id is not None:
        ignore_github_errors(tell)
    return JobOutcome(JobEnding.FAILED, str(error), job.head_sha or "", error=error)


def _with_unreadable_rules(job: Job, context: JobContext, error: OperatorRulesUnreadable) -> JobOutcome:
    """Say on the pull request that nothing is reviewed; nothing was read before."""
    if job.comment_id is not None:
        return _failed(job, context, error)
    pull = _current(job, context.repository) if job.number else None
    if isinstance(pull, Pull):
        return report_not_reviewed(job, context, pull, error)
    return pull or JobOutcome(JobEnding.FAILED, str(error), job.head_sha or "", error=error)


def _handle(job: Job, context: JobContext) -> JobOutcome:
    if reason := refuse_repository(job, context.repository, context.purse):
        return JobOutcome(JobEnding.IGNORED, reason, job.head_sha or "")
    if job.trigger is Trigger.MERGE_GROUP:
        return report_merge_group(job, context.repository)
    if job.trigger is Trigger.RERUN:
        return _rerun(job, context)
    return _review(job, context) if job.command is None else run_commands(job, context)


def _rerun(job: Job, context: JobContext) -> JobOutcome:
    """Carry out what "Re-run" asks for: `/review`, for each pull request of the check run or suite."""
    rerun = find_rerun(job, context.repository)
    outcome = JobOutcome(JobEnding.IGNORED, "not our check run")
    for each in rerun.jobs:
        outcome = run_commands(each, context)
    # A review has a check run of its own.
    has_check = outcome.state in (JobEnding.REVIEWED, JobEnding.FAILED, JobEnding.SUPERSEDED)
    complete_again(context.repository, rerun, reviewed=outcome.head_sha if has_check else "")
    return outcome


def _review(job: Job, context: JobContext) -> JobOutcome:
    """Review a pull request automatically, as nobody asked for it in person."""
    pull = _current(job, context.repository)
    if isinstance(pull, JobOutcome):
        return pull
    fetched = fetch_or_report(job, context, pull)
    if isinstance(fetched, JobOutcome):
        return fetched
    context = under_ceilings(context, job, pull, fetched.settings)
    if reason := _reason_not_to_review(pull, fetched.settings):
        return _leave(job, context, pull, fetched, *reason)
    if context.strangers_wait and is_by_stranger(job, context.repository, pull):
        return wait_for_maintainer(job, context, pull, fetched)
    if (waiting := wait_for_checks(context, pull, fetched.settings)) is not None:
        return waiting
    return review_pull(job, context, pull, fetched, ReviewRequest(is_automatic=True))


def _leave(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull, key: str, reason: str) -> JobOutcome:
    """Leave the pull request alone, as the settings want it; say so if that is only since they cannot be read."""
    unread = [str(problem) for problem in fetched.problems if problem.key == key]
    if unread:
        return report_not_reviewed(job, context, pull, SettingsError("\n\n".join(unread)))
    return report_skipped(job, context, pull, fetched, reason)


def _current(job: Job, repository: Repository) -> Pull | JobOutcome:
    """Return the pull request as it is now, or the reason why there is nothing to do about it."""
    try:
        pull = repository.pull(job.number)
        for pause in SETTLE:
            if job.head_sha in (None, pull.head_sha) and not _has_other_base(job, pull):
                break
            time.sleep(pause)
            pull = repository.pull(job.number)
    except NotFound:
        return JobOutcome(JobEnding.IGNORED, "the pull request is gone", job.head_sha or "")
    if pull.state != "open":
        return JobOutcome(JobEnding.IGNORED, "closed", pull.head_sha)
    if job.head_sha not in (None, pull.head_sha):
        return JobOutcome(JobEnding.SUPERSEDED, "the head has moved on", pull.head_sha)
    if _has_other_base(job, pull):
        return JobOutcome(JobEnding.SUPERSEDED, "the base has changed again", pull.head_sha)
    return pull


def _has_other_base(job: Job, pull: Pull) -> bool:
    """Whether the base branch is another than that of the edit which made this job. Other jobs take what there is."""
    return job.trigger is Trigger.RETARGETED and bool(job.base_ref) and job.base_ref != pull.base_ref


def _reason_not_to_review(pull: Pull, settings: Settings) -> tuple[str, str] | None:
    """Return the setting by which the repository has no automatic review of this pull request, and why; or None."""
    if not settings.review.auto:
        return "review.auto", "automatic reviews are off"
    if pull.draft and not settings.review.drafts:
        return "review.drafts", "draft"
    if pull.author_is_bot and not settings.review.bots:
        return "review.bots", "opened by a bot"
    return _unwanted(pull, settings.review)


def _unwanted(pull: Pull, settings: ReviewSettings) -> tuple[str, str] | None:
    """Return the setting for titles or labels by which there is no automatic review, and why; or None."""
    title, labels = pull.title.casefold(), {label.casefold() for label in pull.labels}
    if word := next((word for word in settings.skip_title if word.casefold() in title), None):
        return "review.skip_title", f"the title holds {word!r}"
    required = [label for label in settings.labels if not label.startswith("!")]
    if refused := next((name for name in settings.labels if name[0] == "!" and name[1:].casefold() in labels), None):
        return "review.labels", f"it has the label {refused[1:]!r}"
    if required and not any(label.casefold() in labels for label in required):
        return "review.labels", f"it has none of the labels {', '.join(required)[:100]}"
    return None
