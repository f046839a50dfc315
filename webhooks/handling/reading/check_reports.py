"""Read what failed checks say about changed lines, for the review of the same commit; wait for checks that still run.

Promises: at most one request where no check failed with annotations; none where GitHub tells with the pull request that
all pass, or where we may not write checks. Only checks count that had ended before the review began, so that a review
that is begun again is shown the same. Never writes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from reviewer.diff.model import Diff
from reviewer.domain.change import CheckReport
from reviewer.domain.settings import Settings
from webhooks.github.errors import Forbidden, GitHubError, NotFound
from webhooks.github.repository import Repository
from webhooks.github.types import FailedCheck, Pull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.handling.reading.failed_checks import MOST_CHECKS, read_annotations
from webhooks.publishing.checks import CHECK_NAME
from webhooks.publishing.publish import CheckRun

log = logging.getLogger(__name__)

#: Annotations that are shown; those of level `notice` are no reason why a check failed.
MOST_REPORTS = 60
_LEVELS = frozenset({"failure", "warning"})

#: Seconds after which the checks of a push have begun, and the least seconds between two looks at them.
_BEGUN, _PAUSE = 10.0, 15.0


def read_reports(repository: Repository, pull: Pull, diff: Diff, check: CheckRun | None) -> tuple[CheckReport, ...]:
    """Return what failed checks of other programs say about lines that the diff adds; `check` is our own check run."""
    if check is None or pull.checks_pass:
        return ()
    try:
        known = check.failed
        failed = repository.failed_checks(pull.head_sha, statuses=False) if known is None else known
    except GitHubError as error:
        log.info("checks not read", extra={"repository": repository.name, "why": str(error)})
        return ()
    telling = [each for each in failed if each.annotations and each.name != CHECK_NAME and _before(each, check)]
    telling.sort(key=lambda each: (each.name, each.id))
    return tuple(_about(repository, telling[:MOST_CHECKS], diff))[:MOST_REPORTS]


def _before(failed: FailedCheck, check: CheckRun) -> bool:
    """Whether it had ended before our check run began: both times are GitHub's, in whole seconds."""
    return not check.started_at or failed.completed_at < check.started_at


def _about(repository: Repository, checks: Sequence[FailedCheck], diff: Diff) -> Iterator[CheckReport]:
    added: dict[str, frozenset[int]] = {}
    for check in checks:
        for note in read_annotations(repository, check):
            if note.level not in _LEVELS:
                continue
            if note.path not in added:
                added[note.path] = _added_lines(diff, note.path)
            if any(note.first <= line <= note.last for line in added[note.path]):
                yield CheckReport(check.name, note.path, note.first, note.last, note.level, note.message)


def _added_lines(diff: Diff, path: str) -> frozenset[int]:
    file = diff.file(path)
    lines = (line for hunk in file.hunks for line in hunk.lines) if file else ()
    return frozenset(line.new for line in lines if line.kind == "+" and line.new is not None)


def wait_for_checks(context: JobContext, pull: Pull, settings: Settings) -> JobOutcome | None:
    """Return the ending of a job that waits for checks which still run; None when it goes on.

    It is carried out again after a while: no thread waits. The limit counts from when the job was accepted.
    """
    waited, limit = context.waited, settings.review.wait_for_checks
    # Before it was accepted: the clock was put back.
    if waited is None or not 0 <= waited < limit:
        return None
    try:
        running = [name for name in context.repository.unfinished_checks(pull.head_sha) if name != CHECK_NAME]
    except (Forbidden, NotFound) as error:
        log.info("running checks not read", extra={"repository": context.repository.name, "why": str(error)})
        return None
    if not running and waited >= min(_BEGUN, limit):
        return None
    pause = max(_PAUSE, waited / 2) if running else _BEGUN - waited
    checks = "1 check" if len(running) == 1 else f"{len(running)} checks"
    reason = f"waits for {checks}" if running else "waits for checks to begin"
    return JobOutcome(JobEnding.POSTPONED, reason, pull.head_sha, after=max(1.0, min(pause, limit - waited)))
