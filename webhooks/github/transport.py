"""Send requests to GitHub and retry them; the connection is PyGithub's, the retries are ours.

Promises: a read is retried after a transient failure; a write only when GitHub said that it did not carry it out
(otherwise the caller reads before writing again); every failure is a typed error of `webhooks.github.errors`.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import github
import requests

from reviewer import __version__
from webhooks.github.auth import TOKEN_FRESH, Auth, InstallationAuth
from webhooks.github.errors import (
    EndlessList,
    Forbidden,
    GitHubError,
    GitHubUnavailable,
    NotFound,
    RateLimited,
    Redirected,
    Unauthorized,
    WriteUncertain,
    error_of,
)
from webhooks.telemetry.github_calls import in_span

log = logging.getLogger(__name__)

Text = TypeVar("Text", str, bytes)

#: Seconds. GitHub itself kills requests after ten; a large diff may take longer to arrive.
TIMEOUT = 30

#: Tries of a request, and the first wait between them in seconds (doubled each time).
TRIES, WAIT = 4, 0.5

#: A request that would have to wait longer than this, in seconds, gives up, and the job is queued again.
LONGEST_WAIT = 20.0

#: The most entries GitHub gives on one page of a list.
PER_PAGE = 100

#: Pages of one list, and characters of them together. A list of GitHub's that is longer cannot be what it should be.
MAX_PAGES, MAX_LIST = 1_000, 200_000_000

#: The answers with which GitHub sends a request elsewhere.
_MOVED = frozenset({301, 302, 307, 308})

API_VERSION = "2022-11-28"
USER_AGENT = f"minimax-reviewer/{__version__}"


class Transport:
    """One connection to GitHub under one identity."""

    def __init__(self, api_url: str, auth: Auth | None) -> None:
        """Store the API's address and the authentication, if there is any. Makes no request."""
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

        `within` names the field where a page is an object: `{"total_count": 1, "repositories": [...]}`. Raises
        EndlessList rather than leave a part of the list out.
        """
        following: str | None = f"{url}{'&' if '?' in url else '?'}per_page={PER_PAGE}"
        seen: set[str] = set()
        length = 0
        while following:
            if following in seen or len(seen) == MAX_PAGES or length > MAX_LIST:
                log.warning("a list without end", extra={"url": _plain(url), "pages": len(seen), "length": length})
                raise EndlessList(
                    f"GitHub: GET {_plain(url)}: the list has no end: {len(seen):,} pages, {length:,} characters. "
                    "Check GITHUB_API_URL, and any proxy before it."
                )
            seen.add(following)
            headers, body = self._request("GET", following, None, write=False)
            length += len(body)
            page = _json(f"GET {_plain(url)}", body, GitHubUnavailable)
            yield from page[within] if within else page
            following = next_page(headers.get("link", ""))

    def read(self, url: str) -> Any:
        """GET a resource as JSON."""
        return self.send("GET", url, None, write=False)

    def clock_ahead(self, url: str) -> float | None:
        """Return by how many seconds our clock is ahead of the server's when it answers; None if it does not say."""
        try:
            _, headers, _ = self._requester.requestJson("GET", url)
            there = parsedate_to_datetime(str(headers.get("date", "")))
        except (requests.RequestException, github.GithubException, ValueError, TypeError):
            return None
        return (datetime.now(UTC) - there).total_seconds() if there.tzinfo is not None else None

    def graphql(self, query: str, variables: Mapping[str, Any], *, write: bool = False) -> Any:
        """Send a query or, with `write`, a mutation. The answer may hold `errors` beside or instead of `data`."""
        return self.send("POST", self._requester.graphql_url, {"query": query, "variables": variables}, write=write)

    def write(
        self, verb: str, url: str, body: Mapping[str, Any] | None = None, *, at_once: bool = False
    ) -> dict[str, Any]:
        """Send a write and return its JSON object, empty where GitHub answers with nothing.

        `at_once`: raise RateLimited instead of waiting, since the caller must look again before it writes.
        """
        data = self.send(verb, url, body, write=True, at_once=at_once)
        return data if isinstance(data, dict) else {}

    def send(self, verb: str, url: str, body: Mapping[str, Any] | None, *, write: bool, at_once: bool = False) -> Any:
        """Send a request and return the JSON of its answer; `write`: sending it twice could do harm."""
        _, text = self._request(verb, url, body, write=write, at_once=at_once)
        kind = WriteUncertain if write else GitHubUnavailable
        return _json(f"{verb} {_plain(url)}", text, kind) if text else {}

    def _request(
        self, verb: str, url: str, body: Mapping[str, Any] | None, *, write: bool, at_once: bool = False
    ) -> tuple[Mapping[str, str], str]:
        """Send a request; a read is retried after a transient failure, a write only when it was not carried out."""
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}

        def send_once() -> tuple[int, Mapping[str, str], str]:
            status, answer, text = self._requester.requestJson(verb, url, None, dict(headers), body)
            if status in (302, 307, 308) and (moved := self._moved(answer)):  # PyGithub follows 301 only
                status, answer, text = self._requester.requestJson(verb, moved, None, dict(headers), body)
            return status, answer, text

        return self._retry_transient(f"{verb} {_plain(url)}", send_once, write=write, at_once=at_once)

    def _moved(self, headers: Mapping[str, str]) -> str | None:
        """Return the new address of a renamed repository, if it is on the same host. No token goes elsewhere."""
        target, ours = urlsplit(headers.get("location", "")), urlsplit(self._api_url)
        same = (target.scheme, target.netloc) == (ours.scheme, ours.netloc)
        return target.geturl() if same else None

    def bytes_of(self, url: str, media_type: str) -> bytes:
        """GET the exact bytes of a resource: PyGithub would decode them with a guessed encoding."""

        def send_once() -> tuple[int, Mapping[str, str], bytes]:
            headers = {
                "Accept": media_type,
                "Authorization": f"Bearer {self._auth.token if self._auth else ''}",
                "User-Agent": USER_AGENT,
                "X-GitHub-Api-Version": API_VERSION,
            }
            response = requests.get(self._api_url + url, headers=headers, timeout=TIMEOUT, allow_redirects=False)
            if response.status_code in _MOVED and (moved := self._moved(response.headers)):
                response = requests.get(moved, headers=headers, timeout=TIMEOUT, allow_redirects=False)
            return response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content

        return self._retry_transient(f"GET {url} as {media_type.rsplit('.', 1)[-1]}", send_once, write=False)[1]

    def download(
        self, url: str, take: Callable[[bytes], int], *, most: int, seconds: float, anywhere: bool = False
    ) -> None:
        """GET what is behind a redirect, such as an archive, in pieces. Raises GitHubError, also where it is too much.

        No token is sent to where GitHub redirects to: the address has one of its own. `anywhere`: that may be a storage
        outside GitHub, as for logs. Never retried.
        """
        headers = {"Authorization": f"Bearer {self._auth.token if self._auth else ''}", "User-Agent": USER_AGENT}
        headers["X-GitHub-Api-Version"] = API_VERSION
        what, deadline = f"GET {_plain(url)}", time.monotonic() + seconds
        try:
            response = requests.get(self._api_url + url, headers=headers, timeout=TIMEOUT, allow_redirects=False)
            if response.status_code in _MOVED:
                target = self._download_address(response.headers, anywhere=anywhere)
                agent = {"User-Agent": USER_AGENT}
                response = requests.get(target, headers=agent, timeout=TIMEOUT, allow_redirects=False, stream=True)
            with response:
                if response.status_code != 200:
                    answer = {name.lower(): text for name, text in response.headers.items()}
                    raise error_of(what, response.status_code, answer, "", write=False, now=time.time())
                for piece in response.iter_content(65_536):
                    most -= take(piece)
                    if most < 0 or time.monotonic() > deadline:
                        raise GitHubUnavailable(f"GitHub: {what}: it is too large, or took over {seconds:.0f} s")
        except requests.RequestException as error:
            raise GitHubUnavailable(f"GitHub: {what}: {type(error).__name__}") from error

    def _download_address(self, headers: Mapping[str, str], *, anywhere: bool) -> str:
        """Return where a download is: on the API's own host or GitHub's host for archives. Raises Redirected."""
        target, ours = urlsplit(headers.get("location", "")), urlsplit(self._api_url)
        hosts = {ours.netloc, f"codeload.{ours.netloc.removeprefix('api.')}"}
        if target.scheme != ours.scheme or not (anywhere or target.netloc in hosts):
            raise Redirected(f"GitHub: a download was sent to {target.netloc or 'no address'}, which is not GitHub's.")
        return target.geturl()

    def _retry_transient(
        self,
        what: str,
        send_once: Callable[[], tuple[int, Mapping[str, str], Text]],
        *,
        write: bool,
        at_once: bool = False,
    ) -> tuple[Mapping[str, str], Text]:
        """Send until it succeeds, fails for good, or TRIES are over."""
        wait = WAIT
        renewed = False
        for attempt in range(1, TRIES + 1):
            try:
                return _checked(what, send_once, write=write)
            except (Unauthorized, Forbidden, NotFound) as error:
                # Nothing was done, so a write may be sent again too; when a new token is refused as well, give up.
                if renewed or attempt == TRIES or not self._may_be_old_token(error):
                    raise
                renewed = True
            except GitHubError as error:
                look_first = isinstance(error, WriteUncertain) or (at_once and isinstance(error, RateLimited))
                pause = error.retry_after or wait
                if not error.retryable or look_first or attempt == TRIES or pause > LONGEST_WAIT:
                    raise
                log.info("retrying a GitHub request", extra={"why": str(error), "pause": pause})
                time.sleep(pause)
                wait *= 2
        raise AssertionError("unreachable")

    def _may_be_old_token(self, error: GitHubError) -> bool:
        """Whether a new token may help; the old one is then forgotten.

        A token is refused when it was revoked or expired early. A token that is not new may also be older than a
        permission or a repository that was granted to the installation.
        """
        auth = self._auth
        if not isinstance(auth, InstallationAuth):
            return False
        if not isinstance(error, Unauthorized) and auth.age < TOKEN_FRESH:
            return False
        auth.forget()
        return True


