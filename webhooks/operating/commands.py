"""The operator's commands: run a worker, list, show, retry and cancel jobs, list and forget what was learned."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from reviewer.safety.terminal import line_safe
from webhooks.operating.health import EVERY, sign_of_life
from webhooks.queue.jobs import JobRecord, Jobs, JobState, NoSuchJob, StoredDismissal
from webhooks.recovery.redelivery import MissedDeliveries

#: Jobs that are named where a beginning fits several.
_MOST_SHOWN = 10


def work(jobs: Jobs, missed: MissedDeliveries | None = None) -> int:
    """Carry out jobs until SIGTERM or SIGINT, then give back running ones. `missed` searches for missed webhooks."""
    ended = threading.Event()

    def end(*_: object) -> None:
        if ended.is_set():  # asked twice: the store gives the running jobs to the next worker
            os._exit(1)
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    if jobs.is_standby:
        sys.stderr.write("reviewer: another worker uses the store; this one waits until that one ends\n")
    alive = sign_of_life()
    while not ended.wait(EVERY):
        with suppress(OSError):  # a full disk ends no worker
            alive.touch(mode=0o600)
    alive.unlink(missing_ok=True)
    sys.stderr.write("reviewer: ending; press Ctrl-C once more to end at once (jobs go on in the next worker)\n")
    if missed is not None:
        missed.stop()
    jobs.close(grace=20.0)
    return 0


def steer(jobs: Jobs, argv: list[str]) -> int:
    """Carry out `reviewer jobs list|show|retry|cancel|learned|forget`. `jobs` must be open."""
    options = _parser().parse_args(argv)
    act: Callable[[], str] = {
        "list": lambda: _table(jobs.records(_states(options), options.limit)),
        "show": lambda: _page(_find(jobs, options.job)),
        "retry": lambda: f"queued again: {jobs.retry(_find(jobs, options.job).id).key}",
        "cancel": lambda: f"cancelled: {jobs.cancel(_find(jobs, options.job).id).key}",
        "learned": lambda: _learned(jobs.learned.of(options.repository)),
        "forget": lambda: _forget(jobs, options.id),
    }[options.command]
    sys.stdout.write(act() + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reviewer jobs", description="List, show, retry and cancel the App's jobs.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="list the newest jobs, one per line")
    listing.add_argument("--state", choices=[state.value for state in JobState], help="only those in this state")
    listing.add_argument("--limit", type=_count, default=50, help="how many at most (default: 50)")
    for name, what in (
        ("show", "show everything about a job"),
        ("retry", "queue an ended job again; a failed job keeps the answers that were paid for"),
        ("cancel", "cancel a job"),
    ):
        commands.add_parser(name, help=what).add_argument(
            "job", help="its id, its key (owner/repo#12@...), or the beginning of either"
        )
    learned = commands.add_parser("learned", help="list the dismissals that later reviews are told of")
    learned.add_argument("repository", nargs="?", default="", help="only of this one (owner/repo)")
    forget = commands.add_parser("forget", help="delete what was learned from a dismissal, for good")
    forget.add_argument("id", help="its id, as `learned` lists it")
    return parser


def _count(text: str) -> int:
    """Return a whole number from 1: what stores make of others differs."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text[:20]} is not a whole number from 1")
    return int(text)


def _learned(stored: list[StoredDismissal]) -> str:
    rows = [("ID", "WHEN", "BY", "WHERE", "TITLE AND REASON")]
    for entry in reversed(stored):
        finding = entry.finding
        where = f"{entry.repository}#{finding.pull} {finding.path}"
        what = f"{finding.title}: {finding.why}" if finding.why else finding.title
        rows.append((entry.id, _time(entry.at), finding.by, where, what))
    return _aligned([tuple(line_safe(cell) for cell in row) for row in rows])


def _forget(jobs: Jobs, dismissal: str) -> str:
    for forgotten in jobs.learned.forget([dismissal]):
        return f"forgotten: {line_safe(forgotten.finding.title)}"
    raise NoSuchJob(f"nothing was learned from a dismissal {dismissal}: see `reviewer jobs learned`")


def _states(options: argparse.Namespace) -> tuple[JobState, ...]:
    return (JobState(options.state),) if options.state else tuple(JobState)


def _find(jobs: Jobs, name: str) -> JobRecord:
    """Return the job of that id, or the newest of that key, or the one whose id or key begins so. Raises NoSuchJob."""
    try:
        return jobs.record(name)
    except NoSuchJob:
        found = jobs.beginning_with(name)
        keys = {record.key for record in found}
        if len(keys) > 1 and name not in keys:
            shown = "\n".join(f"  {record.id}  {record.key}" for record in found[:_MOST_SHOWN])
            message = f"{name} may mean {len(keys)} jobs; write more of the id or key:\n{shown}"
            raise NoSuchJob(message) from None
        exact = [record for record in found if record.key == name] or found
        if exact:
            return exact[0]
        raise


def _table(records: list[JobRecord]) -> str:
    rows = [("ID", "STATE", "ACCEPTED", "KEY", "REASON")]
    rows += [(job.id, job.state.value, _time(job.accepted_at), job.key, _reason(job)) for job in records]
    return _aligned(rows)


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows of five columns below one another."""
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join("  ".join([*(row[n].ljust(widths[n]) for n in range(4)), row[4]]).rstrip() for row in rows)


def _page(record: JobRecord) -> str:
    fields: dict[str, object] = {
        "id": record.id,
        "key": record.key,
        "state": record.state.value,
        "reason": _reason(record),
        "accepted": _time(record.accepted_at),
        "started": _time(record.started_at),
        "ended": _time(record.ended_at),
        "attempt": record.attempt,
        "failures": record.failures,
    }
    # `state` is the job's, as in the list; the ending of the review itself is its outcome.
    for name, value in (record.result or {}).items():
        fields.setdefault("outcome" if name == "state" else name, value)
    return "\n".join(f"{name}: {value}" for name, value in fields.items() if value not in (None, ""))


def _reason(record: JobRecord) -> str:
    """Return the reason for the job's state; for a done job, why there was nothing to do, if so."""
    return record.reason or str((record.result or {}).get("reason", ""))


def _time(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
