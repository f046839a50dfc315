"""`/ask QUESTION`: answer a question about the pull request, or in a thread about its finding."""

from __future__ import annotations

from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.errors import ReviewerError
from reviewer.tasks.answer_question import answer_question
from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.conversation.answer import talk_in_thread
from webhooks.handling.conversation.links import with_links
from webhooks.handling.conversation.threads import read_thread
from webhooks.handling.failures import ended_early
from webhooks.handling.fetch import FetchedPull, change_of
from webhooks.handling.job_context import JobContext, Superseded, ask_while_wanted, within_budget
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.publishing.bodies.reply import answer_text
from webhooks.publishing.ledger import current_ledger
from webhooks.publishing.markers.ledger_entries import LedgerEntry
from webhooks.publishing.read_posted import read_posted


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Ask the model, which may look things up, and answer with links to lines."""
    if job.thread is not None and read_thread(context.repository, pull.number, job.thread) is not None:
        return talk_in_thread(job, context, pull, fetched, question=job.argument)
    try:
        settings = within_budget(context, pull, fetched.settings)
        change = change_of(context.repository, pull, fetched)
        posted = _posted(context, pull, settings)
        answer = answer_question(
            change, settings, job.argument, ask_while_wanted(context), salt=context.salt, posted=posted
        )
    except (Superseded, ReviewerError) as error:
        return ended_early(job, context, pull, error)
    text = with_links(answer_text(job.argument, answer), change, pull)
    review = Review(summary="", usage=answer.usage, models=answer.models, skipped=answer.skipped)
    return JobOutcome(JobEnding.ANSWERED, "", pull.head_sha, review, fetched.diff, reply=text)


def _posted(context: JobContext, pull: Pull, settings: Settings) -> str:
    """Return what is posted on the pull request: a line for each finding that is open, in the summary's order."""
    repository = context.repository
    login = repository.identity(pull.number)
    state = read_posted(repository, pull, login, author_may_dismiss=settings.review.author_may_dismiss)
    entries = (entry for entry in current_ledger(state) if entry.is_open)
    return "\n".join(_line(number, entry) for number, entry in enumerate(entries, 1))


def _line(number: int, entry: LedgerEntry) -> str:
    explanation = " ".join(entry.explanation.split())
    title = f"{entry.title}. {explanation}" if explanation else entry.title
    return f"{number}. {entry.path}:{entry.line}, {entry.severity}: {title}"
