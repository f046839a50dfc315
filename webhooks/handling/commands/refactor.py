"""`/refactor`: review the whole pull request again, and look for simpler code everywhere in it."""

from __future__ import annotations

from webhooks.events.deliveries import Job
from webhooks.github.types import Pull
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome
from webhooks.handling.review_changes import ReviewRequest
from webhooks.handling.review_pull import review_pull


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Review every file of the pull request, and look for simpler code in each."""
    return review_pull(job, context, pull, fetched, ReviewRequest(everything=True, deeper=True))
