"""`/ask QUESTION`: answer a question about the pull request in a comment."""

from __future__ import annotations

from reviewer.domain.findings import Review
from reviewer.errors import ReviewerError
from reviewer.tasks.answer_question import answer_question
from webhooks.events.deliveries import Job
from webhooks.github.types import Pull
from webhooks.handling.failures import report_failure
from webhooks.handling.fetch import FetchedPull, change_of
from webhooks.handling.job_context import JobContext, Superseded, ask_while_wanted, within_budget
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.publishing.bodies.reply import answer_text, post_once
from webhooks.publishing.markers.replies import answer_marker
from webhooks.publishing.publish import PublishResult


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Ask the model, and post its answer once."""
    try:
        settings = within_budget(context, pull, fetched.settings)
        change = change_of(context.repository, pull, fetched)
        answer = answer_question(change, settings, job.argument, ask_while_wanted(context), salt=context.salt)
    except Superseded:
        return JobOutcome(JobEnding.SUPERSEDED, "not wanted any more", pull.head_sha)
    except ReviewerError as error:
        return report_failure(job, context, pull, None, error)
    url = post_once(context.repository, pull.number, answer_marker(job.key), answer_text(job, answer))
    review = Review(summary="", usage=answer.usage, models=answer.models, skipped=answer.skipped)
    return JobOutcome(JobEnding.ANSWERED, "", pull.head_sha, review, fetched.diff, PublishResult(summary_url=url))
