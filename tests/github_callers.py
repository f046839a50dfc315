"""Who calls the double of GitHub in its own tests, and how its refusals read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import jwt

from tests.fakes.github import World

REPO = "/repos/octo-org/shop"
PULL = f"{REPO}/pulls/1"
ISSUE = f"{REPO}/issues/1"

#: Makes a client with a token.
Connect = Callable[[str], httpx.Client]


def app_jwt(world: World, key: str = "", **claims: Any) -> str:
    now = int(world.now())
    given = {"iss": str(world.app.id), "iat": now - 60, "exp": now + 540} | claims
    return jwt.encode(given, key or world.app.private_key, algorithm="RS256")


def said(response: httpx.Response, status: int) -> str:
    """Check a refusal's status, its `status` text and return its message."""
    body = response.json()
    assert (response.status_code, body["status"]) == (status, str(status)), body
    return body["message"]
