"""Describe a new GitHub App for GitHub: the manifest, the address it is sent to, and the prefilled form. Pure.

https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from webhooks.registration.permissions import AppExtras, chosen_events, chosen_permissions

GITHUB, GITHUB_API = "https://github.com", "https://api.github.com"
HOOK_PATH = "/webhooks/github"

#: GitHub's own limit for the name of an App.
LONGEST_NAME = 34

_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
_DESCRIPTION = "Reviews pull requests with MiniMax models: comments, suggestions, tests that were run."


@dataclass(frozen=True, slots=True)
class AppRequest:
    """A GitHub App to be registered.

    `owner` is an organisation, empty for the account of whoever presses the button. `web_url` is GitHub's address in a
    browser, `public_url` the address under which GitHub reaches this App, `browser_url` the one in the operator's
    browser, which may be another (a tunnel).
    """

    name: str
    web_url: str
    public_url: str
    browser_url: str
    owner: str = ""
    extras: AppExtras = field(default_factory=AppExtras)

    @property
    def problems(self) -> dict[str, str]:
        """Return what cannot be used, by field, each with what to do."""
        found: dict[str, str] = {}
        if not self.name.strip() or len(self.name) > LONGEST_NAME:
            found["name"] = f"Give the App a name of 1 to {LONGEST_NAME} characters that no other App on GitHub has."
        if self.owner and not _LOGIN.fullmatch(self.owner):
            found["owner"] = "This is not the name of an organisation: it has letters, digits and hyphens only."
        if not is_web_address(self.web_url):
            found["web_url"] = f"Give GitHub's address as in a browser, such as {GITHUB} or https://github.example.com."
        if problem := _unreachable(self.public_url, from_internet=_is_hosted(self.web_url)):
            found["public_url"] = problem
        return found

    @property
    def target(self) -> str:
        """The page of GitHub that takes the manifest, and the prefilled form."""
        owner = f"/organizations/{quote(self.owner)}" if self.owner else ""
        return f"{self.web_url}{owner}/settings/apps/new"

    def manifest(self) -> dict[str, Any]:
        """Return the manifest."""
        return {
            "name": self.name,
            "url": "https://github.com/minimax-reviewer/minimax-reviewer",
            "description": _DESCRIPTION,
            "hook_attributes": {"url": f"{self.public_url}{HOOK_PATH}", "active": True},
            "redirect_url": f"{self.browser_url}/setup/created",
            "callback_urls": self._callbacks(),
            "public": False,
            "default_permissions": chosen_permissions(self.extras),
            "default_events": chosen_events(self.extras),
        }

    def prefilled_form(self) -> str:
        """Return the address of GitHub's own form, filled in: for those who register the App by hand.

        The secret cannot be filled in.
        https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-using-url-parameters
        """
        fields = [
            ("name", self.name),
            ("description", _DESCRIPTION),
            ("url", "https://github.com/minimax-reviewer/minimax-reviewer"),
            ("public", "false"),
            ("webhook_active", "true"),
            ("webhook_url", f"{self.public_url}{HOOK_PATH}"),
            *(("callback_urls[]", url) for url in self._callbacks()),
            *chosen_permissions(self.extras).items(),
            *(("events[]", event) for event in chosen_events(self.extras)),
        ]
        return f"{self.target}?{urlencode(fields)}"

    def _callbacks(self) -> list[str]:
        bases = dict.fromkeys((self.public_url, self.browser_url))
        return [f"{base}/sign-in/github/callback" for base in bases]


def is_web_address(url: str) -> bool:
    """Whether it is a scheme, a host and nothing else; plain HTTP only for this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_plain = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    if not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", host) or not is_plain:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_local(host))


def web_url_of(api_url: str) -> str:
    """Return GitHub's address in a browser for that of its API."""
    parts = urlsplit(api_url)
    if api_url.rstrip("/") == GITHUB_API:
        return GITHUB
    if (parts.hostname or "").startswith("api.") and (parts.hostname or "").endswith(".ghe.com"):
        return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"
    return f"{parts.scheme}://{parts.netloc}"


def api_url_of(web_url: str) -> str:
    """Return the address of the API for GitHub's address in a browser."""
    parts = urlsplit(web_url)
    if web_url == GITHUB:
        return GITHUB_API
    if (parts.hostname or "").endswith(".ghe.com"):
        return f"{parts.scheme}://api.{parts.netloc}"
    return f"{web_url}/api/v3"


def install_url(html_url: str) -> str:
    """Return the page where the App is installed on repositories, from the address of its own page."""
    return f"{html_url}/installations/new"


def _is_hosted(web_url: str) -> bool:
    """Whether it is GitHub's own service, which reaches only the internet; an Enterprise Server may be beside us."""
    host = urlsplit(web_url).hostname or ""
    return host == "github.com" or host.endswith(".ghe.com")


def _unreachable(url: str, *, from_internet: bool) -> str:
    """Return why GitHub cannot deliver to that address, or an empty text."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in {"http", "https"} or not re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", host) or parts.query:
        return "Give the address under which GitHub reaches this App, such as https://reviewer.example.com."
    if from_internet and _is_local(host):
        return (
            f"GitHub cannot reach {host} from the internet. Give the public address of this App; for a trial at home, "
            "that of a tunnel (docs/install.md, A trial at home)."
        )
    return ""


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host
