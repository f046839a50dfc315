"""What a run reported, as values: the harness's JSON, read as the untrusted bytes that it is.

Promises: whatever the bytes are, a Report comes of it; `problem` is empty only when the tests' process came to its end
and the report carries the nonce of the order. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewer.sandbox.api import SandboxResult

#: Name of the harness's report among the results.
REPORT = "report.json"

#: Most characters of output that are quoted when a run said nothing else.
MOST_OUTPUT = 2_000


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class HarnessTestResult(_Part):
    """The outcome of one test: `passed`, `failed`, `error`, `skipped`, `xfailed` or `xpassed`."""

    id: str
    outcome: str
    seconds: float = 0.0
    kind: str = ""
    line: int = 0
    asserted: bool = False
    message: str = ""
    trace: str = ""


class CollectionError(_Part):
    """A file that could not be collected."""

    id: str
    text: str


class FileCoverage(_Part):
    """What ran of one file; `contexts` are the tests by line, as text."""

    lines: tuple[int, ...] = ()
    arcs: tuple[tuple[int, int], ...] = ()
    contexts: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class MutantResult(_Part):
    """What came of one mutant: `killed`, `survived`, `timeout`, `unswappable` or `odd`.

    Of the `seconds` its tests took `tests_seconds`, set-up and teardown included; zero when the fork could not tell.
    """

    id: str
    outcome: str
    seconds: float = 0.0
    tests_seconds: float = 0.0


class HarnessReport(_Part):
    """What the harness wrote, and what was seen of the run from outside (`problem`, `timed_out`, `cpu_seconds`)."""

    ended: bool = False
    exit: int | None = None
    problem: str = ""
    nonce: str = ""
    collected: tuple[str, ...] = ()
    errors: tuple[CollectionError, ...] = ()
    tests: tuple[HarnessTestResult, ...] = ()
    files: Mapping[str, FileCoverage] = Field(default_factory=dict)
    mutants: tuple[MutantResult, ...] = ()
    left: tuple[str, ...] = ()
    strays: Mapping[str, str] = Field(default_factory=dict)
    collector: str = "none"
    python: str = ""
    overlaid: bool = False
    timed_out: bool = False
    cpu_seconds: float = 0.0

    @property
    def bad(self) -> tuple[HarnessTestResult, ...]:
        """The tests that failed or could not run."""
        return tuple(test for test in self.tests if test.outcome in ("failed", "error"))

    @property
    def green(self) -> bool:
        """Whether the run ended and everything that was collected passed or was skipped on purpose."""
        return not (self.problem or self.errors or self.bad)


def function_of(test: str) -> str:
    """Return the name of the function in the id of a test, as pytest or unittest write it."""
    return test.rpartition("::")[2].partition("[")[0].rpartition(".")[2]


def read_report(ran: SandboxResult, nonce: str) -> HarnessReport:
    """Return what the run reported; `problem` says why it cannot be used."""
    if ran.timed_out:
        report = HarnessReport(problem=f"the run took longer than its limit ({ran.seconds:.0f} s)", timed_out=True)
    elif REPORT not in ran.results:
        report = HarnessReport(problem=f"the run reported nothing: {ran.output.strip()[-MOST_OUTPUT:]}")
    else:
        report = _read(ran.results[REPORT], nonce)
        if report.problem.startswith("pytest ended"):  # before it could report: only its output says why
            report = report.model_copy(update={"problem": f"{report.problem}: {_last_word(ran.output)}"})
    return report.model_copy(update={"cpu_seconds": ran.cpu_seconds})


def _last_word(output: str) -> str:
    """Return the line of pytest's output that says what went wrong: the last that it marks as an error, or the last."""
    rows = [row.strip() for row in output.split("\n") if row.strip()]
    marked = [row[1:].strip() for row in rows if row.startswith("E ")]
    told = marked or [row for row in rows if "error" in row.lower()] or rows or ["it said nothing"]
    return told[-1][:300]


def _read(data: bytes, nonce: str) -> HarnessReport:
    try:
        report = HarnessReport.model_validate_json(data)
    except ValidationError:
        return HarnessReport(problem="the run's report cannot be read")
    if report.nonce != nonce:
        return HarnessReport(problem="the run's report is forged: it was not written by the harness")
    if report.problem or report.ended:
        return report
    problem = f"the tests' process ended (exit code {report.exit}) before all tests were counted"
    return report.model_copy(update={"problem": problem})
