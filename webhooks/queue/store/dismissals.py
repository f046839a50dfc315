"""What people dismissed, by repository: for later reviews there. Holds titles and reasons, no code.

Promises: what an operator deleted does not come back with the next review of its pull request.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from webhooks.publishing.people.learning.dismissed import DismissedFinding
from webhooks.queue.store.database import METADATA, Database
from webhooks.queue.store.table_upgrade import ADDED_LATER

DISMISSALS = sa.Table(
    "reviewer_dismissals",
    METADATA,
    sa.Column("repository", sa.Text, primary_key=True, comment="in small letters"),
    sa.Column("pull", sa.Integer, primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("forgotten", sa.Boolean, nullable=False, comment="an operator deleted it"),
    sa.Column("data", sa.Text, nullable=False, comment="JSON; empty where it was deleted"),
    sa.Column("installation", sa.BigInteger, comment="null in rows of older versions", info={ADDED_LATER: True}),
)

#: Dismissed findings of one repository that count, the newest.
_MOST = 500


@dataclass(frozen=True, slots=True)
class StoredDismissal:
    """A dismissed finding as an operator sees it. `id` is short, and the same on every machine."""

    repository: str
    id: str
    at: float
    finding: DismissedFinding


@dataclass(frozen=True, slots=True)
class LearningRepository:
    """A repository, how many dismissals are known of it, and the time of the newest."""

    name: str
    count: int
    last_at: float


def keep(
    connection: sa.Connection,
    repository: str,
    pull: int,
    dismissed: Sequence[DismissedFinding],
    installation: int | None = None,
) -> None:
    """Replace what is known of the pull request; what was known before keeps its time."""
    table = DISMISSALS
    here = (table.c.repository == repository.lower(), table.c.pull == pull)
    present = {finding.fingerprint: json.dumps(finding.to_json()) for finding in dismissed}
    gone = table.c.fingerprint.not_in(list(present))
    connection.execute(table.delete().where(*here, gone, table.c.forgotten.is_(False)))
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for fingerprint, data in present.items():
        row = {"repository": repository.lower(), "pull": pull, "fingerprint": fingerprint, "at": time.time()}
        row["installation"] = installation
        new = insert(table).values(**row, forgotten=False, data=data)
        update = {"data": data, "installation": installation}
        where = table.c.forgotten.is_(False)
        keys = ["repository", "pull", "fingerprint"]
        connection.execute(new.on_conflict_do_update(index_elements=keys, set_=update, where=where))


def known(
    connection: sa.Connection,
    repository: str,
    *,
    before: float | None = None,
    scope: Collection[int] | None = None,
) -> list[StoredDismissal]:
    """Return what was dismissed in the repository before that time, the oldest first; in all where it is empty."""
    table = DISMISSALS
    query = sa.select(table).where(table.c.forgotten.is_(False), _within(scope))
    if repository:
        query = query.where(table.c.repository == repository.lower())
    if before is not None:
        query = query.where(table.c.at < before)
    order = (table.c.at.desc(), table.c.repository, table.c.pull.desc(), table.c.fingerprint)
    rows = connection.execute(query.order_by(*order).limit(_MOST)).all()
    return [_stored(row) for row in reversed(rows)]


def repositories(connection: sa.Connection, scope: Collection[int] | None = None) -> list[LearningRepository]:
    """Return the repositories of which dismissals are known, by name."""
    name = DISMISSALS.c.repository
    query = sa.select(name, sa.func.count(), sa.func.max(DISMISSALS.c.at)).group_by(name).order_by(name)
    rows = connection.execute(query.where(DISMISSALS.c.forgotten.is_(False), _within(scope))).all()
    return [LearningRepository(*row) for row in rows]


def forget(
    connection: sa.Connection, ids: Collection[str], scope: Collection[int] | None = None
) -> list[StoredDismissal]:
    """Delete the dismissed findings of those ids for good, as far as they are in the scope, and return them."""
    table = DISMISSALS
    query = sa.select(table).where(table.c.forgotten.is_(False), _within(scope))
    rows = [row for row in connection.execute(query).all() if _id(row) in ids]
    for row in rows:
        here = (table.c.repository == row.repository, table.c.pull == row.pull)
        statement = table.update().where(*here, table.c.fingerprint == row.fingerprint)
        connection.execute(statement.values(forgotten=True, data=""))
    return [_stored(row) for row in rows]


def _within(scope: Collection[int] | None) -> sa.ColumnElement[bool]:
    return sa.true() if scope is None else DISMISSALS.c.installation.in_(list(scope))


def forget_old(connection: sa.Connection, *, before: float) -> None:
    """Delete what was dismissed before that time."""
    connection.execute(DISMISSALS.delete().where(DISMISSALS.c.at < before))


def _id(row: sa.Row[Any]) -> str:
    return hashlib.sha256(f"{row.repository}#{row.pull} {row.fingerprint}".encode()).hexdigest()[:10]


def _stored(row: sa.Row[Any]) -> StoredDismissal:
    finding = DismissedFinding.from_json(row.pull, row.fingerprint, json.loads(row.data))
    return StoredDismissal(row.repository, _id(row), row.at, finding)


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """What was dismissed in a repository before the job was accepted, so that a job begun again sees the same.

    Each method raises StoreUnavailable.
    """

    database: Database
    repository: str
    before: float
    installation: int | None = None

    def known(self) -> Sequence[DismissedFinding]:
        """Return what was dismissed, the oldest first."""
        with self.database.read() as connection:
            return [entry.finding for entry in known(connection, self.repository, before=self.before)]

    def keep(self, pull: int, dismissed: Sequence[DismissedFinding]) -> None:
        """Remember what is dismissed on that pull request, in the place of what was known of it."""
        with self.database.write() as connection:
            keep(connection, self.repository, pull, dismissed, self.installation)
