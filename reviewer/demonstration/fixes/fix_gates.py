"""The gates that a fix passes: the failing test passes with it, and the repository's own tests still do.

The only effects are those of the project's runs.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reviewer.demonstration.fixes.edits import Fix, fix_of, patch_of_file
from reviewer.demonstration.runs import ClaimedPlace, ProposedTest, SuiteRun, TestProject, failure_lines
from reviewer.diff.model import Side
from reviewer.domain.demonstrations import FixDemonstration, FixedFile, FixGate, StoppedDemonstration
from reviewer.domain.findings import Finding


@dataclass(frozen=True, slots=True)
class FixGates:
    """Judges fixes of findings in one project."""

    project: TestProject
    in_time: Callable[[], bool]

    def judge(
        self, fix: Fix, tests: Sequence[tuple[ProposedTest, ClaimedPlace]]
    ) -> FixDemonstration | StoppedDemonstration:
        """Run the failing tests and the repository's own with the fix applied. Raises ReviewerError."""
        if not self.in_time():
            return StoppedDemonstration(FixGate.BUDGET, "Time ran out before it was run.")
        stopped = self._held(fix)
        for test, place in tests:
            stopped = stopped or self._mends(fix, test, place)
        if stopped:
            return stopped
        kept = self.keeps(fix)
        if isinstance(kept, StoppedDemonstration):
            return kept
        proofs = tuple({test.path: FixedFile(test.path, None, test.code) for test, _ in tests}.values())
        patch = fix.patch + "".join(map(patch_of_file, proofs))
        return FixDemonstration(fix.files, fix.patch, kept.count, proofs, patch, kept.limit, fix.one_click)

    def _held(self, fix: Fix) -> StoppedDemonstration | None:
        """Stop a fix that changes files of another project, whose tests would not be run."""
        for file in fix.files:
            if not self.project.holds(file.path):
                reason = f"It changes `{file.path}`, whose tests are not those that were run."
                return StoppedDemonstration(FixGate.POLICY, reason)
        return None

    def _mends(self, fix: Fix, test: ProposedTest, place: ClaimedPlace) -> StoppedDemonstration | None:
        run = self.project.run(test, place, fix.changed, again=True)
        if run.is_green:
            return None
        failure = failure_lines(run.failed[0]) if run.failed else run.problem or "a test was not run"
        return StoppedDemonstration(FixGate.MENDS, f"The failing test does not pass with it: {failure}")

    def keeps(self, fix: Fix) -> SuiteRun | StoppedDemonstration:
        """Run the repository's own tests with the fix; those that cover the changed lines come first."""
        return self.project.run_suite(fix.changed, [changed_place(file) for file in fix.files])


def changed_place(file: FixedFile) -> ClaimedPlace:
    """Return the lines at head that a fix changes; where it only adds lines, those beside them."""
    old, new = (file.before or "").split("\n"), file.after.split("\n")
    lines: set[int] = set()
    for tag, start, end, _, _ in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            lines |= set(range(start + 1, end + 1)) or {max(1, start), min(len(old), start + 1)}
    return ClaimedPlace(file.path, frozenset(lines or {1}))


def suggestion_fix(finding: Finding, head: str | None) -> Fix | StoppedDemonstration | None:
    """Return the finding's suggestion as a fix of the whole file; None if it has none."""
    anchor = finding.anchor
    if finding.suggestion is None or head is None or anchor.side is Side.LEFT:
        return None
    rows = head.split("\n")
    new = finding.suggestion.removesuffix("\n").split("\n") if finding.suggestion else []
    start = (anchor.start_line or anchor.line) - 1
    if rows[start].endswith("\r"):
        new = [row.removesuffix("\r") + "\r" for row in new]
    after = "\n".join([*rows[:start], *new, *rows[anchor.line :]])
    return fix_of({anchor.path: after}, {anchor.path: head}, one_click=True)
