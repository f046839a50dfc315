"""Whether a candidate tells the changed code from faulty code, and whether existing tests did so already.

Promises: no number about mutants before three canaries held: the tests pass on the code as it is, pass on code that was
swapped for itself, and fail on code that raises at its entry. Effects only through the rig.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reviewer.testgen.evidence import Candidate, CodeUnit, Gate, GateFailure, GenerationBudget
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport
from reviewer.testgen.python.mutants import GREEN, NO_OP, RAISE, Mutant, canaries, mutants, one_per_line

#: Mutants of a signature, each of which needs a process of its own.
MOST_OVERLAYS = 2

#: Mutants shown to the model.
MOST_SHOWN = 8


#: What came of lines that only log, or whose faults could not be put in.
_NOTHING = GateFailure(Gate.KILLS, "The lines that it runs offer no fault to judge it by.")


@dataclass(frozen=True, slots=True)
class Kills:
    """How many mutants of the lines that a candidate runs it kills."""

    killed: int
    mutants: int


def mutation_gate(
    candidate: Candidate, hits: frozenset[int], *, rig: HarnessClient, before: Baseline, budget: GenerationBudget
) -> Kills | GateFailure:
    """Return how many mutants the candidate kills; Stopped when too few, none that matters, or the canaries fail.

    Enough is half of all, half of the first mutants of each line it runs, and at least one that existing tests leave
    alive: the first ones alone are too often killed by any crash, all of them by one line with many faults. Where
    the lines offer no mutant at all there is nothing to judge by, and coverage alone proves nothing.
    """
    made = mutants(candidate.unit, most=budget.mutants)
    swapped = [one for one in made if one.swaps and one.line in hits]
    imported = [one for one in made if not one.swaps][:MOST_OVERLAYS]
    if not swapped and not imported:
        return _NOTHING
    outcomes = _swapped(candidate.unit, swapped, (candidate.path,), rig, budget)
    if isinstance(outcomes, str):
        return GateFailure(Gate.KILLS, f"Nothing can be said about mutants here: {outcomes}.", outcomes)
    outcomes |= {one: _imported(one, (candidate.path,), rig, budget) for one in imported}
    judged = [one for one in (*swapped, *imported) if outcomes[one] in ("killed", "survived", "timeout")]
    killed = [one for one in judged if outcomes[one] != "survived"]
    if not judged:
        return _NOTHING
    return _enough(candidate.unit, judged, killed, rig=rig, before=before, budget=budget)


def _enough(
    unit: CodeUnit,
    judged: list[Mutant],
    killed: list[Mutant],
    *,
    rig: HarnessClient,
    before: Baseline,
    budget: GenerationBudget,
) -> Kills | GateFailure:
    firsts = one_per_line(judged)
    caught = [one for one in firsts if one in killed]
    survivors = [one for one in judged if one not in killed]
    told = _shown(survivors)
    if not caught or 2 * len(caught) < len(firsts) or 2 * len(killed) < len(judged):
        reason = f"It notices only {len(killed)} of {len(judged)} small faults in the lines it runs."
        return GateFailure(Gate.KILLS, reason, told)
    if not _alive_before(unit, killed, rig, before, budget):
        reason = "Every fault that it notices is noticed by existing tests already."
        return GateFailure(Gate.KILLS, reason, told)
    return Kills(len(killed), len(judged))


def _shown(survivors: Iterable[Mutant]) -> str:
    parts = [f"line {one.line}:\n{one.diff}" for one in list(survivors)[:MOST_SHOWN]]
    return "Faults that no assertion notices:\n\n" + "\n\n".join(parts) if parts else ""


def _alive_before(
    unit: CodeUnit, killed: list[Mutant], rig: HarnessClient, before: Baseline, budget: GenerationBudget
) -> bool:
    """Whether existing tests leave one of the killed mutants alive. Where that cannot be told, they do not."""
    if any(one.line in unit.missed for one in killed):
        return True
    paths = before.test_files_of(unit, rig)
    if not paths:
        return True  # nothing that exists runs the unit
    asked = [one for one in killed if one.swaps]
    outcomes = _swapped(unit, asked, paths, rig, budget, before)
    if isinstance(outcomes, str):
        return False
    if any(outcomes[one] == "survived" for one in asked):
        return True
    return any(_imported(one, paths, rig, budget) == "survived" for one in killed if not one.swaps)


def _swapped(
    unit: CodeUnit,
    chosen: list[Mutant],
    paths: tuple[str, ...],
    rig: HarnessClient,
    budget: GenerationBudget,
    before: Baseline | None = None,
) -> dict[Mutant, str] | str:
    """Return what came of each mutant; or, when a canary did not hold, which."""
    noop, raising = canaries(unit)
    green = replace(noop, id=GREEN)
    every = tuple(sorted({test for line in unit.lines for test in before.judges(unit, line)})) if before else None
    asked: list[tuple[Mutant, tuple[str, ...] | None]] = [(one, every) for one in (green, noop, raising)]
    asked += [(one, before.judges(unit, one.line) if before else None) for one in chosen]
    report = rig.run(HarnessRun(paths=paths, mutants=tuple(asked), watch=(unit.path,), seconds=budget.run_seconds))
    if broken := _canaries(report):
        return broken
    outcomes = {one.id: one.outcome for one in report.mutants}
    return {one: outcomes.get(one.id, "odd") for one in chosen}


def _canaries(report: HarnessReport) -> str:
    """Return what is wrong with the run, by its canaries; empty when its numbers can be believed."""
    if report.problem:
        return report.problem
    outcomes = {one.id: one.outcome for one in report.mutants}
    if outcomes.get(GREEN) != "survived":
        return "the tests do not pass in a fork of their process"
    if outcomes.get(NO_OP) != "survived":
        return "the tests fail, or cannot be run, on the same code swapped for itself"
    if outcomes.get(RAISE) != "killed":
        return "the tests do not notice when the function raises at its entry"
    return ""


def _imported(mutant: Mutant, paths: tuple[str, ...], rig: HarnessClient, budget: GenerationBudget) -> str:
    """Return what came of a mutant outside the function's body, in a process of its own."""
    report = rig.run(HarnessRun(paths=paths, overlay=mutant, watch=(mutant.unit.path,), seconds=budget.run_seconds))
    if report.timed_out:
        return "timeout"
    if report.problem or not report.overlaid:
        return "odd"
    return "killed" if report.bad or report.errors else "survived"
