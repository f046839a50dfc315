"""The page of what was learned from dismissals: one repository's preferences, each with a button to forget it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from reviewer.domain.findings import Preference
from webhooks.pages.config import PagesConfig
from webhooks.pages.layout import PageError, go_to, page, visitor
from webhooks.pages.signing_in import signed_in
from webhooks.publishing.people.learning.preferences import ENOUGH, kinds_of
from webhooks.queue.jobs import StoredDismissal

log = logging.getLogger("reviewer.pages")

#: Ids that one form may name.
_MOST_FORGOTTEN = 500


@dataclass(frozen=True, slots=True)
class ListedPreference:
    """A preference, and the dismissals that it was learned from, the oldest first."""

    preference: Preference
    dismissals: tuple[StoredDismissal, ...]


class LearnedPages:
    """The page, and what its buttons do."""

    def __init__(self, config: PagesConfig) -> None:
        """Store where it is kept."""
        self._learned = config.jobs.learned

    def add_to(self, pages: Blueprint) -> None:
        """Add the page."""
        pages.add_url_rule("/learned", view_func=signed_in(self.show), endpoint="learned")
        pages.add_url_rule("/learned/forget", view_func=signed_in(self.forget), endpoint="forget", methods=["POST"])

    def show(self) -> Response:
        """Show the preferences of one repository: of the named one, or of that where something was learned last."""
        scope = visitor().scope
        repositories = self._learned.repositories(scope)
        names = [each.name for each in repositories]
        asked_for = request.args.get("repository", "").strip().lower()[:200]
        newest = max(repositories, key=lambda each: each.last_at).name if repositories else ""
        chosen = asked_for if asked_for in names else newest
        listed = listed_preferences(self._learned.of(chosen, scope)) if chosen else []
        return page("learned.html", repositories=repositories, chosen=chosen, listed=listed, enough=ENOUGH)

    def forget(self) -> Response:
        """Delete what was learned from the dismissals that the form names. Who administers an installation may."""
        ids = request.form.getlist("id")[:_MOST_FORGOTTEN]
        forgotten = self._learned.forget(ids, visitor().scope)
        if not forgotten:
            raise PageError(404, "Not known", "It is forgotten, or belongs to an installation that is not yours.")
        repository = forgotten[0].repository
        by = visitor().login or "operator"
        log.info("forgotten", extra={"repository": repository, "by": by, "dismissals": len(forgotten)})
        return go_to(f"/learned?{urlencode({'repository': repository})}")


def listed_preferences(stored: Sequence[StoredDismissal]) -> list[ListedPreference]:
    """Return the preferences of a repository that these dismissals make, those of the most dismissals first."""
    ids = {(entry.finding.pull, entry.finding.fingerprint): entry for entry in stored}
    listed = [
        ListedPreference(
            preference,
            tuple(ids[each.pull, each.fingerprint] for each in kind.dismissed if preference.holds_for(each.path)),
        )
        for kind in kinds_of(entry.finding for entry in stored)
        for preference in kind.preferences()
    ]
    return sorted(listed, key=lambda each: -each.preference.count)
