"""What running tests showed about a finding: a test that fails, a fix that mends it, or why there is neither.

Values only. Untrusted code made the results, so they may be forged: they are shown under their finding and decide
nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DemonstrationGate(StrEnum):
    """The gates that a demonstration passes, in this order. The first that stops it is named.

    RUNNABLE: tests of this file can be run here. OFFERED: the model wrote a test. POLICY and SMELLS judge its text.
    COLLECTS: the framework can import it. FAILS: it fails on the head. REASON: by an assertion of its own, or by the
    exception that the claim names. PLACE: it runs the claimed lines. DEPENDS: other code there gives another result.
    STEADY: it fails in the same way each time. CLEAN: it leaves no files. AGREED: an independent pass confirms it.
    CURRENT: it demands what the code does now. WORDINGS: of two tests of the claim, one fails and one passes.
    BUDGET: time and money are left.
    """

    RUNNABLE = "can be run"
    OFFERED = "a test was written"
    POLICY = "policy"
    SMELLS = "static smells"
    COLLECTS = "collects"
    FAILS = "fails on the head"
    CURRENT = "asserts the current behaviour"
    REASON = "fails for the stated reason"
    PLACE = "runs the claimed lines"
    DEPENDS = "depends on the code"
    STEADY = "deterministic"
    CLEAN = "leaves no files"
    WORDINGS = "two wordings agree"
    AGREED = "an independent pass agrees"
    BUDGET = "time and money are left"


class FixGate(StrEnum):
    """The gates that a fix passes, in this order. The first that stops it is named.

    OFFERED: there is one. POLICY: it changes only code of the repository, and leaves nothing out. APPLIES: what it
    replaces is found once. PARSES: it adds no syntax error. MENDS: the demonstration passes with it, each time.
    RUNNABLE: the repository's own tests can be run (asked before the model is asked for a fix). KEEPS: those that
    passed before still pass. OUTLINE: the public names are the same. MUTANTS: faults that tests noticed before are
    still noticed; these two are for code that is only simplified. BUDGET: time is left.
    """

    OFFERED = "a fix was written"
    POLICY = "policy"
    APPLIES = "applies"
    PARSES = "parses"
    MENDS = "the failing test passes"
    RUNNABLE = "the repository's tests can be run"
    KEEPS = "tests still pass"
    OUTLINE = "public names are the same"
    MUTANTS = "mutants are still killed"
    BUDGET = "time is left"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A test that fails on the head as its finding says.

    `command` runs it in the repository, `failure` are the lines that say how it fails, `runs` counts the runs in which
    it failed, all of them. `worked_before`: the same test passes on the base. `reason` is that of the independent pass.
    `note` says what was not measured.
    """

    path: str
    code: str
    command: str
    failure: str
    runs: int
    worked_before: bool = False
    reason: str = ""
    note: str = ""

    @property
    def line(self) -> str:
        """The evidence in one line."""
        parts = [f"fails in {self.runs} of {self.runs} runs"]
        parts += ["worked before this change"] if self.worked_before else []
        return "; ".join([*parts, *([self.note] if self.note else [])])


@dataclass(frozen=True, slots=True)
class FixedFile:
    """A file that a fix changes: its text at head (None: it is new) and with the fix."""

    path: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class FixDemonstration:
    """A fix with which the failing test passes, and all tests that were run and passed before.

    `tests` counts those. `limit` says what was not run, and why; `patch` is the fix for `git apply`. `proofs` are the
    tests that failed without it, as new files; `patch_with_tests` adds them. `one_click`: it is the finding's
    suggestion.
    """

    files: tuple[FixedFile, ...]
    patch: str
    tests: int
    proofs: tuple[FixedFile, ...] = ()
    patch_with_tests: str = ""
    limit: str = ""
    one_click: bool = False

    @property
    def line(self) -> str:
        """The evidence in one line; true to the digit."""
        noun = "test" if self.tests == 1 else "tests"
        verb = "passes" if self.tests == 1 else "pass"
        none = "no other test counts" if self.limit else "no other test was run"
        kept = f"{self.tests} {noun} still {verb}" if self.tests else none
        return f"fixes it; {kept}" + (f" ({self.limit})" if self.limit else "")


@dataclass(frozen=True, slots=True)
class StoppedDemonstration:
    """The gate at which a demonstration or a fix ended, and why, in one sentence."""

    gate: DemonstrationGate | FixGate
    reason: str


@dataclass(frozen=True, slots=True)
class FindingEvidence:
    """What running tests showed about a finding.

    `stopped` says why there is no demonstration, `fix_stopped` why there is no fix. `suggestion` is what is known of a
    suggestion that was run without a demonstration: how many tests still pass with it. `calls` is how many calls of
    the model were made for the finding after the review, without those to fallback models.
    """

    demonstration: Demonstration | None = None
    fix: FixDemonstration | None = None
    stopped: StoppedDemonstration | None = None
    fix_stopped: StoppedDemonstration | None = None
    suggestion: str = ""
    calls: int = 0
