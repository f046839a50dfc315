"""Say on the pull request that it was not reviewed, why, and what to do."""

from __future__ import annotations

import logging

from reviewer.domain.settings import FailLevel
from reviewer.errors import ReviewerError, SettingsError
from reviewer.llm.errors import BrokenReply, ModelError, ModelUnavailable, SlowDown
from reviewer.safety.markdown import neutralise
from reviewer.safety.redaction import redact
from webhooks.events.deliveries import Job
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.handling.fetch import FetchedPull, fetch
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.handling.money.admission import refused_model
from webhooks.handling.money.purse import BudgetSpent, CeilingReached
from webhooks.publishing.bodies.reply import post_once
from webhooks.publishing.checks import Conclusion, completed_check
from webhooks.publishing.markers.replies import failure_marker, stop_marker
from webhooks.publishing.publish import CheckRun, close_check, ignore_github_errors, open_check

log = logging.getLogger(__name__)

_TITLE = "Not reviewed"


def is_worth_retrying(error: ReviewerError) -> bool:
    """Whether the job may succeed later. The model's errors are final: its client has retried already."""
    return bool(getattr(error, "retryable", False)) and not isinstance(error, ModelError)


def report_failure(
    job: Job, context: JobContext, pull: Pull, check: CheckRun | None, error: ReviewerError
) -> JobOutcome:
    """Complete the check run; where there is none, or somebody asked, post a comment too. A stop is posted once."""
    conclusion = _conclusion(context, error)
    text = _text(pull, str(error))
    close = completed_check(conclusion, _TITLE, text)
    ignore_github_errors(lambda: close_check(context.repository, check, close))
    if isinstance(error, BudgetSpent | CeilingReached) and job.comment_id is None:
        _post(context.repository, pull, stop_marker(error.key, error.period), text)
    elif job.comment_id is None and (check is None or not job.is_automatic):
        _post(context.repository, pull, failure_marker(job.key), text)
    reply = text if job.comment_id is not None else ""
    return JobOutcome(
        JobEnding.FAILED, str(error), pull.head_sha, conclusion=conclusion.value, error=error, reply=reply
    )


def _conclusion(context: JobContext, error: ReviewerError) -> Conclusion:
    """Return how the check run ends: a ceiling is no defect, but lets nothing through where findings may fail it."""
    passes = isinstance(error, BudgetSpent | CeilingReached) or (context.outages_pass and is_outage(error))
    return Conclusion.NEUTRAL if passes and context.fail_level is FailLevel.NEVER else Conclusion.FAILURE


def is_outage(error: ReviewerError) -> bool:
    """Whether a service failed for a while, rather than something that a person has to mend: a key, its credit."""
    if isinstance(error, ModelError):
        return isinstance(error, ModelUnavailable | SlowDown | BrokenReply)
    return bool(getattr(error, "retryable", False))


def _post(repository: Repository, pull: Pull, marker: str, text: str) -> None:
    ignore_github_errors(lambda: post_once(repository, pull.number, marker, f"{marker}\n{text}"))


def fetch_or_report(job: Job, context: JobContext, pull: Pull) -> FetchedPull | JobOutcome:
    """Fetch the change and the settings; where they do not say what may be reviewed, say why on the pull request."""
    try:
        if refused := refused_model(context.purse):
            return report_not_reviewed(job, context, pull, SettingsError(refused))
        fetched = fetch(context.repository, pull)
    except ReviewerError as error:
        if is_worth_retrying(error):
            raise
        return report_not_reviewed(job, context, pull, error)
    if stopping := [str(problem) for problem in fetched.problems if problem.stops]:
        return report_not_reviewed(job, context, pull, SettingsError("\n\n".join(stopping)))
    return fetched


def report_not_reviewed(job: Job, context: JobContext, pull: Pull, error: ReviewerError) -> JobOutcome:
    """Say why nothing is reviewed: in the check run of the head, to who asked for something in a comment."""
    extra = {"repository": context.repository.name, "number": pull.number, "why": str(error)}
    log.warning("not reviewed", extra=extra)
    check = None
    if job.command is None:
        check = open_check(context.repository, pull.number, pull.head_sha, job.key, again=context.again)
    return report_failure(job, context, pull, check, error)


def give_up(job: Job, repository: Repository, reason: str, conclusion: Conclusion = Conclusion.FAILURE) -> None:
    """Complete the check run of a job that will not be tried again. An error of GitHub is only logged."""

    def report() -> None:
        pull = repository.pull(job.number)
        check = open_check(repository, pull.number, job.head_sha or pull.head_sha, job.key, again=True)
        close_check(repository, check, completed_check(conclusion, _TITLE, _text(pull, reason)))

    ignore_github_errors(report)


def _text(pull: Pull, reason: str) -> str:
    why = neutralise(redact(reason)[0])
    return f"**Not reviewed** at {pull.head_sha[:7]}.\n\n{why}\n\nComment `/review` to try again."
