"""`/explain` in a thread: the failing case step by step, or the finding is withdrawn."""

from __future__ import annotations

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.conversation.answer import talk_in_thread
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Let the model go through the failing case of the thread's finding."""
    return talk_in_thread(job, context, pull, fetched, explain=True, question=job.argument)
