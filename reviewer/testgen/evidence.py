"""The words of proving: what is to be tested, what stopped a candidate, and what a kept one has shown. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from reviewer.domain.change import Change
from reviewer.domain.findings import TestSuggestion
from reviewer.llm.usage import Usage


class Gate(StrEnum):
    """What a candidate has to pass, cheapest first. COPIED judges repairs only."""

    POLICY = "policy"
    SMELLS = "static smells"
    COPIED = "copied the observed value"
    COLLECTS = "collects"
    PASSES = "passes on head"
    COVERS = "covers changed lines"
    KILLS = "kills mutants"
    STEADY = "deterministic"
    COEXISTS = "coexists"
    CLEAN = "leaves no files"


@dataclass(frozen=True, slots=True)
class ChangeUnderTest:
    """What tests are proven for.

    `head` and `base` are staged copies of the two versions on this machine, into which files can be written; without
    `base` nothing is compared with it. `shown_at` is where a sandbox shows them. `python` is the interpreter that has
    the repository's packages and its test framework; `command` the repository's own test command, where it tells one
    (`tests.command`). `issue` is the text of the linked issue. `fix` says that the change mends a defect. `appends`:
    tests are also tried at the end of a test file that the change touches.
    """

    change: Change
    head: Path
    shown_at: Path
    python: Path
    base: Path | None = None
    command: str | None = None
    issue: str = ""
    fix: bool = False
    appends: bool = False
    language: str = "English"


@dataclass(frozen=True, slots=True)
class NotRun:
    """Why nothing was proven and nothing is claimed: a sentence for the user that says what to do."""

    reason: str


@dataclass(frozen=True, slots=True)
class GenerationBudget:
    """Ceilings. Seconds are of wall time; `seconds` is for everything, after it no new candidate is begun.

    `usd` is what may be spent before nothing more is repaired or doubted; None: no ceiling.
    """

    seconds: float = 900.0
    suite_seconds: float = 300.0
    run_seconds: float = 60.0
    units: int = 3
    candidates: int = 2
    repairs: int = 2
    mutants: int = 24
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CodeUnit:
    """A changed function or method. Line numbers are 1-based, of the file at head.

    `lines` are the changed statements inside its body (a statement is known by its first line), `missed` those that no
    existing test runs, `half` those whose branches existing tests take in one direction only. `firsts` are the lines
    of its first decorator and of its `def`. `header` are changed lines of its signature, run at import.
    """

    path: str
    name: str
    first: int
    last: int
    firsts: tuple[int, ...]
    source: str
    lines: frozenset[int]
    header: frozenset[int] = frozenset()
    missed: frozenset[int] = frozenset()
    half: frozenset[int] = frozenset()
    branches: int = 0

    @property
    def code(self) -> str:
        """Its own lines of the file."""
        return "\n".join(self.source.split("\n")[self.first - 1 : self.last])

    @property
    def covers(self) -> str:
        """The part of the file that a test of it is for, `path:first-last`: of the changed lines."""
        wanted = self.missed or self.lines or self.header
        return f"{self.path}:{min(wanted)}-{max(wanted)}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A test file that the model proposed for a unit, nothing about it known yet."""

    unit: CodeUnit
    path: str
    code: str


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test that failed on head: what it said. `asserted`: by an assertion that stands in the test file itself."""

    test: str
    kind: str
    line: int
    message: str
    trace: str
    asserted: bool


@dataclass(frozen=True, slots=True)
class GateFailure:
    """A gate that a candidate did not pass. `reason` is one sentence; `feedback` is what a repair prompt shows."""

    gate: Gate
    reason: str
    feedback: str = ""
    failures: tuple[FailedTest, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a candidate has shown: of counts, the second is the whole."""

    runs: int
    covered: tuple[int, int]
    killed: tuple[int, int] | None = None
    branches: int = 0
    fails_on_base: bool = False
    note: str = ""

    @property
    def line(self) -> str:
        """The evidence in one line, for people."""
        parts = [f"{self.runs} of {self.runs} runs"]
        if self.covered[1]:
            parts.append(f"covers {self.covered[0]} of {self.covered[1]} uncovered changed lines")
        elif self.branches:
            parts.append(f"takes {self.branches} branches of changed lines that no test took")
        if self.killed is not None:
            parts.append(f"kills {self.killed[0]} of {self.killed[1]} mutants")
        if self.fails_on_base:
            parts.append("fails without the change")
        return "; ".join([*parts, *([self.note] if self.note else [])])


@dataclass(frozen=True, slots=True)
class DefectReproduction:
    """A test that fails on head by its own assertion, and that an independent pass found to be right.

    It is evidence to show under a finding about the unit's lines, never a finding by itself.
    """

    unit: CodeUnit
    path: str
    code: str
    failure: FailedTest
    reason: str


@dataclass(frozen=True, slots=True)
class DroppedTest:
    """A candidate that is not shown, and the gate that stopped it at last."""

    path: str
    covers: str
    stopped: GateFailure


@dataclass(frozen=True, slots=True)
class GeneratedTests:
    """What came of it all. `notes` are sentences for the user about what limited it."""

    tests: tuple[TestSuggestion, ...] = ()
    reproductions: tuple[DefectReproduction, ...] = ()
    dropped: tuple[DroppedTest, ...] = ()
    notes: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    models: frozenset[str] = frozenset()

    @property
    def stopped_by(self) -> Mapping[Gate, int]:
        """How many candidates each gate stopped, cheapest gate first."""
        gates = [one.stopped.gate for one in self.dropped]
        return {gate: gates.count(gate) for gate in Gate if gate in gates}
