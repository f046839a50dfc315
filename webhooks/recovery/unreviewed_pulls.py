"""Find open pull requests whose head we did not review, without a webhook, and add jobs for them.

Promises: those that changed last come first; requests and reviews are limited; a head that has our finished check run
or our summary, or for which there is or was a job, is skipped. Never reviews by itself.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice, takewhile
from typing import TypeVar

from webhooks.events.deliveries import Job, Trigger
from webhooks.github.app import AppClient, Installation, InstallationView, ListedPull
from webhooks.github.credentials import Credentials
from webhooks.github.errors import Forbidden, NotFound, Unauthorized
from webhooks.github.repository import Repository, connect
from webhooks.publishing.checks import CHECK_NAME, is_about, is_review
from webhooks.publishing.markers.summary import read_ledger, read_summary_head
from webhooks.publishing.read_posted import summary_of
from webhooks.queue.jobs import Jobs

log = logging.getLogger(__name__)

_Any = TypeVar("_Any")

#: The most repositories of an installation, and open pull requests of a repository, that are examined.
_REPOSITORIES, _PULLS = 1000, 100


@dataclass(frozen=True, slots=True)
class SearchBounds:
    """How much is examined: pull requests that changed in the last `days`, with about `requests` requests.

    At most `reviews` of them are reviewed; 0 turns it off. Only repositories are examined that the operator `serves`.
    """

    reviews: int = 20
    requests: int = 200
    days: float = 3.0
    serves: Callable[[str], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class _Place:
    """A repository of an installation."""

    inside: InstallationView
    installation_id: int
    name: str
    pushed_at: str


class UnreviewedPulls:
    """Searches the open pull requests of all installations."""

    def __init__(self, jobs: Jobs, app: AppClient, credentials: Credentials, bounds: SearchBounds) -> None:
        """Store where jobs go, how to ask GitHub, and the limits."""
        self._jobs = jobs
        self._app = app
        self._credentials = credentials
        self._bounds = bounds

    def examine(self, is_over: Callable[[], bool]) -> None:
        """Add a job for each head that was missed, until `is_over`. Raises GitHubError where nothing can be read."""
        login = self._app.login()
        found = 0
        for installation_id, pull in self._candidates():
            if is_over() or found >= self._bounds.reviews:
                break
            if self._is_missed(installation_id, pull, login) and self._jobs.accept(job_for(pull, installation_id)):
                found += 1
                log.info("not reviewed yet", extra={"pull": f"{pull.repository}#{pull.number}", "head": pull.head_sha})
        log.info("searched for heads without a review", extra={"found": found})

    def _candidates(self) -> list[tuple[int, ListedPull]]:
        """Return pull requests that changed recently, the last first, with their installation.

        A list of pull requests takes one request, checking one of them up to three: each gets half of all requests.
        """
        since = (datetime.now(UTC) - timedelta(days=self._bounds.days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        installations = self._app.installations()
        places = [place for installation in installations for place in self._repositories(installation)]
        places.sort(key=lambda place: place.pushed_at, reverse=True)
        pulls = [
            (place.installation_id, pull)
            for place in places[: self._bounds.requests // 2]
            for pull in _unless_refused(place.name, partial(_changed, place, since))
            if not pull.draft
        ]
        pulls.sort(key=lambda entry: entry[1].updated_at, reverse=True)
        return pulls[: self._bounds.requests // 6]

    def _repositories(self, installation: Installation) -> list[_Place]:
        if installation.is_suspended:
            log.info("not examined, the installation is suspended", extra={"account": installation.account})
            return []
        inside = self._app.inside(installation.id)
        names = _unless_refused(installation.account, lambda: list(islice(inside.repositories(), _REPOSITORIES)))
        return [
            _Place(inside, installation.id, name, pushed_at) for name, pushed_at in names if self._bounds.serves(name)
        ]

    def _is_missed(self, installation_id: int, pull: ListedPull, login: str) -> bool:
        """Whether neither the store nor GitHub has a review of the head."""
        if self._jobs.has_head(f"{pull.repository}#{pull.number}", pull.head_sha, pull.base_ref):
            return False
        repository = connect(self._credentials, pull.repository, installation_id)
        return True in _unless_refused(pull.repository, lambda: [not _is_reviewed(repository, pull, login)])


def job_for(pull: ListedPull, installation_id: int) -> Job:
    """Return the job for a pull request without a delivery. Its id is made from head and base, so it exists once."""
    key = f"{pull.repository}#{pull.number}@{pull.head_sha}"
    return Job(
        key=key,
        repository=pull.repository,
        number=pull.number,
        trigger=Trigger.MISSED,
        delivery=f"missed-{uuid.uuid5(uuid.NAMESPACE_URL, f'{key} {pull.base_ref}')}",
        head_sha=pull.head_sha,
        installation_id=installation_id,
        actor=pull.author or None,
        updated_at=pull.updated_at,
        base_ref=pull.base_ref,
    )


def _is_reviewed(repository: Repository, pull: ListedPull, login: str) -> bool:
    """Whether our check run for the pull request's head is finished, or our summary is about it.

    A check run that is not finished, with no job in the store, belongs to a job that was lost with its store. A check
    run of another pull request with the same head has another job's key as its id. Where our summary knows the base
    branch, it decides: the base may have been changed since, which leaves the check run on the head as it was.
    """
    summary = summary_of(repository, pull.number, login).summary_body
    ledger = read_ledger(summary)
    if ledger is not None and ledger.head == pull.head_sha and ledger.base_ref and pull.base_ref:
        return ledger.base_ref == pull.base_ref
    if read_summary_head(summary) == pull.head_sha:
        return True
    try:
        runs = repository.check_runs(pull.head_sha, CHECK_NAME, every=True)
    except (Forbidden, NotFound):
        runs = []
    ours = [run for run in runs if f"{run['app']}[bot]" == login]
    about = [run for run in ours if is_about(run["external_id"], pull.repository, pull.number)]
    return any(run["status"] == "completed" and is_review(run["external_id"]) for run in about)


def _changed(place: _Place, since: str) -> list[ListedPull]:
    """Return the open pull requests of a repository that changed since then."""
    listed = islice(place.inside.open_pulls(place.name), _PULLS)
    return list(takewhile(lambda pull: pull.updated_at >= since, listed))


def _unless_refused(what: str, read: Callable[[], list[_Any]]) -> list[_Any]:
    """Return what is read, or nothing where the App has no access: suspended, uninstalled, or without permission."""
    try:
        return read()
    except (Forbidden, NotFound, Unauthorized) as error:
        log.warning("not examined", extra={"what": what, "why": str(error)})
        return []
