"""Check that a candidate notices mutants of the changed code, including some that existing tests do not notice.

Numbers about mutants are used only if three canaries behave as expected: the tests pass on the unchanged code, pass on
code that was swapped for itself, and fail on code that raises at its start. Effects only through the client.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reviewer.testgen.evidence import Candidate, CodeUnit, Gate, GateFailure, GenerationBudget
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport
from reviewer.testgen.python.mutants import GREEN, NO_OP, RAISE, Mutant, canaries, mutants, one_per_line

#: The most mutants of a signature, each of which needs its own process.
MOST_OVERLAYS = 2

#: The most mutants shown to the model.
MOST_SHOWN = 8


#: For lines that only log, or that cannot be mutated.
_NOTHING = GateFailure(Gate.KILLS, "The lines that it runs offer no fault to judge it by.")


@dataclass(frozen=True, slots=True)
class Kills:
    """How many mutants of its lines a candidate kills."""

    killed: int
    mutants: int


def mutation_gate(
    candidate: Candidate, hits: frozenset[int], *, client: HarnessClient, before: Baseline, budget: GenerationBudget
) -> Kills | GateFailure:
    """Return how many mutants the candidate kills; a failure if too few, no new one, or if the canaries fail.

    It must kill half of all mutants, half of the first mutants of each line it runs, and at least one that survives the
    existing tests. The first mutants alone are too often killed by any crash, and all mutants by one line with many of
    them. Lines without any mutant cannot be judged, because coverage alone proves nothing.
    """
    possible = mutants(candidate.unit, most=budget.mutants)
    swapped = [mutant for mutant in possible if mutant.swaps and mutant.line in hits]
    imported = [mutant for mutant in possible if not mutant.swaps][:MOST_OVERLAYS]
    if not swapped and not imported:
        return _NOTHING
    outcomes = _swapped(candidate.unit, swapped, (candidate.path,), client, budget)
    if isinstance(outcomes, str):
        return GateFailure(Gate.KILLS, f"Nothing can be said about mutants here: {outcomes}.", outcomes)
    outcomes |= {mutant: _imported(mutant, (candidate.path,), client, budget) for mutant in imported}
    judged = [mutant for mutant in (*swapped, *imported) if outcomes[mutant] in ("killed", "survived", "timeout")]
    killed = [mutant for mutant in judged if outcomes[mutant] != "survived"]
    if not judged:
        return _NOTHING
    return _enough(candidate.unit, judged, killed, client=client, before=before, budget=budget)


def _enough(
    unit: CodeUnit,
    judged: list[Mutant],
    killed: list[Mutant],
    *,
    client: HarnessClient,
    before: Baseline,
    budget: GenerationBudget,
) -> Kills | GateFailure:
    firsts = one_per_line(judged)
    caught = [mutant for mutant in firsts if mutant in killed]
    survivors = [mutant for mutant in judged if mutant not in killed]
    shown = _described(survivors)
    if not caught or 2 * len(caught) < len(firsts) or 2 * len(killed) < len(judged):
        reason = f"It notices only {len(killed)} of {len(judged)} small faults in the lines it runs."
        return GateFailure(Gate.KILLS, reason, shown)
    if not _alive_before(unit, killed, client, before, budget):
        reason = "Every fault that it notices is noticed by existing tests already."
        return GateFailure(Gate.KILLS, reason, shown)
    return Kills(len(killed), len(judged))


def _described(survivors: Iterable[Mutant]) -> str:
    parts = [f"line {mutant.line}:\n{mutant.diff}" for mutant in list(survivors)[:MOST_SHOWN]]
    return "Faults that no assertion notices:\n\n" + "\n\n".join(parts) if parts else ""


def _alive_before(
    unit: CodeUnit, killed: list[Mutant], client: HarnessClient, before: Baseline, budget: GenerationBudget
) -> bool:
    """Whether one of the killed mutants survives the existing tests; False if that cannot be determined."""
    if any(mutant.line in unit.missed for mutant in killed):
        return True
    paths = before.test_files_of(unit, client)
    if not paths:
        return True  # no existing test runs the unit
    to_swap = [mutant for mutant in killed if mutant.swaps]
    outcomes = _swapped(unit, to_swap, paths, client, budget, before)
    if isinstance(outcomes, str):
        return False
    if any(outcomes[mutant] == "survived" for mutant in to_swap):
        return True
    return any(_imported(mutant, paths, client, budget) == "survived" for mutant in killed if not mutant.swaps)


def _swapped(
    unit: CodeUnit,
    chosen: list[Mutant],
    paths: tuple[str, ...],
    client: HarnessClient,
    budget: GenerationBudget,
    before: Baseline | None = None,
) -> dict[Mutant, str] | str:
    """Return the outcome of each mutant, or the problem if a canary failed."""
    noop, raising = canaries(unit)
    green = replace(noop, id=GREEN)
    every = tuple(sorted({test for line in unit.lines for test in before.judges(unit, line)})) if before else None
    jobs: list[tuple[Mutant, tuple[str, ...] | None]] = [(mutant, every) for mutant in (green, noop, raising)]
    jobs += [(mutant, before.judges(unit, mutant.line) if before else None) for mutant in chosen]
    report = client.run(HarnessRun(paths=paths, mutants=tuple(jobs), watch=(unit.path,), seconds=budget.run_seconds))
    if broken := _canaries(report):
        return broken
    outcomes = {result.id: result.outcome for result in report.mutants}
    return {mutant: outcomes.get(mutant.id, "odd") for mutant in chosen}


def _canaries(report: HarnessReport) -> str:
    """Return the problem that the canaries show; empty if the numbers can be used."""
    if report.problem:
        return report.problem
    outcomes = {result.id: result.outcome for result in report.mutants}
    if outcomes.get(GREEN) != "survived":
        return "the tests do not pass in a fork of their process"
    if outcomes.get(NO_OP) != "survived":
        return "the tests fail, or cannot be run, on the same code swapped for itself"
    if outcomes.get(RAISE) != "killed":
        return "the tests do not notice when the function raises at its entry"
    return ""


def _imported(mutant: Mutant, paths: tuple[str, ...], client: HarnessClient, budget: GenerationBudget) -> str:
    """Return the outcome of a mutant outside the function's body, run in its own process."""
    report = client.run(HarnessRun(paths=paths, overlay=mutant, watch=(mutant.unit.path,), seconds=budget.run_seconds))
    if report.timed_out:
        return "timeout"
    if report.problem or not report.overlaid:
        return "odd"
    return "killed" if report.bad or report.errors else "survived"
