"""Clients of the double of GitHub."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.github import World
from tests.fixtures.github_callers import Connect


@pytest.fixture
def connect(github: World) -> Iterator[Connect]:
    """Return a function that makes a client of `github` with a token."""
    clients: list[httpx.Client] = []

    def make(token: str) -> httpx.Client:
        clients.append(github.client(token))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def api(github: World, connect: Connect) -> httpx.Client:
    """Return a client with a token of the installation."""
    return connect(github.token())
