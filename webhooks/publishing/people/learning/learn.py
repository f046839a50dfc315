"""Learn from what people dismiss on a pull request: remember it, tell later reviews, offer it once as a setting."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from reviewer.domain.findings import Preference
from reviewer.domain.settings import Settings
from webhooks.github.errors import GitHubError
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.publishing.markers.ledger_entries import LedgerEntry
from webhooks.publishing.people.learning.dismissed import DismissalMemory, dismissed_findings, writers_of
from webhooks.publishing.people.learning.offer import offer_setting
from webhooks.publishing.people.learning.preferences import kinds_of, preferences_of

log = logging.getLogger(__name__)


def learned_preferences(memory: DismissalMemory, settings: Settings) -> tuple[Preference, ...]:
    """Return what the repository's people do not want to hear; nothing with `review.learn: false`."""
    return preferences_of(memory.known()) if settings.review.learn else ()


def learn(
    repository: Repository, memory: DismissalMemory, pull: Pull, settings: Settings, entries: Iterable[LedgerEntry]
) -> None:
    """Remember what is dismissed among the findings of the pull request, and offer a setting where that is enough.

    What GitHub refuses here is only logged: the job itself is done.
    """
    if not settings.review.learn:
        return
    try:
        dismissed = dismissed_findings(entries, pull.number, pull.web_url, writers_of(repository.permission))
        memory.keep(pull.number, dismissed)
        others = [finding for finding in memory.known() if finding.pull != pull.number] if dismissed else []
        for kind in kinds_of([*others, *dismissed]):
            if kind.is_clear and any(finding.pull == pull.number for finding in kind.dismissed):
                offer_setting(repository, pull.base_ref, settings, kind)
    except GitHubError as error:
        log.info("nothing learned", extra={"repository": repository.name, "why": str(error)})
