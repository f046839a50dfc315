"""The wording and order that all output formats share. Pure.

Secrets in shown code are replaced (`safety.redaction`).
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from reviewer.diff.model import Anchor, Diff, Side
from reviewer.domain.findings import Category, Finding, Review
from reviewer.domain.severity import Severity
from reviewer.languages.paths import is_test
from reviewer.llm.usage import Usage
from reviewer.safety.invisible import show_invisible
from reviewer.safety.placeholders import has_placeholder
from reviewer.safety.redaction import redact


def cost_text(cost: Decimal | None) -> str:
    """Return US dollars to a hundredth of a cent, `$0.0123`; `cost unknown` for None. Never scientific notation."""
    if cost is None:
        return "cost unknown"
    if 0 < cost < Decimal("0.0001"):
        return "under $0.0001"
    return f"${cost.quantize(Decimal('0.0001'), ROUND_HALF_UP):f}"


def usage_text(usage: Usage, models: Sequence[str], *, chain: int = 0) -> str:
    """Return one line: models, calls, tokens and cost. `chain` is how many calls waited for one another."""
    if not usage.calls:
        return "No model was asked."
    calls = count_of(usage.calls, "call") + (f" ({chain} in a row)" if 1 < chain < usage.calls else "")
    cached = f" ({usage.cached_tokens:,} of them cached)" if usage.cached_tokens else ""
    return (
        f"{', '.join(models) or 'model unknown'}: {calls}, {usage.prompt_tokens:,} prompt{cached} and "
        f"{usage.completion_tokens:,} completion tokens, {cost_text(usage.cost_usd)}"
    )


def headline(review: Review) -> str:
    """Return one line: how many findings in how many files, and what could not be done."""
    missing = []
    if review.unanswered:
        missing.append(f"{count_of(review.unanswered, 'part')} of the change could not be reviewed")
    if review.unjudged:
        missing.append(f"{count_of(review.unjudged, 'finding')} could not be double-checked")
    return _counted(review) + (f" Incomplete: {' and '.join(missing)}." if missing else "")


def _counted(review: Review) -> str:
    files = count_of(review.files_reviewed, "file")
    if not review.files_reviewed and not (review.findings or review.tests):
        return f"Nothing here needs a review: {review.needless}." if review.needless else "Nothing was reviewed."
    if not review.files_reviewed:
        findings, tests = count_of(len(review.findings), "finding"), count_of(len(review.tests), "suggested test")
        return f"{findings if review.findings else tests}; nothing was reviewed again."
    if not review.findings and not review.below:
        return f"No findings in {files} reviewed."
    levels = Counter(finding.severity for finding in review.findings)
    nouns = {Severity.INFO: "remark"}
    detail = ", ".join(
        count_of(levels[level], nouns.get(level, level)) for level in reversed(Severity) if levels[level]
    )
    more = f"; {len(review.below)} more, less important or less certain" if review.below else ""
    return f"{count_of(len(review.findings), 'finding')}{f' ({detail})' if detail else ''} in {files} reviewed{more}."


def also_text(finding: Finding, written: Callable[[Anchor], str] = lambda place: f"`{place.path}:{place.line}`") -> str:
    """Name the other places of the same cause; empty where there are none. `written` writes a place.

    The change that mends the code mends no test: a test that let the defect pass is named as such.
    """
    in_test = is_test(finding.anchor.path)
    tests = [written(place) for place in finding.also_at if is_test(place.path) and not in_test]
    places = [written(place) for place in finding.also_at if in_test or not is_test(place.path)]
    texts = [f"Also at {', '.join(places)}: the same change corrects it."] if places else []
    if tests:
        texts.append(f"The test{'s' if len(tests) > 1 else ''} at {', '.join(tests)} did not notice it.")
    return " ".join(texts)


def place_text(anchor: Anchor) -> str:
    """Return the anchor's place in its file: `line 7`, `lines 7-9`, `removed line 7`."""
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


def count_of(number: int, noun: str) -> str:
    """Return the number with the noun, in the plural if needed: `1,200 calls`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def defects_then_refactorings(findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    """Return the defects under no heading, then the code that could be simpler under one, in the order they came in."""
    groups: dict[bool, list[Finding]] = {False: [], True: []}
    for finding in findings:
        groups[finding.category is Category.REFACTORING].append(finding)
    return [("", groups[False]), *([("Could be simpler", groups[True])] if groups[True] else [])]


def rejections_text(review: Review) -> str:
    """Return one line: how many findings of the model were dropped, by reason."""
    reasons = Counter(rejected.reason for rejected in review.rejected)
    detail = ", ".join(f"{number} {one_line(reason)}" for reason, number in sorted(reasons.items()))
    return f"{count_of(len(review.rejected), 'finding')} of the model dropped: {detail}"


def one_line(text: str) -> str:
    """Return the text on one line, with invisible characters written out."""
    return " ".join(show_invisible(text).split())


#: How the reason begins for a suggestion that was run, and did not hold.
RAN = "it was run: "


def advice_title(finding: Finding) -> str:
    """Return the words before a replacement that was not proven, and a warning where copying it would do harm."""
    title = "Advice, not proven to apply"
    if finding.why_advice.startswith(RAN):
        return f"Advice only ({one_line(finding.why_advice)}):"
    if not has_placeholder(finding.advice or ""):
        return f"{title}:"
    return f"{title}; what is written as [redacted: ...] was hidden from the model, so keep what is in your file there:"


def suggestion_diff(finding: Finding) -> list[str]:
    """Return the suggestion as the lines of a small diff against the quoted code."""
    old, new = (_code_lines(text) for text in (finding.quote, finding.suggestion or ""))
    return list(difflib.unified_diff(old, new, lineterm="", n=len(old)))[3:]


def _code_lines(code: str) -> list[str]:
    lines = redact(code)[0].removesuffix("\n").split("\n") if code else []
    return [line.removesuffix("\r") for line in lines]
