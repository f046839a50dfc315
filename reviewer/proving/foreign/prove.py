"""Suggested tests of other languages, run: fewer gates than for Python, and each claim only as far as it was measured.

A candidate is kept when it is a new test file that asserts, passes on head in three fresh processes, runs changed lines
that no existing test ran (where coverage can be had), and kills a mutant of a changed line that the existing tests
leave alive, or fails by an assertion without the change where that mends something. Its only effects are `ask`,
`execute` and the staged trees, in which it leaves nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reviewer.asking import Ask
from reviewer.change import Change
from reviewer.chunks import is_code, is_test
from reviewer.diff import FileDiff
from reviewer.findings import TestSuggestion
from reviewer.proving.evidence import Cannot, Dropped, Gate, Proven, Stopped
from reviewer.proving.foreign.rules import obeys
from reviewer.proving.foreign.running import Bench, Came
from reviewer.proving.foreign.textual import Textual, textual
from reviewer.proving.foreign.toolchains import SUFFIXES, Toolchain, toolchain_for
from reviewer.proving.orders import Execute
from reviewer.proving.staged import added, changed_to, files_of, text_of
from reviewer.settings import Settings
from reviewer.suggesting import suggested_tests

#: Fresh processes in which a candidate passes, mutants that are tried, existing test files that stand for the suite.
RUNS, MUTANTS, NEIGHBOURS = 3, 8, 12

#: Seconds after which no new run is begun.
SECONDS = 600.0

_THROWS = {
    "javascript": '\nthrow new Error("canary");\n',
    "go": '\nfunc init() { panic("canary") }\n',
    "ruby": '\nraise "canary"\n',
}


@dataclass(frozen=True, slots=True)
class Places:
    """The staged trees, and where a sandbox shows them. `home` is where toolchains keep what they fetched."""

    head: Path
    base: Path | None
    shown_at: Path
    home: Path


@dataclass(frozen=True, slots=True)
class _Lines:
    """Changed lines of one file, and those of them that existing tests run; None where that was not measured."""

    path: str
    changed: frozenset[int]
    run: frozenset[int] | None


def prove_foreign(
    change: Change, settings: Settings, places: Places, ask: Ask, execute: Execute, *, salt: bytes,
    now: Callable[[], float] = time.monotonic,
) -> Proven | Cannot:  # fmt: skip
    """Ask for tests of the change, run what comes, and return what proved itself. Raises ReviewerError."""
    files = [file for file in change.diff.files if is_code(file.path) and not is_test(file.path)]
    found = [(file, row) for file in files if (row := toolchain_for(places.head, file.path)) is not None]
    if not found:
        return Cannot(
            "Suggested tests were not run: no test runner is known for the changed files. "
            "Known are pytest, unittest, node:test, vitest, jest, go, cargo and rspec, by the project's own files."
        )
    row = found[0][1]
    bench = Bench(execute, row, places.head, places.shown_at, places.home)
    before = _before(bench, row, [file.path for file, its in found if its is row])
    if isinstance(before, Cannot):
        return before
    existing, hits = before
    lines = [_changed(file, hits) for file, its in found if its is row]
    text = suggested_tests(change, settings, ask, salt=salt)
    judge = _Judge(bench, places, row, tuple(existing), tuple(lines), now() + SECONDS, now)
    kept: list[TestSuggestion] = []
    dropped: list[Dropped] = []
    for test in text.tests:
        verdict = judge.judged(test)
        if isinstance(verdict, Stopped):
            dropped.append(Dropped(test.path, test.covers, verdict))
        else:
            kept.append(TestSuggestion(test.path, test.covers, test.code, verdict))
    notes = () if existing else ("The change's project has no tests near it: what is suggested stands alone.",)
    return Proven(tuple(kept), (), tuple(dropped), (*text.notes, *notes), text.usage, frozenset(text.models))


def _changed(file: FileDiff, hits: Mapping[str, frozenset[int]] | None) -> _Lines:
    added_lines = (line for hunk in file.hunks for line in hunk.lines if line.kind == "+" and line.text.strip())
    changed = frozenset(line.new for line in added_lines if line.new)
    return _Lines(file.path, changed, None if hits is None else hits.get(file.path, frozenset()))


def _before(
    bench: Bench, row: Toolchain, changed: Sequence[str]
) -> tuple[list[str], dict[str, frozenset[int]] | None] | Cannot:
    """Run the existing tests near the change, which must pass first; return them and the lines that they run."""
    tests = [path for path in files_of(bench.tree, SUFFIXES[row.language]) if is_test(path)]
    near = sorted(tests, key=lambda path: (-max(_shared(path, one) for one in changed), path))[:NEIGHBOURS]
    hits: dict[str, frozenset[int]] | None = {}
    for path in near:
        came = bench.run(path)
        if not came.is_green:
            said = came.output.strip().splitlines()[-1:] or ["nothing"]
            return Cannot(f"The repository's own tests do not pass here ({row.name}, {path}: {said[0][:200]}).")
        if came.hits is None or hits is None:
            hits = None
            continue
        for file, lines in came.hits.items():
            hits[file] = hits.get(file, frozenset()) | lines
    return near, hits


def _shared(path: str, other: str) -> int:
    """Return how many folders two paths have in common, and whether the name of one is in the other's."""
    a, b = path.split("/"), other.split("/")
    same = sum(one == two for one, two in zip(a[:-1], b[:-1], strict=False))
    return 2 * same + (b[-1].split(".")[0].lower() in a[-1].lower())


