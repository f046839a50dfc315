"""Findings that people with write access dismissed, as later reviews of the repository know them. Values only.

Promises: nothing is learned from people without write access, from bots, from a thread that was only resolved, or from
`/dismiss all`, which say nothing about such a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reviewer.domain.findings import Category
from reviewer.domain.severity import Severity
from webhooks.publishing.markers.ledger_entries import FindingStatus, LedgerEntry
from webhooks.publishing.people.dismissals import Say, Voices


@dataclass(frozen=True, slots=True)
class DismissedFinding:
    """One finding of a pull request, who dismissed it, and what they said, which may be nothing. `url` is its place."""

    pull: int
    fingerprint: str
    path: str
    category: Category
    severity: Severity
    title: str
    by: str
    why: str
    url: str

    def to_json(self) -> dict[str, Any]:
        """Return what is stored beside the pull request's number and the fingerprint."""
        names = ("path", "category", "severity", "title", "by", "why", "url")
        return {name: str(getattr(self, name)) for name in names}

    @classmethod
    def from_json(cls, pull: int, fingerprint: str, data: dict[str, Any]) -> DismissedFinding:
        """Return what `to_json` gave. Raises KeyError and ValueError for anything else."""
        category, severity = Category(data["category"]), Severity(data["severity"])
        path, title, by, why, url = (str(data[name]) for name in ("path", "title", "by", "why", "url"))
        return cls(pull, fingerprint, path, category, severity, title, by, why, url)


class DismissalMemory(Protocol):
    """What was dismissed in a repository: the App keeps it in its store, the Action reads it from its own summaries."""

    def known(self) -> Sequence[DismissedFinding]:
        """Return what was dismissed, the oldest first; the same for a job that is begun again."""
        ...

    def keep(self, pull: int, dismissed: Sequence[DismissedFinding]) -> None:
        """Remember what is dismissed on that pull request, in the place of what was known of it."""
        ...


class NoMemory:
    """Remembers nothing."""

    def known(self) -> Sequence[DismissedFinding]:
        """Return nothing."""
        return ()

    def keep(self, pull: int, dismissed: Sequence[DismissedFinding]) -> None:
        """Forget it."""


NO_MEMORY = NoMemory()


def writers_of(permission: Callable[[str], str]) -> Voices:
    """Return the voices of people with write access, whoever opened a pull request and whatever the settings say."""
    return Voices(permission, "", author_may_dismiss=False)


def dismissed_findings(
    entries: Iterable[LedgerEntry], pull: int, web_url: str, voices: Voices
) -> tuple[DismissedFinding, ...]:
    """Return what can be learned from the entries of a pull request, whose page is `web_url`.

    `voices` are those of the repository's writers: an author without write access has none there. It asks GitHub, and
    raises GitHubError.
    """
    return tuple(
        DismissedFinding(
            pull=pull,
            fingerprint=entry.fingerprint,
            path=entry.path,
            category=entry.category,
            severity=entry.severity,
            title=entry.title,
            by=entry.by,
            why=entry.why,
            url=f"{web_url}#discussion_r{entry.comment_id}" if entry.comment_id else web_url,
        )
        for entry in entries
        if entry.status is FindingStatus.DISMISSED
        and entry.unwanted
        and entry.by
        and voices.of(entry.by) is Say.DISMISSES
    )
