"""`/pause`: make no more automatic reviews of this pull request. It stands in the summary, which remembers it."""

from __future__ import annotations

from dataclasses import replace

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome
from webhooks.handling.reading.posted_review import read_posted_review


def handle(job: Job, context: JobContext, pull: Pull) -> JobOutcome:
    """Write into the summary that reviews are paused, and by whom."""
    review = read_posted_review(context, pull)
    if review.ledger.paused_by:
        return JobOutcome.answered(pull.head_sha, "Automatic reviews are paused already. `/resume` goes on with them.")
    url = review.write(context, pull, replace(review.ledger, paused_by=job.actor or "somebody"))
    if not url:
        return JobOutcome.answered(pull.head_sha, "The summary belongs to another identity of this reviewer: ask it.")
    return JobOutcome.answered(pull.head_sha, "")
