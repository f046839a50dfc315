"""The state of the double: what exists, all tokens, all calls, and what was written.

One lock guards it all; waiting is done on its condition. No HTTP and no rules here.
"""

from __future__ import annotations

import functools
import re
import tempfile
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.github import refusals
from tests.fakes.github.faults import Fault, Trouble
from tests.fakes.github.model.access import Caller, installation_token
from tests.fakes.github.model.deliveries import Delivery, Hook, HookLog
from tests.fakes.github.model.state import App, Installation, Issue, IssueComment, Pull, Repository, ReviewComment, User

#: What `GITHUB_TOKEN` gets with write permissions, and in a fork's workflow run.
ACTIONS_WRITE = {
    "actions": "read",
    "contents": "read",
    "metadata": "read",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
    "statuses": "write",
    "security_events": "write",
}

EVENTS = (
    "check_run",
    "check_suite",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
)

PERMISSIONS = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
    "statuses": "write",
}


@dataclass(slots=True)
class Limits:
    """GitHub's limits. Tests may lower them. `patch_*` are for one file, `diff_*` for a whole pull request.

    https://docs.github.com/repositories/creating-and-managing-repositories/repository-limits
    """

    diff_files: int = 300
    diff_lines: int = 20_000
    diff_bytes: int = 1_000_000
    files: int = 3000
    compare_files: int = 300
    patch_lines: int = 2000
    patch_bytes: int = 100_000
    patches_bytes: int = 1_000_000
    content_bytes: int = 1_000_000
    blob_bytes: int = 100_000_000
    tree_entries: int = 100_000
    body: int = 65_536
    contents_per_minute: int = 80


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was answered, at a time of the world. `status` is 0 where the connection was cut."""

    method: str
    path: str
    query: Mapping[str, str]
    status: int
    route: str
    login: str
    body: bytes = field(repr=False)
    at: float = 0.0

    def __str__(self) -> str:
        query = "?" + "&".join(f"{k}={v}" for k, v in self.query.items()) if self.query else ""
        return f"{self.method} {self.path}{query} -> {self.status or 'connection cut'} ({self.login or 'anonymous'})"


@dataclass(slots=True)
class Written:
    """Something a client wrote and no test has expected yet. `acts`: created, edited, submitted, deleted."""

    kind: str
    thing: Any
    acts: list[str]


@functools.cache
def _key_pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


class Records:
    """Everything there is. Ids count up from `first_id`; `now` can be moved forward by `pass_time`."""

    def __init__(self, directory: Path | None = None, *, secret: str = "It's a Secret to Everybody") -> None:
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="fake-github-")
        self.directory = directory or Path(self._temporary.name if self._temporary else "")
        self.changed = threading.Condition(threading.RLock())
        self.url = ""
        self.prefix = ""
        self.html = "https://github.com"
        self.max_per_page = 100
        self.limits = Limits()
        self.old_wording = False
        self.users: dict[str, User] = {}
        self.repositories: list[Repository] = []
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Caller] = {}
        self.spent: dict[str, int] = {}
        self.creations: dict[str, list[float]] = {}
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.faults: list[Fault] = []
        self.deliveries: list[Delivery] = []
        self.unexpected: dict[tuple[str, int], Written] = {}
        #: Whose browser it is that registers Apps and signs in; codes that are not yet exchanged.
        self.browser = "octocat"
        self.registrations: dict[str, Any] = {}
        self.sign_ins: dict[str, Any] = {}
        self.client_secret = ""
        self.callback_urls: list[str] = []
        self.makes_hook_secret = True
        self.refuses_local_hooks = False
        self._last_id = 1_000_000
        self._later = 0.0
        self.app = self._make_app(7001, "minimax-reviewer", "MiniMax Reviewer", _key_pair())
        self.other_apps: dict[str, App] = {}
        self.actions_app = self._make_app(15368, "github-actions", "GitHub Actions", ("", ""))
        self.hook = Hook(self.next_id(), self.app.id, secret)
        self.log = HookLog(self.hook, self.next_id, self.now, self.changed)

    def _make_app(self, number: int, slug: str, name: str, keys: tuple[str, str]) -> App:
        owner = self.user("github", kind="Organization")
        bot = self.user(f"{slug}[bot]", kind="Bot")
        client = f"Iv23li{number:014d}"
        return App(number, slug, client, name, owner, bot, *keys, dict(PERMISSIONS), EVENTS, self.now())

    # -- ids and time -----------------------------------------------------------------------------------------

    def next_id(self) -> int:
        """Return a number that was never used in this world."""
        with self.changed:
            self._last_id += 1
            return self._last_id

    def now(self) -> float:
        """Return the world's time, in seconds since the epoch."""
        return time.time() + self._later

    def pass_time(self, seconds: float) -> None:
        """Let time pass for tokens and limits, at once."""
        self._later += seconds

    # -- lookups ----------------------------------------------------------------------------------------------

    def user(self, login: str, kind: str = "User") -> User:
        """Return the account of that login; it is made where there is none."""
        if login.lower() not in self.users:
            self.users[login.lower()] = User(self.next_id(), login, kind)
        return self.users[login.lower()]

    def find_repository(self, full_name: str) -> Repository | None:
        wanted = full_name.lower()
        return next((r for r in self.repositories if r.full_name.lower() == wanted and not r.deleted), None)

    def find_moved(self, full_name: str) -> Repository | None:
        """Return the repository that had that name once."""
        return next((r for r in self.repositories if full_name.lower() in r.former_names and not r.deleted), None)

    def repository_by_id(self, number: int) -> Repository:
        """Return the repository of that id. Raises Refusal (404)."""
        found = next((r for r in self.repositories if r.id == number and not r.deleted), None)
        if found is None:
            raise refusals.not_found()
        return found

    def installation_of(self, repository: Repository) -> Installation | None:
        """Return the App's installation that covers the repository."""
        return next((i for i in self.installations.values() if i.covers(repository)), None)

    def pulls(self) -> Iterator[Pull]:
        """Yield every pull request of every repository."""
        for repository in self.repositories:
            yield from repository.pulls

    def issue_comments(self, repository: Repository) -> dict[int, IssueComment]:
        return {n: comment for issue in repository.issues.values() for n, comment in issue.comments.items()}

    def review_comments(self, repository: Repository) -> dict[int, ReviewComment]:
        return {
            comment.id: comment
            for pull in repository.pulls
            for thread in pull.threads.values()
            for comment in thread.comments
        }

    # -- tokens -----------------------------------------------------------------------------------------------

    def installation_token(
        self,
        installation: Installation,
        *,
        permissions: Mapping[str, str] | None = None,
        repositories: Iterable[Repository] | None = None,
    ) -> tuple[str, Caller]:
        """Return a new token of an installation, good for an hour, and the caller it stands for."""
        token = installation_token(installation.app.id)
        granted = dict(installation.permissions if permissions is None else permissions) | {"metadata": "read"}
        chosen = None if repositories is None else tuple(repositories)
        app = installation.app
        caller = Caller("installation", app.bot, app, installation, granted, chosen, self.now() + 3600)
        self.tokens[token] = caller
        return token, caller

    def revoke_tokens(self) -> None:
        """Make every token so far invalid, as if its hour were over."""
        with self.changed:
            self.tokens.clear()

    def actions_token(self, repository: Repository, permissions: Mapping[str, str] | None = None) -> str:
        """Return a `GITHUB_TOKEN` of a workflow run: identity `github-actions[bot]`, this repository only.

        `permissions` default to what a reviewing workflow asks for; `read_only(...)` gives what a fork's run gets.
        """
        token = installation_token(self.actions_app.id)
        granted = dict(ACTIONS_WRITE if permissions is None else permissions)
        app = self.actions_app
        self.tokens[token] = Caller("actions", app.bot, app, None, granted, (repository,), self.now() + 6 * 3600)
        return token

    def app_token(self, slug: str, repository: Repository, permissions: Mapping[str, str] | None = None) -> str:
        """Return a token of another App that is installed on the repository, as `actions/create-github-app-token` does.

        It looks like every other token of an App; `permissions` default to those of `actions_token`.
        """
        app = self.other_apps.get(slug) or self._make_app(self.next_id(), slug, slug, ("", ""))
        self.other_apps[slug] = app
        token = installation_token(app.id)
        granted = dict(ACTIONS_WRITE if permissions is None else permissions) | {"metadata": "read"}
        self.tokens[token] = Caller("actions", app.bot, app, None, granted, (repository,), self.now() + 3600)
        return token

    def read_only_token(self, repository: Repository) -> str:
        """Return the `GITHUB_TOKEN` of a run for a fork's pull request: every scope read."""
        return self.actions_token(repository, dict.fromkeys(ACTIONS_WRITE, "read"))

    def user_token(self, login: str) -> str:
        """Return a person's token, with all that the person may do."""
        token = f"github_pat_{self.next_id()}_{uuid.uuid4().hex}"
        self.tokens[token] = Caller("user", self.user(login))
        return token

    # -- what was written -------------------------------------------------------------------------------------

    def wrote(self, kind: str, thing: Any, act: str) -> None:
        """Remember that a client wrote something that a test has to expect."""
        written = self.unexpected.setdefault((kind, thing.id), Written(kind, thing, []))
        written.thing = thing
        written.acts.append(act)

    def forget(self, kind: str, thing: Any) -> None:
        """Forget that a client wrote something."""
        self.unexpected.pop((kind, thing.id), None)

    def fault(self, request: str, trouble: Trouble, times: int | None = 1) -> Fault:
        """Let requests fail. `request` is `METHOD REGEX` (`* /pulls/1$`), searched in the path; `times` None: each."""
        method, _, path = request.partition(" ")
        fault = Fault(method, re.compile(path), trouble, times)
        self.faults.append(fault)
        return fault

    def close_directory(self) -> None:
        """Remove the repositories, where they are in a directory of our own."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def issue_of(self, target: Pull | Issue) -> Issue:
        """Return the issue of a pull request, or the issue itself."""
        return target.issue if isinstance(target, Pull) else target
