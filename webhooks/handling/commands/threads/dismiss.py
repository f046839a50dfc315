"""`/dismiss [REASON]` in a thread, `/dismiss all`: never report findings again, and note who said so and why."""

from __future__ import annotations

from dataclasses import replace

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.conversation.dismissal import settle_dismissal
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.handling.reading.posted_review import PostedReview, read_posted_review
from webhooks.publishing.markers.ledger_entries import FindingStatus
from webhooks.publishing.people.dismissals import Say, Voices
from webhooks.publishing.text import count_noun


def handle(job: Job, context: JobContext, pull: Pull) -> JobOutcome:
    """Dismiss the finding of the thread, whose comment with the command says so itself, or all that are open."""
    if job.argument == "all":
        return _dismiss_all(job, context, pull)
    return settle_dismissal(job, context, pull)


def _dismiss_all(job: Job, context: JobContext, pull: Pull) -> JobOutcome:
    """Dismiss all open findings: in the ledger first, so that a job that is killed goes on where it was."""
    review = read_posted_review(context, pull)
    may = review.settings.review.author_may_dismiss
    voices = Voices(context.repository.permission, pull.author, author_may_dismiss=may)
    if voices.of(job.actor or "") is not Say.DISMISSES:
        return JobOutcome(
            JobEnding.IGNORED, "no write permission", pull.head_sha, reply="`/dismiss all` takes write access."
        )
    chosen = {
        entry.fingerprint for entry in review.ledger.entries if entry.is_open or (entry.by_command and not entry.closed)
    }
    if not chosen:
        return JobOutcome.answered(pull.head_sha, "No finding is open.")
    ledger = replace(
        review.ledger,
        entries=tuple(
            replace(entry, status=FindingStatus.DISMISSED, by=job.actor or "", by_command=True, silenced=False, why="")
            if entry.fingerprint in chosen
            else entry
            for entry in review.ledger.entries
        ),
    )
    review.write(context, pull, ledger)
    closed = _close(review, context, chosen)
    if closed:
        done = tuple(replace(e, closed=True) if e.fingerprint in closed else e for e in ledger.entries)
        again = read_posted_review(context, pull)
        again.write(context, pull, replace(ledger, entries=done))
    return JobOutcome.answered(pull.head_sha, f"{count_noun(len(chosen), 'finding')} dismissed.")


def _close(review: PostedReview, context: JobContext, chosen: set[str]) -> set[str]:
    """Resolve the open threads of the findings; return those whose thread is resolved."""
    threads = {thread.comment_id: thread for thread in review.posted.threads}
    closed = set()
    for entry in review.ledger.entries:
        thread = threads.get(entry.comment_id)
        if entry.fingerprint not in chosen or thread is None or not thread.node_id:
            continue
        if thread.resolved_by or context.repository.resolve(thread.node_id):
            closed.add(entry.fingerprint)
        else:
            break  # we may not: neither the others
    return closed
