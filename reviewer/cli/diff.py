"""`reviewer diff`: review a local change and print the review."""

from __future__ import annotations

import argparse
import atexit
import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reviewer.cli.asking.progress import Progress
from reviewer.cli.asking.reviewing import ended, made_review, nothing_to_review, uncapped
from reviewer.cli.asking.session import AskingSession
from reviewer.cli.console import check_writable
from reviewer.cli.local_change import change_of_diff, change_of_options, selection_of
from reviewer.cli.model_client import cost_of
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.errors import NothingToReview, UsageError
from reviewer.git.worktree import open_worktree
from reviewer.tasks.review import ReviewOptions, review

_NO_CLONE = "Suggested tests were not run: with --diff there is no clone to run them in."


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code. Raises ReviewerError."""
    # No search for cycles at exit: it takes an eighth of the time of a whole run.
    atexit.register(gc.freeze)
    _check_options(options)
    check_writable(options.output)
    try:
        with Progress(quiet=options.quiet) as progress:
            change, settings = _read(options, progress)
            finished = made_review(
                change,
                settings,
                options,
                progress,
                lambda session: _demonstrated(change, uncapped(settings), options, session, progress),
            )
    except NothingToReview as error:
        return nothing_to_review(error, options)
    code = ended(finished, change.diff, options, settings.review.fail_level)
    if options.apply and finished is not None and not finished.stopped:
        from reviewer.cli.applying import apply_suggestions, ask_person  # noqa: PLC0415 - needed with --apply only

        apply_suggestions(finished.review.findings, open_worktree(Path.cwd()).root, ask_person)
    return code


def _read(options: argparse.Namespace, progress: Progress) -> tuple[Change, Settings]:
    try:
        return _change(options, progress.say)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Nothing was sent.") from None


def _change(options: argparse.Namespace, progress: Callable[[str], None]) -> tuple[Change, Settings]:
    """Read the change that the options name. Raises NothingToReview, UsageError."""
    if options.diff is None:
        if options.apply:
            from reviewer.cli.applying import check_apply  # noqa: PLC0415

            tree = open_worktree(Path.cwd())
            check_apply(tree, tree.diff(options.range, selection_of(options, tree.root)))
        return change_of_options(options, progress)
    change, settings = change_of_diff(options.diff)
    if not change.diff.files:
        raise NothingToReview("Nothing to review: the diff is empty.")
    return change, settings


def _check_options(options: argparse.Namespace) -> None:
    """Raise UsageError for options that would have no effect."""
    if options.diff is not None and options.range:
        raise UsageError("Give either a RANGE or --diff, not both.")
    if options.diff is not None and options.apply:
        raise UsageError("--apply writes into a clone, and with --diff there is none.")
    if options.diff is not None and (options.paths or options.staged or options.untracked or options.include):
        raise UsageError("--staged, --untracked, --include and paths select from a clone: they do not go with --diff.")
    about_tests = {
        "--patch": options.patch is not None,
        "--python": options.python is not None,
        "--sandbox": options.sandbox != "auto",
        "--tests-command": options.tests_command is not None,
        "--setup": options.setup is not None,
        "--confirm-setup": options.confirm_setup,
    }
    for name in (name for name, is_set in about_tests.items() if is_set):
        if not options.tests and not options.prove:
            raise UsageError(f"{name} has an effect only where tests are run: give --tests or --prove as well.")
        if options.diff is not None:
            raise UsageError(
                f"{name} has an effect only where tests are run, and with --diff there is no clone to run them in."
            )


def _demonstrated(
    change: Change, settings: Settings, options: argparse.Namespace, session: AskingSession, progress: Progress
) -> Review:
    """Review the change; with `--prove` also run tests that show the findings, and their fixes."""
    result = _review(change, settings, options, session, progress)
    if not options.prove:
        return result
    from reviewer.cli.proving.demonstrate import demonstrate_local  # noqa: PLC0415 - what runs tests, with --prove only

    return demonstrate_local(result, change, settings, options, session.calls.ask, session.salt, progress.say)


def _review(
    change: Change, settings: Settings, options: argparse.Namespace, session: AskingSession, progress: Progress
) -> Review:
    """Review the change; with `--tests` also suggest tests, and run them if there is a clone."""
    ask, salt = session.calls.ask, session.salt
    review_options = ReviewOptions(
        tests=options.tests, deeper=options.refactor, cost_per_thousand=cost_of(session.client)
    )
    if not options.tests or options.diff is not None:
        with session.calls.ending_early():
            result = review(change, settings, ask, salt=salt, options=review_options)
        return replace(result, notes=(*result.notes, _NO_CLONE)) if result.tests else result
    from reviewer.cli import tests  # noqa: PLC0415 - what runs tests is needed with --tests only
    from reviewer.testgen.evidence import NotRun  # noqa: PLC0415
    from reviewer.testgen.merge import with_proven  # noqa: PLC0415

    check_writable(options.patch)
    outcome = tests.run_tests(change, settings, options, ask, salt, progress.say)
    review_options = replace(review_options, tests=isinstance(outcome, NotRun))
    with session.calls.ending_early():
        result = with_proven(review(change, settings, ask, salt=salt, options=review_options), outcome)
    tests.write_patch(outcome, options.patch, progress.say)
    return result
