"""Write the inline comments of a review: what goes wrong, where else, and a fix that one click applies. Pure.

All text of the model is neutralised, and a comment fits GitHub's limits.
"""

from __future__ import annotations

from typing import Any

from reviewer.domain.findings import Finding
from reviewer.output.wording import RAN, also_text
from reviewer.safety.code_blocks import suggestion_block
from reviewer.safety.markdown import neutralise
from reviewer.safety.placeholders import has_placeholder
from reviewer.safety.shortening import shorten
from webhooks.publishing.markers.finding import finding_marker
from webhooks.publishing.markers.ledger_entries import LedgerEntry
from webhooks.publishing.suggested_tests.demonstrations import badge, demonstration_text
from webhooks.publishing.text import DOT, MAX_BODY, escape, fence_within, fold, line_link

#: Characters of a title in a comment, and of code that only advises.
_MAX_TITLE, _MAX_ADVICE = 2_000, 12_000


def inline_comment(finding: Finding, entry: LedgerEntry, pull_url: str = "") -> dict[str, Any]:
    """Return one inline comment as GitHub takes it in a review of the pull request at that address."""
    anchor = finding.anchor
    body: dict[str, Any] = {"path": anchor.path, "line": anchor.line, "side": anchor.side.value}
    if anchor.start_line is not None:
        body |= {"start_line": anchor.start_line, "start_side": anchor.side.value}
    return body | {"body": comment_text(finding, entry, pull_url)}


def comment_text(finding: Finding, entry: LedgerEntry, pull_url: str = "") -> str:
    """Return the text of an inline comment, our marker at its end. A block that does not fit is shown in part.

    A suggestion is posted whole or not as one: what GitHub applies with a click is never cut.
    """
    marker = finding_marker(entry)
    title = neutralise(finding.title, limit=_MAX_TITLE)
    parts = [f"{DOT[finding.severity]} **{finding.severity}** ({finding.category}): {title}"]
    if shown := badge(finding):
        parts.append(shown)
    if entry.sha:
        parts.append(f"This was fixed in {entry.sha[:7]} and is back.")
    if finding.body:
        parts.append(neutralise(finding.body))
    if also := also_text(finding, lambda place: line_link(place.path, place.side, place.line, pull_url)):
        parts.append(also)
    room = MAX_BODY - len(marker) - sum(len(part) + 2 for part in parts)
    for block in (_fix, demonstration_text, _reproduction):
        text = block(finding, room)
        parts += [text] if text else []
        room -= len(text) + 2
    return "\n\n".join([*parts, marker])


def _fix(finding: Finding, room: int) -> str:
    """Return the suggestion, or where there is none that fits, what may help to write the fix."""
    if finding.suggestion is not None:
        block = suggestion_block(finding.suggestion)
        return block if len(block) <= room else _advice("too long to be applied from here", finding.suggestion, room)
    if not finding.advice:
        return ""
    why = "not checked, it may not apply as it is"
    if finding.why_advice.startswith(RAN):
        why = neutralise(" ".join(finding.why_advice.split()), limit=600)
    if has_placeholder(finding.advice):
        why = "what is written as `[redacted: ...]` was hidden from the model: keep what is in your file there"
    return _advice(why, finding.advice, room)


def _advice(why: str, code: str, room: int) -> str:
    title = f"Possible fix ({why}):"
    block = fence_within(code, min(_MAX_ADVICE, room - len(title) - 2))
    return f"{title}\n\n{block}" if block else ""


def _reproduction(finding: Finding, room: int) -> str:
    """Return the test that shows the defect, folded, as much of it as fits."""
    if finding.reproduction is None:
        return ""
    test = finding.reproduction
    title = f"A test that was run shows this defect: <code>{escape(shorten(test.path, 400))}</code>"
    room -= len(fold(title, "", raw_title=True)) + 2
    failure = fence_within(test.failure, min(4_000, room))
    code = fence_within(test.code, room - len(failure))
    return fold(title, f"{failure}\n\n{code}", raw_title=True) if failure and code else ""
