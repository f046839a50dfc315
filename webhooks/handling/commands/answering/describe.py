"""`/describe`: title, summary, risk and reading order, as a reply, or between marks in the description by setting."""

from __future__ import annotations

from collections.abc import Sequence

from reviewer.domain.findings import Review
from reviewer.errors import ReviewerError
from reviewer.output.wording import usage_text
from reviewer.safety.code_blocks import code_span
from reviewer.safety.markdown import neutralise
from reviewer.tasks.answer_question import QuestionAnswer, answer_question
from reviewer.tasks.conversation.layout import AskKind
from webhooks.events.job import Job
from webhooks.github.errors import Forbidden, NotFound, Unprocessable
from webhooks.github.types import Pull
from webhooks.handling.conversation.links import with_links
from webhooks.handling.failures import ended_early
from webhooks.handling.fetch import FetchedPull, change_of
from webhooks.handling.job_context import JobContext, Superseded, ask_while_wanted, within_budget
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.publishing.bodies.reply import with_footer
from webhooks.publishing.markers.replies import with_description

#: Characters of a description, which GitHub limits to 65,536.
_LONGEST_DESCRIPTION = 60_000

#: Labels that are added at once.
_MOST_LABELS = 3


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Let the model describe the change, and post that where the settings want it."""
    try:
        settings = within_budget(context, pull, fetched.settings)
        change = change_of(context.repository, pull, fetched)
        ask = ask_while_wanted(context)
        answer = answer_question(change, settings, "", ask, salt=context.salt, kind=AskKind.DESCRIBE)
    except (Superseded, ReviewerError) as error:
        return ended_early(job, context, pull, error)
    written, labels = split_labels(answer.text, settings.describe.labels)
    text = with_links(neutralise(written), change, pull)
    text += _labelled(context, pull, labels)
    reply = with_footer(text, usage_text(answer.usage, answer.models))
    if settings.describe.place == "description":
        reply = _into_description(context, pull, text, answer) or reply
    review = Review(summary="", usage=answer.usage, models=answer.models, skipped=answer.skipped)
    return JobOutcome(JobEnding.ANSWERED, "", pull.head_sha, review, fetched.diff, reply=reply)


def split_labels(text: str, allowed: Sequence[str]) -> tuple[str, list[str]]:
    """Return the text without its part on labels, and those of the allowed labels that it names there."""
    if not allowed:
        return text, []
    kept: list[str] = []
    named: list[str] = []
    is_inside = False
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            is_inside = line.strip("# \t:").casefold() == "labels"
        if not is_inside:
            kept.append(line)
        elif not line.lstrip().startswith("#"):
            named += [part.strip(" \t-*.").casefold() for part in line.replace("`", ",").split(",")]
    chosen = [label for label in dict.fromkeys(allowed) if label.casefold() in named]
    return "\n".join(kept).strip(), chosen[:_MOST_LABELS]


def _labelled(context: JobContext, pull: Pull, labels: Sequence[str]) -> str:
    """Add the labels that the pull request does not have; return what to say of it."""
    new = [label for label in labels if label.casefold() not in {name.casefold() for name in pull.labels}]
    if not new:
        return ""
    shown = ", ".join(code_span(label) for label in new)
    try:
        context.repository.add_labels(pull.number, new)
    except (Forbidden, NotFound, Unprocessable):
        return f"\n\nThese labels would fit, but may not be added here: {shown}."
    return f"\n\nLabels added: {shown}."


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
