"""`/describe`: title, summary, risk and reading order, as a reply, or between marks in the description by setting."""

from __future__ import annotations

from reviewer.domain.findings import Review
from reviewer.errors import ReviewerError
from reviewer.output.wording import usage_text
from reviewer.safety.markdown import neutralise
from reviewer.tasks.answer_question import QuestionAnswer, answer_question
from reviewer.tasks.conversation.layout import AskKind
from webhooks.events.job import Job
from webhooks.github.errors import Forbidden, NotFound, Unprocessable
from webhooks.github.types import Pull
from webhooks.handling.conversation.links import with_links
from webhooks.handling.failures import is_worth_retrying, report_failure
from webhooks.handling.fetch import FetchedPull, change_of
from webhooks.handling.job_context import JobContext, Superseded, ask_while_wanted, within_budget
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.publishing.bodies.reply import with_footer
from webhooks.publishing.markers.replies import with_description

#: Characters of a description, which GitHub limits to 65,536.
_LONGEST_DESCRIPTION = 60_000


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Let the model describe the change, and post that where the settings want it."""
    try:
        settings = within_budget(context, pull, fetched.settings)
        change = change_of(context.repository, pull, fetched)
        ask = ask_while_wanted(context)
        answer = answer_question(change, settings, "", ask, salt=context.salt, kind=AskKind.DESCRIBE)
    except Superseded:
        return JobOutcome(JobEnding.SUPERSEDED, "not wanted any more", pull.head_sha)
    except ReviewerError as error:
        if is_worth_retrying(error):
            raise
        return report_failure(job, context, pull, None, error)
    text = with_links(neutralise(answer.text), change, pull)
    reply = with_footer(text, usage_text(answer.usage, answer.models))
    if settings.describe.place == "description":
        reply = _into_description(context, pull, text, answer) or reply
    review = Review(summary="", usage=answer.usage, models=answer.models, skipped=answer.skipped)
    return JobOutcome(JobEnding.ANSWERED, "", pull.head_sha, review, fetched.diff, reply=reply)


def _into_description(context: JobContext, pull: Pull, text: str, answer: QuestionAnswer) -> str:
    """Put the text between our marks in the present description; return what to reply, nothing where it was refused."""
    now = context.repository.pull(pull.number)
    body = with_description(now.body, text)
    if len(body) > _LONGEST_DESCRIPTION:
        return ""
    try:
        context.repository.edit_pull(pull.number, {"body": body})
    except (Forbidden, NotFound, Unprocessable):
        return ""
    return with_footer("The description of this pull request has it now.", usage_text(answer.usage, answer.models))
