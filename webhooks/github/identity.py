"""Find out under which login we write: GitHub is asked, it is never guessed from what a token looks like.

A workflow may post with its own token, with that of an organization's App, or with a person's; they look alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from webhooks.github.credentials import Credentials
from webhooks.github.errors import GitHubError
from webhooks.github.transport import Transport

log = logging.getLogger(__name__)

#: Answered for every token of a person or an App: https://docs.github.com/graphql/reference/queries#viewer
_VIEWER = "query { viewer { login } }"


class Identity:
    """Our login in one repository, which is asked for once. The author of what we wrote is known without asking."""

    def __init__(self, transport: Transport, credentials: Credentials, path: str) -> None:
        """Store the connection, the credentials and the path of the repository in the API. Makes no request."""
        self._transport = transport
        self._credentials = credentials
        self._path = path
        self._login = ""

    def learn(self, written: Mapping[str, Any]) -> None:
        """Remember who is the author of what we have just written."""
        self._login = _login(written.get("user")) or self._login

    def login(self, number: int) -> str:
        """Return our login, for example `my-app[bot]`; an empty text where nothing tells. `number` is a pull request.

        Raises GitHubError where it may be known later.
        """
        transient: GitHubError | None = None
        for ask in () if self._login else self._sources(number):
            try:
                self._login = ask()
            except (GitHubError, KeyError, TypeError, AttributeError) as error:
                log.info("identity not read", extra={"path": self._path, "why": str(error)})
                transient = error if isinstance(error, GitHubError) and error.retryable else transient
            if self._login:
                break
        if not self._login and transient is not None:
            raise transient
        return self._login

    def _sources(self, number: int) -> Iterator[Callable[[], str]]:
        """Yield the ways to ask, the cheapest and surest first."""
        if not self._credentials.token:
            yield self._app
        yield lambda: _login(self._transport.graphql(_VIEWER, {})["data"]["viewer"])
        yield lambda: _login(self._transport.read("/user"))
        yield lambda: self._author_of_reaction(number)

    def _app(self) -> str:
        """Return the login of the App itself: https://docs.github.com/rest/apps/apps#get-the-authenticated-app ."""
        data = Transport(self._credentials.api_url, self._credentials.as_app()).read("/app")
        return f"{data['slug']}[bot]"

    def _author_of_reaction(self, number: int) -> str:
        """Return the author of a reaction to the pull request, which we take away again. Nobody is notified of one.

        https://docs.github.com/rest/reactions/reactions#create-reaction-for-an-issue
        """
        reactions = f"{self._path}/issues/{number}/reactions"
        before = {entry["id"] for entry in self._transport.pages(f"{reactions}?content=eyes")}
        reaction = self._transport.send("POST", reactions, {"content": "eyes"}, write=False)
        if reaction["id"] not in before:
            self._transport.send("DELETE", f"{reactions}/{reaction['id']}", None, write=False)
        return _login(reaction.get("user"))


def _login(account: Mapping[str, Any] | None) -> str:
    return str((account or {}).get("login") or "")
