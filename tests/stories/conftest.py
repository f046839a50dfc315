"""Fixtures of the stories."""

from __future__ import annotations

import pytest

from tests.fakes.github import World
from tests.stories.tellers import KINDS, Teller


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pauses between the tries of a request and of a publication short: there are as many tries as ever."""
    monkeypatch.setattr("webhooks.github.transport.WAIT", 0.01)
    monkeypatch.setattr("webhooks.publishing.publish.PAUSE", 0.01)


@pytest.fixture(params=KINDS)
def teller(request: pytest.FixtureRequest, github: World) -> Teller:
    return Teller(github, request.param)
