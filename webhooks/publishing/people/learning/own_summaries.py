"""Read what was dismissed in a repository from our own summaries of its pull requests: the Action has no store."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from webhooks.github.errors import GitHubError
from webhooks.github.repository import Repository
from webhooks.publishing.markers.summary import is_summary, read_ledger
from webhooks.publishing.people.learning.dismissed import DismissedFinding, dismissed_findings, writers_of

log = logging.getLogger(__name__)

#: Comments of the repository that are read, the newest first.
MOST_COMMENTS = 300

_PULL = re.compile(r"(?P<page>https?://[^#?\s]{1,500}/pull/(?P<number>\d{1,10}))#")


class OwnSummaries:
    """What our summaries among the newest comments of a repository say. Only comments that we wrote count."""

    def __init__(self, repository: Repository, number: int) -> None:
        """Store the repository, and a pull request on which it can be found out who we are."""
        self._repository = repository
        self._number = number
        self._known: tuple[DismissedFinding, ...] | None = None

    def known(self) -> Sequence[DismissedFinding]:
        """Return what was dismissed, the oldest first; nothing where GitHub does not list the comments."""
        if self._known is None:
            try:
                self._known = tuple(self._read())
            except GitHubError as error:
                log.info("dismissals not read", extra={"repository": self._repository.name, "why": str(error)})
                self._known = ()
        return self._known

    def keep(self, pull: int, dismissed: Sequence[DismissedFinding]) -> None:
        """Do nothing: the summary keeps it."""

    def _read(self) -> list[DismissedFinding]:
        voices = writers_of(self._repository.permission)
        login = ""
        found: dict[int, tuple[DismissedFinding, ...]] = {}
        for comment in self._repository.newest_comments(MOST_COMMENTS):
            place = _PULL.match(comment.url)
            ledger = read_ledger(comment.body) if place and is_summary(comment.body) else None
            if place is None or ledger is None or not any(entry.unwanted for entry in ledger.entries):
                continue
            login = login or self._repository.identity(self._number).lower()
            if comment.author.lower() == login:
                number = int(place["number"])
                found[number] = dismissed_findings(ledger.entries, number, place["page"], voices)
        return [finding for _, findings in sorted(found.items()) for finding in findings]
