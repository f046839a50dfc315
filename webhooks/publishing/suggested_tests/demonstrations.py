"""Show on GitHub what running tests showed about a finding: a badge, and below it the test, folded. Pure.

Promises: what the code under test printed stands only inside fenced blocks, without secrets; nothing of it reaches
another comment, the check or the ledger.
"""

from __future__ import annotations

from reviewer.domain.findings import Finding, Review
from reviewer.output.evidence import evidence_words
from reviewer.safety.code_blocks import code_span, fence, suggestion_block
from reviewer.safety.markdown import neutralise
from reviewer.safety.shortening import shorten
from webhooks.publishing.text import MAX_BODY, escape, fence_within, fold

#: Characters of the failing lines and of a patch.
_MOST_FAILURE, _MOST_PATCH = 4_000, 12_000


def badge(finding: Finding) -> str:
    """Return the line that says what was demonstrated; empty where nothing was."""
    evidence = finding.evidence
    if evidence is None:
        return ""
    if evidence.demonstration is None:
        return neutralise(f"The suggestion was run: {evidence.suggestion}.") if evidence.suggestion else ""
    parts = [f"**demonstrated**: a test of this claim {evidence.demonstration.line}"]
    if evidence.fix is not None:
        what = "the suggestion" if evidence.fix.one_click else "the patch below"
        parts.append(f"{what} {evidence.fix.line}")
    return neutralise(". ".join(part[:1].upper() + part[1:] if number else part for number, part in enumerate(parts)))


def demonstration_text(finding: Finding, room: int) -> str:
    """Return the failing test with its command and output, folded; then the patch, if it is no suggestion."""
    words = evidence_words(finding)
    if not words.code:
        return ""
    title = f"The test that shows it: <code>{escape(shorten(words.path, 400))}</code>"
    command = f"Run it with {code_span(words.command)}:"
    room -= len(fold(title, command, raw_title=True)) + 8
    failure = fence_within(words.failure, min(_MOST_FAILURE, room))
    code = fence(words.code)
    if not failure or len(code) > room - len(failure):
        return ""
    shown = fold(title, f"{command}\n\n{failure}\n\n{code}", raw_title=True)
    patch = fence_within(words.patch, min(_MOST_PATCH, room - len(failure) - len(code) - 60)) if words.patch else ""
    return f"{shown}\n\n{fold('The patch that fixes it', patch)}" if patch else shown


def proof_text(finding: Finding, shown: Finding | None, review: Review) -> str:
    """Return the answer to `/prove` about a finding; `shown` is the finding after the run, None if it was refuted."""
    line = outcome_line(finding, shown, review).removeprefix("- ")
    if shown is None or shown.evidence is None or shown.evidence.demonstration is None:
        return line
    parts = [badge(shown)]
    fix = shown.evidence.fix
    if shown.suggestion is not None and fix is not None and fix.one_click:
        same = shown.anchor == finding.anchor
        parts.append(suggestion_block(shown.suggestion) if same else fence_within(fix.patch, _MOST_PATCH))
    elif shown.evidence.fix_stopped is not None:
        parts.append(neutralise(evidence_words(shown).fix, limit=1_000))
    parts.append(demonstration_text(shown, MAX_BODY - sum(map(len, parts)) - 4_000))
    return "\n\n".join(part for part in parts if part)


def outcome_line(finding: Finding, shown: Finding | None, review: Review) -> str:
    """Return in one line of a list what came of a finding."""
    title = neutralise(" ".join(finding.title.split()), limit=300)
    where = code_span(f"{finding.anchor.path}:{finding.anchor.line}"[:300])
    if shown is None:
        refuted = next((item for item in review.rejected if item.title == finding.title), None)
        why = neutralise(refuted.detail, limit=600) if refuted else "It was dropped."
        return f"- {where} {title}: **refuted by running**. {why}"
    words = evidence_words(shown)
    if not words.headline:
        notes = " ".join(review.notes) or "Nothing was run."
        return f"- {where} {title}: {neutralise(notes, limit=1_000)}"
    text = ". ".join(part for part in (words.headline, words.fix) if part)
    return f"- {where} {title}: {neutralise(text, limit=1_500)}"
