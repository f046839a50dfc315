"""Open the database, and define our own tables beside the engine's.

Promises: one URL decides between an embedded SQLite file and Postgres; every connection has the settings without which
deliveries were lost or limits broken; a database written by a newer version is refused.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from reviewer.errors import ReviewerError
from webhooks.queue.store.sqlite_clock import define_clock
from webhooks.queue.store.table_upgrade import ADDED_LATER, add_newer
from webhooks.queue.store.write_lock import PriorityLock, QueuedConnection

#: Version of our own tables. Raise it with every change that an older version could not live with.
SCHEMA_VERSION = 1

#: Any number, the same in every process: creating tables "if not exists" is not safe when two do it at once.
_SCHEMA_LOCK = 7_770_001

#: The number by which SQLite says that a file gives back its free pages when it is asked to.
_INCREMENTAL = 2

METADATA = sa.MetaData()

#: SQLite counts rows only in columns of this exact type.
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

SCHEMA = sa.Table("reviewer_schema", METADATA, sa.Column("version", sa.Integer, nullable=False))

JOBS = sa.Table(
    "reviewer_jobs",
    METADATA,
    sa.Column("seq", _SERIAL, primary_key=True, comment="order of arrival"),
    sa.Column("id", sa.Text, nullable=False, unique=True, comment="GUID of the delivery"),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("pull", sa.Text, nullable=False),
    sa.Column("installation", sa.BigInteger),
    sa.Column("automatic", sa.Boolean, nullable=False),
    sa.Column("head", sa.Text, comment="head sha; null for a command"),
    sa.Column("updated_at", sa.Text, nullable=False, comment="of the pull request: orders late deliveries"),
    sa.Column("job", sa.Text, nullable=False, comment="JSON"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, comment="number of the workflow that is the job's turn now"),
    sa.Column("failures", sa.Integer, nullable=False, comment="failed attempts since it was accepted or retried"),
    sa.Column(
        "starts", sa.Integer, nullable=False, comment="how often this attempt began: more than once after a crash"
    ),
    sa.Column("owner", sa.Text, comment="token of the run that may write"),
    sa.Column("accepted_at", sa.Float, nullable=False, comment="seconds since 1970, as all times"),
    sa.Column("started_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Column("result", sa.Text, comment="JSON"),
    sa.Index("reviewer_jobs_pull", "pull", "updated_at"),
    sa.Index("reviewer_jobs_state", "state", "ended_at"),
)

#: Holds code: rows go when their job ends.
ANSWERS = sa.Table(
    "reviewer_answers",
    METADATA,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True, comment="of the prompt"),
    sa.Column("attempt", sa.Integer, nullable=False, comment="attempt of the job that put it last"),
    sa.Column("prompt", sa.LargeBinary, nullable=False, comment="JSON, compressed"),
    sa.Column("answer", sa.LargeBinary, comment="JSON, compressed; null while it is under way"),
    sa.Column("failed", sa.Boolean),
)

#: Every request to the model with its cost, kept longer than its job. Holds no code.
CALLS = sa.Table(
    "reviewer_calls",
    METADATA,
    sa.Column("seq", _SERIAL, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("installation", sa.BigInteger),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False),
    sa.Column("cost_nano_usd", sa.BigInteger, comment="null where the price is not known"),
    sa.Column("estimated", sa.Boolean, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("person", sa.Text, comment="login of who caused it; null in older rows", info={ADDED_LATER: True}),
    sa.Index("reviewer_calls_repository", "repository", "at"),
    sa.Index("reviewer_calls_job", "job"),
    sa.Index("reviewer_calls_at", "at"),
    sa.Index("reviewer_calls_figures", "at", "repository", "installation", "cost_nano_usd"),
    sa.Index("reviewer_calls_person", "person", "at"),
)

#: What jobs are about to spend: a batch of calls each. So jobs that run at once do not spend the same dollars twice.
RESERVED = sa.Table(
    "reviewer_reserved",
    METADATA,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("nano_usd", sa.BigInteger, nullable=False),
)

#: Which worker processes are alive (Postgres): the engine itself keeps no such list.
WORKERS = sa.Table(
    "reviewer_workers",
    METADATA,
    sa.Column("executor", sa.Text, primary_key=True),
    sa.Column("seen", sa.Float, nullable=False, comment="by the database's clock"),
)

#: Periodic tasks that one process at a time does, such as reading GitHub's list of webhook deliveries.
LOOKS = sa.Table(
    "reviewer_looks",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("began", sa.Float, nullable=False, comment="when the last turn began"),
    sa.Column("seen", sa.Text, nullable=False, comment="JSON, for the next turn"),
)


class StoreUnavailable(ReviewerError):
    """The database cannot be used: unreachable, locked, full, read-only, or written by a newer version."""

    retryable = True


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what the database driver raises when the database is at fault into StoreUnavailable."""
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.DataError):
        raise  # a bug of ours, not a fault of the database
    except (sa.exc.DatabaseError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()
        raise StoreUnavailable(f"the store cannot be used: {cause[0] if cause else type(error).__name__}") from error


class Database:
    """A pool of connections. `write` and `read` give a transaction; a read never waits for a writer."""

    def __init__(self, url: str) -> None:
        """Store the URL: `sqlite:///PATH` or `postgresql://...`."""
        self.url = url
        self.is_sqlite = url.startswith("sqlite:")
        self._engine: sa.Engine | None = None
        self._urgent: sa.Engine | None = None

    @property
    def path(self) -> Path:
        """The file of the embedded store."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def engine(self) -> sa.Engine:
        """The pool. Raises StoreUnavailable before `open` and after `close`."""
        if self._engine is None:
            raise StoreUnavailable("the store is not open")
        return self._engine

    def open(self) -> None:
        """Connect. Raises StoreUnavailable, with what to do, when the file cannot be there."""
        if self.is_sqlite:
            _check_place(self.path)
            _keep_private(self.path)
            self._engine = self._urgent = _sqlite_engine(self.path)
        else:
            # A second pool, so that a delivery does not wait for the connection of a job.
            self._engine, self._urgent = _postgres_engine(self.url, 8), _postgres_engine(self.url, 6)

    def close(self) -> None:
        """Close the connections."""
        engines = {self._engine, self._urgent}
        self._engine = self._urgent = None
        for engine in engines:
            if engine is not None:
                engine.dispose()

    @contextmanager
    def write(self, *, urgent: bool = False) -> Iterator[sa.Connection]:
        """Give a transaction that writes; committed at the end. An urgent one goes first. Raises StoreUnavailable."""
        engine = (self._urgent if urgent else None) or self.engine
        with store_errors(), engine.execution_options(reviewer_urgent=urgent).begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a transaction that only reads. Raises StoreUnavailable."""
        with store_errors(), self.engine.execution_options(reviewer_reads=True).begin() as connection:
            yield connection

    def create_tables(self) -> None:
        """Create our tables where they are missing. Raises StoreUnavailable for those of a newer version."""
        with self.write() as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
            SCHEMA.create(connection, checkfirst=True)
            version = connection.execute(sa.select(SCHEMA.c.version)).scalar()
            if version is not None and version > SCHEMA_VERSION:
                raise StoreUnavailable(
                    f"the store has version {version}, this program knows {SCHEMA_VERSION}:"
                    " start the newer program again, or point DATABASE_URL at another store"
                )
            METADATA.create_all(connection)
            add_newer(connection, METADATA)
            if version is None:
                connection.execute(SCHEMA.insert().values(version=SCHEMA_VERSION))


def _check_place(path: Path) -> None:
    """Raise StoreUnavailable with what to do, where SQLite's own message would not help."""
    directory = path.parent
    if not directory.is_dir():
        raise StoreUnavailable(f"there is no directory {directory}: create it, or set DATABASE_URL to another path")
    # SQLite makes files beside it, too.
    places = [directory, path] if path.exists() else [directory]
    if not all(os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids) for place in places):
        raise StoreUnavailable(f"the store {path} and its folder must be writable for the user {os.geteuid()}")


