"""Parse the harness's JSON report, which is untrusted. Pure.

Any bytes give a `HarnessReport`. Its `problem` is empty only if the tests' process ended properly and the report has
the nonce of the job.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewer.sandbox.api import SandboxResult

#: The name of the harness's report among the result files.
REPORT = "report.json"

#: The most characters of output that are quoted if a run has no report.
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
    """The coverage of one file; `contexts` are the names of tests by line."""

    lines: tuple[int, ...] = ()
    arcs: tuple[tuple[int, int], ...] = ()
    contexts: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class MutantResult(_Part):
    """The outcome of one mutant: `killed`, `survived`, `timeout`, `unswappable` or `odd`.

    `tests_seconds` is the part of `seconds` that its tests took, set-up and teardown included; zero if not reported.
    `cpu_seconds` is the processor time of the mutant's fork, and ours for it. `killers` are the tests that failed, if
    every test was run.
    """

    id: str
    outcome: str
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    tests_seconds: float = 0.0
    killers: tuple[str, ...] = ()


class HarnessReport(_Part):
    """The harness's report, plus what was observed from outside (`problem`, `timed_out`, `cpu_seconds`).

    `inputs` are the arguments of the observed functions' calls, by the name of the test.
    """

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
    inputs: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    timed_out: bool = False
    cpu_seconds: float = 0.0

    @property
    def bad(self) -> tuple[HarnessTestResult, ...]:
        """The tests that failed or could not run."""
        return tuple(test for test in self.tests if test.outcome in ("failed", "error"))

    @property
    def green(self) -> bool:
        """Whether the run ended properly and every collected test passed or was skipped on purpose."""
        return not (self.problem or self.errors or self.bad)


def function_of(test: str) -> str:
    """Return the name of the function from the id of a test, as pytest or unittest write it."""
    return test.rpartition("::")[2].partition("[")[0].rpartition(".")[2]


def read_report(result: SandboxResult, nonce: str) -> HarnessReport:
    """Return the report of the run; `problem` says why it cannot be used."""
    if result.timed_out:
        report = HarnessReport(problem=f"the run took longer than its limit ({result.seconds:.0f} s)", timed_out=True)
    elif REPORT not in result.results:
        report = HarnessReport(problem=f"the run reported nothing: {result.output.strip()[-MOST_OUTPUT:]}")
    else:
        report = _read(result.results[REPORT], nonce)
        if report.problem.startswith("pytest ended"):  # it ended before it could report, so only its output says why
            report = report.model_copy(update={"problem": f"{report.problem}: {_last_error(result.output)}"})
    return report.model_copy(update={"cpu_seconds": result.cpu_seconds})


def _last_error(output: str) -> str:
    """Return the line of pytest's output that best describes the error: the last marked one, or the last line."""
    rows = [row.strip() for row in output.split("\n") if row.strip()]
    marked = [row[1:].strip() for row in rows if row.startswith("E ")]
    errors = marked or [row for row in rows if "error" in row.lower()] or rows or ["it printed nothing"]
    return errors[-1][:300]


def _read(data: bytes, nonce: str) -> HarnessReport:
    try:
        report = HarnessReport.model_validate_json(data)
    except ValidationError:
        return HarnessReport(problem="the run's report cannot be read")
    if report.nonce != nonce:
        return HarnessReport(problem="the run's report is forged: the harness did not write it")
    if report.problem or report.ended:
        return report
    problem = f"the tests' process ended (exit code {report.exit}) before all tests were counted"
    return report.model_copy(update={"problem": problem})
