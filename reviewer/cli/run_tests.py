"""Suggested tests of a local change, run on this machine: `reviewer tests` and `reviewer diff --tests`.

Promises: nothing of the change runs without a sandbox, unless a person says so about their own code (`--sandbox none`).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reviewer.domain.change import Change
from reviewer.domain.findings import Review, TestSuggestion
from reviewer.domain.settings import Settings
from reviewer.errors import UsageError
from reviewer.git.worktree import open_worktree
from reviewer.llm.messages import Ask
from reviewer.testgen.evidence import GeneratedTests, NotRun
from reviewer.testgen.merge import patch_of, with_proven
from reviewer.testgen.python.interpreter import python_of
from reviewer.testgen.session import CheckoutToTest, proven_tests, set_up


def run_tests(
    change: Change, settings: Settings, options: argparse.Namespace, ask: Ask, salt: bytes, tell: Callable[[str], None]
) -> GeneratedTests | NotRun:
    """Suggest tests for the local change of `options.range` and run them. `tell` hears what is done."""
    tree = open_worktree(Path.cwd())
    local = tree.diff(options.range)
    if not tree.holds(local):
        return NotRun(
            "Suggested tests are not run: the files here are not those at the end of the range. "
            "Check that commit out, without local changes, or leave the range out."
        )
    python = python_of(tree.root, os.environ, options.python or "")
    checkout = CheckoutToTest(tree.root, local.base_sha, python, sandboxed=options.sandbox != "none")
    tell(f"running suggested tests with {python}{'' if checkout.sandboxed else ', without a sandbox'}")
    _set_up(settings, checkout, tell)
    return proven_tests(change, settings, checkout, ask, salt=salt)


def _set_up(settings: Settings, checkout: CheckoutToTest, tell: Callable[[str], None]) -> None:
    """Run the repository's `tests.setup`, as the person would: in the clone, with its network, without our secrets.

    Settings are those of the base, which the change cannot edit. Raises UsageError when it fails.
    """
    command = settings.tests.setup
    if command:
        tell(f"running tests.setup: {command}")
        set_up(command, checkout.root)


def headline(outcome: GeneratedTests) -> str:
    """Say in a line what came of it."""
    kept, failing = len(outcome.tests), len(outcome.reproductions)
    tried = kept + failing + len(outcome.dropped)
    if not tried:
        return "No test was suggested."
    said = f"{kept} of {tried} suggested test file{'' if tried == 1 else 's'} proved something."
    return f"{said} {failing} more: fails on the code as it is, and may be right." if failing else said


def told(outcome: GeneratedTests) -> Review:
    """Return what `reviewer tests` shows: no defect is looked for, so a failing test that may be right stands alone."""
    failing = []
    for one in outcome.reproductions:
        message = one.failure.message.partition("\n")[0]
        evidence = f"fails on the code as it is, and a second pass finds it right: {message}"
        failing.append(TestSuggestion(one.path, one.unit.covers, one.code, evidence))
    done = with_proven(Review(summary=""), replace(outcome, reproductions=()))
    return replace(done, tests=(*done.tests, *failing))


def write_patch(outcome: GeneratedTests | NotRun, place: str | None, tell: Callable[[str], None]) -> None:
    """Write the tests that proved something where they can be applied, and say how. Raises UsageError."""
    proven = outcome.tests if isinstance(outcome, GeneratedTests) else ()
    if place is None or not proven:
        return
    try:
        Path(place).write_text(patch_of(proven), encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"Cannot write {place}: {error.strerror}.") from error
    tell(f"git apply {place}   # adds {', '.join(test.path for test in proven)}")
