"""The comments that answer a command, posted once. Pure but for `post_once`."""

from __future__ import annotations

from reviewer.output.wording import usage_text
from reviewer.safety.code_blocks import code_span
from reviewer.safety.markdown import neutralise
from reviewer.safety.shortening import shorten
from reviewer.tasks.answer_question import QuestionAnswer
from webhooks.events.deliveries import Job
from webhooks.github.repository import Repository
from webhooks.publishing.markers.replies import marker_of_tests_added
from webhooks.publishing.suggested_tests.commit_tests import AddedTests, NotAdded
from webhooks.publishing.text import MAX_BODY, cut_text

#: Files that were not shown to the model and that are named; the others are counted.
_MOST_NAMED = 10

#: Files on which nobody expects an answer to rest.
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico")

#: Characters of the question that are repeated, and of a path.
_MOST_QUOTED, _MOST_PATH = 4_000, 300


def answer_text(question: str, answer: QuestionAnswer) -> str:
    """Return the answer to a question as Markdown, without a marker."""
    quoted = "\n".join(f"> {line}" for line in neutralise(question, limit=_MOST_QUOTED).split("\n"))
    parts = [quoted, neutralise(answer.text)]
    if not_read := [file for file in answer.skipped if not file.path.lower().endswith(_PICTURES)]:
        names = ", ".join(code_span(shorten(file.path, _MOST_PATH)) for file in not_read[:_MOST_NAMED])
        more = len(not_read) - _MOST_NAMED
        parts.append(f"⚠️ Not read for this answer: {names}{f' and {more} more' if more > 0 else ''}.")
    return with_footer("\n\n".join(parts), usage_text(answer.usage, answer.models))


def with_footer(text: str, usage: str) -> str:
    """Return the text, cut where it is too long for a comment, with what it cost below."""
    footer = f"<sub>{neutralise(usage)}</sub>"
    return f"{cut_text(text, MAX_BODY - len(footer) - 1_000)}\n\n{footer}"


def tests_added_text(job: Job, result: AddedTests | NotAdded) -> str:
    """Return the comment about the result of `/tests commit` or `/tests pull`, beginning with its marker."""
    if isinstance(result, NotAdded):
        text = f"**The tests were not added.** {result.reason}"
    elif result.number is not None:
        text = f"The suggested tests are in #{result.number}: {result.url}"
    else:
        text = f"The suggested tests are in {result.sha[:7]}: {result.url}"
    left_out = result.left_out if isinstance(result, AddedTests) else ()
    lines = [marker_of_tests_added(job.key), text, *(f"- Not added: {reason}" for reason in left_out)]
    return cut_text("\n".join(lines), MAX_BODY)


def post_once(repository: Repository, number: int, marker: str, text: str) -> str:
    """Post a comment unless a comment of ours begins with that marker; return its address, or "" where one exists.

    Who we are is asked only where there is such a comment: another may have copied the marker.
    """
    marked = [comment for comment in repository.comments(number) if comment.body.startswith(marker)]
    login = repository.identity(number).lower() if marked else ""
    if any(comment.author.lower() == login for comment in marked):
        return ""
    return repository.create_comment(number, text)