_PROXY_ERRORS = (requests.exceptions.ProxyError, requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL)
_BY_PROXY = "Check the proxy that the environment names (HTTPS_PROXY, ALL_PROXY): one for SOCKS is not supported."


def next_page(link: str) -> str | None:
    """Return the address of the next page that a `Link` header names, or None."""
    links = requests.utils.parse_header_links(link)
    return next((entry["url"] for entry in links if entry.get("rel") == "next"), None) or None


def _checked(
    what: str, send_once: Callable[[], tuple[int, Mapping[str, str], Text]], *, write: bool
) -> tuple[Mapping[str, str], Text]:
    """Send once; return the headers and body of a success, raise a typed error for anything else."""
    try:
        status, headers, body = in_span(what, send_once)
    except (RuntimeError, AssertionError) as error:  # PyGithub's words for an address on another host
        raise Redirected(f"GitHub: {what}: sent us to another address. Check GITHUB_API_URL: {error}") from error
    except requests.ConnectTimeout as error:
        raise GitHubUnavailable(f"GitHub: {what}: no connection in {TIMEOUT} s") from error
    except requests.RequestException as error:
        kind = WriteUncertain if write and not _never_connected(error) else GitHubUnavailable
        hint = _BY_PROXY if isinstance(error, _PROXY_ERRORS) else "Is GITHUB_API_URL right, and GitHub reachable?"
        raise kind(f"GitHub: {what}: {type(error).__name__}. {hint}") from error
    if status >= 300:
        text = body if isinstance(body, str) else body.decode("utf-8", "replace")
        raise error_of(what, status, headers, text, write=write, now=time.time())
    return headers, body


def _json(what: str, text: str, kind: type[GitHubError]) -> Any:
    """Parse the answer; where it is not JSON, raise an error of that kind."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise kind(f"GitHub: {what}: the answer is not JSON") from error


def _never_connected(error: requests.RequestException) -> bool:
    """Whether the request cannot have reached GitHub: name look-up or connection failed."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}


def _plain(url: str) -> str:
    """Return the address without its query, for a message."""
    return url.split("?", 1)[0]
