"""Ask GitHub who somebody is, and which installations of the App that person administers.

Promises: somebody administers an installation whose account is theirs, or all of whose repositories they administer;
where GitHub does not show that, they do not. Their token is used for these questions, and then forgotten.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from webhooks.github.app import AppClient
from webhooks.github.auth import exchange_code, token_auth
from webhooks.github.credentials import Credentials
from webhooks.github.errors import GitHubError
from webhooks.github.transport import Transport

log = logging.getLogger(__name__)

#: More installations of one person are not looked at.
_MOST = 50


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody, and the installations that they administer."""

    login: str
    installations: tuple[int, ...]


def authorize_url(web_url: str, client_id: str, redirect_uri: str, state: str) -> str:
    """Return the page on which GitHub asks whether somebody wants to sign in."""
    query = urlencode({"client_id": client_id, "redirect_uri": redirect_uri, "state": state}, quote_via=quote)
    return f"{web_url}/login/oauth/authorize?{query}"


def sign_in(web_url: str, credentials: Credentials, client: tuple[str, str], code: str, redirect_uri: str) -> SignedIn:
    """Exchange the code that GitHub sent, and find out who it is. `client` is id and secret. Raises GitHubError."""
    person = Transport(credentials.api_url, token_auth(exchange_code(web_url, client, code, redirect_uri)))
    login = str(person.read("/user")["login"])
    found: list[int] = []
    for entry in person.pages("/user/installations", within="installations"):
        if len(found) == _MOST:
            break
        account = str((entry.get("account") or {}).get("login") or "")
        if account.lower() == login.lower() or _administers(person, credentials, int(entry["id"])):
            found.append(int(entry["id"]))
    return SignedIn(login, tuple(found))


def _administers(person: Transport, credentials: Credentials, installation_id: int) -> bool:
    """Whether the person administers every repository of the installation, those that they cannot see included."""
    try:
        path = f"/user/installations/{installation_id}/repositories"
        theirs = {
            entry["full_name"]: bool((entry.get("permissions") or {}).get("admin"))
            for entry in person.pages(path, within="repositories")
        }
        if not theirs or not all(theirs.values()):
            return False
        return all(name in theirs for name, _ in AppClient(credentials).inside(installation_id).repositories())
    except GitHubError as error:
        log.info("rights not read", extra={"installation": installation_id, "why": str(error)})
        return False
