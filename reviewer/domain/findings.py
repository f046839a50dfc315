"""What a review consists of: findings and everything else that was decided about the change. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from reviewer.diff.model import Anchor
from reviewer.domain.severity import Confidence, Severity
from reviewer.llm.usage import Usage


class Category(StrEnum):
    """What kind of thing a finding is."""

    BUG = "bug"
    SECURITY = "security"
    PERFORMANCE = "performance"
    REFACTORING = "refactoring"
    MAINTAINABILITY = "maintainability"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A test that was run and fails by its own assertion, as a finding says: its file, and what it said."""

    path: str
    code: str
    failure: str


@dataclass(frozen=True, slots=True)
class Finding:
    r"""One thing the reviewer says, at one place where it can be said.

    `quote` is the anchored code, lines joined by `\n`. `suggestion` is text that is proven to replace exactly the
    anchored lines (empty: delete them); `advice` is a replacement that could not be proven and is shown as text.
    `claim` is one sentence that says what fails and when, for whoever judges the finding; it may be empty.
    `reproduction` is there where a test was run that shows it.
    """

    anchor: Anchor
    severity: Severity
    category: Category
    title: str
    body: str
    quote: str
    confidence: Confidence
    fingerprint: str
    suggestion: str | None = None
    advice: str | None = None
    claim: str = ""
    reproduction: Reproduction | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A candidate of the model that is not said: `reason` is one word or two, `detail` is for a person."""

    reason: str
    path: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or a part of one, that was not reviewed, and why. `reason` is for a person."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Appendix:
    r"""The tests of a suggestion as text to put at the end of a test file that the change touches.

    `anchor` is that file's last line, `above` its last lines joined by `\n` (at most three, the anchored one included).
    """

    anchor: Anchor
    above: str
    code: str


@dataclass(frozen=True, slots=True)
class TestSuggestion:
    """A proposed unit test file for the code named by `covers` (`src/x.py:10-20`). Empty `evidence`: it was not run.

    `appendix` is there where the tests were also run at the end of a test file of the change; several suggestions may
    have the same file, and were run there together, in their order.
    """

    __test__ = False

    path: str
    covers: str
    code: str
    evidence: str = ""
    appendix: Appendix | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """The whole result, wherever it goes.

    `findings` are to be said inline, best first. `below` were found but fall under the severity, the confidence or
    the comment cap: one line each in the summary. Nothing that was left out is missing from `skipped`/`rejected`.
    `chain` is the number of calls of the model that had to wait for one another.
    """

    summary: str
    findings: tuple[Finding, ...] = ()
    below: tuple[Finding, ...] = ()
    tests: tuple[TestSuggestion, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    models: tuple[str, ...] = ()
    files_reviewed: int = 0
    chain: int = 0
