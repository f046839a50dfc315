"""Leave out of a guide for contributors what says nothing about code: how to set up, report, commit and release. Pure.

Guides that were written for whoever changes code (`AGENTS.md` and the like) are shown whole. In doubt, a section stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reviewer.domain.change import Guidance

#: Guides that are written for people who come to the project, more than for its code.
_FOR_NEWCOMERS = re.compile(r"(?:^|/)CONTRIBUTING\.md$", re.IGNORECASE)

#: Only so much of a guide is read.
_READ = 60_000

_HEADING = re.compile(r"(?P<marks>#{1,6})\s+(?P<title>.{1,200})")
#: Words of a heading above what says how code is to be written; they count more than the others.
_ABOUT_CODE = re.compile(
    r"\b(?:styles?|conventions?|coding|guidelines?|naming|lint\w*|design|architect\w*|principles?|compatib\w*|rules?"
    r"|backwards?|quality|reviews?|apis?|writing (?:\w+ )?(?:tests|code)|tests?|testing|standards?|patterns?|practices?"
    r"|errors?|types?|performance)\b",
    re.IGNORECASE,
)
_ABOUT_WORK = re.compile(
    r"\b(?:install\w*|set-?up|setting up|getting started|quick ?start|environments?|prerequisites?|requirements?|tools?"
    r"|clone|fork|build\w*|run|running|start\w*|stop\w*|remov\w*|docker|containers?|issues?|bugs?|reports?|reporting"
    r"|support|help|questions?|features?|pull requests?|prs?|patch|patches|submit\w*|commit\w*|changelogs?|releas\w*"
    r"|licen[cs]e|cla|dco|sign-?off|conduct|community|donat\w*|sponsors?|translat\w*|docs?|documentation|website"
    r"|thanks?|vulnerabilit\w*|contents|verify|looking for|how to use|development|workflow|branch\w*|debug\w*|deploy\w*"
    r"|step \d+|contact|chat|discuss\w*|maintainers?|getting|where to)\b",
    re.IGNORECASE,
)
#: Words of a heading that is about how to handle what it names.
_HANDLES = re.compile(r"\brun|\bhow to (?:use|call|verify)", re.IGNORECASE)
#: A rule, and what it is about, in a section whose heading is about something else.
_DEMANDS = re.compile(r"\b(?:must|never|always|avoid|prefer|(?:do not|don't) (?:use|add|call|write))\b", re.IGNORECASE)
_CODE = re.compile(
    r"\b(?:functions?|class(?:es)?|methods?|variables?|exceptions?|imports?|null|modules?|structs?|interfaces?|async"
    r"|queries|sql|unwrap|panics?|globals?|dependenc(?:y|ies)|tests?)\b",
    re.IGNORECASE,
)


def about_code(guide: Guidance) -> str:
    """Return the text of a guide without its sections that say nothing about code."""
    if not _FOR_NEWCOMERS.search(guide.path):
        return guide.text
    kept: list[str] = []
    left_out = 0  # the level of the heading whose sections are left out, 0 for none
    for level, lines in _sections(guide.text[:_READ].split("\n")):
        title = lines[0] if level else ""
        if left_out and level > left_out and (_HANDLES.search(title) or not _ABOUT_CODE.search(title)):
            continue
        left_out = 0
        if _is_work(title, lines):
            left_out = level
        else:
            kept += lines
    return "\n".join(kept) if any(line.strip() and not _HEADING.match(line) for line in kept) else ""


def _is_work(title: str, lines: Sequence[str]) -> bool:
    if _ABOUT_CODE.search(title) and not _HANDLES.search(title):
        return False
    if not _ABOUT_WORK.search(title):
        return False
    return not any(_DEMANDS.search(line[:1_000]) and _CODE.search(line[:1_000]) for line in lines)


def _sections(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the sections, each with the level of its heading and with it; first what stands above all headings."""
    level, inside = 0, False
    section: list[str] = []
    for line in lines:
        inside ^= line.lstrip().startswith(("```", "~~~"))
        heading = None if inside else _HEADING.match(line)
        if heading:
            yield level, section
            level, section = len(heading["marks"]), []
        section.append(line)
    yield level, section
