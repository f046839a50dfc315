"""How requests reach GitHub and how answers come back: authentication and connection are PyGithub's, patience is ours.

Promises: a read is tried again after a transient failure; a write only when GitHub said that it did not carry it out
(the caller looks before writing again); every failure is a typed error of `webhooks.github.errors`.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import github
import jwt
import requests
from jwt.algorithms import RSAAlgorithm

from reviewer import __version__
from webhooks.github.errors import (
    Forbidden,
    GitHubError,
    GitHubUnavailable,
    NotFound,
    Unauthorized,
    WriteUncertain,
    error_of,
)

log = logging.getLogger(__name__)

Text = TypeVar("Text", str, bytes)

#: Seconds. GitHub itself kills requests after ten; a large diff may take longer to arrive.
TIMEOUT = 30

#: Tries of a request, and the first wait between them in seconds (doubled each time).
TRIES, WAIT = 4, 0.5

#: A request that is to wait longer than this, in seconds, gives up instead, so that the job is queued again.
LONGEST_WAIT = 20.0

#: The most entries GitHub gives on one page of a list.
PER_PAGE = 100

#: Seconds for which an installation token is used. It lives an hour; a review's last writes shall not meet its end.
TOKEN_LIFE = 3300.0

#: Seconds for which nothing is expected to have changed since a token was made.
TOKEN_FRESH = 60.0

API_VERSION = "2022-11-28"
USER_AGENT = f"minimax-reviewer/{__version__}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to speak to GitHub: as an App's installation, or with a token. Secrets never show in a repr."""

    api_url: str
    token: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)
    _installations: dict[int, InstallationAuth] = field(default_factory=dict, repr=False, compare=False)

    def as_app(self) -> github.Auth.AppAuth:
        """Return the authentication of the App itself, by a JWT of PyJWT's making that lives five minutes."""
        return github.Auth.AppAuth(self.app_id, sign_func=partial(_sign, self.private_key))

    def as_installation(self, installation_id: int | None) -> github.Auth.Auth:
        """Return the token, or the authentication of the App's installation, the same for all of its jobs."""
        if self.token:
            return github.Auth.Token(self.token)
        if installation_id is None:
            raise GitHubError(
                "The delivery names no installation. Install the App on the repository, then deliver again."
            )
        made = InstallationAuth(Transport(self.api_url, self.as_app()), installation_id)
        return self._installations.setdefault(installation_id, made)


def _sign(private_key: str, payload: dict[str, Any]) -> str:
    return jwt.encode(payload, _loaded(private_key), algorithm="RS256")


@cache
def _loaded(private_key: str) -> Any:
    """Return the key, parsed and checked once: that takes 50 ms, in which no other thread runs."""
    return RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(private_key)


class InstallationAuth(github.Auth.Auth):
    """The token of an installation, fetched when it is needed and again before it ends after an hour.

    PyGithub's own class asks for `permissions: {}`, which says "none" to whoever takes it at its word; this one asks
    for all that the installation has: https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
    Safe to share between threads.
    """

    def __init__(self, app: Transport, installation_id: int) -> None:
        """Store as whom to ask and for what."""
        self._app = app
        self._url = f"/app/installations/{installation_id}/access_tokens"
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
            # Not by `expires_at`: with a clock that is an hour off, one would be fetched for each request, or too late.
            if not self._token or self.age > TOKEN_LIFE:
                # Making a token twice does no harm, so this is no write that needs care.
                data = self._app.send("POST", self._url, None, write=False)
                self._token = str(data["token"])
                self._fetched = time.monotonic()
            return self._token

    @property
    def age(self) -> float:
        """Seconds since the token was fetched; 0 where there is none."""
        return time.monotonic() - self._fetched if self._token else 0.0

    def forget(self) -> None:
        """Let the token go, for GitHub refuses it: it was revoked, or its hour was over early."""
        self._token = ""


