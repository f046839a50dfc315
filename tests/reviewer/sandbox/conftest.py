"""Fixtures of the tests in this folder."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from reviewer.sandbox.bubblewrap import Privilege
from tests.fixtures.sandboxes import SandboxedCheckout, open_sandbox


@pytest.fixture(scope="module", params=list(Privilege), ids=lambda privilege: privilege.value)
def sandbox(request: pytest.FixtureRequest) -> Iterator[SandboxedCheckout]:
    with open_sandbox(request.param) as made:
        yield made


@pytest.fixture
def mark() -> str:
    """Return a text that no other process of the machine has in its command line."""
    return f"mark-{secrets.token_hex(12)}"
