"""Write a review as text for a terminal.

The same review gives the same bytes, nothing is left out, and no control character of the model or of the code
reaches the terminal. Returns text; writes no file.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from reviewer.diff.model import Diff, Side
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
from reviewer.safety.invisible import show_invisible

_STYLES = {"error": "1;31", "warning": "1;33", "info": "36", "path": "1", "dim": "2", "+": "32", "-": "31"}

#: Where a terminal is narrower, it breaks lines better than we can.
_NARROWEST = 20
_ITEM = re.compile(r" {0,8}(?:[-*+]|\d{1,3}[.)]) {1,4}")


@dataclass(frozen=True, slots=True)
class _Ink:
    """Colours text for a terminal, or leaves it plain."""

    colour: bool

    def __call__(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and style in _STYLES else text


def to_text(review: Review, *, colour: bool, source: Diff, title: str | None = None, width: int | None = None) -> str:
    """Return the review for a terminal; `source` is the diff that was reviewed. Ends with a newline.

    `title` stands above it instead of its headline. Prose is wrapped to `width` columns; code never is.
    """
    ink = _Ink(colour)
    skipped = [f"{_name(skipped.path)}: {one_line(skipped.reason)}" for skipped in review.skipped]
    if skipped and title is None and _has_nothing(review):
        parts = [_listed(ink("Nothing to review:", "path"), skipped, width)]
    else:
        head = wrapped(title or headline(review), width)
        parts = [[ink(line, "path") for line in head], _prose(review.summary, width)]
        parts += _found(review, source, ink, width)
        parts.append(_listed("Skipped:", skipped, width))
    parts.append(_listed("Notes:", [one_line(note) for note in review.notes], width))
    parts.append(wrapped(rejections_text(review), width) if review.rejected else [])
    usage = one_line(usage_text(review.usage, review.models, chain=review.chain))
    parts.append([ink(line, "dim") for line in wrapped(usage, width)])
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _has_nothing(review: Review) -> bool:
    """Whether the change holds nothing that needs a review: its files are skipped, and all else is empty."""
    has_results = review.files_reviewed or review.findings or review.below or review.tests
    return not has_results and not review.unfit and review.is_complete


def _found(review: Review, source: Diff, ink: _Ink, width: int | None) -> list[list[str]]:
    """Return the findings, the list of those below the line, and the suggested tests."""
    parts: list[list[str]] = []
    for heading, group in defects_then_refactorings(review.findings):
        parts.append([ink(heading, "path")] if heading else [])
        parts += [_finding_text(finding, source, ink, width) for finding in group]
    parts.append(_listed("Below the line:", [_below_text(finding, ink) for finding in review.below], None))
    return [*parts, *(_test_text(test, ink) for test in review.tests)]


def _finding_text(finding: Finding, source: Diff, ink: _Ink, width: int | None) -> list[str]:
    """Return a finding; its first line is `path:line: severity: title`, which editors and terminals open."""
    anchor = finding.anchor
    where = f"{_name(anchor.path)}:{anchor.start_line or anchor.line}"
    is_line = anchor.start_line in (None, anchor.line) and anchor.side is Side.RIGHT
    place = "" if is_line else f"{place_text(anchor)}, "
    lines = [
        (
            f"{ink(where, 'path')}: {ink(finding.severity, finding.severity)}: {ink(one_line(finding.title), 'path')} "
            f"({place}{finding.category}, {finding.confidence} confidence)"
        )
    ]
    lines += [f"  {number:>6} | {_shown(text)}" for number, text in anchored_code(finding, source)]
    lines += _prose(finding.body, width, indent="    ")
    lines += _prose(also_text(finding), width, indent="    ")
    if finding.suggestion is not None:
        lines += ["    Suggestion, proven to apply:"]
        lines += [f"    {ink(f'{line[0]} {_shown(line[1:])}'.rstrip(), line[0])}" for line in suggestion_diff(finding)]
    elif finding.advice is not None:
        lines += [f"    {advice_title(finding)}", *_block(finding.advice, indent="    > ")]
    lines += _evidence_text(finding, ink)
    if finding.reproduction is not None:
        test = finding.reproduction
        lines += ["    Reproduced by a test that was run and fails:", *_block(test.failure, indent="    > ")]
        lines += _block(test.code, indent="      ")
    return lines


def _evidence_text(finding: Finding, ink: _Ink) -> list[str]:
    words = evidence_words(finding)
    lines = [f"    {ink(_shown(words.headline), 'path' if words.code else 'dim')}"] if words.headline else []
    if words.code:
        lines += [f"    $ {_shown(words.command)}", *_block(words.failure, indent="    > ")]
        lines += [f"    {_name(words.path)}:", *_block(words.code, indent="      ")]
    lines += [f"    {_shown(words.fix)}"] if words.fix else []
    for line in _block(words.patch):
        lines.append(f"      {ink(line, line[:1] if line[:1] in '+-' else '')}".rstrip())
    return lines


def _below_text(finding: Finding, ink: _Ink) -> str:
    where = f"{_name(finding.anchor.path)}:{finding.anchor.line}"
    return f"{where}: {ink(finding.severity, finding.severity)}: {one_line(finding.title)}"


def _test_text(test: TestSuggestion, ink: _Ink) -> list[str]:
    evidence = one_line(test.evidence) or "It was not run."
    if test.patch:
        rows = [ink(row, row[:1] if row[:1] in "+-" else "") for row in _block(test.patch)]
        return [
            f"Suggested update of {ink(_name(test.path), 'path')}",
            f"  {evidence}",
            *(f"    {row}" for row in rows),
        ]
    head = f"Suggested test {ink(_name(test.path), 'path')} for {one_line(test.covers)}"
    return [head, f"  {evidence}", *_block(test.code, indent="    ")]


def _listed(title: str, lines: list[str], width: int | None) -> list[str]:
    return [title, *(row for line in lines for row in wrapped(line, width, indent="  "))] if lines else []


def _prose(text: str, width: int | None, *, indent: str = "") -> list[str]:
    """Return Markdown of the model, indented; its paragraphs and lists are wrapped, its code is not."""
    lines, fence = [], ""
    for line in _block(text):
        mark = line.lstrip()[:3]
        is_fence = mark in ("```", "~~~")
        is_code = bool(fence) or is_fence or line.startswith("    ")
        if is_fence:
            fence = "" if fence == mark else fence or mark
        lines += [(indent + line).rstrip()] if is_code else wrapped(line, width, indent=indent)
    return lines


def wrapped(line: str, width: int | None, *, indent: str = "") -> list[str]:
    """Return a line with its indent, broken between words so that it is at most `width` columns wide.

    A word that is longer stays whole, and the rest of a list's item stands below its text.
    """
    if width is None or len(indent) + len(line) <= width or width < _NARROWEST:
        return [(indent + line).rstrip()]
    item = _ITEM.match(line)
    hanging = indent + " " * (len(item[0]) if item else 0)
    return textwrap.wrap(
        line, width, initial_indent=indent, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    ) or [""]


def _block(text: str, *, indent: str = "") -> list[str]:
    lines = text.replace("\r\n", "\n").strip("\n").split("\n") if text.strip() else []
    return [(indent + _shown(line)).rstrip() for line in lines]


def _shown(line: str) -> str:
    return show_invisible(line).expandtabs(4)


def _name(path: str) -> str:
    return show_invisible(path).replace("\n", "{U+000A}").replace("\t", "{U+0009}")
