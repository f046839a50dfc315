"""What people did with the findings of a pull request, for its summary: fixed, dismissed, withdrawn, open. Pure."""

from __future__ import annotations

import hashlib

from reviewer.safety.code_blocks import code_span
from reviewer.safety.markdown import neutralise
from webhooks.publishing.markers.ledger_entries import FindingStatus, LedgerEntry
from webhooks.publishing.review_scope import FindingSummary, ReviewTarget
from webhooks.publishing.text import count_noun, fold

#: Findings that are named one by one.
_MOST_NAMED = 30


def people_text(target: ReviewTarget, findings: FindingSummary) -> list[str]:
    """Return what became of the findings, and which were dismissed by whom and why; nothing where nobody did that."""
    dismissed = findings.of(FindingStatus.DISMISSED)
    withdrawn = [entry for entry in dismissed if entry.withdrawn]
    by_people = [entry for entry in dismissed if not entry.withdrawn]
    silenced = [entry for entry in findings.of(FindingStatus.OPEN) if entry.silenced]
    fixed = [entry for entry in findings.of(FindingStatus.FIXED) if not entry.left]
    if not (dismissed or silenced):
        return []
    count_open = len(findings.of(FindingStatus.OPEN, inline=True))
    counts = [(len(fixed), "fixed"), (len(by_people), "dismissed"), (len(withdrawn), "withdrawn"), (count_open, "open")]
    parts = ["Of the findings so far: " + ", ".join(f"{number} {word}" for number, word in counts) + "."]
    if silenced:
        subject = f"{count_noun(len(silenced), 'finding')} dismissed by people without write access"
        verb, pronoun = ("counts", "it") if len(silenced) == 1 else ("count", "them")
        parts.append(f"{subject} still {verb}: somebody with write access can dismiss {pronoun}.")
    if by_people:
        title = f"{count_noun(len(by_people), 'finding')} dismissed by people, not repeated"
        parts.append(_named(title, by_people, target, findings))
    if withdrawn:
        title = f"{count_noun(len(withdrawn), 'finding')} withdrawn"
        parts.append(_named(title, withdrawn, target, findings))
    return parts


def _named(title: str, entries: list[LedgerEntry], target: ReviewTarget, findings: FindingSummary) -> str:
    rows = [_row(entry, target, findings) for entry in entries[:_MOST_NAMED]]
    if len(entries) > _MOST_NAMED:
        rows.append(f"- and {len(entries) - _MOST_NAMED} more")
    return fold(title, "\n".join(rows))


def _row(entry: LedgerEntry, target: ReviewTarget, findings: FindingSummary) -> str:
    who = f", {'after' if entry.withdrawn else 'by'} {code_span(entry.by)}" if entry.by else ""
    why = f": {neutralise(entry.why)}" if entry.why else ""
    return f"- {neutralise(entry.title)} ({link_to(entry, target, findings)}{who}){why}"


def link_to(entry: LedgerEntry, target: ReviewTarget, findings: FindingSummary) -> str:
    """Return a link to the comment, or where there is none to the line in the view of changed files."""
    label = code_span(f"{entry.path}:{entry.line}")
    if url := findings.urls.get(entry.comment_id):
        return f"[{label}]({url})"
    file = hashlib.sha256(entry.path.encode("utf-8", "surrogateescape")).hexdigest()
    return f"[{label}]({target.web_url}/files#diff-{file}{entry.side.value[0]}{entry.line})"
