"""`/resolve`: resolve our threads whose findings are fixed, dismissed or withdrawn."""

from __future__ import annotations

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome
from webhooks.handling.reading.posted_review import read_posted_review
from webhooks.publishing.text import count_noun

#: Threads that one command resolves: GitHub limits writes per minute.
_MOST = 60


def handle(job: Job, context: JobContext, pull: Pull) -> JobOutcome:
    """Resolve them; say how many, and what is missing where GitHub does not let us."""
    del job
    review = read_posted_review(context, pull)
    settled = {entry.comment_id for entry in review.ledger.entries if not entry.is_open and entry.comment_id}
    still_open = [t for t in review.posted.threads if t.comment_id in settled and t.resolved_by == "" and t.node_id]
    if review.posted.summary_body:
        review.write(context, pull, review.ledger)
    if not still_open:
        return JobOutcome.answered(pull.head_sha, "No thread of a fixed or dismissed finding is open.")
    done = 0
    for thread in still_open[:_MOST]:
        if not context.repository.resolve(thread.node_id):
            break
        done += 1
    if not done:
        text = "GitHub does not let me resolve threads: that takes the permission *contents: write*."
        return JobOutcome.answered(pull.head_sha, text)
    left = len(still_open) - done
    more = f" {count_noun(left, 'thread')} left: comment `/resolve` again." if left else ""
    return JobOutcome.answered(pull.head_sha, f"{count_noun(done, 'thread')} resolved.{more}")
