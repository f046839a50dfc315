"""Fixtures of the stories."""

from __future__ import annotations

import pytest


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pauses between the tries of a request and of a publication short: there are as many tries as ever."""
    monkeypatch.setattr("webhooks.github.transport.WAIT", 0.01)
    monkeypatch.setattr("webhooks.publishing.publish.PAUSE", 0.01)
