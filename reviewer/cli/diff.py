"""`reviewer diff`: review a local change and print the review."""

from __future__ import annotations

import argparse
import atexit
import gc
from collections.abc import Callable
from dataclasses import dataclass, replace

from reviewer.cli.asking.progress import Progress
from reviewer.cli.asking.session import AskingSession, asking
from reviewer.cli.before_asking import check_limit, show_preview
from reviewer.cli.console import STOPPED, check_writable, say, write_review
from reviewer.cli.local_change import change_of_diff, change_of_options, untracked_of
from reviewer.cli.model_client import cost_of
from reviewer.diff.model import Diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import FailLevel, Settings
from reviewer.errors import NothingToReview, ReviewerError, UsageError
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
    try:
        with Progress(quiet=options.quiet) as progress:
            change, settings = _read(options, progress)
            made = _made(change, settings, options, progress)
    except NothingToReview as error:
        say(f"reviewer: {error}")
        if not FORMATS[options.format].for_people:  # a program that reads the result gets one
            write_review(Review(summary=""), Diff(()), form=options.format, output=options.output)
        return error.exit_code
    if made is None:
        return 0 if options.dry_run else STOPPED
    write_review(made.review, change.diff, form=options.format, output=options.output)
    if made.stopped:
        say(f"reviewer: stopped. {made.stopped}")
        return STOPPED
    return _exit_code(made.review, FailLevel(options.fail_level) if options.fail_level else settings.review.fail_level)


@dataclass(frozen=True, slots=True)
class _Made:
    """A review, and what to tell a person who stopped it before its end: "" where nobody did."""

    review: Review
    stopped: str = ""


def _made(change: Change, settings: Settings, options: argparse.Namespace, progress: Progress) -> _Made | None:
    """Show what will be sent, review the change, or as much as was done before Ctrl-C; None where that is nothing."""
    with asking(
        options.model, progress, cache=options.cache and not options.dry_run, needs_key=not options.dry_run
    ) as session:
        calls, client = session.calls, session.client
        preview = preview_of(change.diff, settings, cost=cost_of(client))
        show_preview(preview, client, untracked_of(change), say if options.dry_run else progress.say)
        if options.dry_run:
            return None
        check_limit(preview, options)
        progress.begin(preview)
        try:
            result = _review(change, _uncapped(settings), options, session, progress)
        except (ReviewerError, KeyboardInterrupt) as error:
            if isinstance(error, ReviewerError) and not calls.is_stopped:
                calls.forget_unreadable()
                progress.say(calls.bill())
                raise
            say(f"reviewer: stopped before any part was reviewed. {calls.bill()}")
            return None
        if not result.is_complete:
            calls.forget_unreadable()
        note = calls.note()
        result = replace(result, notes=(*result.notes, note)) if note else result
        return _Made(result, calls.bill() if calls.is_stopped else "")


def _read(options: argparse.Namespace, progress: Progress) -> tuple[Change, Settings]:
    try:
        return _change(options, progress.say)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Nothing was sent.") from None


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
        "--tests-command": options.tests_command is not None,
        "--setup": options.setup is not None,
        "--confirm-setup": options.confirm_setup,
    }
    for name in (name for name, is_set in about_tests.items() if is_set):
        if not options.tests:
            raise UsageError(f"{name} is about tests that are run: give --tests as well.")
        if options.diff is not None:
            raise UsageError(f"{name} is about tests that are run, and with --diff there is no clone to run them in.")


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


def _uncapped(settings: Settings) -> Settings:
    """Return the settings without the cap on comments: it is meant for pull requests, not for a terminal."""
    return settings.model_copy(update={"review": settings.review.model_copy(update={"max_comments": 10_000})})
