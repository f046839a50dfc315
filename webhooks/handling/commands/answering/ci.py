"""`/ci`: why the checks are red, and what that has to do with this change."""

from __future__ import annotations

from reviewer.domain.findings import Review
from reviewer.errors import ReviewerError
from reviewer.output.wording import usage_text
from reviewer.safety.code_blocks import code_span
from reviewer.safety.markdown import neutralise
from reviewer.safety.shortening import shorten
from reviewer.tasks.explain_checks import ChecksAnswer, explain_checks
from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.conversation.links import with_links
from webhooks.handling.failures import ended_early
from webhooks.handling.fetch import FetchedPull, change_of
from webhooks.handling.job_context import JobContext, Superseded, ask_while_wanted, within_budget
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.handling.reading.failed_checks import FailedChecks, read_failed_checks, text_of_failures
from webhooks.publishing.bodies.offered_edits import offer_edits
from webhooks.publishing.bodies.reply import with_footer
from webhooks.publishing.text import count_noun


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Read the failed checks of the head, and let the model say where each failure comes from."""
    try:
        found = read_failed_checks(context.repository, pull.number, pull.head_sha, logs=True)
        if not found.failures:
            return JobOutcome.answered(pull.head_sha, _nothing_failed(context, pull))
        settings = within_budget(context, pull, fetched.settings)
        change = change_of(context.repository, pull, fetched)
        ask = ask_while_wanted(context)
        explained = explain_checks(change, settings, text_of_failures(found.failures), ask, salt=context.salt)
        offers = offer_edits(context.repository, pull, explained.edits)
    except (Superseded, ReviewerError) as error:
        return ended_early(job, context, pull, error)
    answer = explained.answer
    parts = [_title(found, pull), neutralise(answer.text), *offers, *_notes(found, explained)]
    review = Review(summary="", usage=answer.usage, models=answer.models, skipped=answer.skipped)
    text = with_links("\n\n".join(parts), change, pull)
    reply = with_footer(text, usage_text(answer.usage, answer.models))
    return JobOutcome(JobEnding.ANSWERED, "", pull.head_sha, review, fetched.diff, reply=reply)


def _notes(found: FailedChecks, explained: ChecksAnswer) -> list[str]:
    more = [f"{count_noun(explained.left_out, 'more change')} left out."] if explained.left_out else []
    return [f"⚠️ {note}" for note in (*found.notes, *more)]


def _title(found: FailedChecks, pull: Pull) -> str:
    names = ", ".join(code_span(shorten(failure.check.name, 100)) for failure in found.failures)
    return f"Red at {pull.head_sha[:7]}: {names}."


def _nothing_failed(context: JobContext, pull: Pull) -> str:
    running = len(context.repository.unfinished_checks(pull.head_sha))
    waiting = f" {running} still run." if running else ""
    return f"No check of another program failed at {pull.head_sha[:7]}.{waiting}"
