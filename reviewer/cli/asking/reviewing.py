"""What every command that reviews does: show what will be sent, make the review, survive Ctrl-C, and end."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace

from reviewer.cli.asking.before_asking import check_limit, show_preview
from reviewer.cli.asking.progress import Progress
from reviewer.cli.asking.session import AskingSession, asking
from reviewer.cli.console import STOPPED, say, write_review
from reviewer.cli.local_change import untracked_of
from reviewer.cli.model_client import cost_of
from reviewer.diff.model import Diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import FailLevel, Settings
from reviewer.errors import NothingToReview, ReviewerError, UsageError
from reviewer.output.formats import FORMATS
from reviewer.output.wording import headline, one_line
from reviewer.tasks.planning.file_filter import select
from reviewer.tasks.planning.preview import preview_of


@dataclass(frozen=True, slots=True)
class MadeReview:
    """A review, and what to tell a person who stopped it before its end: "" where nobody did."""

    review: Review
    stopped: str = ""


def made_review(
    change: Change,
    settings: Settings,
    options: argparse.Namespace,
    progress: Progress,
    make: Callable[[AskingSession], Review],
) -> MadeReview | None:
    """Show what will be sent, and make the review, or as much of it as was done before Ctrl-C; None if nothing was."""
    cache = options.cache and not options.dry_run
    # Skipped files alone are nothing to ask about, so no key is missing.
    needs_key = not options.dry_run and bool(select(change.diff, settings.review)[0])
    with asking(options.model, progress, cache=cache, needs_key=needs_key, relay=options.relay) as session:
        calls, client = session.calls, session.client
        preview = preview_of(change.diff, settings, cost=cost_of(client))
        if preview.files or options.dry_run or not _shows_skipped(options):
            show_preview(preview, client, untracked_of(change), say if options.dry_run else progress.say)
        if options.dry_run:
            return None
        with progress.paused():
            check_limit(preview, options)
        progress.begin(preview)
        try:
            result = make(session)
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
        return MadeReview(result, calls.bill() if calls.is_stopped else "")


def ended(finished: MadeReview | None, diff: Diff, options: argparse.Namespace, level: FailLevel) -> int:
    """Write the review, say what was not done, and return what the command ends with."""
    if finished is None:
        return 0 if options.dry_run else STOPPED
    write_review(finished.review, diff, form=options.format, output=options.output)
    if finished.stopped:
        say(f"reviewer: stopped. {finished.stopped}")
        return STOPPED
    level = FailLevel(options.fail_level) if options.fail_level else level
    return exit_code(finished.review, level, tells_skipped=not _shows_skipped(options))


def nothing_to_review(error: NothingToReview, options: argparse.Namespace) -> int:
    """Say that there is no change, and return what the command ends with; a program that reads the result gets one."""
    say(f"reviewer: {error}")
    if not FORMATS[options.format].for_people:
        write_review(Review(summary=""), Diff(()), form=options.format, output=options.output)
    return error.exit_code


def _shows_skipped(options: argparse.Namespace) -> bool:
    """Whether the person sees the skipped files, and why, in the review itself."""
    return options.format == "text" and not options.output


def exit_code(result: Review, level: FailLevel, *, tells_skipped: bool) -> int:
    """Say what was not done, and return what the command ends with."""
    if not result.files_reviewed and (tells_skipped or result.unfit):
        why = f"nothing here needs a review: {result.needless}" if result.needless else "there is nothing to review"
        say(f"reviewer: {'nothing was reviewed' if result.unfit else why}:")
        for skipped in result.skipped:
            say(f"  {one_line(skipped.path)}: {skipped.reason}")
    if not result.is_complete:
        say(f"reviewer: {headline(result)}")
        return ReviewerError.exit_code
    if any(level.fails(finding.severity) for finding in result.findings):
        return 1
    return UsageError.exit_code if result.unfit and not result.files_reviewed else 0


def uncapped(settings: Settings) -> Settings:
    """Return the settings without the cap on comments: it is meant for pull requests, not for a terminal."""
    return settings.model_copy(update={"review": settings.review.model_copy(update={"max_comments": 10_000})})
