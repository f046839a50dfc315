"""`reviewer diff`: review a local change and print the review."""

from __future__ import annotations

import argparse
import atexit
import gc
import secrets
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from reviewer.cli.before_asking import check_limit, show_preview
from reviewer.cli.console import check_writable, say, say_nothing, write_review
from reviewer.cli.local_change import change_of_diff, change_of_options, untracked_of
from reviewer.cli.model_client import ask_of, cost_of, open_client
from reviewer.diff.model import Diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import FailLevel, Settings
from reviewer.errors import NothingToReview, ReviewerError, UsageError
from reviewer.llm.messages import Ask
from reviewer.output.formats import FORMATS
from reviewer.output.wording import headline
from reviewer.tasks.planning.preview import preview_of
from reviewer.tasks.review import ReviewOptions, review

_NO_CLONE = "Suggested tests were not run: with --diff there is no clone to run them in."


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code. Raises ReviewerError."""
    # No search for cycles at exit: it takes an eighth of the time of a whole run.
    atexit.register(gc.freeze)
    _check_options(options)
    check_writable(options.output)
    progress = say_nothing if options.quiet else say
    try:
        change, settings = _change(options, progress)
    except NothingToReview as error:
        say(f"reviewer: {error}")
        if not FORMATS[options.format].for_people:  # a program that reads the result gets one
            write_review(Review(summary=""), Diff(()), form=options.format, output=options.output)
        return error.exit_code
    with open_client(options.model, needs_key=not options.dry_run) as client:
        preview = preview_of(change.diff, settings, cost=cost_of(client))
        show_preview(preview, client, untracked_of(change), say if options.dry_run else progress)
        if options.dry_run:
            return 0
        check_limit(preview, options)
        ask = ask_of(client, quiet=options.quiet)
        result = _review(change, _uncapped(settings), options, ask, cost_of(client), progress)
    write_review(result, change.diff, form=options.format, output=options.output)
    return _exit_code(result, FailLevel(options.fail_level) if options.fail_level else settings.review.fail_level)


def _change(options: argparse.Namespace, progress: Callable[[str], None]) -> tuple[Change, Settings]:
    """Read the change that the options name. Raises NothingToReview, UsageError."""
    if options.diff is None:
        return change_of_options(options, progress)
    change, settings = change_of_diff(options.diff)
    if not change.diff.files:
        raise NothingToReview("Nothing to review: the diff is empty.")
    return change, settings


def _exit_code(result: Review, level: FailLevel) -> int:
    """Say what was not done, and return what the command ends with."""
    if not result.files_reviewed:
        say(f"reviewer: {'nothing was reviewed' if result.unfit else 'there is nothing to review'}:")
        for skipped in result.skipped:
            say(f"  {skipped.path}: {skipped.reason}")
    if not result.is_complete:
        say(f"reviewer: {headline(result)}")
        return ReviewerError.exit_code
    if any(level.fails(finding.severity) for finding in result.findings):
        return 1
    return UsageError.exit_code if result.unfit and not result.files_reviewed else 0


def _check_options(options: argparse.Namespace) -> None:
    """Raise UsageError for options that would have no effect."""
    if options.diff is not None and options.range:
        raise UsageError("Give either a RANGE or --diff, not both.")
    if options.diff is not None and (options.paths or options.staged or options.untracked or options.include):
        raise UsageError("--staged, --untracked, --include and paths select from a clone: they do not go with --diff.")
    about_tests = {
        "--patch": options.patch is not None,
        "--python": options.python is not None,
        "--sandbox": options.sandbox != "auto",
        "--setup": options.setup is not None,
        "--confirm-setup": options.confirm_setup,
    }
    for name in (name for name, is_set in about_tests.items() if is_set):
        if not options.tests:
            raise UsageError(f"{name} is about tests that are run: give --tests as well.")
        if options.diff is not None:
            raise UsageError(f"{name} is about tests that are run, and with --diff there is no clone to run them in.")


def _review(
    change: Change,
    settings: Settings,
    options: argparse.Namespace,
    ask: Ask,
    cost: Decimal | None,
    progress: Callable[[str], None],
) -> Review:
    """Review the change; with `--tests` also suggest tests, and run them if there is a clone."""
    salt = secrets.token_bytes(16)
    review_options = ReviewOptions(tests=options.tests, deeper=options.refactor, cost_per_thousand=cost)
    if not options.tests:
        return review(change, settings, ask, salt=salt, options=review_options)
    if options.diff is not None:
        result = review(change, settings, ask, salt=salt, options=review_options)
        return replace(result, notes=(*result.notes, _NO_CLONE)) if result.tests else result
    from reviewer.cli import tests  # noqa: PLC0415 - what runs tests is needed with --tests only
    from reviewer.testgen.evidence import NotRun  # noqa: PLC0415
    from reviewer.testgen.merge import with_proven  # noqa: PLC0415

    check_writable(options.patch)
    outcome = tests.run_tests(change, settings, options, ask, salt, progress)
    review_options = replace(review_options, tests=isinstance(outcome, NotRun))
    result = with_proven(review(change, settings, ask, salt=salt, options=review_options), outcome)
    tests.write_patch(outcome, options.patch, progress)
    return result


def _uncapped(settings: Settings) -> Settings:
    """Return the settings without the cap on comments: it is meant for pull requests, not for a terminal."""
    return settings.model_copy(update={"review": settings.review.model_copy(update={"max_comments": 10_000})})
