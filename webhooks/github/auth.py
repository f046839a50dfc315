"""Authenticate at GitHub as an App, as an installation of it, or with a token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import github
import jwt
from jwt.algorithms import RSAAlgorithm

#: Seconds for which an installation token is used. It lives an hour, and a review's last writes come late.
TOKEN_LIFE = 3300.0

#: Seconds after which permissions may have been granted that a token does not have.
TOKEN_FRESH = 60.0

Auth = github.Auth.Auth


def app_auth(app_id: str, private_key: str) -> Auth:
    """Return the authentication of the App itself, with a JWT that lives five minutes."""
    return github.Auth.AppAuth(app_id, sign_func=partial(_sign, private_key))


def token_auth(token: str) -> Auth:
    """Return the authentication with a token."""
    return github.Auth.Token(token)


def _sign(private_key: str, payload: dict[str, Any]) -> str:
    return jwt.encode(payload, _load(private_key), algorithm="RS256")


@cache
def _load(private_key: str) -> Any:
    """Return the key, parsed and checked once: that takes 50 ms, in which no other thread runs."""
    return RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(private_key)


class InstallationAuth(github.Auth.Auth):
    """The token of an installation, fetched when it is needed and again before it expires after an hour.

    Not PyGithub's own class, which can ask neither for one repository nor for less than all permissions: see
    `webhooks.github.tokens`. Safe to share between threads.
    """

    def __init__(self, fetch: Callable[[], str]) -> None:
        """Store what fetches a new token. Raises what that raises, later."""
        self._fetch = fetch
        self._token = ""
        self._fetched = 0.0
        self._guard = threading.Lock()

    @property
    def token_type(self) -> str:
        """The scheme of the header."""
        return "Bearer"

    @property
    def token(self) -> str:
        """The token, with some minutes to live. Raises GitHubError."""
        with self._guard:
            # Not by `expires_at`: with a clock that is an hour off, a token would be fetched for each request, or late.
            if not self._token or self.age > TOKEN_LIFE:
                self._token = self._fetch()
                self._fetched = time.monotonic()
            return self._token

    @property
    def age(self) -> float:
        """Seconds since the token was fetched; 0 where there is none."""
        return time.monotonic() - self._fetched if self._token else 0.0

    def forget(self) -> None:
        """Forget the token, since GitHub refuses it: it was revoked, or it expired early."""
        self._token = ""