class Transport:
    """One connection to GitHub under one identity. Makes no request before it is asked to."""

    def __init__(self, api_url: str, auth: github.Auth.Auth) -> None:
        """Store where and as whom to speak."""
        self._api_url = api_url.rstrip("/")
        self._auth = auth
        self._requester = github.Github(
            auth=auth,
            base_url=self._api_url,
            timeout=TIMEOUT,
            user_agent=USER_AGENT,
            per_page=PER_PAGE,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        ).requester

    def pages(self, url: str, *, within: str = "") -> Iterator[dict[str, Any]]:
        """Yield the entries of a list, following GitHub's links from page to page, each only when it is needed.

        `within` names the field where a page is an object: `{"total_count": 1, "repositories": [...]}`.
        """
        following: str | None = f"{url}{'&' if '?' in url else '?'}per_page={PER_PAGE}"
        while following:
            headers, body = self._request("GET", following, None, write=False)
            page = _json(f"GET {_plain(url)}", body, GitHubUnavailable)
            yield from page[within] if within else page
            links = requests.utils.parse_header_links(headers.get("link", ""))
            following = next((link["url"] for link in links if link.get("rel") == "next"), None)

    def read(self, url: str) -> Any:
        """GET a resource as JSON."""
        return self.send("GET", url, None, write=False)

    def graphql(self, query: str, variables: Mapping[str, Any], *, write: bool = False) -> Any:
        """Send a query, or what may not be done twice. The answer may carry `errors` beside or instead of `data`."""
        return self.send("POST", self._requester.graphql_url, {"query": query, "variables": variables}, write=write)

    def write(self, verb: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a write and return its JSON object, empty where GitHub answers with nothing."""
        data = self.send(verb, url, body, write=True)
        return data if isinstance(data, dict) else {}

    def send(self, verb: str, url: str, body: Mapping[str, Any] | None, *, write: bool) -> Any:
        """Send a request and return the JSON of its answer; `write` tells whether repeating it could do harm."""
        _, text = self._request(verb, url, body, write=write)
        kind = WriteUncertain if write else GitHubUnavailable
        return _json(f"{verb} {_plain(url)}", text, kind) if text else {}

    def _request(
        self, verb: str, url: str, body: Mapping[str, Any] | None, *, write: bool
    ) -> tuple[Mapping[str, str], str]:
        """Send a request; a read is tried again after a transient failure, a write only when it was not carried out."""
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}

        def once() -> tuple[int, Mapping[str, str], str]:
            status, answer, text = self._requester.requestJson(verb, url, None, dict(headers), body)
            if status in (302, 307, 308) and (moved := self._moved(answer)):  # PyGithub follows 301 only
                status, answer, text = self._requester.requestJson(verb, moved, None, dict(headers), body)
            return status, answer, text

        return self._patiently(f"{verb} {_plain(url)}", once, write=write)

    def _moved(self, headers: Mapping[str, str]) -> str | None:
        """Return where a renamed repository went, if that is at the same host."""
        target, ours = urlsplit(headers.get("location", "")), urlsplit(self._api_url)
        same = (target.scheme, target.netloc) == (ours.scheme, ours.netloc)
        return target.geturl() if same else None

    def bytes_of(self, url: str, media_type: str) -> bytes:
        """GET the exact bytes of a resource: PyGithub would decode them with a guessed encoding."""

        def once() -> tuple[int, Mapping[str, str], bytes]:
            headers = {
                "Accept": media_type,
                "Authorization": f"Bearer {self._auth.token}",
                "User-Agent": USER_AGENT,
                "X-GitHub-Api-Version": API_VERSION,
            }
            response = requests.get(self._api_url + url, headers=headers, timeout=TIMEOUT)
            return response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content

        return self._patiently(f"GET {url} as {media_type.rsplit('.', 1)[-1]}", once, write=False)[1]

    def _patiently(
        self, what: str, once: Callable[[], tuple[int, Mapping[str, str], Text]], *, write: bool
    ) -> tuple[Mapping[str, str], Text]:
        wait = WAIT
        renewed = False
        for attempt in range(1, TRIES + 1):
            try:
                return _checked(what, once, write=write)
            except (Unauthorized, Forbidden, NotFound) as error:
                # Nothing was done, so a write may be sent again too; a new token that is refused is no token's fault.
                if renewed or attempt == TRIES or not self._is_fault_of_token(error):
                    raise
                renewed = True
            except GitHubError as error:
                uncertain = isinstance(error, WriteUncertain)
                pause = error.retry_after or wait
                if not error.retryable or uncertain or attempt == TRIES or pause > LONGEST_WAIT:
                    raise
                log.info("GitHub is tried again", extra={"why": str(error), "pause": pause})
                time.sleep(pause)
                wait *= 2
        raise AssertionError("unreachable")

    def _is_fault_of_token(self, error: GitHubError) -> bool:
        """Whether a new token may do better; the old one is then forgotten.

        A token is refused when it was revoked or its hour was over early. One that is not fresh may also be from before
        the installation was granted a permission or a repository.
        """
        auth = self._auth
        if not isinstance(auth, InstallationAuth):
            return False
        if not isinstance(error, Unauthorized) and auth.age < TOKEN_FRESH:
            return False
        auth.forget()
        return True


def _checked(
    what: str, once: Callable[[], tuple[int, Mapping[str, str], Text]], *, write: bool
) -> tuple[Mapping[str, str], Text]:
    """Send once; return headers and body of a success, raise the typed error of anything else."""
    try:
        status, headers, body = once()
    except requests.ConnectTimeout as error:
        raise GitHubUnavailable(f"GitHub: {what}: no connection in {TIMEOUT} s") from error
    except requests.RequestException as error:
        kind = WriteUncertain if write and not _never_connected(error) else GitHubUnavailable
        raise kind(f"GitHub: {what}: {type(error).__name__}. Is GITHUB_API_URL right, and GitHub reachable?") from error
    if status >= 300:
        text = body if isinstance(body, str) else body.decode("utf-8", "replace")
        raise error_of(what, status, headers, text, write=write, now=time.time())
    return headers, body


def _json(what: str, text: str, kind: type[GitHubError]) -> Any:
    """Return the answer's JSON; where it is none, raise that kind of error."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise kind(f"GitHub: {what}: the answer is not JSON") from error


def _never_connected(error: requests.RequestException) -> bool:
    """Whether the request cannot have reached GitHub: name look-up or connection failed."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}


def _plain(url: str) -> str:
    """Return the address without its query, for a message."""
    return url.split("?", 1)[0]
