"""Generate Python tests for a change: choose units, ask the model, run the gates, return tests with evidence.

A suggested test has passed every gate on this machine and has its evidence. Other candidates are counted by the gate
that stopped them. If nothing can be run, a sentence says why. The only effects are `execute`, `ask`, and the staged
trees, which are left as they were.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from reviewer.diff.model import Diff
from reviewer.domain.findings import TestSuggestion
from reviewer.llm.messages import Ask
from reviewer.sandbox.api import SandboxRunner
from reviewer.tasks.conversation.prompts import fence_of
from reviewer.testgen.evidence import (
    ChangeUnderTest,
    CodeUnit,
    GeneratedTests,
    GenerationBudget,
    NotRun,
)
from reviewer.testgen.progress import say_nothing, telling
from reviewer.testgen.python.baseline import Baseline, measure
from reviewer.testgen.python.choosing.command_guess import guessed_commands
from reviewer.testgen.python.choosing.putting_back import (
    altered,
    notes_of,
    noticed,
    suite_without_change,
    undecided_words,
    worth_testing,
)
from reviewer.testgen.python.editing.altered_tests import altered_tests
from reviewer.testgen.python.editing.appending import ends_of, with_appendices
from reviewer.testgen.python.editing.updates import Updates
from reviewer.testgen.python.gates.run_gates import GateContext
from reviewer.testgen.python.harness_client import HarnessClient
from reviewer.testgen.python.prompts import UnitPrompts
from reviewer.testgen.python.support import PythonSupport
from reviewer.testgen.python.test_command import plan_for, project_of
from reviewer.testgen.python.units import changed_units, measured, riskiest
from reviewer.testgen.repair_loop import RepairLoop, UnitPrompt
from reviewer.testgen.working_tree import python_files, text_of

#: The mark at the top of a file that a program wrote.
_GENERATED = re.compile(
    r"@generated\b|^\W*(?:Code|This file is|Automatically) generated\b|\bDO NOT EDIT\b", re.IGNORECASE | re.MULTILINE
)

_NO_PLACE = (
    "Some changed functions got no test: by the names and folders of the repository's tests, there is no place where a "
    "new test file could go."
)
_NOTHING_TO_ADD = (
    "Existing tests run every changed line of every function, and fail when a changed function is put back to what it "
    "was, so there is nothing to add."
)


def generate_python_tests(
    subject: ChangeUnderTest,
    ask: Ask,
    execute: SandboxRunner,
    *,
    salt: bytes,
    budget: GenerationBudget | None = None,
    now: Callable[[], float] = time.monotonic,
    progress: Callable[[str], None] = say_nothing,
) -> GeneratedTests | NotRun:
    """Ask for tests of the riskiest changed functions, run them, and return those that pass all gates.

    `salt` keys the fences around untrusted text; `now` is the clock of the budget in seconds. Raises ReviewerError if
    `execute` cannot run anything here.
    """
    budget = budget or GenerationBudget()
    deadline = now() + budget.seconds
    ready = prepare(subject, execute, budget, progress)
    if isinstance(ready, NotRun):
        return ready
    context, units = ready
    ends = ends_of(subject, context) if subject.appends else ()
    files, paths = python_files(subject.head), tuple(end.path for end in ends)
    prompts = UnitPrompts(subject, context.head, context.before, files, fence_of(salt, subject.change), paths)
    asked = [unit for unit in units if prompts.home(unit)]
    loop = RepairLoop(PythonSupport(prompts, context), budget, ask, lambda: now() < deadline, progress=progress)
    if asked:
        loop.run([UnitPrompt(prompts.tests(unit), f"`{unit.name}`", partial(_unit_of_prompt, unit)) for unit in asked])
    updates = Updates(prompts, context, ask, loop.may_continue, progress)
    updates.run(altered_tests(subject, context))
    loop.answers += updates.answers
    notes = _notes(context, updates.decided, _nothing_to_ask(units, asked))
    done = loop.result(*notes, *updates.notes)
    free = [end for end in ends if end.path not in updates.units]
    return replace(
        done,
        tests=(*with_appendices(done.tests, free, context, lambda: now() < deadline), *updates.tests),
        left_out=(*done.left_out, *updates.left_out),
        undecided={**done.undecided, **updates.units},
    )


def _nothing_to_ask(units: Sequence[CodeUnit], asked: Sequence[CodeUnit]) -> str:
    """Return why functions got no test although nothing failed; empty if none was left out."""
    if not units:
        return _NOTHING_TO_ADD
    return _NO_PLACE if len(asked) < len(units) else ""


def _unit_of_prompt(unit: CodeUnit, _test: TestSuggestion) -> CodeUnit:
    return unit


def prepare(
    subject: ChangeUnderTest,
    execute: SandboxRunner,
    budget: GenerationBudget,
    progress: Callable[[str], None] = say_nothing,
) -> tuple[GateContext, tuple[CodeUnit, ...]] | NotRun:
    """Find the command, run the repository's own tests, and choose units of one project: that of the riskiest unit.

    The suite is run once with the change and, if functions can be put back unnoticed, once without it.
    """
    files = python_files(subject.head)
    units = _units(subject)
    if isinstance(units, NotRun):
        return units
    first = riskiest([replace(unit, missed=unit.lines, unnoticed=True) for unit in units], most=1)[0]
    found = _baseline(subject, execute, files, units, first.path, budget, progress)
    if isinstance(found, NotRun):
        return found
    client, before = found
    plan = client.plan
    here = [unit for unit in units if unit.path.startswith(f"{plan.cwd}/" if plan.cwd else "")]
    if len(here) < len(units):
        note = f"Tests were generated for `{plan.cwd}` only; the change also touches other projects of the repository."
        before = replace(before, note=" ".join(filter(None, [before.note, note])))
    known = measured(here, before.files)
    base = client.on(subject.base) if subject.base else None
    if subject.base:
        known, before = _put_back(known, subject.change.diff, client, subject.base, before, budget, progress)
    return GateContext(client, base, before, budget, frozenset(files), known), riskiest(known, most=budget.units)


def _units(subject: ChangeUnderTest) -> tuple[CodeUnit, ...] | NotRun:
    """Return the functions whose behaviour may have changed."""
    if not subject.python.exists():
        return NotRun(f"There is no Python at `{subject.python}`: first set up the interpreter that the tests need.")
    heads = {
        file.path: text
        for file in subject.change.diff.files
        if file.path.endswith(".py")
        and (text := text_of(subject.head, file.path)) is not None
        and not _GENERATED.search("\n".join(text.split("\n", 12)[:12]))
    }
    units = changed_units(subject.change.diff, heads)
    if not units:
        return NotRun("The change touches no Python function outside the tests, so there is nothing to test.")
    units = worth_testing(subject.change.diff, units, subject.base) if subject.base else units
    if not units:
        return NotRun("The change only moves Python code, or alters its layout or comments: there is nothing to test.")
    return units


def _baseline(
    subject: ChangeUnderTest,
    execute: SandboxRunner,
    files: tuple[str, ...],
    units: tuple[CodeUnit, ...],
    path: str,
    budget: GenerationBudget,
    progress: Callable[[str], None],
) -> tuple[HarnessClient, Baseline] | NotRun:
    """Run the repository's own tests, by its command: the configured one, else a guess that works, else the default."""
    guesses = () if subject.command else guessed_commands(subject.head, project_of(subject.head, path))
    tries = [subject.command] if subject.command else [*guesses[:1], None]
    last = NotRun("There is no test command.")
    for command in tries:
        plan = plan_for(subject.head, files, path, command)
        if isinstance(plan, NotRun):
            last = plan
            continue
        client = HarnessClient(execute, subject.head, subject.shown_at, subject.python, plan)
        here = sorted({unit.path for unit in units if unit.path.startswith(f"{plan.cwd}/" if plan.cwd else "")})
        by = f" by `{command}`" if command else ""
        with telling(progress, f"running the repository's own tests with the change (the baseline){by}"):
            before = measure(client, here, files, suite_seconds=budget.suite_seconds)
        if not isinstance(before, NotRun):
            return client, before
        last = before
    return last


def _put_back(
    units: tuple[CodeUnit, ...],
    diff: Diff,
    client: HarnessClient,
    base: Path,
    before: Baseline,
    budget: GenerationBudget,
    progress: Callable[[str], None],
) -> tuple[tuple[CodeUnit, ...], Baseline]:
    """Return the units with what existing tests notice of them, and the baseline with the sentences about it."""
    with telling(progress, "putting the change back function by function"):
        known = noticed(sorted(units, key=lambda unit: -len(unit.lines)), diff, client, base, before, budget)
    whole = None
    if before.tests and (before.red or any(unit.unnoticed for unit in known)):
        with telling(progress, "running the repository's own tests without the change"):
            whole = suite_without_change(diff, client, base, before, budget.suite_seconds)
    sentences = notes_of(known, whole, before).values()
    note = " ".join(filter(None, [before.note, *sentences]))
    return known, replace(before, note=note, altered=altered(whole, before))


def _notes(context: GateContext, decided: Collection[str], *more: str) -> tuple[str, ...]:
    """Return what limits the result; tests that the change alters are named where nothing was decided about them."""
    left = undecided_words(context.before.altered.difference(decided))
    first = " ".join(filter(None, [context.before.note, left]))
    return tuple(note for note in (first, *more) if note)