def _keep_private(path: Path) -> None:
    """Let only this user read the store, which holds code. SQLite gives the files beside it the same mode."""
    try:
        path.touch(mode=0o600)
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            if file.exists() and file.stat().st_uid == os.geteuid() and file.stat().st_mode & 0o077:
                file.chmod(0o600)
    except OSError as error:
        raise StoreUnavailable(f"the store {path} cannot be created: {error.strerror}") from error


def _sqlite_engine(path: Path) -> sa.Engine:
    """Return a pool for one file on a local disk, several processes.

    WAL lets readers and the one writer work side by side; `synchronous=FULL` makes an accepted delivery survive a power
    cut; IMMEDIATE makes the engine's count-and-claim one transaction, without which its limits were exceeded.
    """
    url = sa.URL.create("sqlite", database=str(path))
    # The connection that was used last comes first, and each keeps few statements: of 1,000 reviews, 128 for each of
    # twenty connections (Python's default) took 20 MB more. https://docs.python.org/3/library/sqlite3.html#sqlite3.connect
    pool: dict[str, Any] = {"pool_size": 20, "max_overflow": 0, "pool_timeout": 60, "pool_use_lifo": True}
    engine = sa.create_engine(url, **pool, connect_args={"factory": QueuedConnection, "cached_statements": 16})
    lock = PriorityLock()

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: QueuedConnection, _record: object) -> None:
        connection.lock = lock
        connection.isolation_level = None  # transactions are begun below
        define_clock(connection)
        connection.execute("PRAGMA busy_timeout=30000")
        # Before the first table, or it has no effect. Saying it again would wait for whoever is writing.
        if connection.execute("PRAGMA auto_vacuum").fetchone() != (_INCREMENTAL,):
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=FAST",  # what held code is overwritten when it goes
            "cache_size=-400",  # kB for each of twenty connections; the kernel has the pages as well
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get("reviewer_reads", False):
            connection.exec_driver_sql("BEGIN")
            return
        ours = connection.connection.dbapi_connection
        assert isinstance(ours, QueuedConnection)
        try:
            ours.begin(urgent=options.get("reviewer_urgent", False))
        except sqlite3.Error as error:
            raise sa.exc.OperationalError("BEGIN IMMEDIATE", None, error) from error

    return engine


def _postgres_engine(url: str, size: int) -> sa.Engine:
    """Return a pool that notices a connection which went away, and gives up in time to answer GitHub with 503."""
    arguments: dict[str, Any] = {"connect_timeout": 5, "application_name": "reviewer"}
    pool: dict[str, Any] = {"pool_size": size, "max_overflow": 0, "pool_timeout": 5, "pool_pre_ping": True}
    return sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), connect_args=arguments, **pool)
