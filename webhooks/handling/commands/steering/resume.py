"""`/resume`: review each push again, and review now what was pushed while the pull request was paused."""

from __future__ import annotations

from dataclasses import replace

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.failures import fetch_or_report
from webhooks.handling.job_context import JobContext, under_ceilings
from webhooks.handling.job_outcome import JobOutcome
from webhooks.handling.reading.posted_review import read_posted_review
from webhooks.handling.review_changes import ReviewRequest
from webhooks.handling.review_pull import review_pull


def handle(job: Job, context: JobContext, pull: Pull) -> JobOutcome:
    """Take the pause out of the summary; where commits came meanwhile, review them."""
    review = read_posted_review(context, pull)
    if not review.ledger.paused_by:
        return JobOutcome.answered(pull.head_sha, "Automatic reviews of this pull request are not paused.")
    review.write(context, pull, replace(review.ledger, paused_by=""))
    wants = review.settings.review.auto and (review.settings.review.drafts or not pull.draft)
    if review.ledger.head == pull.head_sha or not wants:
        return JobOutcome.answered(pull.head_sha, "")
    fetched = fetch_or_report(job, context, pull)
    if isinstance(fetched, JobOutcome):
        return fetched
    context = under_ceilings(context, job, pull, fetched.settings)
    return review_pull(job, context, pull, fetched, ReviewRequest())
