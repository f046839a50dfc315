"""Authenticate at GitHub as an App, as an installation of it, or with a token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import github
import jwt
import requests
from jwt.algorithms import RSAAlgorithm

from webhooks.github.errors import GitHubUnavailable, Unauthorized

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


def exchange_code(web_url: str, client: tuple[str, str], code: str, redirect_uri: str) -> str:
    """Return the token of a person who signed in at GitHub, for the code that it sent. `client` is id and secret.

    The page is no part of the API; a refusal comes with the status 200. Raises GitHubError.
    """
    url = f"{web_url}/login/oauth/access_token"
    fields = {"client_id": client[0], "client_secret": client[1], "code": code, "redirect_uri": redirect_uri}
    try:
        response = requests.post(
            url, data=fields, headers={"Accept": "application/json"}, timeout=10, allow_redirects=False
        )
        answer = response.json()
    except requests.RequestException as error:  # no answer, or none in JSON
        raise GitHubUnavailable(f"GitHub: POST {url}: {type(error).__name__}") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        words = (answer.get("error_description") or answer.get("error")) if isinstance(answer, dict) else ""
        raise Unauthorized(f"GitHub: signing in: {words or 'no token'}", status=401)
    return str(answer["access_token"])


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
