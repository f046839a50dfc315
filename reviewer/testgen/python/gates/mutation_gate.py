"""Check that a candidate notices mutants of the changed code, including some that existing tests do not notice.

Numbers about mutants are used only if three canaries behave as expected: the tests pass on the unchanged code, pass on
code that was swapped for itself, and fail on code that raises at its start. Effects only through the client.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reviewer.testgen.evidence import Candidate, CodeUnit, Gate, GateFailure, GenerationBudget
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport, MutantResult
from reviewer.testgen.python.mutants import GREEN, NO_OP, RAISE, Mutant, canaries, mutants, one_per_line

#: The most mutants of a signature, each of which needs its own process.
MOST_OVERLAYS = 2

#: The most mutants shown to the model.
MOST_SHOWN = 8


#: How the reason begins if the canaries failed.
UNUSABLE = "Nothing can be said about mutants here"

#: For lines that only log, or that cannot be mutated.
_NOTHING = GateFailure(Gate.KILLS, "The lines that it runs offer no fault to judge it by.")


@dataclass(frozen=True, slots=True)
class Kills:
    """How many mutants of the changed lines a candidate kills.

    `fresh` are the killed ones that no existing test notices; `unreached` counts the mutants of lines that it does not
    run. `by_test` are the killed mutants by the id of the test that fails, `endless` those that never ended, with their
    lines, and `lines` the lines of all mutants that were tried.
    """

    killed: int
    mutants: int
    fresh: frozenset[str] = frozenset()
    unreached: int = 0
    by_test: Mapping[str, frozenset[str]] = field(default_factory=dict)
    endless: Mapping[str, int] = field(default_factory=dict)
    lines: frozenset[int] = frozenset()


def mutation_gate(
    candidate: Candidate, hits: frozenset[int], *, client: HarnessClient, before: Baseline, budget: GenerationBudget
) -> Kills | GateFailure:
    """Return how many mutants the candidate kills; a failure if too few, no new one, or if the canaries fail.

    Of the mutants of the lines that it runs, it must kill half of all, half of the first ones of each line, and at
    least one that survives the existing tests. The first mutants alone are too often killed by any crash, and all
    mutants by one line with many of them. Lines without any mutant cannot be judged, because coverage alone proves
    nothing.
    """
    possible = mutants(candidate.unit, most=budget.mutants)
    swapped = [mutant for mutant in possible if mutant.swaps and mutant.line in hits]
    imported = [mutant for mutant in possible if not mutant.swaps][:MOST_OVERLAYS]
    if not swapped and not imported:
        return _NOTHING
    tried = _tried(candidate.unit, swapped, (candidate.path,), client, budget)
    if isinstance(tried, str):
        return GateFailure(Gate.KILLS, f"{UNUSABLE}: {tried}.", tried)
    tried |= {mutant: _imported(mutant, (candidate.path,), client, budget) for mutant in imported}
    judged = [mutant for mutant in (*swapped, *imported) if tried[mutant].outcome in ("killed", "survived", "timeout")]
    killed = [mutant for mutant in judged if tried[mutant].outcome != "survived"]
    if not judged:
        return _NOTHING
    if stopped := _too_few(judged, killed):
        return stopped
    fresh = _fresh(candidate.unit, killed, client, before, budget)
    if isinstance(fresh, str) or not fresh:
        return _nothing_new(fresh, [mutant for mutant in judged if mutant not in killed])
    unreached = sum(mutant.swaps and mutant.line not in hits for mutant in possible)
    return Kills(
        killed=len(killed),
        mutants=len(judged) + unreached,
        fresh=frozenset(mutant.id for mutant in fresh),
        unreached=unreached,
        by_test=_by_test(killed, tried),
        endless={mutant.id: mutant.line for mutant in killed if tried[mutant].outcome == "timeout"},
        lines=frozenset(mutant.line for mutant in judged),
    )


def _nothing_new(fresh: list[Mutant] | str, survivors: list[Mutant]) -> GateFailure:
    if isinstance(fresh, str):
        reason = f"Whether existing tests notice the same faults cannot be told: {fresh}."
        return GateFailure(Gate.KILLS, reason, reason)
    return GateFailure(
        Gate.KILLS, "Every fault that it notices is noticed by existing tests already.", _described(survivors)
    )


def _by_test(killed: Iterable[Mutant], tried: Mapping[Mutant, MutantResult]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for mutant in killed:
        for test in tried[mutant].killers:
            found.setdefault(test, set()).add(mutant.id)
    return {test: frozenset(names) for test, names in found.items()}


def _too_few(judged: list[Mutant], killed: list[Mutant]) -> GateFailure | None:
    """Stop a candidate that kills less than half of the mutants, or of the first mutants of each line."""
    firsts = one_per_line(judged)
    caught = [mutant for mutant in firsts if mutant in killed]
    if caught and 2 * len(caught) >= len(firsts) and 2 * len(killed) >= len(judged):
        return None
    reason = f"It notices only {len(killed)} of {len(judged)} small faults in the lines it runs."
    return GateFailure(Gate.KILLS, reason, _described(mutant for mutant in judged if mutant not in killed))


def _described(survivors: Iterable[Mutant]) -> str:
    parts = [f"line {mutant.line}:\n{mutant.diff}" for mutant in list(survivors)[:MOST_SHOWN]]
    return "Faults that no assertion notices:\n\n" + "\n\n".join(parts) if parts else ""


def _fresh(
    unit: CodeUnit, killed: list[Mutant], client: HarnessClient, before: Baseline, budget: GenerationBudget
) -> list[Mutant] | str:
    """Return the killed mutants that survive all existing tests, or why that cannot be told."""
    paths = before.test_files_of(unit, client)
    if not paths:
        return killed  # no existing test runs the unit
    unrun = [mutant for mutant in killed if mutant.line in unit.missed]
    to_swap = [mutant for mutant in killed if mutant.swaps and mutant not in unrun]
    outcomes = _tried(unit, to_swap, paths, client, budget, before) if to_swap else {}
    if isinstance(outcomes, str):
        return unrun or outcomes
    alive = [mutant for mutant in to_swap if outcomes[mutant].outcome == "survived"]
    headers = [mutant for mutant in killed if not mutant.swaps]
    quiet = [mutant for mutant in headers if _imported(mutant, paths, client, budget, before).outcome == "survived"]
    return [mutant for mutant in killed if mutant in unrun or mutant in alive or mutant in quiet]


def run_swapped(
    unit: CodeUnit,
    chosen: list[Mutant],
    paths: tuple[str, ...],
    client: HarnessClient,
    budget: GenerationBudget,
    before: Baseline | None = None,
) -> dict[Mutant, str] | str:
    """Return the outcome of each mutant in a word, or the problem if a canary failed. With `before`: as `_tried`."""
    tried = _tried(unit, chosen, paths, client, budget, before)
    return tried if isinstance(tried, str) else {mutant: result.outcome for mutant, result in tried.items()}


def _tried(
    unit: CodeUnit,
    chosen: list[Mutant],
    paths: tuple[str, ...],
    client: HarnessClient,
    budget: GenerationBudget,
    before: Baseline | None = None,
) -> dict[Mutant, MutantResult] | str:
    """Return the result of each mutant, or the problem if a canary failed.

    With `before` the existing tests that run the mutant's line are run until one fails, else all tests of the paths.
    """
    noop, raising = canaries(unit)
    green = replace(noop, id=GREEN)
    every = tuple(sorted({test for line in unit.lines for test in before.judges(unit, line)})) if before else None
    jobs: list[tuple[Mutant, tuple[str, ...] | None]] = [(mutant, every) for mutant in (green, noop, raising)]
    jobs += [(mutant, before.judges(unit, mutant.line) if before else None) for mutant in chosen]
    report = client.run(
        HarnessRun(paths=paths, mutants=tuple(jobs), every=not before, watch=(unit.path,), seconds=budget.run_seconds)
    )
    if broken := _canaries(report):
        return broken
    results = {result.id: result for result in report.mutants}
    return {mutant: results.get(mutant.id, MutantResult(id=mutant.id, outcome="odd")) for mutant in chosen}


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


def run_imported(
    mutant: Mutant, paths: tuple[str, ...], client: HarnessClient, budget: GenerationBudget, before: Baseline
) -> str:
    """Return in a word whether existing tests notice a mutant that is imported in its own process."""
    return _imported(mutant, paths, client, budget, before).outcome


def _imported(
    mutant: Mutant,
    paths: tuple[str, ...],
    client: HarnessClient,
    budget: GenerationBudget,
    before: Baseline | None = None,
) -> MutantResult:
    """Return the result of a mutant outside the function's body, run in its own process."""
    report = client.run(HarnessRun(paths=paths, overlay=mutant, watch=(mutant.unit.path,), seconds=budget.run_seconds))
    if report.timed_out:
        return MutantResult(id=mutant.id, outcome="timeout")
    if report.problem or not report.overlaid:
        return MutantResult(id=mutant.id, outcome="odd")
    red = before.red if before else frozenset()
    killers = tuple(test.id for test in report.bad if test.id not in red)
    noticed = killers or any(error.id not in red for error in report.errors)
    return MutantResult(id=mutant.id, outcome="killed" if noticed else "survived", killers=killers)
