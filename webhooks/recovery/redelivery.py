"""Redeliver failed webhooks, and start the search for pull requests without a review.

GitHub delivers once (https://docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries). Promises: a
delivery that failed while the App was away is requested again, a few times at most and with growing pauses; a delivery
that succeeded never is; of all processes on a store one does this at a time. Never reviews anything: what was missed
becomes a delivery or a job like any other, and what was accepted before is recognised by its GUID or its head.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, takewhile
from operator import attrgetter
from typing import Any

from reviewer.errors import ReviewerError
from webhooks.events.deliveries import Ignored, MalformedDelivery, decide, is_handled, may_be_handled
from webhooks.github.app import AppClient, HookAttempt
from webhooks.github.credentials import Credentials
from webhooks.github.errors import NotFound, Unprocessable
from webhooks.queue.jobs import Jobs
from webhooks.recovery.unreviewed_pulls import SearchBounds, UnreviewedPulls

log = logging.getLogger(__name__)

#: The names of the two leases in the store.
DELIVERIES, PULLS = "deliveries", "pulls"

#: HTTP statuses that the same delivery would get again, and what to do about each.
HOPELESS = {
    400: "it was malformed: is the App's version up to date?",
    401: "set GITHUB_WEBHOOK_SECRET to the webhook's secret, then redeliver in the App's settings (Advanced)",
    413: "let a proxy in front of the App pass bodies of 25 MB",
    415: "set the webhook's content type to application/json",
}

#: Seconds: GitHub lists a delivery when it is over, which may take ten seconds.
_OVERLAP = 60.0


@dataclass(frozen=True, slots=True)
class RedeliveryPolicy:
    """How often and how much. Times are in seconds.

    `period` is the time between two searches for failed deliveries (0: none); the first is due at once, or `soon` after
    the last one of any process. A delivery is sent `attempts` times at most, the first included: again at once,
    then after `period`, four times that, and so on. A search reads the newest `listed` attempts and requests `asked`
    deliveries, `pace` apart, as GitHub asks for writes. Pull requests are examined once, `settle` after the start, so
    that redeliveries come first, and not before `between_starts` after the last time.
    """

    period: float = 300.0
    soon: float = 10.0
    attempts: int = 6
    listed: int = 30_000
    asked: int = 100
    pace: float = 1.0
    settle: float = 30.0
    between_starts: float = 600.0
    pulls: SearchBounds = field(default_factory=SearchBounds)


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A delivery that failed each time it was sent. `first` and `last` are when; `attempt` is the id of the last."""

    guid: str
    attempt: int
    status: int
    first: float
    last: float
    attempts: int

    @property
    def is_hopeless(self) -> bool:
        """Whether it would fail again."""
        return self.status in HOPELESS

    def is_due(self, now: float, policy: RedeliveryPolicy) -> bool:
        """Whether it is time to ask for it again. A last time in the future comes from a clock that was put back."""
        wait = policy.period * 4.0 ** (self.attempts - 2) if self.attempts > 1 else 0.0
        return not 0 <= now - self.last < wait


def failures(attempts: Iterable[HookAttempt], can_ask: Callable[[str, str], bool] = is_handled) -> list[FailedDelivery]:
    """Return the deliveries that can ask for something and of which no attempt succeeded, oldest first.

    `can_ask` tells by event and action whether one can.
    """
    found = []
    for guid, same in groupby(
        sorted(attempts, key=lambda attempt: (attempt.guid, attempt.at, attempt.id)), attrgetter("guid")
    ):
        sent = list(same)
        last = sent[-1]
        if can_ask(last.event, last.action) and not any(attempt.succeeded for attempt in sent):
            found.append(FailedDelivery(guid, last.id, last.status, sent[0].at, last.at, len(sent)))
    return sorted(found, key=attrgetter("first"))


