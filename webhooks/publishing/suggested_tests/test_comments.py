"""Suggest tests for the end of a test file in a comment that adds them with one click. Pure.

Promises: one comment for the end of a file, until the file's end changes; the suggestion consists of the file's last
line, unchanged, and of the tests that were run below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reviewer.domain.findings import Appendix, TestSuggestion
from reviewer.safety.code_blocks import code_span, suggestion_block
from reviewer.safety.markdown import neutralise
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
    """Return the comments that suggest the tests, each with its address if it is posted already.

    No comment where there is a different one from an earlier run: only one suggestion for a line can be applied.
    """
    urls: dict[str, tuple[str, str]] = {}
    for thread in threads:
        if place := read_tests_comment(thread.body):
            urls[place] = (thread.url, thread.body)
    comments: list[SuggestedTestsComment] = []
    for path, group in _by_file(tests).items():
        place, body = _place(group[0][1]), _body(group)
        url, posted = urls.get(place, ("", ""))
        if len(body["body"]) <= _LONGEST and (not url or _is_same(posted, body["body"])):
            comments.append(SuggestedTestsComment(path, body, url))
    return comments


def _is_same(posted: str, text: str) -> bool:
    """Whether two texts are the same comment: GitHub may change line ends and trim the end."""
    return posted.replace("\r\n", "\n").strip() == text.strip()


def _by_file(tests: Iterable[TestSuggestion]) -> dict[str, list[tuple[TestSuggestion, Appendix]]]:
    found: dict[str, list[tuple[TestSuggestion, Appendix]]] = {}
    for test in tests:
        if test.appendix is not None:
            found.setdefault(test.appendix.anchor.path, []).append((test, test.appendix))
    return found


def _place(appendix: Appendix) -> str:
    """Return an identity of the end of a file: it changes with the lines above, and with their number."""
    anchor = appendix.anchor
    key = f"{anchor.path}\0{anchor.line}\0{appendix.above}"
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _body(group: Sequence[tuple[TestSuggestion, Appendix]]) -> dict[str, Any]:
    """Return the comment: https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request ."""
    first = group[0][1]
    last = first.above.rpartition("\n")[2]
    evidence = [f"- {code_span(test.covers)}: {neutralise(test.evidence)}" for test, _ in group]
    lines = [
        "**Suggested tests** for the end of this file, where they were run:",
        "\n".join(evidence),
        suggestion_block("\n".join([last, *(appendix.code for _, appendix in group)])),
        marker_of_tests_comment(_place(first)),
    ]
    anchor = first.anchor
    return {
        "path": anchor.path,
        "line": anchor.line,
        "side": anchor.side.value,
        "body": "\n\n".join(lines),
    }
