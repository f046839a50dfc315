"""`reviewer fix`: review a local change, and show the fixes that tests demonstrate; with `--apply` write them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reviewer.cli.asking.progress import Progress
from reviewer.cli.asking.reviewing import exit_code, made_review, nothing_to_review, uncapped
from reviewer.cli.asking.session import AskingSession
from reviewer.cli.console import STOPPED, check_writable, say, write_review
from reviewer.cli.local_change import change_of_options
from reviewer.cli.model_client import cost_of
from reviewer.cli.proving.demonstrate import demonstrate_local
from reviewer.demonstration.results import is_demonstrated
from reviewer.domain.change import Change
from reviewer.domain.demonstrations import FixDemonstration, FixedFile
from reviewer.domain.findings import Review
from reviewer.domain.settings import FailLevel, Settings
from reviewer.errors import NothingToReview, UsageError
from reviewer.git.worktree import open_worktree
from reviewer.output.formats import FORMATS
from reviewer.safety.terminal import terminal_safe
from reviewer.tasks.review import ReviewOptions, review
from reviewer.testgen.working_tree import inside

_BOM = b"\xef\xbb\xbf"


def run(options: argparse.Namespace) -> int:
    """Run `reviewer fix` and return its exit code. Raises ReviewerError."""
    check_writable(options.output)
    check_writable(options.patch)
    try:
        with Progress(quiet=options.quiet) as progress:
            change, settings = change_of_options(options, progress.say)
            finished = made_review(
                change,
                settings,
                options,
                progress,
                lambda session: _demonstrated(change, uncapped(settings), options, session, progress),
            )
    except NothingToReview as error:
        return nothing_to_review(error, options)
    if finished is None:
        return 0 if options.dry_run else STOPPED
    shown = replace(
        finished.review, findings=tuple(filter(is_demonstrated, finished.review.findings)), below=(), tests=()
    )
    write_review(shown, change.diff, form=options.format, output=options.output, title=_headline(finished.review))
    fix = finished.review.joint_fix
    if fix is not None:
        _show(fix, options)
        if options.apply:
            apply_fix(fix, open_worktree(Path.cwd()).root, say, with_tests=options.with_tests)
        else:
            say("Nothing was written: give --apply to write this into the working tree.")
    if finished.stopped:
        say(f"reviewer: stopped. {finished.stopped}")
        return STOPPED
    return exit_code(finished.review, FailLevel.NEVER, tells_skipped=True)


def _demonstrated(
    change: Change, settings: Settings, options: argparse.Namespace, session: AskingSession, progress: Progress
) -> Review:
    ask, salt = session.calls.ask, session.salt
    review_options = ReviewOptions(tests=False, refactorings=False, cost_per_thousand=cost_of(session.client))
    with session.calls.ending_early():
        result = review(change, settings, ask, salt=salt, options=review_options)
    return demonstrate_local(result, change, settings, options, ask, salt, progress.say)


def _headline(review: Review) -> str:
    shown = [finding for finding in review.findings if is_demonstrated(finding)]
    fixed = sum(finding.evidence is not None and finding.evidence.fix is not None for finding in shown)
    if not shown:
        return f"None of {len(review.findings)} findings is demonstrated by a test, so nothing is fixed."
    count = f"{len(shown)} of {len(review.findings)} findings demonstrated by a test, {fixed} with a fix that was run."
    return f"{count} Together: {review.joint_fix.line}." if review.joint_fix and fixed > 1 else count


def _show(fix: FixDemonstration, options: argparse.Namespace) -> None:
    """Show the diff to a person."""
    patch = fix.patch_with_tests
    if FORMATS[options.format].for_people and not options.output:
        sys.stdout.write(f"\n{terminal_safe(patch)}")
        sys.stdout.flush()


def apply_fix(fix: FixDemonstration, root: Path, tell: Callable[[str], None], *, with_tests: bool) -> None:
    """Write the files of the fix into the working tree: all of them or, if one changed meanwhile, none.

    Raises UsageError.
    """
    files = [*fix.files, *(fix.proofs if with_tests else ())]
    places = [(file, _place(root, file)) for file in files]
    for file, place in places:
        data = file.after.encode("utf-8", "surrogateescape")
        if place.exists() and place.read_bytes().startswith(_BOM):
            data = _BOM + data
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.write_bytes(data)
        except OSError as error:
            raise UsageError(f"Cannot write {file.path}: {error.strerror}.") from error
        tell(f"wrote {file.path}")


def _place(root: Path, file: FixedFile) -> Path:
    """Return where the file stands. Raises UsageError if it is not what the fix was run on."""
    place = inside(root, file.path)
    if place is None:
        raise UsageError(f"{file.path} is behind a link, so nothing was written.")
    try:
        now = place.read_bytes().decode("utf-8-sig") if place.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file.path} cannot be read, so nothing was written.") from error
    if now != file.before:
        raise UsageError(f"{file.path} changed since the fix was run, so nothing was written. Run it again.")
    return place