@dataclass(frozen=True, slots=True)
class _Judge:
    bench: Bench
    places: Places
    row: Toolchain
    existing: tuple[str, ...]
    lines: tuple[_Lines, ...]
    deadline: float
    now: Callable[[], float]

    def judged(self, test: TestSuggestion) -> str | Stopped:
        """Return the evidence of a test that passes every gate, else the gate that stopped it."""
        tree = self.places.head
        exists = text_of(tree, test.path) is not None
        if (wrong := obeys(test.path, test.code, SUFFIXES[self.row.language], exists=exists)) is not None:
            return wrong
        with added(tree, test.path, test.code):
            first = self.bench.run(test.path)
            if not first.is_green:
                return Stopped(Gate.PASSES, _why_red(first))
            reached = self._reached(first)
            if isinstance(reached, Stopped):
                return reached
            strong = self._fails_on_base(test) or self._kills(test)
            if isinstance(strong, Stopped):
                return strong
            if not all(self.bench.run(test.path).is_green for _ in range(RUNS - 1)):
                return Stopped(Gate.STEADY, "It does not pass each time it is run.")
        return f"{RUNS} of {RUNS} runs; {reached}; {strong}"

    def _reached(self, came: Came) -> str | Stopped:
        """Say how many changed lines it runs that no test ran."""
        if came.hits is None or any(one.run is None for one in self.lines):
            return "coverage not measured"
        hit = {(one.path, line) for one in self.lines for line in one.changed & came.hits.get(one.path, frozenset())}
        if not hit:
            return Stopped(Gate.COVERS, "It runs none of the changed lines.")
        fresh = hit - {(one.path, line) for one in self.lines for line in one.run or ()}
        if not fresh and self._any_missed():
            return Stopped(Gate.COVERS, "It runs no changed line that the existing tests do not run.")
        return f"covers {len(fresh)} changed lines that no test covered" if fresh else "covers changed lines"

    def _any_missed(self) -> bool:
        """Whether existing tests leave a changed line out that can be run, as far as a text can tell."""
        return any(
            re.search(r"\w", (text_of(self.places.head, one.path) or "").split("\n")[line - 1])
            for one in self.lines
            for line in one.changed - (one.run or frozenset())
        )

    def _fails_on_base(self, test: TestSuggestion) -> str:
        base = self.places.base
        if base is None or text_of(base, test.path) is not None:
            return ""
        with added(base, test.path, test.code):
            return "fails without the change" if self.bench.on(base).run(test.path).asserted else ""

    def _kills(self, test: TestSuggestion) -> str | Stopped:
        """Try mutants of the changed lines; before any is believed, one that throws at once must be killed."""
        tried = killed = telling = 0
        for one in self.lines:
            text = text_of(self.places.head, one.path) or ""
            canary = text + _THROWS.get(self.row.language, "")
            if self.row.language in _THROWS and not self._dies(one.path, canary, test.path):
                continue  # the test does not run this file, so no mutant of it could tell anything
            for mutant in textual(one.path, text, one.changed, most=MUTANTS):
                if self.now() > self.deadline:
                    return Stopped(Gate.KILLS, "Time ran out before it had shown anything.")
                tried += 1
                if self._dies(one.path, mutant.applied(text), test.path):
                    killed += 1
                    telling += not telling and self._survives_existing(mutant, text)
        if not tried:
            return Stopped(
                Gate.KILLS, "The changed lines offer no mutant to judge it by, or it does not run their file."
            )
        if not telling:
            reason = f"It kills {killed} of {tried} mutants, none of which the existing tests leave alive."
            return Stopped(Gate.KILLS, reason)
        if killed * 2 < tried:
            return Stopped(Gate.KILLS, f"It kills only {killed} of {tried} mutants.")
        return f"kills {killed} of {tried} mutants"

    def _dies(self, path: str, text: str, test: str) -> bool:
        with changed_to(self.places.head, path, text):
            return not self.bench.run(test).is_green

    def _survives_existing(self, mutant: Textual, text: str) -> bool:
        with changed_to(self.places.head, mutant.path, mutant.applied(text)):
            return all(self.bench.run(path).is_green for path in self.existing)


def _why_red(came: Came) -> str:
    if not came.outcomes:
        return "It could not be run: " + (came.output.strip().splitlines()[-1:] or ["no test was found."])[0][:300]
    red = next((one for one in came.outcomes if one.verdict != "passed"), None)
    return "Nothing was tested." if red is None else f"`{red.id[:200]}` {red.verdict}: {red.message[:300]}"
