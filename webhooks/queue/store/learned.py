"""List and forget what was learned from dismissals, for operators and for who administers an installation.

Promises: a `scope` of installations bounds every answer and every deletion.
"""

from __future__ import annotations

from collections.abc import Collection

from webhooks.queue.store import dismissals
from webhooks.queue.store.database import Database
from webhooks.queue.store.dismissals import LearningRepository, StoredDismissal

#: The installations whose repositories may be seen; None: all.
Scope = Collection[int] | None


class LearnedDismissals:
    """What people dismissed, in all repositories of a store. Each method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        """Store the database, which must be open when something is asked."""
        self._database = database

    def repositories(self, scope: Scope = None) -> list[LearningRepository]:
        """Return the repositories in which something was learned, by name."""
        with self._database.read() as connection:
            return dismissals.repositories(connection, scope)

    def of(self, repository: str = "", scope: Scope = None) -> list[StoredDismissal]:
        """Return what people dismissed in the repository, the oldest first; in all where it is empty."""
        with self._database.read() as connection:
            return dismissals.known(connection, repository, scope=scope)

    def forget(self, ids: Collection[str], scope: Scope = None) -> list[StoredDismissal]:
        """Delete what was learned from the dismissals of those ids, for good, and return them."""
        with self._database.write() as connection:
            return dismissals.forget(connection, ids, scope)
