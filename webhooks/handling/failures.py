"""Say on the pull request that it was not reviewed, why, and what to do."""

from __future__ import annotations

import logging

from reviewer.domain.settings import FailLevel
from reviewer.errors import ReviewerError, SettingsError
from reviewer.llm.errors import BrokenReply, ModelError, ModelUnavailable, SlowDown
from reviewer.safety.code_blocks import code_span
from reviewer.safety.markdown import neutralise
from reviewer.safety.redaction import redact
from webhooks.events.commands import CommandRequest
from webhooks.events.deliveries import Job, Trigger
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.handling.fetch import FetchedPull, fetch
from webhooks.handling.job_context import JobContext, Superseded
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.handling.money.admission import refused_model
from webhooks.handling.money.purse import BudgetSpent, CeilingReached
from webhooks.publishing.bodies.command_reply import CommandReply
from webhooks.publishing.bodies.reply import post_once
from webhooks.publishing.checks import Conclusion, completed_check
from webhooks.publishing.markers.replies import failure_marker, stop_marker
from webhooks.publishing.publish import CheckRun, begun_check, close_check, ignore_github_errors, open_check

log = logging.getLogger(__name__)

_TITLE = "Not reviewed"

#: Characters of a command that are repeated with what follows its name.
_LONGEST_COMMAND = 80


def is_worth_retrying(error: ReviewerError) -> bool:
    """Whether the job may succeed later. The model's errors are final: its client has retried already."""
    return bool(getattr(error, "retryable", False)) and not isinstance(error, ModelError)


def ended_early(job: Job, context: JobContext, pull: Pull, error: Superseded | ReviewerError) -> JobOutcome:
    """Return how a command ends that this error stopped. Raises the error again where a later try may succeed."""
    if isinstance(error, Superseded):
        return JobOutcome(JobEnding.SUPERSEDED, "not wanted any more", pull.head_sha)
    if is_worth_retrying(error):
        raise error
    return report_failure(job, context, pull, None, error)


def report_failure(
    job: Job, context: JobContext, pull: Pull, check: CheckRun | None, error: ReviewerError
) -> JobOutcome:
    """Complete the check run; where there is none, or somebody asked, post a comment too. A stop is posted once."""
    conclusion = _conclusion(context, error)
    text = _text(job, pull, str(error))
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
    """Say that a job will not be tried again: in its check run, and to who asked. An error of GitHub is only logged."""

    def report() -> None:
        pull = repository.pull(job.number)
        if job.command is not None:
            _give_up_command(job, repository, pull, reason, conclusion)
            return
        check = open_check(repository, pull.number, job.head_sha or pull.head_sha, job.key, again=True)
        close_check(repository, check, completed_check(conclusion, _TITLE, _text(job, pull, reason)))

    ignore_github_errors(report)


def _give_up_command(job: Job, repository: Repository, pull: Pull, reason: str, conclusion: Conclusion) -> None:
    """Answer the comment, or post one where a label asked, and complete the check run if the command began one."""
    comment_id, number = job.comment_id, 0
    if comment_id is not None:
        reply = CommandReply.find(repository, job, again=True)
        if (number := reply.done) >= len(job.requests):
            return
        # It does not count as done, so that an operator's retry carries it out.
        reply.working(_text(job.of_request(number), pull, reason))
        ignore_github_errors(lambda: repository.react(comment_id, "confused", inline=job.thread is not None))
    failed = job.of_request(number)
    text = _text(failed, pull, reason)
    if comment_id is None:
        _post(repository, pull, failure_marker(job.key), text)
    check = begun_check(repository, pull.number, pull.head_sha, failed.key)
    close_check(repository, check, completed_check(conclusion, _TITLE, text))


def _text(job: Job, pull: Pull, reason: str) -> str:
    why = neutralise(redact(reason)[0])
    return f"**{_what_was_not_done(job)}** at {pull.head_sha[:7]}.\n\n{why}\n\n{_how_to_try_again(job)}"


def _what_was_not_done(job: Job) -> str:
    if job.trigger is Trigger.REPLY:
        return "Not answered"
    return _TITLE if job.command in (None, "review") else f"{code_span(f'/{job.command}')} was not carried out"


def _how_to_try_again(job: Job) -> str:
    """Return which comment does the same once more: the command that was given, with its argument where it is short."""
    if job.trigger is Trigger.REPLY:
        return "Answer here once more to try again."
    written = redact(str(CommandRequest(job.command or "review", job.argument)))[0]
    if "\n" in written or len(written) > _LONGEST_COMMAND:
        return f"Comment {code_span(f'/{job.command}')} with the same text to try again."
    return f"Comment {code_span(written)} to try again."
