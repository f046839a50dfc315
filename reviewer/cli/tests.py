"""`reviewer tests`, and `reviewer diff --tests`: suggest tests of a local change and run them on this machine.

Code of the change runs only in a sandbox, unless a person gives `--sandbox none`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from reviewer.cli.asking.before_asking import check_limit, show_preview
from reviewer.cli.asking.progress import Progress
from reviewer.cli.asking.reviewing import nothing_to_review
from reviewer.cli.asking.session import AskingSession, asking
from reviewer.cli.console import STOPPED, check_writable, say, write_review
from reviewer.cli.local_change import change_of_options, untracked_of
from reviewer.cli.model_client import cost_of
from reviewer.cli.proving.checkout import checkout_to_test
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.errors import NothingToReview, ReviewerError, UsageError
from reviewer.llm.messages import Ask
from reviewer.output.wording import count_of
from reviewer.tasks.planning.preview import preview_of_tests
from reviewer.testgen.evidence import GeneratedTests, NotRun
from reviewer.testgen.merge import patch_of, with_proven
from reviewer.testgen.session import proven_tests


def run(options: argparse.Namespace) -> int:
    """Run `reviewer tests` and return its exit code. Raises ReviewerError."""
    check_writable(options.output)
    check_writable(options.patch)
    try:
        with Progress(quiet=options.quiet) as progress:
            change, settings = _change_with_code(options, progress.say)
            asks = not options.dry_run
            with asking(options.model, progress, cache=options.cache and asks, needs_key=asks) as session:
                _show_first(change, settings, options, session, progress)
                if options.dry_run:
                    return 0
                try:
                    outcome = run_tests(change, settings, options, session.calls.ask, session.salt, progress.say)
                except KeyboardInterrupt:
                    say(f"reviewer: stopped. {session.calls.bill()}")
                    return STOPPED
    except NothingToReview as error:
        return nothing_to_review(error, options)
    if isinstance(outcome, NotRun):
        raise UsageError(outcome.reason)
    result = _review_of(outcome)
    write_review(result, change.diff, form=options.format, output=options.output, title=_headline(outcome))
    write_patch(outcome, options.patch, progress.say)
    if outcome.unanswered:
        say(f"reviewer: {_headline(outcome)}")
        return ReviewerError.exit_code
    return 0


def _change_with_code(options: argparse.Namespace, progress: Callable[[str], None]) -> tuple[Change, Settings]:
    """Read the change. Raises NothingToReview where there is nothing to test in it, and other ReviewerErrors."""
    change, settings = change_of_options(options, progress)
    if not preview_of_tests(change.diff, settings, cost=None).files:
        raise NothingToReview("Nothing to test: the change holds no code beside tests and skipped files.")
    return change, settings


def _show_first(
    change: Change, settings: Settings, options: argparse.Namespace, session: AskingSession, progress: Progress
) -> None:
    """Show what will be sent, and ask where that is likely to cost more than expected. Raises UsageError."""
    preview = preview_of_tests(change.diff, settings, cost=cost_of(session.client))
    show_preview(preview, session.client, untracked_of(change), say if options.dry_run else progress.say)
    if not options.dry_run:
        with progress.paused():
            check_limit(preview, options)


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
    if outcome.unanswered:
        also.append(f"Incomplete: the model gave no answer to {count_of(outcome.unanswered, 'question')}.")
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
