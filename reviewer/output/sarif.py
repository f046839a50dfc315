"""Write a review as a SARIF 2.1.0 log, for code scanning and editors.

The log is valid against the schema, deterministic, and within GitHub's limits
(https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning):
one run, at most 5,000 results, messages cut at 1,000 characters (before escaping), a line for every result.
Returns text; writes no file.

SARIF knows only the new files. A finding about removed lines (side LEFT) is reported at the line in their place: the
next surviving line of the hunk, else the one before, else line 1; its message names the removed line, and its
`properties` hold side and number. It never has a fix.

Findings below the line are not results: they were held back on purpose, and code scanning would make each an alert.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from reviewer import __version__
from reviewer.diff.model import Diff, Side
from reviewer.domain.findings import Category, Finding, Review
from reviewer.domain.severity import Severity
from reviewer.output.evidence import evidence_json
from reviewer.output.json import json_text
from reviewer.output.wording import place_text
from reviewer.safety.invisible import show_invisible

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_MOST_RESULTS = 5000
_MOST_CHARACTERS = 1000
_LEVELS = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}
_RULES = {
    Category.BUG: ("Bug", "The code does something other than what was meant."),
    Category.SECURITY: ("Security", "The code can be made to harm its users or operators."),
    Category.PERFORMANCE: ("Performance", "The code takes more time or memory than it needs to."),
    Category.REFACTORING: ("Refactoring", "The code can be written more simply with the same effect."),
    Category.MAINTAINABILITY: ("Maintainability", "The code will be hard to read or to change."),
    Category.TEST: ("Test", "A test is missing, wrong or cannot fail."),
}


def to_sarif(review: Review, diff: Diff) -> str:
    """Return the log as JSON, ASCII only, ending with a newline; `diff` is what was reviewed."""
    run = {
        "tool": {"driver": _driver()},
        "invocations": [_invocation(review)],
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, diff) for finding in review.findings[:_MOST_RESULTS]],
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _driver() -> dict[str, Any]:
    return {
        "name": "minimax-reviewer",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [
            {
                "id": str(category),
                "name": name,
                "shortDescription": {"text": name},
                "fullDescription": {"text": description},
                "help": {"text": description},
                "defaultConfiguration": {"level": "warning"},
                "properties": {"tags": [str(category)]},
            }
            for category, (name, description) in _RULES.items()
        ],
    }


def _invocation(review: Review) -> dict[str, Any]:
    """Return whether anything was reviewed, and what was not: an empty result must not look like a good review."""
    left_out = [f"Not reviewed: {skipped.path}: {skipped.reason}" for skipped in review.skipped]
    value: dict[str, Any] = {"executionSuccessful": review.files_reviewed > 0}
    if notes := [*left_out, *review.notes]:
        value["toolExecutionNotifications"] = [{"level": "note", "message": {"text": _message(note)}} for note in notes]
    return value


def _result(finding: Finding, diff: Diff) -> dict[str, Any]:
    anchor = finding.anchor
    removed = anchor.side is Side.LEFT
    text = f"{finding.title}\n\n{finding.body}" if finding.body.strip() else finding.title
    value: dict[str, Any] = {
        "ruleId": str(finding.category),
        "ruleIndex": list(_RULES).index(finding.category),
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(f"About {place_text(anchor)}: {text}" if removed else text)},
        "locations": [
            {"physicalLocation": {"artifactLocation": _artifact(anchor.path), "region": _region(finding, diff)}}
        ],
        # GitHub distinguishes alerts by primaryLocationLineHash, in the form HASH:OCCURRENCE. By default it hashes
        # the line, and two findings of one category about one line become one alert.
        "partialFingerprints": {
            "primaryLocationLineHash": f"{finding.fingerprint}:1",
            "reviewerFinding/v1": finding.fingerprint,
        },
        "properties": {
            "confidence": str(finding.confidence),
            "side": str(anchor.side),
            "line": anchor.line,
            **({} if (evidence := evidence_json(finding)) is None else {"evidence": evidence}),
        },
    }
    if finding.suggestion is not None and not removed:
        value["fixes"] = [_fix(finding, finding.suggestion)]
    return value


def _artifact(path: str) -> dict[str, str]:
    """Return the path as a relative URI. Bytes that are not UTF-8 are percent-encoded unchanged."""
    uri = quote(path, safe="/-._~", errors="surrogateescape")
    # A colon before the first slash would read as a scheme (RFC 3986, section 4.2): quote() has encoded it.
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _region(finding: Finding, diff: Diff) -> dict[str, int]:
    anchor = finding.anchor
    if anchor.side is Side.RIGHT:
        return {"startLine": anchor.start_line or anchor.line, "endLine": anchor.line}
    line = _surviving_line(diff, anchor.path, anchor.line)
    return {"startLine": line, "endLine": line}


def _surviving_line(diff: Diff, path: str, old: int) -> int:
    """Return the line of the new file at the place of the removed line."""
    file = diff.file(path)
    for hunk in file.hunks if file else ():
        numbers = [line.old for line in hunk.lines]
        if old in numbers:
            at = numbers.index(old)
            after = [line.new for line in hunk.lines[at:] if line.new is not None]
            before = [line.new for line in hunk.lines[:at] if line.new is not None]
            return (after[:1] or before[-1:] or [1])[0]
    return 1


def _fix(finding: Finding, suggestion: str) -> dict[str, Any]:
    """Return the suggestion as a replacement of whole lines.

    A region without columns leaves the last line's newline out (SARIF 2.1.0, section 3.30), so the text carries none at
    its end either. A deletion must include the newline, so it ends at the beginning of the next line.
    """
    anchor = finding.anchor
    first = anchor.start_line or anchor.line
    if suggestion:
        text = suggestion.removesuffix("\n").removesuffix("\r")
        change: dict[str, Any] = {
            "deletedRegion": {"startLine": first, "endLine": anchor.line},
            "insertedContent": {"text": text},
        }
    else:
        change = {"deletedRegion": {"startLine": first, "startColumn": 1, "endLine": anchor.line + 1, "endColumn": 1}}
    return {
        "description": {"text": _message(finding.title)},
        "artifactChanges": [{"artifactLocation": _artifact(anchor.path), "replacements": [change]}],
    }


def _message(text: str) -> str:
    """Return the text as a SARIF plain text message.

    Braces are doubled, because `{0}` is a placeholder (section 3.11.5); `](` is broken, because `[text](target)` is a
    link (section 3.11.6). Text over the limit is cut with an ellipsis.
    """
    text = show_invisible(text.replace("\r\n", "\n")).strip() or "(no text)"
    if len(text) > _MOST_CHARACTERS:
        text = text[: _MOST_CHARACTERS - 1] + "…"
    return text.replace("{", "{{").replace("}", "}}").replace("](", "\\](")
