"""The values of running tests, the same for all languages, and the interface of a project whose tests can be run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reviewer.domain.demonstrations import FixGate, StoppedDemonstration

#: Files of the head with other texts, for the time of a run; None: the file as it is.
ChangedFiles = Mapping[str, str]

#: Characters of the lines that say how a test fails.
MOST_FAILURE = 1_500

#: How many runs a demonstration must end in the same way: one, and then others in a process of their own, in the
#: opposite order, with another hash seed and in another time zone, where the language has such things.
RUNS = 3


@dataclass(frozen=True, slots=True)
class ClaimedPlace:
    """The lines of a file at head that a finding is about, and the name of the function around them, if any.

    `around` are the lines of that function; without one, the same lines.
    """

    path: str
    lines: frozenset[int]
    unit: str = ""
    around: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class ProposedTest:
    """A test file that the model wrote for a claim. Nothing about it is trusted."""

    path: str
    code: str


@dataclass(frozen=True, slots=True)
class RanTest:
    """The outcome of one test: `passed`, `failed`, `error` (it could not be set up) or `skipped`.

    `kind` is the name of the exception, where the framework reports it. `asserted`: an assertion of the test failed.
    """

    id: str
    verdict: str
    kind: str = ""
    message: str = ""
    trace: str = ""
    line: int = 0
    asserted: bool = False


@dataclass(frozen=True, slots=True)
class TestsRun:
    """The result of one run. `problem` says why it cannot be used, `unread`: the files could not be collected.

    `ran` are the lines that ran, by file; None if they were not measured. `left` are files that the tests left behind.
    """

    tests: tuple[RanTest, ...] = ()
    problem: str = ""
    unread: bool = False
    ran: Mapping[str, frozenset[int]] | None = None
    left: tuple[str, ...] = ()
    timed_out: bool = False

    @property
    def failed(self) -> tuple[RanTest, ...]:
        """The tests that failed or could not be set up."""
        return tuple(test for test in self.tests if test.verdict in ("failed", "error"))

    @property
    def passed(self) -> frozenset[str]:
        """The names of the tests that passed, each time that they were run."""
        return frozenset(test.id for test in self.tests) - {test.id for test in self.tests if test.verdict != "passed"}

    @property
    def is_green(self) -> bool:
        """Whether there were tests, and each of them passed."""
        return bool(self.tests) and not self.problem and len(self.passed) == len({test.id for test in self.tests})


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """The repository's own tests at head, before anything was changed.

    `passed` are the names of the tests that passed, by test file where the runner runs files one by one (else under
    the empty name). `failed` counts those that fail already. `limit` says what was not run, and why.
    """

    passed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    failed: int = 0
    limit: str = ""

    @property
    def count(self) -> int:
        """How many tests passed."""
        return sum(len(names) for names in self.passed.values())


def suite_stopped(why: str) -> StoppedDemonstration:
    """Return the result of a suite none of whose tests can be run, with the reason in one line."""
    reason = " ".join(why.split())[:300]
    return StoppedDemonstration(FixGate.RUNNABLE, f"The repository's own tests cannot be run: {reason}")


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit: the quote is replaced by the replacement. An empty quote makes a new file."""

    path: str
    quote: str
    replacement: str


class TestProject(Protocol):
    """A part of a repository at head whose tests can be run: a language with its runner.

    Each method that runs something raises ReviewerError if nothing can be run here.
    """

    name: str

    def holds(self, path: str) -> bool:
        """Whether the file belongs to the project, in its language."""

    def place(self, path: str, lines: frozenset[int]) -> ClaimedPlace | None:
        """Return the place of a claim about those lines at head; None if the file cannot be read."""

    def new_test(self, place: ClaimedPlace) -> str:
        """Return the path of a new test file for the place that the gates accept; empty if there is none."""

    def example(self, place: ClaimedPlace) -> tuple[str, str]:
        """Return the path and text of an existing test near the place; empty if there is none."""

    def command(self, path: str) -> str:
        """Return the command that a person types to run a test file."""

    def refuse(self, test: ProposedTest, place: ClaimedPlace) -> StoppedDemonstration | None:
        """Stop a test because of its text or its path; nothing is run."""

    def run(self, test: ProposedTest, place: ClaimedPlace, changed: ChangedFiles, *, again: bool = False) -> TestsRun:
        """Run the test alone, at head with those files changed; `again`: the other runs of `RUNS`, together."""

    def run_at_base(self, test: ProposedTest, place: ClaimedPlace) -> TestsRun | None:
        """Run the test alone at the base; None if there is no base here."""

    def leftovers(self) -> Sequence[str]:
        """Return the files that runs changed or left in the copy of the repository; new ones are removed."""

    def canary(self, place: ClaimedPlace) -> ChangedFiles | None:
        """Return the head with code that fails as soon as the claimed lines are used; None if it cannot be made."""

    def suite(self) -> SuiteRun | StoppedDemonstration:
        """Run the repository's own tests at head, once; later calls return the same result."""

    def run_suite(self, changed: ChangedFiles, places: Sequence[ClaimedPlace]) -> SuiteRun | StoppedDemonstration:
        """Run them again with those files changed: the tests that cover the places first.

        The first test that passed before and does not pass now, each time that it is run, is where it stops.
        """

    def mutants(self, place: ClaimedPlace, changed: ChangedFiles) -> Mapping[str, bool]:
        """Return small faults in the function of the place, in words, and whether existing tests notice each.

        Empty where that cannot be measured.
        """


def failure_lines(test: RanTest) -> str:
    """Return the lines that say how a test fails: those that its framework marks, else its message."""
    marked = [row for row in test.trace.split("\n") if row.startswith((">", "E "))]
    text = "\n".join(marked) or test.message or test.kind
    name = test.id.rpartition("::")[2] or test.id
    return f"{name}\n{text}".strip()[:MOST_FAILURE]
