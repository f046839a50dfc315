"""Run a candidate together with the nearest existing tests. Effects only through the client."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import PurePosixPath

from reviewer.testgen.evidence import Candidate, Gate, GateFailure, GenerationBudget
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport

#: The existing test files that a candidate is run together with. The whole suite is not run again for each candidate.
MOST_NEIGHBOURS = 4


def coexists(
    candidate: Candidate, head: HarnessClient, before: Baseline, budget: GenerationBudget
) -> GateFailure | None:
    """Stop a file that fails together with neighbouring tests, or makes them fail.

    What fails among the neighbours without the candidate as well is not its fault: some suites pass in one order only.
    """
    neighbours = _neighbours(candidate, head, before)
    run = HarnessRun(paths=(candidate.path, *neighbours), seconds=budget.run_seconds + 2 * before.seconds)
    report = head.run(run)
    if not _broken(report, before.red):
        return None
    control = head.run(replace(run, paths=neighbours)) if neighbours else HarnessReport()
    excused = {*before.red, *(test.id for test in control.bad), *(error.id for error in control.errors)}
    if not (bad := _broken(report, excused)):
        return None
    return GateFailure(
        Gate.COEXISTS, "Run together with the neighbouring tests, some fail.", "\n".join(bad.strip().split("\n")[-40:])
    )


def _broken(report: HarnessReport, excused: Collection[str]) -> str:
    """Return what failed beside those tests, in words; empty if nothing did."""
    if bad := [test for test in report.bad if test.id not in excused]:
        return f"{bad[0].id}: {bad[0].kind}\n{bad[0].message}\n\n{bad[0].trace}"
    if errors := [error for error in report.errors if error.id not in excused]:
        return errors[0].text
    return report.problem or ("" if len(report.tests) == len(report.collected) else "not every test was run")


def _neighbours(candidate: Candidate, head: HarnessClient, before: Baseline) -> tuple[str, ...]:
    """Return the nearest test files of the candidate's folder."""
    folder = PurePosixPath(candidate.path).parent
    near = dict.fromkeys([*before.test_files_of(candidate.unit, head), *before.siblings, *before.test_files])
    known = set(before.test_files)
    return tuple([path for path in near if path in known and PurePosixPath(path).parent == folder][:MOST_NEIGHBOURS])
