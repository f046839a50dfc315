"""`reviewer tests`, and `reviewer diff --tests`: suggest tests of a local change and run them on this machine.

Code of the change runs only in a sandbox, unless a person gives `--sandbox none`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from reviewer.cli.asking.progress import Progress
from reviewer.cli.asking.session import asking
from reviewer.cli.console import STOPPED, check_writable, say, write_review
from reviewer.cli.local_change import change_of_options
from reviewer.cli.proving.checkout import checkout_to_test
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.errors import UsageError
from reviewer.llm.messages import Ask
from reviewer.testgen.evidence import GeneratedTests, NotRun
from reviewer.testgen.merge import patch_of, with_proven
from reviewer.testgen.session import proven_tests


def run(options: argparse.Namespace) -> int:
    """Run `reviewer tests` and return its exit code. Raises ReviewerError."""
    check_writable(options.output)
    check_writable(options.patch)
    with Progress(quiet=options.quiet) as progress:
        change, settings = change_of_options(options, progress.say)
        with asking(options.model, progress, cache=options.cache) as session:
            try:
                outcome = run_tests(change, settings, options, session.calls.ask, session.salt, progress.say)
            except KeyboardInterrupt:
                say(f"reviewer: stopped. {session.calls.bill()}")
                return STOPPED
    if isinstance(outcome, NotRun):
        raise UsageError(outcome.reason)
    result = _review_of(outcome)
    write_review(result, change.diff, form=options.format, output=options.output, title=_headline(outcome))
    write_patch(outcome, options.patch, progress.say)
    return 0


def run_tests(
    change: Change,
    settings: Settings,
    options: argparse.Namespace,
    ask: Ask,
    salt: bytes,
    progress: Callable[[str], None],
) -> GeneratedTests | NotRun:
    """Suggest tests for the change of `options.range` and run them."""
    checkout = checkout_to_test(settings, options, progress, what="suggested tests")
    if isinstance(checkout, NotRun):
        return checkout
    return proven_tests(change, settings, checkout, ask, salt=salt, progress=progress)


def _headline(outcome: GeneratedTests) -> str:
    updated = [test for test in outcome.tests if test.patch]
    kept, failing = len(outcome.tests) - len(updated), len(outcome.reproductions)
    tried = kept + failing + len(outcome.dropped)
    files = f"{len(updated)} existing test file{' is' if len(updated) == 1 else 's are'} out of date: see the update."
    also = [files] if updated else []
    if not tried:
        return " ".join(["No new test was suggested.", *also]) if also else "No test was suggested."
    text = f"{kept} of {tried} suggested test file{'' if tried == 1 else 's'} proved something."
    more = f"{failing} more {'fails' if failing == 1 else 'fail'} on the code as it is, and may be right."
    return " ".join([text, *([more] if failing else []), *also])


def _review_of(outcome: GeneratedTests) -> Review:
    """Return the tests as a review, without findings. A failing test that may be right is shown as a test."""
    return with_proven(Review(summary=""), outcome)


def write_patch(outcome: GeneratedTests | NotRun, place: str | None, progress: Callable[[str], None]) -> None:
    """Write proven tests and updates as a patch, and say how to apply it. Raises UsageError."""
    proven = outcome.tests if isinstance(outcome, GeneratedTests) else ()
    if place is None or not proven:
        return
    try:
        Path(place).write_text(patch_of(proven), encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"Cannot write {place}: {error.strerror}.") from error
    added, updated = ([test.path for test in proven if bool(test.patch) is there] for there in (False, True))
    words = [f"{verb} {', '.join(paths)}" for verb, paths in (("adds", added), ("updates", updated)) if paths]
    progress(f"git apply {place}   # {'; '.join(words)}")
