"""The suggested tests in the summary: how they are shown, and which of an earlier summary are kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from reviewer.domain.findings import TestSuggestion
from reviewer.safety.markdown import code_span, fence
from webhooks.publishing.markers.summary import ShownTest, read_shown_tests, shown_test
from webhooks.publishing.text import escape, fold


def show_test(test: TestSuggestion, comments: Mapping[str, str], digests: Mapping[str, str]) -> ShownTest:
    """Return a suggested test as the summary shows it.

    `comments` are the addresses of comments that suggest tests for the end of a file, by its path: then there is a link
    instead of the code. `digests` identify what the change does to each file. The code is always inside a fence.
    """
    appendix = test.appendix
    url = comments.get(appendix.anchor.path) if appendix else None
    path = appendix.anchor.path if appendix and url else test.path
    covers = f"For {code_span(test.covers)}." if test.covers else ""
    link = f"[A comment at the end of that file]({url}) adds it with one click." if url else ""
    content = "\n\n".join(part for part in (covers, link or fence(test.code, _language(path))) if part)
    title = f"{_title(path)} ({test.evidence or 'not run'})"
    tested_file = test.covers.rpartition(":")[0]
    return shown_test(fold(title, content, raw_title=True), digests.get(tested_file, ""), path)


def earlier_tests(summary: str, new: Iterable[ShownTest], digests: Mapping[str, str]) -> tuple[list[ShownTest], int]:
    """Return the test suggestions of an earlier summary that are still valid, and how many are not.

    A suggestion is valid while the change of the file it tests is the same. A new one for the same file replaces it.
    """
    replacements = list(new)
    current = set(digests.values())
    kept: list[ShownTest] = []
    dropped = 0
    for test in read_shown_tests(summary):
        if any(_is_replaced_by(test, replacement) for replacement in replacements):
            continue
        if test.tested_change in current:
            kept.append(test)
        else:
            dropped += 1
    return kept, dropped


def _is_replaced_by(earlier: ShownTest, new: ShownTest) -> bool:
    if earlier.test_file:
        return earlier.test_file == new.test_file
    return _title_in_old_summary(earlier) == _title_in_old_summary(new)


def _title_in_old_summary(test: ShownTest) -> str:
    """Return the title with the path. FALLBACK for markers that do not name the file: reads our own text."""
    return test.markdown.partition("</code>")[0]


def _title(path: str) -> str:
    return f"Suggested test: <code>{escape(path)}</code>"


def _language(path: str) -> str:
    ending = path.rsplit(".", 1)[-1].lower() if "." in path else ""
    return ending if re.fullmatch(r"[a-z]{1,6}", ending) else ""
