"""Show on GitHub what running tests showed about a finding: a badge, and below it the test, folded. Pure.

Promises: what the code under test printed stands only inside fenced blocks, without secrets; nothing of it reaches
another comment, the check or the ledger.
"""

from __future__ import annotations

from reviewer.domain.findings import Finding
from reviewer.output.evidence import evidence_words
from reviewer.safety.code_blocks import code_span, fence
from reviewer.safety.markdown import neutralise
from reviewer.safety.shortening import shorten
from webhooks.publishing.text import escape, fence_within, fold

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