class MissedDeliveries:
    """Searches for missed webhooks and pull requests, in a thread. `start` once, `stop` once."""

    def __init__(self, jobs: Jobs, credentials: Credentials, policy: RedeliveryPolicy | None = None) -> None:
        """Store where jobs go, and the credentials of the App."""
        self._jobs = jobs
        self._policy = policy or RedeliveryPolicy()
        self._app = AppClient(credentials)
        self._unreviewed = UnreviewedPulls(jobs, self._app, credentials, self._policy.pulls)
        self._stopping = threading.Event()
        self._has_searched = False
        self._started = 0.0
        self._has_examined = self._policy.pulls.reviews == 0

    def start(self) -> None:
        """Begin, in a thread that ends with the process."""
        self._started = time.monotonic()
        threading.Thread(target=self._run, name="reviewer-missed", daemon=True).start()

    def stop(self) -> None:
        """Stop. Does not wait for a request that is under way."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._jobs.is_standby:  # otherwise the process that works does this
                self._log_errors(self._redeliver)
                self._log_errors(self._examine)
            self._stopping.wait(self._policy.soon)

    def _log_errors(self, act: Callable[[], None]) -> None:
        try:
            act()
        except ReviewerError as error:
            if not self._stopping.is_set():
                log.warning("could not search for missed webhooks, trying again later: %s", error)
        except Exception as error:  # noqa: BLE001 - nothing above a thread would handle it; the next round tries again
            log.warning("the search for missed webhooks failed: %s: %s", type(error).__name__, error)

    # ------------------------------------------------------------------ deliveries

    def _redeliver(self) -> None:
        """Request the deliveries that failed since the last search, if it is our turn."""
        policy = self._policy
        if policy.period == 0:
            return
        seen = self._jobs.take_turn(DELIVERIES, after=policy.period if self._has_searched else policy.soon)
        if seen is None:
            return
        self._has_searched = True
        attempts = self._listed(since=float(seen.get("since", 0.0)))
        settled = set(seen.get("settled", ())) & {attempt.guid for attempt in attempts}
        edits = [edit for edit in failures(attempts, may_be_handled) if edit.guid not in settled]
        settled |= {edit.guid for edit in edits[: policy.asked] if not self._asks(edit)}
        failed = [delivery for delivery in [*failures(attempts), *edits] if delivery.guid not in settled]
        over = [delivery for delivery in failed if delivery.is_hopeless or delivery.attempts >= policy.attempts]
        log_hopeless(over)
        settled |= {delivery.guid for delivery in over}
        open_ = [delivery for delivery in failed if delivery.guid not in settled]
        due = [delivery for delivery in open_ if delivery.is_due(time.time(), policy)]
        settled |= self._request(due[: policy.asked])
        newest = max((attempt.at for attempt in attempts), default=float(seen.get("since", 0.0)) + _OVERLAP)
        since = min([newest - _OVERLAP, *(delivery.first for delivery in open_ if delivery.guid not in settled)])
        self._jobs.note(DELIVERIES, {"since": since, "settled": sorted(settled)})

    def _listed(self, *, since: float) -> list[HookAttempt]:
        """Return the attempts made since then, newest first, as many as are read."""
        limit = self._policy.listed
        newer = takewhile(lambda attempt: attempt.at >= since, self._app.deliveries())
        attempts = list(islice(newer, limit))
        if len(attempts) == limit:
            log.warning("more than %d deliveries since the last search: older ones are not redelivered", limit)
        return attempts

    def _asks(self, edit: FailedDelivery) -> bool:
        """Whether an edit asks for something: the list of deliveries does not show what was edited."""
        try:
            payload = self._app.payload(edit.attempt)
            return not isinstance(decide("pull_request", payload, edit.guid, ()), Ignored)
        except (NotFound, MalformedDelivery):
            return False

    def _request(self, failed: Sequence[FailedDelivery]) -> set[str]:
        """Request each again; return the GUIDs that GitHub no longer has or refuses to send."""
        refused = set()
        for place, delivery in enumerate(failed):
            if place and self._stopping.wait(self._policy.pace):
                break
            try:
                self._app.redeliver(delivery.attempt)
            except (NotFound, Unprocessable) as error:
                log.warning("not redelivered", extra={"delivery": delivery.guid, "why": str(error)})
                refused.add(delivery.guid)
            else:
                log.info(
                    "redelivery requested",
                    extra={"delivery": delivery.guid, "status": delivery.status, "sent": delivery.attempts},
                )
        return refused

    # ------------------------------------------------------------------ pull requests

    def _examine(self) -> None:
        """Review open pull requests whose head was not, once after a start, if it is our turn."""
        if self._has_examined or time.monotonic() < self._started + self._policy.settle:
            return
        seen: dict[str, Any] | None = self._jobs.take_turn(PULLS, after=self._policy.between_starts)
        if seen is None:
            return
        self._unreviewed.examine(self._stopping.is_set)
        self._has_examined = True


def log_hopeless(over: Iterable[FailedDelivery]) -> None:
    """Log the deliveries that are not requested again, and what to do."""
    for status, same in groupby(sorted(over, key=attrgetter("status")), attrgetter("status")):
        count = len(list(same))
        todo = HOPELESS.get(status, "is the webhook's URL right, and the App reachable from GitHub?")
        log.error("%d deliveries failed with status %d and are not redelivered: %s", count, status, todo)
