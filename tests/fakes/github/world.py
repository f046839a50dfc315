"""The world: the state, the acts and the expectations, served over HTTP for as long as a `with` block lasts.

    with default_world() as github:
        github.push(github.pull, {"src/cart.py": "..."}).post(server_url)
        review = github.expect_review(on=github.pull)

At the end nothing may be left over: anything that the test did not expect fails it.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.fakes.github.expecting import Expectations
from tests.fakes.github.model.deliveries import Delivery
from tests.fakes.github.model.state import Installation, Pull, Repository
from tests.fakes.github.server import Server


class World(Expectations):
    """A GitHub. `prefix` `/api/v3` makes it an Enterprise Server; `strict` False: nothing is checked at the end.

    `directory` keeps the git repositories, by default a temporary one. `url` is known once it is started.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        secret: str = "It's a Secret to Everybody",
        prefix: str = "",
        port: int = 0,
        strict: bool = True,
    ) -> None:
        super().__init__(directory, secret=secret)
        self.prefix = prefix
        self.strict = strict
        #: The delivery of the pull request that the world began with.
        self.opened: Delivery
        self._server = Server(self, port)

    @property
    def graphql_url(self) -> str:
        return self.url.removesuffix("/api/v3") + ("/api/graphql" if self.prefix else "/graphql")

    @property
    def repo(self) -> Repository:
        """Return the first repository."""
        return self.repositories[0]

    @property
    def pull(self) -> Pull:
        """Return the newest pull request of the first repository."""
        return self.repo.pulls[-1]

    @property
    def installation(self) -> Installation:
        """Return the first installation."""
        return next(iter(self.installations.values()))

    def token(self) -> str:
        """Return a new token of the first installation."""
        return self.installation_token(self.installation)[0]

    def client(self, token: str = "", **headers: str) -> httpx.Client:
        """Return a plain HTTP client for the double, with a token or without; the caller closes it."""
        login = {"Authorization": f"Bearer {token}"} if token else {}
        # There is no TLS here, and loading certificates would take longer than most tests.
        return httpx.Client(base_url=self.url, headers=login | headers, verify=False)

    def start(self) -> Self:
        """Serve. Returns itself."""
        self._server.start()
        self.log.start()
        return self

    def stop(self) -> None:
        """Stop serving and remove what was on the disk; checks nothing."""
        self.log.stop()
        self._server.stop()
        self.close_directory()

    def __enter__(self) -> Self:
        return self.start() if not self.url else self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self.strict and kind is None:
            self.check_nothing_left()
