"""Write a review as text for a terminal.

The same review gives the same bytes, nothing is left out, and no control character of the model or of the code
reaches the terminal. Returns text; writes no file.
"""

from __future__ import annotations

from dataclasses import dataclass

from reviewer.diff.model import Diff
from reviewer.domain.findings import Finding, Review, TestSuggestion
from reviewer.output.wording import (
    advice_title,
    anchored_code,
    by_file,
    defects_then_refactorings,
    headline,
    one_line,
    place_text,
    rejections_text,
    suggestion_diff,
    usage_text,
)
from reviewer.safety.invisible import show_invisible

_STYLES = {"error": "1;31", "warning": "1;33", "info": "36", "path": "1", "dim": "2", "+": "32", "-": "31"}


@dataclass(frozen=True, slots=True)
class _Ink:
    """Colours text for a terminal, or leaves it plain."""

    colour: bool

    def __call__(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and style in _STYLES else text


def to_text(review: Review, *, colour: bool, source: Diff, title: str | None = None) -> str:
    """Return the review for a terminal; `source` is the diff that was reviewed. Ends with a newline.

    `title` stands above it instead of its headline.
    """
    ink = _Ink(colour)
    parts = [[ink(title or headline(review), "path")], _block(review.summary)]
    for heading, group in defects_then_refactorings(review.findings):
        parts.append([ink(heading, "path")] if heading else [])
        for path, findings in by_file(group).items():
            parts.append([ink(_name(path), "path")])
            parts += [_finding_text(finding, source, ink) for finding in findings]
    parts.append(_listed("Below the line:", [_below_text(finding, ink) for finding in review.below]))
    for test in review.tests:
        parts.append(_test_text(test, ink))
    parts.append(
        _listed("Skipped:", [f"{_name(skipped.path)}: {one_line(skipped.reason)}" for skipped in review.skipped])
    )
    parts.append(_listed("Notes:", [one_line(note) for note in review.notes]))
    parts.append([rejections_text(review)] if review.rejected else [])
    parts.append([ink(one_line(usage_text(review.usage, review.models, chain=review.chain)), "dim")])
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _finding_text(finding: Finding, source: Diff, ink: _Ink) -> list[str]:
    about = f"{place_text(finding.anchor)} ({finding.category}, {finding.confidence} confidence)"
    lines = [f"  {ink(finding.severity.upper(), finding.severity)} {about}: {ink(one_line(finding.title), 'path')}"]
    lines += [f"  {number:>6} | {_shown(text)}" for number, text in anchored_code(finding, source)]
    lines += _block(finding.body, indent="    ")
    if finding.suggestion is not None:
        lines += ["    Suggestion, proven to apply:"]
        lines += [f"    {ink(f'{line[0]} {_shown(line[1:])}'.rstrip(), line[0])}" for line in suggestion_diff(finding)]
    elif finding.advice is not None:
        lines += [f"    {advice_title(finding)}", *_block(finding.advice, indent="    > ")]
    if finding.reproduction is not None:
        test = finding.reproduction
        lines += ["    Reproduced by a test that was run and fails:", *_block(test.failure, indent="    > ")]
        lines += _block(test.code, indent="      ")
    return lines


def _below_text(finding: Finding, ink: _Ink) -> str:
    where = f"{_name(finding.anchor.path)}:{finding.anchor.line}"
    return f"{ink(finding.severity.upper(), finding.severity)} {where} {one_line(finding.title)}"


def _test_text(test: TestSuggestion, ink: _Ink) -> list[str]:
    evidence = one_line(test.evidence) or "It was not run."
    head = f"Suggested test {ink(_name(test.path), 'path')} for {one_line(test.covers)}"
    return [head, f"  {evidence}", *_block(test.code, indent="    ")]


def _listed(title: str, lines: list[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []


def _block(text: str, *, indent: str = "") -> list[str]:
    lines = text.replace("\r\n", "\n").strip("\n").split("\n") if text.strip() else []
    return [(indent + _shown(line)).rstrip() for line in lines]


def _shown(line: str) -> str:
    return show_invisible(line).expandtabs(4)


def _name(path: str) -> str:
    return show_invisible(path).replace("\n", "{U+000A}").replace("\t", "{U+0009}")
