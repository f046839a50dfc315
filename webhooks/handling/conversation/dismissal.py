"""Act on a dismissal in a thread: the comment says it, so only the summary, the check and the thread follow."""

from __future__ import annotations

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.conversation.threads import find_root, our_finding
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.handling.reading.posted_review import read_posted_review
from webhooks.publishing.people.learning.learn import learn

_STILL_COUNTS = (
    "Noted. Without write access it is silenced here, but it still counts in the check: somebody with write access can "
    "dismiss it, or `review.author_may_dismiss` in the settings lets you."
)


def settle_dismissal(job: Job, context: JobContext, pull: Pull) -> JobOutcome:
    """Write the summary and the check run anew, and resolve the thread where the dismissal counts in full."""
    root = find_root(context.repository, job.thread or 0)
    if root is None or our_finding(root, context.repository.identity(pull.number)) is None:
        text = "This is not the thread of a finding of mine."
        return JobOutcome(JobEnding.IGNORED, "not a thread of ours", pull.head_sha, reply=text)
    review = read_posted_review(context, pull)
    review.write(context, pull, review.ledger)
    learn(context.repository, context.memory, pull, review.settings, review.ledger.entries)
    thread = next((thread for thread in review.posted.threads if thread.comment_id == root.id), None)
    if thread is None or not thread.dismissed:
        return JobOutcome(JobEnding.ANSWERED, "silenced", pull.head_sha, reply=_STILL_COUNTS)
    if thread.node_id and thread.resolved_by == "":
        context.repository.resolve(thread.node_id)
    return JobOutcome(JobEnding.ANSWERED, "dismissed", pull.head_sha, reaction="+1")
