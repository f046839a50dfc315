"""The check run on a pull request's head: its name, its conclusions, and the body that completes it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from reviewer.domain.findings import Finding
from reviewer.domain.severity import Severity
from reviewer.safety.code_blocks import break_markers
from reviewer.safety.invisible import show_invisible
from reviewer.safety.redaction import redact
from reviewer.safety.shortening import shorten_words
from webhooks.events.deliveries import BUTTONS, CHECK_NAME
from webhooks.publishing.text import MAX_BODY, cut_text

__all__ = [
    "CHECK_NAME",
    "SKIPPED",
    "Conclusion",
    "annotations_of",
    "completed_check",
    "is_about",
    "is_review",
    "with_buttons",
]

#: Ends the external id of a check run that says why nothing was reviewed.
SKIPPED = "+skipped"

#: GitHub takes 50 annotations a call; what does not fit stands in the summary as well.
MAX_ANNOTATIONS = 50

#: Characters of a title and of an annotation; GitHub takes 255 and 64 KB.
_MAX_TITLE, _MAX_MESSAGE = 250, 4_000

_LEVEL = {Severity.ERROR: "failure", Severity.WARNING: "warning", Severity.INFO: "notice"}


class Conclusion(StrEnum):
    """GitHub's conclusions of a check run that we use: https://docs.github.com/rest/checks/runs ."""

    SUCCESS = "success"
    NEUTRAL = "neutral"
    FAILURE = "failure"
    CANCELLED = "cancelled"


def is_about(external_id: str, repository: str, number: int) -> bool:
    """Whether the external id of a check run of ours is the key of an automatic job for that pull request."""
    return external_id.startswith(f"{repository}#{number}@")


def is_review(external_id: str) -> bool:
    """Whether a check run with that external id belongs to a review, rather than to a pull request that is skipped."""
    return not external_id.endswith(SKIPPED)


def _plain(text: str) -> str:
    """Return text for where GitHub renders none: without secrets, escapes, mentions and markers of ours."""
    shown = break_markers(show_invisible(redact(text)[0]))
    return _MENTION.sub("@ ", shown)


#: What might call somebody.
_MENTION = re.compile(r"(?<![\w.])@(?=[A-Za-z0-9])")


def completed_check(conclusion: Conclusion, title: str, summary: str) -> dict[str, Any]:
    """Return the body of a completed check run."""
    output = {"title": shorten_words(title, _MAX_TITLE), "summary": cut_text(summary, MAX_BODY)}
    return {"status": "completed", "conclusion": conclusion.value, "output": output}


def with_buttons(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a check run with our buttons; a press is delivered to the App that made the run.

    See https://docs.github.com/rest/guides/using-the-rest-api-to-interact-with-checks .
    """
    buttons = [
        {"label": label, "description": description, "identifier": command}
        for command, (label, description) in BUTTONS.items()
    ]
    return body | {"actions": buttons}


def annotations_of(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return the findings as annotations of a check run, for when they cannot be posted as comments."""
    return [
        {
            "path": finding.anchor.path,
            "start_line": finding.anchor.start_line or finding.anchor.line,
            "end_line": finding.anchor.line,
            "annotation_level": _LEVEL[finding.severity],
            "title": shorten_words(_plain(finding.title), _MAX_TITLE),
            "message": shorten_words(_plain(finding.body or finding.title), _MAX_MESSAGE),
        }
        for finding in findings
    ][:MAX_ANNOTATIONS]
