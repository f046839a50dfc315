"""The markers of what is posted once: answers, failures, reviews, suggested tests. Pure.

A comment of a job begins with its marker and is found again by it.
"""

from __future__ import annotations

import re

from webhooks.publishing.markers.syntax import Marker, last_line

_ANSWER = Marker("answer")
_FAILURE = Marker("failure")
_TESTS_ADDED = Marker("added")
_REVIEW = Marker("review")
_STOP = Marker("stop")
_TESTS_COMMENT = Marker("tests-comment")
_TESTS_PULL = Marker("tests-pull")

#: What the marker of a comment with suggested tests was called up to 0.1: read, never written.
_OLD_TESTS_COMMENT = Marker("tests")

_PLACE = re.compile(r"[0-9a-f]{16}")


def answer_marker(job: str) -> str:
    """Return the marker that begins the answer to a question; `job` is the key of the job that asked."""
    return _ANSWER.write(job=job)


def failure_marker(job: str) -> str:
    """Return the marker that begins the comment which says why a job failed."""
    return _FAILURE.write(job=job)


def stop_marker(key: str, period: str) -> str:
    """Return the marker that begins the comment which says that a ceiling is reached; `period` is its month, or ""."""
    return _STOP.write(f"for={key}", **({"at": period} if period else {}))


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
