"""The markers of what is posted once: answers, failures, reviews, suggested tests. Pure.

A comment of a job begins with its marker and is found again by it.
"""

from __future__ import annotations

import re

from webhooks.publishing.markers.syntax import Marker, last_line

_ANSWER = Marker("answer")
_FAILURE = Marker("failure")
_REFUSAL = Marker("refusal")
_DESCRIPTION = Marker("description")
_TESTS_ADDED = Marker("added")
_REVIEW = Marker("review")
_STOP = Marker("stop")
_EDIT = Marker("edit")
_TESTS_COMMENT = Marker("tests-comment")
_TESTS_PULL = Marker("tests-pull")

#: What the marker of a comment with suggested tests was called up to 0.1: read, never written.
_OLD_TESTS_COMMENT = Marker("tests")

_PLACE = re.compile(r"[0-9a-f]{16}")


def reply_marker(job: str, done: int, person: int | None = None) -> str:
    """Return the marker of the reply to a comment of that account, of whose commands so many are carried out."""
    return _ANSWER.write(job=job, done=str(done), **({} if person is None else {"to": str(person)}))


def replied_to(body: str) -> tuple[str, str]:
    """Return the key of the job that a reply answers, and the account, each empty where that is not known."""
    for line in (body.lstrip().partition("\n")[0], last_line(body)):
        if (fields := _ANSWER.read(line)) is not None:
            return fields.get("job"), fields.get("to")
    return "", ""


def read_reply(body: str, job: str) -> int | None:
    """Return how many of the job's commands our reply to it says are carried out; None where it is another comment.

    In the conversation the marker begins the comment, in a thread it ends it.
    """
    for line in (body.lstrip().partition("\n")[0], last_line(body)):
        fields = _ANSWER.read(line)
        if fields is not None and fields.get("job") == job:
            done = fields.get("done")
            return int(done) if done.isascii() and done.isdecimal() and len(done) <= 3 else 0
    return None


def is_answer(body: str) -> bool:
    """Whether a comment of ours in a thread answers somebody."""
    return _ANSWER.read(last_line(body)) is not None


def refusal_marker() -> str:
    """Return the marker of the reply to somebody who may not do what the comment asks for."""
    return _REFUSAL.write()


def is_refusal(body: str) -> bool:
    """Whether a comment of ours is such a reply."""
    return any(_REFUSAL.read(line) is not None for line in (body.lstrip().partition("\n")[0], last_line(body)))


def with_description(body: str, text: str) -> str:
    """Return a pull request's description with our own text between two marks at its end; an older one is replaced.

    Marks in a description count for nothing but this: whoever may edit it may move them.
    """
    begin, end = _DESCRIPTION.write("begin"), _DESCRIPTION.write("end")
    before, found, rest = body.partition(begin)
    _, closed, after = rest.partition(end)
    kept = f"{before.rstrip()}\n\n{after.strip()}".strip() if found and closed else body.strip()
    return f"{kept}\n\n{begin}\n{text}\n{end}".strip()


def failure_marker(job: str) -> str:
    """Return the marker that begins the comment which says why a job failed."""
    return _FAILURE.write(job=job)


def stop_marker(key: str, period: str) -> str:
    """Return the marker that begins the comment which says that a ceiling is reached; `period` is its month, or ""."""
    return _STOP.write(f"for={key}", **({"at": period} if period else {}))


def marker_of_edit() -> str:
    """Return the marker that ends a comment with an edit which mends a check."""
    return _EDIT.write()


def marker_of_tests_added(job: str) -> str:
    """Return the marker that begins the comment about tests which were committed or proposed."""
    return _TESTS_ADDED.write(job=job)


def review_marker(head: str) -> str:
    """Return the marker that ends the text of a review of that head."""
    return _REVIEW.write(head=head)


def marker_of_tests_pull(number: int, job: str) -> str:
    """Return the marker that ends the text of a stacked pull request; `number` is that of the one it is for."""
    return _TESTS_PULL.write(job=job, **{"for": str(number)})


def marker_of_tests_comment(place: str) -> str:
    """Return the marker that ends a comment with suggested tests; `place` identifies the end of their file."""
    return _TESTS_COMMENT.write(at=place)


def read_tests_comment(body: str) -> str:
    """Return the place that a comment suggests tests for, or an empty text for any other comment."""
    line = last_line(body)
    fields = _TESTS_COMMENT.read(line) or _OLD_TESTS_COMMENT.read(line)
    place = fields.get("at") if fields else ""
    return place if _PLACE.fullmatch(place) else ""
