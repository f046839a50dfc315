"""Write a review as JSON, for programs: nothing is left out. Returns text; writes no file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from reviewer.domain.context_report import ContextReport
from reviewer.domain.findings import Finding, Review, TestSuggestion
from reviewer.output.evidence import evidence_json, joint_fix_json


def to_json(review: Review) -> str:
    """Return the review as one JSON object, ASCII only, ending with a newline.

    `findings` come best first; `below`, those held back, has the same shape. `cost_usd` is a number of US dollars, null
    if it is not known. `chain` is the number of calls in a row. `suggestion` is null or the proven replacement,
    `advice` null or the unproven one, and `why_advice` why it is none. `quote_match` is how the quoted code was found.
    `status` of a test is `proven` (it was run and kept), `update` (of an existing test: `patch`, else null, is
    the diff of its file), `reproduction` (it fails, and may be right) or `not run`.
    `evidence` is null or what running tests showed: the failing test, its command and output, the fix and its patch;
    its `calls` are the calls of the model that were made for the finding after the review.
    """
    value = {
        "summary": review.summary,
        "findings": [_finding_json(finding) for finding in review.findings],
        "below": [_finding_json(finding) for finding in review.below],
        "tests": [_test_json(test) for test in review.tests],
        "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in review.skipped],
        "rejected": [
            {"reason": claim.reason, "path": claim.path, "title": claim.title, "detail": claim.detail}
            for claim in review.rejected
        ],
        "notes": list(review.notes),
        "joint_fix": joint_fix_json(review),
        "usage": {
            "calls": review.usage.calls,
            "prompt_tokens": review.usage.prompt_tokens,
            "completion_tokens": review.usage.completion_tokens,
            "cost_usd": None if review.usage.cost_usd is None else float(review.usage.cost_usd),
            **({"cached_tokens": review.usage.cached_tokens} if review.usage.cached_tokens else {}),
        },
        "models": list(review.models),
        "files_reviewed": review.files_reviewed,
        "chain": review.chain,
        "context": _context_json(review.context),
    }
    return json_text(value)


def _test_json(test: TestSuggestion) -> dict[str, Any]:
    return {
        "path": test.path,
        "covers": test.covers,
        "code": test.code,
        "evidence": test.evidence,
        "status": test.status,
        "patch": test.patch or None,
    }


def _context_json(context: ContextReport) -> dict[str, Any]:
    """Return what was shown beside the diff, with the tokens of each kind, and what the model asked to see."""
    kinds: Counter[str] = Counter()
    for code in context.shown:
        kinds[code.kind] += code.tokens
    return {
        "tokens": {**dict(context.tokens), "lookups": context.lookups.tokens},
        "related_code_tokens": dict(kinds),
        "shown": [
            {"path": code.path, "lines": list(code.lines), "kind": code.kind, "tokens": code.tokens}
            for code in context.shown
        ],
        "lookups": {**asdict(context.lookups), "wasted": context.lookups.wasted},
    }


def json_text(value: Any) -> str:
    """Return JSON that every parser reads: ASCII, lone surrogates replaced by U+FFFD, keys in the given order."""
    return json.dumps(_encodable(value), indent=2, ensure_ascii=True) + "\n"


def _encodable(value: Any) -> Any:
    """Replace lone surrogates, which stand for bytes that are not UTF-8: strict parsers refuse them."""
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list) else value


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "path": finding.anchor.path,
        "side": str(finding.anchor.side),
        "line": finding.anchor.line,
        "start_line": finding.anchor.start_line,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "category": str(finding.category),
        "title": finding.title,
        "body": finding.body,
        "suggestion": finding.suggestion,
        "advice": finding.advice,
        "why_advice": finding.why_advice or None,
        "quote_match": str(finding.match),
        "also_at": [
            {"path": place.path, "side": str(place.side), "line": place.line, "start_line": place.start_line}
            for place in finding.also_at
        ],
        "fingerprint": finding.fingerprint,
        "evidence": evidence_json(finding),
        "reproduction": None if finding.reproduction is None else asdict(finding.reproduction),
    }
