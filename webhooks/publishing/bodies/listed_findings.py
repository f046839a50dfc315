"""The findings without an inline comment, as the summary lists them: a line each, with a body that unfolds. Pure.

What is confirmed comes first, in its order. The body of a finding of an earlier run is taken from the earlier summary,
so that nothing confirmed is lost when only a part of the change is reviewed again.
"""

from __future__ import annotations

from reviewer.domain.findings import Review
from reviewer.domain.severity import Confidence
from reviewer.safety.markdown import neutralise
from webhooks.publishing.markers.ledger_entries import FindingStatus, LedgerEntry
from webhooks.publishing.markers.summary import ShownFinding, marked_finding, read_shown_findings
from webhooks.publishing.review_scope import FindingSummary, ReviewTarget
from webhooks.publishing.text import DOT, count_noun, fold, line_link, line_url, plain_html

#: Characters of the text of one finding, and of all of them together, beside the lines themselves.
_MOST_TEXT, _ROOM = 3_000, 16_000


def listed_findings(review: Review, target: ReviewTarget, findings: FindingSummary, earlier: str) -> list[str]:
    """Return the open findings without an inline comment; `earlier` is the summary that is there now."""
    entries = findings.of(FindingStatus.OPEN, inline=False)
    unsure = {finding.fingerprint for finding in review.below if finding.confidence is Confidence.LOW}
    texts = {finding.fingerprint: _text(finding.body) for finding in review.below if finding.body}
    kept = {shown.fingerprint: shown.markdown for shown in read_shown_findings(earlier)}
    confirmed: list[str] = []
    rest: list[str] = []
    room = _ROOM
    for entry in entries:
        text = texts.get(entry.fingerprint) or kept.get(entry.fingerprint, "")
        if entry.fingerprint in unsure or not text or len(text) > room:
            rest.append(_row(entry, target) + (", low confidence" if entry.fingerprint in unsure else ""))
        else:
            room -= len(text)
            confirmed.append(_folded(entry, text, target))
    parts = [f"{count_noun(len(confirmed), 'more finding')}, less important:", *confirmed] if confirmed else []
    more = f"{count_noun(len(rest), 'more finding')}, less important or less certain"
    return [*parts, fold(more, "\n".join(rest))] if rest else parts


def _folded(entry: LedgerEntry, text: str, target: ReviewTarget) -> str:
    """Return the finding as a line with a link, and its text folded below."""
    url = line_url(entry.path, entry.side, entry.line, target.web_url)
    place = f'<a href="{url}"><code>{plain_html(f"{entry.path}:{entry.line}")}</code></a>'
    title = f"{DOT[entry.severity]} {plain_html(entry.title)} ({place})"
    return fold(title, marked_finding(ShownFinding(text, entry.fingerprint)), raw_title=True)


def _row(entry: LedgerEntry, target: ReviewTarget) -> str:
    return finding_row(entry, line_link(entry.path, entry.side, entry.line, target.web_url))


def finding_row(entry: LedgerEntry, link: str) -> str:
    """Return the line of a list that names a finding and its place, and what became of it before."""
    is_open = entry.status is FindingStatus.OPEN
    back = f", fixed in {entry.sha[:7]} and back" if entry.sha and is_open else ""
    back += ", dismissed without write access" if entry.silenced and is_open else ""
    return f"- {DOT[entry.severity]} {neutralise(entry.title)} ({link}{back})"


def _text(body: str) -> str:
    return neutralise(body, limit=_MOST_TEXT)
