"""A review for people and programs: terminal text, Markdown, JSON.

Promises: the same review gives the same bytes; nothing of the review is missing from it, neither what was skipped nor
what was rejected; no control character of the model or of the code reaches a terminal; Markdown is safe to post
(`safety.markdown`); secrets in shown code are replaced (`safety.redaction`); an unknown cost is called unknown.
Never writes anywhere.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import PurePosixPath
from typing import Any

from reviewer.diff.model import Anchor, Diff, Side
from reviewer.domain.findings import Category, Finding, Review, TestSuggestion
from reviewer.domain.severity import Severity
from reviewer.llm.usage import Usage
from reviewer.safety.markdown import code_span, fence, neutralise, show_invisible
from reviewer.safety.redaction import redact

_STYLES = {"error": "1;31", "warning": "1;33", "info": "36", "path": "1", "dim": "2", "+": "32", "-": "31"}


# --- words that all forms share -------------------------------------------------------------------------------------


def cost_text(cost: Decimal | None) -> str:
    """Return US dollars to a hundredth of a cent, `$0.0123`; `cost unknown` for None. Never scientific notation."""
    if cost is None:
        return "cost unknown"
    if 0 < cost < Decimal("0.0001"):
        return "under $0.0001"
    return f"${cost.quantize(Decimal('0.0001'), ROUND_HALF_UP):f}"


def usage_text(usage: Usage, models: Sequence[str], *, chain: int = 0) -> str:
    """Return one line: which models, how many calls and tokens, what it cost; `chain` is how many calls in a row."""
    if not usage.calls:
        return "No model was asked."
    calls = _count(usage.calls, "call") + (f" ({chain} in a row)" if 1 < chain < usage.calls else "")
    return (
        f"{', '.join(models) or 'model unknown'}: {calls}, {usage.prompt_tokens:,} prompt and "
        f"{usage.completion_tokens:,} completion tokens, {cost_text(usage.cost_usd)}"
    )


def headline(review: Review) -> str:
    """Return one line: what was found in how many files; honest when nothing was reviewed."""
    files = _count(review.files_reviewed, "file")
    if not review.files_reviewed and not (review.findings or review.tests):
        return "Nothing was reviewed."
    if not review.files_reviewed:
        told = [
            _count(len(many), what) for many, what in ((review.findings, "finding"), (review.tests, "suggested test"))
        ]
        return f"{told[0] if review.findings else told[1]}; nothing was reviewed anew."
    if not review.findings and not review.below:
        return f"No findings in {files} reviewed."
    levels = Counter(finding.severity for finding in review.findings)
    nouns = {Severity.INFO: "remark"}
    detail = ", ".join(_count(levels[one], nouns.get(one, one)) for one in reversed(Severity) if levels[one])
    more = f"; {len(review.below)} more below the line" if review.below else ""
    return f"{_count(len(review.findings), 'finding')}{f' ({detail})' if detail else ''} in {files} reviewed{more}."


def place_text(anchor: Anchor) -> str:
    """Return where in its file the anchor is: `line 7`, `lines 7-9`, `removed line 7`."""
    first = anchor.line if anchor.start_line is None else anchor.start_line
    word = "line" if first == anchor.line else "lines"
    lines = f"{word} {first}" if first == anchor.line else f"{word} {first}-{anchor.line}"
    return f"removed {lines}" if anchor.side is Side.LEFT else lines


def anchored_code(finding: Finding, diff: Diff) -> list[tuple[int, str]]:
    """Return the anchored lines with their numbers on the anchor's side, secrets replaced."""
    anchor = finding.anchor
    first = anchor.line if anchor.start_line is None else anchor.start_line
    file = diff.file(anchor.path)
    lines = [line for hunk in file.hunks for line in hunk.lines] if file else []
    sided = [(line.old if anchor.side is Side.LEFT else line.new, line.text) for line in lines]
    found = [(number, text) for number, text in sided if number is not None and first <= number <= anchor.line]
    numbers, texts = [number for number, _ in found], [text.removesuffix("\r") for _, text in found]
    return list(zip(numbers, redact("\n".join(texts))[0].split("\n"), strict=True)) if found else []


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _apart(findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    """Return the defects under no heading, then the code that could be simpler under one."""
    groups: dict[bool, list[Finding]] = {False: [], True: []}
    for finding in findings:
        groups[finding.category is Category.REFACTORING].append(finding)
    return [("", groups[False]), *([("Could be simpler", groups[True])] if groups[True] else [])]


def _by_file(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Group by file, the file of the best finding first, each file from top to bottom."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.anchor.path, []).append(finding)
    for group in groups.values():
        group.sort(key=lambda finding: finding.anchor.line)
    return groups


def _rejections(review: Review) -> str:
    reasons = Counter(one.reason for one in review.rejected)
    detail = ", ".join(f"{number} {_flat(reason)}" for reason, number in sorted(reasons.items()))
    return f"{_count(len(review.rejected), 'candidate')} of the model not said: {detail}"


def _flat(text: str) -> str:
    return " ".join(show_invisible(text).split())


def _name(path: str) -> str:
    return show_invisible(path).replace("\n", "{U+000A}").replace("\t", "{U+0009}")


def _changes(finding: Finding) -> list[str]:
    """Return the suggestion as the lines of a small diff against the quoted code."""
    old, new = (_code_lines(text) for text in (finding.quote, finding.suggestion or ""))
    return list(difflib.unified_diff(old, new, lineterm="", n=len(old)))[3:]


def _code_lines(code: str) -> list[str]:
    lines = redact(code)[0].removesuffix("\n").split("\n") if code else []
    return [line.removesuffix("\r") for line in lines]


# --- terminal -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ink:
    """Colours text for a terminal, or leaves it."""

    colour: bool

    def __call__(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and style in _STYLES else text


def to_text(review: Review, *, colour: bool, source: Diff, title: str | None = None) -> str:
    """Return the review for a terminal; `source` is the diff that was reviewed. Ends with a newline.

    `title` stands above it instead of its headline.
    """
    ink = _Ink(colour)
    parts = [[ink(title or headline(review), "path")], _block(review.summary)]
    for heading, group in _apart(review.findings):
        parts.append([ink(heading, "path")] if heading else [])
        for path, findings in _by_file(group).items():
            parts.append([ink(_name(path), "path")])
            parts += [_finding_text(finding, source, ink) for finding in findings]
    parts.append(_listed("Below the line:", [_below_text(finding, ink) for finding in review.below]))
    for test in review.tests:
        parts.append(_test_text(test, ink))
    parts.append(_listed("Skipped:", [f"{_name(one.path)}: {_flat(one.reason)}" for one in review.skipped]))
    parts.append(_listed("Notes:", [_flat(note) for note in review.notes]))
    parts.append([_rejections(review)] if review.rejected else [])
    parts.append([ink(_flat(usage_text(review.usage, review.models, chain=review.chain)), "dim")])
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _finding_text(finding: Finding, source: Diff, ink: _Ink) -> list[str]:
    about = f"{place_text(finding.anchor)} ({finding.category}, {finding.confidence} confidence)"
    lines = [f"  {ink(finding.severity.upper(), finding.severity)} {about}: {ink(_flat(finding.title), 'path')}"]
    lines += [f"  {number:>6} | {_shown(text)}" for number, text in anchored_code(finding, source)]
    lines += _block(finding.body, indent="    ")
    if finding.suggestion is not None:
        lines += ["    Suggestion, proven to apply:"]
        lines += [f"    {ink(f'{line[0]} {_shown(line[1:])}'.rstrip(), line[0])}" for line in _changes(finding)]
    elif finding.advice is not None:
        lines += ["    Advice, not proven to apply:", *_block(finding.advice, indent="    > ")]
    if finding.reproduction is not None:
        shown = finding.reproduction
        lines += ["    Reproduced by a test that was run and fails:", *_block(shown.failure, indent="    > ")]
        lines += _block(shown.code, indent="      ")
    return lines


def _below_text(finding: Finding, ink: _Ink) -> str:
    where = f"{_name(finding.anchor.path)}:{finding.anchor.line}"
    return f"{ink(finding.severity.upper(), finding.severity)} {where} {_flat(finding.title)}"


def _test_text(test: TestSuggestion, ink: _Ink) -> list[str]:
    evidence = _flat(test.evidence) or "It was not run."
    head = f"Suggested test {ink(_name(test.path), 'path')} for {_flat(test.covers)}"
    return [head, f"  {evidence}", *_block(test.code, indent="    ")]


def _listed(title: str, lines: list[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []


def _block(text: str, *, indent: str = "") -> list[str]:
    lines = text.replace("\r\n", "\n").strip("\n").split("\n") if text.strip() else []
    return [(indent + _shown(line)).rstrip() for line in lines]


def _shown(line: str) -> str:
    return show_invisible(line).expandtabs(4)


# --- Markdown -------------------------------------------------------------------------------------------------------


def to_markdown(review: Review, diff: Diff, *, title: str | None = None) -> str:
    """Return the review as GitHub Markdown, model text made inert; `diff` is what was reviewed. Ends with a newline.

    `title` stands above it instead of its headline.
    """
    parts = ["## Review", title or headline(review), neutralise(review.summary.strip())]
    for heading, group in _apart(review.findings):
        parts.append(f"## {heading}" if heading else "")
        for path, findings in _by_file(group).items():
            parts.append(f"### {code_span(path)}")
            parts += [_finding_markdown(finding, diff) for finding in findings]
    below = [
        f"- **{one.severity}** {code_span(f'{one.anchor.path}:{one.anchor.line}')} {neutralise(_flat(one.title))}"
        for one in review.below
    ]
    parts.append(_section("Below the line", below))
    parts.append(_section("Suggested tests", [_test_markdown(test) for test in review.tests]))
    skipped = [f"- {code_span(one.path)}: {neutralise(_flat(one.reason))}" for one in review.skipped]
    parts.append(_section("Skipped", skipped))
    parts.append(_section("Notes", [f"- {neutralise(_flat(note))}" for note in review.notes]))
    parts.append(neutralise(_rejections(review)) if review.rejected else "")
    parts.append(f"---\n\n{neutralise(_flat(usage_text(review.usage, review.models, chain=review.chain)))}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _finding_markdown(finding: Finding, diff: Diff) -> str:
    title = f"**{finding.severity}** {neutralise(_flat(finding.title))}"
    about = f"{place_text(finding.anchor)}, {finding.category}, {finding.confidence} confidence"
    language = PurePosixPath(finding.anchor.path).suffix.removeprefix(".")
    code = "\n".join(text for _, text in anchored_code(finding, diff))
    parts = [f"{title} ({about})", fence(code, language) if code else "", neutralise(finding.body.strip())]
    if finding.suggestion is not None:
        parts += ["Suggestion, proven to apply:", fence("\n".join(_changes(finding)), "diff")]
    elif finding.advice is not None:
        parts += ["Advice, not proven to apply:", fence(redact(finding.advice)[0], language)]
    if finding.reproduction is not None:
        parts += ["Reproduced by a test that was run and fails:", fence(finding.reproduction.failure)]
        parts += [fence(finding.reproduction.code, language)]
    return "\n\n".join(part for part in parts if part)


def _test_markdown(test: TestSuggestion) -> str:
    language = PurePosixPath(test.path).suffix.removeprefix(".")
    path, code = code_span(test.path), test.code
    if test.appendix is not None:
        path, code = f"The end of {code_span(test.appendix.anchor.path)}", test.appendix.code.strip("\n") + "\n"
    head = f"{path} for {code_span(test.covers)}: {neutralise(_flat(test.evidence) or 'it was not run.')}"
    return f"{head}\n\n{fence(code, language)}\n"


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"### {title}", "", *lines]).rstrip("\n") if lines else ""


# --- JSON -----------------------------------------------------------------------------------------------------------


def to_json(review: Review) -> str:
    """Return the review as one JSON object, ASCII only, ending with a newline.

    `findings` are the ones said, best first; `below` has the same shape. `cost_usd` is a number of US dollars, null
    where it is not known. `chain` is the number of calls in a row. `suggestion` is null or the proven replacement,
    `advice` null or the unproven one.
    """
    value = {
        "summary": review.summary,
        "findings": [_finding_json(finding) for finding in review.findings],
        "below": [_finding_json(finding) for finding in review.below],
        "tests": [
            {"path": test.path, "covers": test.covers, "code": test.code, "evidence": test.evidence}
            for test in review.tests
        ],
        "skipped": [{"path": one.path, "reason": one.reason} for one in review.skipped],
        "rejected": [
            {"reason": one.reason, "path": one.path, "title": one.title, "detail": one.detail}
            for one in review.rejected
        ],
        "notes": list(review.notes),
        "usage": {
            "calls": review.usage.calls,
            "prompt_tokens": review.usage.prompt_tokens,
            "completion_tokens": review.usage.completion_tokens,
            "cost_usd": None if review.usage.cost_usd is None else float(review.usage.cost_usd),
        },
        "models": list(review.models),
        "files_reviewed": review.files_reviewed,
        "chain": review.chain,
    }
    return json_text(value)


def json_text(value: Any) -> str:
    """Return JSON that every parser reads: ASCII, lone surrogates replaced by U+FFFD, keys in the given order."""
    return json.dumps(_encodable(value), indent=2, ensure_ascii=True) + "\n"


def _encodable(value: Any) -> Any:
    """Undecodable bytes live in strings as lone surrogates, which JSON can write but strict parsers refuse."""
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)
    if isinstance(value, dict):
        return {key: _encodable(one) for key, one in value.items()}
    return [_encodable(one) for one in value] if isinstance(value, list) else value


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
        "fingerprint": finding.fingerprint,
        "reproduction": None if finding.reproduction is None else asdict(finding.reproduction),
    }
