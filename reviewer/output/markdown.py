"""Write a review as GitHub Markdown, safe to post (`safety.markdown`).

The same review gives the same bytes, and nothing is left out. Returns text; writes no file.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import PurePosixPath

from reviewer.diff.model import Diff
from reviewer.domain.findings import Finding, Review, TestSuggestion
from reviewer.output.evidence import evidence_words
from reviewer.output.wording import (
    advice_title,
    also_text,
    anchored_code,
    defects_then_refactorings,
    headline,
    one_line,
    place_text,
    rejections_text,
    suggestion_diff,
    usage_text,
)
from reviewer.safety.code_blocks import code_span, fence
from reviewer.safety.markdown import neutralise
from reviewer.safety.redaction import redact


def to_markdown(review: Review, diff: Diff, *, title: str | None = None) -> str:
    """Return the review as GitHub Markdown, model text made inert; `diff` is what was reviewed. Ends with a newline.

    `title` stands above it instead of its headline.
    """
    parts = ["## Review", title or headline(review), neutralise(review.summary.strip())]
    for heading, group in defects_then_refactorings(review.findings):
        parts.append(f"## {heading}" if heading else "")
        for path, findings in groupby(group, key=lambda finding: finding.anchor.path):
            parts.append(f"### {code_span(path)}")
            parts += [_finding_markdown(finding, diff) for finding in findings]
    below = [
        f"- **{finding.severity}** {code_span(f'{finding.anchor.path}:{finding.anchor.line}')}"
        f" {neutralise(one_line(finding.title))}"
        for finding in review.below
    ]
    parts.append(_section("Below the line", below))
    parts.append(_section("Suggested tests", [_test_markdown(test) for test in review.tests]))
    skipped = [f"- {code_span(skipped.path)}: {neutralise(one_line(skipped.reason))}" for skipped in review.skipped]
    parts.append(_section("Skipped", skipped))
    parts.append(_section("Notes", [f"- {neutralise(one_line(note))}" for note in review.notes]))
    parts.append(neutralise(rejections_text(review)) if review.rejected else "")
    parts.append(f"---\n\n{neutralise(one_line(usage_text(review.usage, review.models, chain=review.chain)))}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _finding_markdown(finding: Finding, diff: Diff) -> str:
    title = f"**{finding.severity}** {neutralise(one_line(finding.title))}"
    about = f"{place_text(finding.anchor)}, {finding.category}, {finding.confidence} confidence"
    language = PurePosixPath(finding.anchor.path).suffix.removeprefix(".")
    code = "\n".join(text for _, text in anchored_code(finding, diff))
    parts = [f"{title} ({about})", fence(code, language) if code else "", neutralise(finding.body.strip())]
    parts.append(neutralise(also_text(finding)))
    if finding.suggestion is not None:
        parts += ["Suggestion, proven to apply:", fence("\n".join(suggestion_diff(finding)), "diff")]
    elif finding.advice is not None:
        parts += [advice_title(finding), fence(redact(finding.advice)[0], language)]
    parts += _evidence_markdown(finding, language)
    if finding.reproduction is not None:
        parts += ["Reproduced by a test that was run and fails:", fence(finding.reproduction.failure)]
        parts += [fence(finding.reproduction.code, language)]
    return "\n\n".join(part for part in parts if part)


def _evidence_markdown(finding: Finding, language: str) -> list[str]:
    words = evidence_words(finding)
    parts = [neutralise(words.headline)] if words.headline else []
    if words.code:
        parts += [f"{code_span(words.command)}", fence(words.failure), f"{code_span(words.path)}:"]
        parts.append(fence(words.code, language))
    parts += [neutralise(words.fix)] if words.fix else []
    return [*parts, fence(words.patch, "diff")] if words.patch else parts


def _test_markdown(test: TestSuggestion) -> str:
    language = PurePosixPath(test.path).suffix.removeprefix(".")
    path, code = code_span(test.path), test.code
    if test.patch:
        return f"Update of {path}: {neutralise(one_line(test.evidence))}\n\n{fence(test.patch, 'diff')}\n"
    if test.appendix is not None:
        path, code = f"The end of {code_span(test.appendix.anchor.path)}", test.appendix.code.strip("\n") + "\n"
    head = f"{path} for {code_span(test.covers)}: {neutralise(one_line(test.evidence) or 'it was not run.')}"
    return f"{head}\n\n{fence(code, language)}\n"


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"### {title}", "", *lines]).rstrip("\n") if lines else ""
