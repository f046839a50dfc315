"""What the pages are made of: the jobs, who may sign in and how, and the App at GitHub."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from webhooks.github.credentials import Credentials
from webhooks.pages.visitors import key_from
from webhooks.queue.jobs import Jobs
from webhooks.registration.manifest import web_url_of


@dataclass(frozen=True)
class PagesConfig:
    """The pages' settings. Secrets do not show in `repr`.

    `credentials` is None in a process that only accepts deliveries and does not know the App's key. Without a token of
    the operator and without the App's client secret, nobody can sign in.
    """

    jobs: Jobs
    api_url: str
    operator_token: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    credentials: Credentials | None = None

    @property
    def web_url(self) -> str:
        """GitHub's address in a browser."""
        return web_url_of(self.api_url)

    @property
    def takes_github(self) -> bool:
        """Whether people can sign in with GitHub."""
        return bool(self.client_id and self.client_secret and self.credentials)

    @cached_property
    def session_key(self) -> bytes:
        """The key of the cookies: the same in all processes, and another when the operator's token changes."""
        return key_from(self.operator_token or self.client_secret)
