"""Suggested tests as comments with one click: what is put at the end of a test file that the change touches. Pure.

Promises: for the end of a file as it is one comment, whatever is suggested later; the block holds the file's last line
to the character and what was run below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reviewer.domain.findings import Appendix, TestSuggestion
from reviewer.safety.markdown import code_span, neutralise, suggestion_block
from webhooks.publishing.ledger import Thread
from webhooks.publishing.markers.replies import marker_of_tests_comment, read_tests_comment

#: Characters of a comment; what is longer stays in the summary, as a file of its own.
_LONGEST = 60_000


@dataclass(frozen=True, slots=True)
class SuggestedTestsComment:
    """One comment with tests for the end of one file: its body, and its address, empty until it is posted."""

    path: str
    body: dict[str, Any]
    url: str = ""


def comments_with_tests(tests: Iterable[TestSuggestion], threads: Iterable[Thread]) -> list[SuggestedTestsComment]:
    """Return the comments that suggest the tests, each with its address where it stands already.

    None where one stands from an earlier run: two suggestions for the same line exclude each other.
    """
    urls: dict[str, tuple[str, str]] = {}
    for thread in threads:
        if place := read_tests_comment(thread.body):
            urls[place] = (thread.url, thread.body)
    made: list[SuggestedTestsComment] = []
    for path, given in _by_file(tests).items():
        place, body = _place(given[0][1]), _body(given)
        url, standing = urls.get(place, ("", ""))
        if len(body["body"]) <= _LONGEST and (not url or _same(standing, body["body"])):
            made.append(SuggestedTestsComment(path, body, url))
    return made


def _same(standing: str, text: str) -> bool:
    """Whether a comment is the one that we posted: GitHub may store other line ends and trim the end."""
    return standing.replace("\r\n", "\n").strip() == text.strip()


def _by_file(tests: Iterable[TestSuggestion]) -> dict[str, list[tuple[TestSuggestion, Appendix]]]:
    found: dict[str, list[tuple[TestSuggestion, Appendix]]] = {}
    for test in tests:
        if test.appendix is not None:
            found.setdefault(test.appendix.anchor.path, []).append((test, test.appendix))
    return found


def _place(appendix: Appendix) -> str:
    """Identify the end of a file: other lines above, or more of them, are another."""
    anchor = appendix.anchor
    key = f"{anchor.path}\0{anchor.line}\0{appendix.above}"
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _body(given: Sequence[tuple[TestSuggestion, Appendix]]) -> dict[str, Any]:
    """Return the comment: https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request ."""
    first = given[0][1]
    last = first.above.rpartition("\n")[2]
    told = [f"- {code_span(test.covers)}: {neutralise(test.evidence)}" for test, _ in given]
    lines = [
        "**Suggested tests** for the end of this file. They were run there:",
        "\n".join(told),
        suggestion_block("\n".join([last, *(appendix.code for _, appendix in given)])),
        marker_of_tests_comment(_place(first)),
    ]
    anchor = first.anchor
    return {
        "path": anchor.path,
        "line": anchor.line,
        "side": anchor.side.value,
        "body": "\n\n".join(lines),
    }
