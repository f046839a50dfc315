"""The values of test generation: the change and units to test, candidates, gates, evidence and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from reviewer.domain.change import Change
from reviewer.domain.findings import TestSuggestion
from reviewer.llm.usage import Usage


class Gate(StrEnum):
    """The gates that a candidate must pass, cheapest first.

    COPIED applies to repairs only, OWN to each test of a file, PROMISED to files that passed all other gates; INPUTS
    and ALTERED to updates of existing tests.
    """

    POLICY = "policy"
    SMELLS = "static smells"
    INPUTS = "changes only what is expected"
    COPIED = "copied the observed value"
    PROMISED = "demands what is promised"
    OWN = "adds something of its own"
    COLLECTS = "collects"
    PASSES = "passes on head"
    ALTERED = "fails without the change"
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
    the linked issue. `appends`: tests are also tried at the end of a test file that the change touches.
    """

    change: Change
    head: Path
    shown_at: Path
    python: Path
    base: Path | None = None
    command: str | None = None
    issue: str = ""
    appends: bool = False
    language: str = "English"


@dataclass(frozen=True, slots=True)
class NotRun:
    """Why no tests were run: a sentence for the user that says what to do."""

    reason: str


@dataclass(frozen=True, slots=True)
class GenerationBudget:
    """Limits of one generation. Seconds are wall time; after `seconds` no new candidate is started.

    After spending `usd`, no test is repaired and no failing test is checked again; None: no limit. `runs` is the number
    of new processes in which a file must pass; twice as many if something in it often differs between runs.
    """

    seconds: float = 900.0
    suite_seconds: float = 300.0
    run_seconds: float = 60.0
    units: int = 3
    candidates: int = 2
    repairs: int = 2
    mutants: int = 24
    runs: int = 10
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CodeUnit:
    """A changed function or method. Line numbers are 1-based, of the file at head.

    `lines` are the changed statements of its body, each identified by its first line; `missed` are those that no
    existing test runs, `half` those whose branches existing tests take in one direction only. `firsts` are the lines of
    its first decorator and of its `def`. `header` are changed lines of its signature, which run at import. `unnoticed`:
    no existing test fails when the function is put back to what it was.
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
    unnoticed: bool = False

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


def left_behind(names: Sequence[str], advice: str = "") -> GateFailure | None:
    """Stop a candidate that left files behind; None if there are none."""
    if not names:
        return None
    listed = ", ".join(f"`{name}`" for name in names[:3])
    return GateFailure(Gate.CLEAN, f"It leaves files behind: {listed}.", f"Left behind: {listed}. {advice}".strip())


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence for a candidate. In pairs of counts the second is the total.

    `killed` counts the mutants of the changed lines that it kills, of all; `fresh` those of them that no existing test
    notices; `unreached` those on lines that it does not run. `failing_before` are its tests that fail without the
    change; `unkilled` is the gate that stops it if that does not count. `pinned` are its tests of which nobody could
    say whether they demand what is promised. `code` is the file as it was judged, if tests were left out of it, which
    `left_out` names with the reason.
    """

    runs: int
    covered: tuple[int, int]
    killed: tuple[int, int] | None = None
    fresh: int = 0
    unreached: int = 0
    branches: int = 0
    failing_before: frozenset[str] = frozenset()
    unkilled: GateFailure | None = None
    note: str = ""
    pinned: frozenset[str] = frozenset()
    tests: int = 0
    code: str = ""
    left_out: tuple[tuple[str, GateFailure], ...] = ()

    @property
    def fails_on_base(self) -> bool:
        """Whether a test fails without the change."""
        return bool(self.failing_before)

    @property
    def line(self) -> str:
        """The evidence in one line for people."""
        parts = [f"{self.runs} of {self.runs} runs"]
        if self.covered[1]:
            parts.append(f"covers {self.covered[0]} of {self.covered[1]} uncovered changed lines")
        elif self.branches:
            parts.append(f"takes {self.branches} branches of changed lines that no test took")
        if self.killed is not None:
            parts += self._kills(*self.killed)
        if self.fails_on_base:
            parts.append("fails without the change")
        if self.pinned:
            names = ", ".join(f"`{name}`" for name in sorted(self.pinned)[:3])
            whole = self.tests <= len(self.pinned)
            parts.append("pins today's behaviour" if whole else f"{names} pin{_s(self.pinned)} today's behaviour")
        return "; ".join([*parts, *([self.note] if self.note else [])])

    def _kills(self, killed: int, mutants: int) -> list[str]:
        text = f"kills {killed} of {mutants} mutants of the changed lines, {self.fresh} of which no test noticed before"
        if not self.unreached:
            return [text]
        stands = "1 mutant stands on a line" if self.unreached == 1 else f"{self.unreached} mutants stand on lines"
        return [text, f"{stands} that it does not run"]


def _s(names: frozenset[str]) -> str:
    return "s" if len(names) == 1 else ""


@dataclass(frozen=True, slots=True)
class DefectReproduction:
    """A test that fails on head by its own assertion, and that a second, independent model call confirmed.

    It is shown as evidence under a finding about the unit's lines, and is never a finding by itself. `sure` is False if
    the second call could not decide: then a later version that passes is withheld, and this is a possible reproduction.
    """

    unit: CodeUnit
    path: str
    code: str
    failure: FailedTest
    reason: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class DroppedTest:
    """A candidate that is not shown, and the last gate that stopped it."""

    path: str
    covers: str
    stopped: GateFailure


@dataclass(frozen=True, slots=True)
class GeneratedTests:
    """The result of a generation. `notes` tell the user what limited it.

    `left_out` are tests that were taken out of files that were kept. `undecided` are the units of kept files with tests
    that pin today's behaviour, by the path of the file. `unanswered` counts what the model could not be asked about.
    """

    tests: tuple[TestSuggestion, ...] = ()
    reproductions: tuple[DefectReproduction, ...] = ()
    dropped: tuple[DroppedTest, ...] = ()
    left_out: tuple[DroppedTest, ...] = ()
    undecided: Mapping[str, CodeUnit] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    models: frozenset[str] = frozenset()
    unanswered: int = 0
