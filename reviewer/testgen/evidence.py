"""The values of test generation: the change and units to test, candidates, gates, evidence and results."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from reviewer.domain.change import Change
from reviewer.domain.findings import TestSuggestion
from reviewer.llm.usage import Usage


class Gate(StrEnum):
    """The gates that a candidate must pass, cheapest first. COPIED applies to repairs only."""

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
    """A change to generate tests for, and what is needed to run them.

    `head` and `base` are staged, writable copies of the two versions on this machine; `base` may be missing. `shown_at`
    is the path at which a sandbox shows them. `python` is the interpreter with the repository's packages and test
    framework; `command` is the repository's own test command, if it has one (`tests.command`). `issue` is the text of
    the linked issue. `fix` says that the change fixes a defect. `appends`: tests are also tried at the end of a test
    file that the change touches.
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
    """Why no tests were run: a sentence for the user that says what to do."""

    reason: str


@dataclass(frozen=True, slots=True)
class GenerationBudget:
    """Limits of one generation. Seconds are wall time; after `seconds` no new candidate is started.

    After spending `usd`, no test is repaired and no failing test is checked again; None: no limit.
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

    `lines` are the changed statements of its body, each identified by its first line; `missed` are those that no
    existing test runs, `half` those whose branches existing tests take in one direction only. `firsts` are the lines of
    its first decorator and of its `def`. `header` are changed lines of its signature, which run at import.
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
        """The lines of the unit."""
        return "\n".join(self.source.split("\n")[self.first - 1 : self.last])

    @property
    def covers(self) -> str:
        """The changed lines that a test is for, as `path:first-last`."""
        targets = self.missed or self.lines or self.header
        return f"{self.path}:{min(targets)}-{max(targets)}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A test file that the model proposed for a unit, not judged yet."""

    unit: CodeUnit
    path: str
    code: str


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test that failed on head, with its message. `asserted`: by an assertion in the test file itself."""

    test: str
    kind: str
    line: int
    message: str
    trace: str
    asserted: bool


@dataclass(frozen=True, slots=True)
class GateFailure:
    """A gate that a candidate did not pass. `reason` is one sentence; `feedback` is for the repair prompt."""

    gate: Gate
    reason: str
    feedback: str = ""
    failures: tuple[FailedTest, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence for a candidate. In pairs of counts the second is the total."""

    runs: int
    covered: tuple[int, int]
    killed: tuple[int, int] | None = None
    branches: int = 0
    fails_on_base: bool = False
    note: str = ""

    @property
    def line(self) -> str:
        """The evidence in one line for people."""
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
    """A test that fails on head by its own assertion, and that a second, independent model call confirmed.

    It is shown as evidence under a finding about the unit's lines, and is never a finding by itself.
    """

    unit: CodeUnit
    path: str
    code: str
    failure: FailedTest
    reason: str


@dataclass(frozen=True, slots=True)
class DroppedTest:
    """A candidate that is not shown, and the last gate that stopped it."""

    path: str
    covers: str
    stopped: GateFailure


@dataclass(frozen=True, slots=True)
class GeneratedTests:
    """The result of a generation. `notes` tell the user what limited it."""

    tests: tuple[TestSuggestion, ...] = ()
    reproductions: tuple[DefectReproduction, ...] = ()
    dropped: tuple[DroppedTest, ...] = ()
    notes: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    models: frozenset[str] = frozenset()
