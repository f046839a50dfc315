"""The result of a review: findings, suggested tests, and what was skipped or rejected. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from reviewer.diff.model import Anchor
from reviewer.domain.context_report import ContextReport
from reviewer.domain.severity import Confidence, Severity
from reviewer.llm.usage import Usage

if TYPE_CHECKING:  # a review without `--prove` needs none of it
    from reviewer.domain.demonstrations import FindingEvidence, FixDemonstration


class Category(StrEnum):
    """The kind of defect or improvement that a finding is about."""

    BUG = "bug"
    SECURITY = "security"
    PERFORMANCE = "performance"
    REFACTORING = "refactoring"
    MAINTAINABILITY = "maintainability"
    TEST = "test"


class QuoteMatch(StrEnum):
    """How the model's quote was found in the diff, the strictest way first.

    EXACT: to the letter. WHITE_SPACE: but for white space and line ends. TIDIED: without what models write around code
    (numbers, marks, back-ticks, a comment behind), or with the comma that they leave off at its end. PART: it is a part
    of the anchored lines. DECODED: it was escaped once too often, or has other signs (`-` for a dash). ONE_LINE: one of
    its lines stands at its number. SIMILAR: it differs in words.
    """

    EXACT = "exact"
    WHITE_SPACE = "white space"
    TIDIED = "tidied"
    PART = "part"
    DECODED = "decoded"
    ONE_LINE = "one line"
    SIMILAR = "similar"

    @property
    def is_whole(self) -> bool:
        """Whether the quote is the anchored lines, all of them, so that a replacement may be about exactly them."""
        return self in (QuoteMatch.EXACT, QuoteMatch.WHITE_SPACE, QuoteMatch.TIDIED)


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A test that was run and fails by its own assertion, as the finding predicts: its file, code and message."""

    path: str
    code: str
    failure: str


@dataclass(frozen=True, slots=True)
class Preference:
    """What maintainers do not want to hear: they dismissed such findings, `count` of them, of that category.

    `place` is a file's path, or a folder's with a slash at its end; empty: everywhere. `titles` are those of the
    dismissed findings, the newest last, and `severity` is the highest of theirs. `why` is what somebody gave as the
    reason (may be empty), `by` who did, `url` where. Title and reason may hold anything that people or models write.
    """

    category: Category
    place: str
    titles: tuple[str, ...]
    severity: Severity
    why: str = ""
    by: str = ""
    url: str = ""
    count: int = 1

    def holds_for(self, path: str) -> bool:
        """Whether it is about that file."""
        return path == self.place or (path.startswith(self.place) and self.place[-1:] in ("", "/"))

    def sentence(self) -> str:
        """Return it as an instruction to a reviewer, without an end: `Do not report ... in tests/: the reason`."""
        titles = " or ".join(f'"{title}"' for title in self.titles[-2:])
        why = f": {self.why}" if self.why else ""
        return f"Do not report {self.category.value} findings such as {titles} in {self.place or 'any file'}{why}"


@dataclass(frozen=True, slots=True)
class Finding:
    r"""A defect or improvement, at a place where GitHub accepts a comment.

    `quote` is the anchored code, lines joined by `\n`. `suggestion` is text that is proven to replace exactly the
    anchored lines (empty: delete them); `advice` is a replacement that could not be proven and is shown as text.
    `claim` is one sentence that says what fails and when, for the falsifier; it may be empty. `reproduction` is set
    where a test was run that shows the defect. `also_at` are other places that the same edit would mend, and `verdict`
    is what the falsifier said of it. `match` says how the model's own quote was found, `why_advice` why the
    advice cannot be applied with a click (empty: it was not checked). `evidence` is what running tests showed (None:
    nothing was run). `preference` is the number of the maintainers' preference that the finder counts it to (0: none).
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
    match: QuoteMatch = QuoteMatch.EXACT
    why_advice: str = ""
    evidence: FindingEvidence | None = None
    also_at: tuple[Anchor, ...] = ()
    verdict: str = ""
    preference: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """A finding of the model that was dropped: `reason` is one or two words, `detail` is a sentence."""

    reason: str
    path: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or a part of one, that was not reviewed, and why.

    `needless`: its change needs no review; what kind of change it is, in words of ours (`lock files`). Else empty.
    `is_unanswered`: the model gave no answer about it; asked again, it may.
    """

    path: str
    reason: str
    needless: str = ""
    is_unanswered: bool = False


def needless_kinds(skipped: Iterable[Skipped]) -> str:
    """Return the kinds of the changes (`release notes, lock files`) if none of them needs a review, else ""."""
    kinds = tuple(dict.fromkeys(file.needless for file in skipped))
    return "" if "" in kinds else ", ".join(kinds)


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

    `reproduces`: it was run and fails on the code as it is, and may be right, so it is shown and never added.
    `appendix` is set where the tests were also run at the end of a test file of the change; several suggestions may
    have the same file, and were then run there together, in their order. `patch` is set for the update of an existing
    test, whose expectation the change alters: a unified diff of its file; `code` is then the file with the update.
    """

    __test__ = False

    path: str
    covers: str
    code: str
    evidence: str = ""
    appendix: Appendix | None = None
    reproduces: bool = False
    patch: str = ""

    @property
    def status(self) -> str:
        """What is known of it: `proven`, `update`, `reproduction` or `not run`."""
        if self.patch:
            return "update"
        return "reproduction" if self.reproduces else "proven" if self.evidence else "not run"


@dataclass(frozen=True, slots=True)
class Review:
    """The whole result.

    `findings` are for inline comments, best first. `below` are too minor, too unsure or over the cap on comments: one
    line each in the summary. Everything else that was left out is in `skipped` or `rejected`.
    `chain` is the number of model calls that were made one after the other.
    `unfit` counts the files that should have been reviewed, but were too large or too dear; `unanswered` the parts of
    the change for which the model could not be used; `unjudged` the findings that could not be double-checked.
    `context` is what the model was shown beside the diff, and what it asked to see.
    `joint_fix` holds all demonstrated fixes that go together, run together.
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
    unfit: int = 0
    unanswered: int = 0
    unjudged: int = 0
    context: ContextReport = field(default_factory=ContextReport)
    joint_fix: FixDemonstration | None = None

    @property
    def needless(self) -> str:
        """Say of what kinds the changes are, where nothing in them needs a review; else empty."""
        return "" if self.files_reviewed else needless_kinds(self.skipped)

    @property
    def is_complete(self) -> bool:
        """Whether the model answered everything that the review itself needs: findings, and a second look at each."""
        return not self.unanswered and not self.unjudged
