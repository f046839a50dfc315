"""A question from a comment, answered in a comment; doing it again says nothing twice."""

from __future__ import annotations

from reviewer.output.wording import usage_text
from reviewer.safety.markdown import code_span, neutralise
from reviewer.safety.shortening import CUT
from reviewer.tasks.answer_question import QuestionAnswer
from webhooks.events.deliveries import Job
from webhooks.github.repository import Repository
from webhooks.publishing.commit_tests import AddedTests, NotAdded
from webhooks.publishing.markers.replies import answer_marker, marker_of_tests_added
from webhooks.publishing.text import MAX_BODY, cut_text

#: Files that were not shown to the model and that are named; the others are counted.
_MOST_NAMED = 10


def answer_text(job: Job, answered: QuestionAnswer) -> str:
    """Return the comment that answers the job's question, our marker at its beginning. Pure."""
    quoted = "\n".join(f"> {line}" for line in neutralise(job.argument).split("\n"))
    parts = [f"{answer_marker(job.key)}\n{quoted}", neutralise(answered.text)]
    if answered.skipped:
        named = ", ".join(code_span(one.path) for one in answered.skipped[:_MOST_NAMED])
        more = len(answered.skipped) - _MOST_NAMED
        parts.append(f"⚠️ Not looked at: {named}{f' and {more} more' if more > 0 else ''}.")
    footer = f"<sub>{neutralise(usage_text(answered.usage, answered.models))}</sub>"
    text = cut_text("\n\n".join(parts), MAX_BODY - len(footer))
    return f"{text}\n\n{footer}"


def tests_added_text(job: Job, came: AddedTests | NotAdded) -> str:
    """Return the comment that tells what became of `/tests commit` or `/tests pull`. Pure."""
    if isinstance(came, NotAdded):
        said = f"**Not added.** {came.reason}"
    elif came.number is not None:
        said = f"The suggested tests are in #{came.number}: {came.url}"
    else:
        said = f"The suggested tests are in {came.sha[:7]}: {came.url}"
    left_out = came.left_out if isinstance(came, AddedTests) else ()
    return "\n".join([marker_of_tests_added(job.key), said, *(f"- {one}" for one in left_out)])


def post_once(repository: Repository, number: int, login: str, marker: str, text: str) -> str:
    """Post a comment unless one of ours begins with that marker; return its address, or "" where it stands already."""
    for comment in repository.comments(number):
        if comment.author.lower() == login.lower() and comment.body.startswith(marker):
            return ""
    return repository.create_comment(number, text)
