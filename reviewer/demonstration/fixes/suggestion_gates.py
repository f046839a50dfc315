"""The gates of code that is only simplified, and of suggestions without a demonstration: run before they are shown.

A refactoring is shown only if the tests that cover its lines stay green, the faults that they noticed before are still
noticed, and the public names stay the same. Any other suggestion that breaks a test is advice, never a button.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from reviewer.demonstration.fixes.edits import Fix
from reviewer.demonstration.fixes.fix_gates import FixGates, changed_place
from reviewer.demonstration.runs import SuiteRun, TestProject
from reviewer.domain.demonstrations import FixGate, StoppedDemonstration
from reviewer.domain.findings import Category, Finding
from reviewer.languages.outline import outline_of


@dataclass(frozen=True, slots=True)
class SuggestionGates:
    """Judges suggestions of findings that have no demonstration."""

    project: TestProject
    in_time: Callable[[], bool]

    def judge(self, finding: Finding, fix: Fix) -> SuiteRun | StoppedDemonstration | None:
        """Return the tests that still pass with it, or the gate that stops it; None where nothing can be said."""
        if not self.in_time() or isinstance(self.project.suite(), StoppedDemonstration):
            return None
        simplifies = finding.category is Category.REFACTORING
        if simplifies and (stopped := _same_names(fix)):
            return stopped
        kept = FixGates(self.project, self.in_time).keeps(fix)
        if isinstance(kept, StoppedDemonstration):
            return kept
        return (self._mutants(fix) if simplifies else None) or kept

    def _mutants(self, fix: Fix) -> StoppedDemonstration | None:
        """Stop a refactoring with which the tests no longer notice a fault that they noticed before."""
        for file in fix.files:
            place = self.project.place(file.path, changed_place(file).lines)
            if place is None or not self.in_time():
                continue
            before = self.project.mutants(place, {})
            after = self.project.mutants(place, fix.changed)
            lost = sorted(mutant for mutant, killed in before.items() if killed and not after.get(mutant, True))
            if lost:
                reason = f"With it the tests no longer notice a fault that they noticed before: `{lost[0]}`."
                return StoppedDemonstration(FixGate.MUTANTS, reason)
        return None


def _same_names(fix: Fix) -> StoppedDemonstration | None:
    for file in fix.files:
        before, after = _public(file.path, file.before or ""), _public(file.path, file.after)
        if before != after:
            name = next(iter([*(before - after), *(after - before)]))
            return StoppedDemonstration(FixGate.OUTLINE, f"It changes the public names of `{file.path}`: `{name}`.")
    return None


def _public(path: str, text: str) -> Counter[str]:
    """Return the names that a file defines for others: not those inside functions, nor those that begin with `_`."""
    outline = outline_of(path, text)
    inner = [spot for spot in outline.spots if "function" in spot.kind or "method" in spot.kind or spot.kind == "block"]
    return Counter(
        spot.name
        for spot in outline.spots
        if not spot.name.startswith("_")
        and not any(outer is not spot and outer.first <= spot.first and spot.last <= outer.last for outer in inner)
    )
