"""What tests of several modules are given."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.fakes.github import World
from tests.fixtures import postgres
from tests.fixtures.github_callers import Connect

#: A Postgres database to run on instead of our own server; it is filled with tables.
GIVEN = os.environ.get("REVIEWER_TEST_POSTGRES", "")


@pytest.fixture(scope="session")
def fresh_postgres() -> Iterator[Callable[[], str]]:
    """Return what makes a Postgres database and returns its URL; the server runs until the last test."""
    if GIVEN:
        yield lambda: GIVEN
        return
    serving = postgres.serving()
    try:
        server = serving.__enter__()
    except postgres.NoPostgres as error:
        pytest.skip(f"no Postgres can be started: {error}")
    try:
        yield server.fresh
    finally:
        serving.__exit__(None, None, None)


@pytest.fixture
def connect(github: World) -> Iterator[Connect]:
    """Return a function that makes a client of the module's `github` with a token."""
    clients: list[httpx.Client] = []

    def make(token: str) -> httpx.Client:
        clients.append(github.client(token))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
