"""GitHub's objects as plain mutable values: users, repositories, pulls, comments, reviews, check runs.

They have only simple lookups. No HTTP and no rules here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes.github.bodies.patches import Place
from tests.fakes.github.model.git import Files, GitRepository

#: role -> (legacy permission, what it allows), weakest first
#: https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
ROLES = ("none", "read", "triage", "write", "maintain", "admin")
LEGACY = {"none": "none", "read": "read", "triage": "read", "write": "write", "maintain": "write", "admin": "admin"}


def iso(seconds: float | None) -> str | None:
    """Return a time as GitHub writes it, `2026-01-31T12:00:00Z`."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(prefix: str, number: int | str) -> str:
    """Return an opaque GraphQL id in GitHub's style (`PRRT_kwDO...`)."""
    return f"{prefix}_kwDO{base64.urlsafe_b64encode(str(number).encode()).decode().rstrip('=')}"


@dataclass(slots=True, eq=False)
class User:
    """An account: `kind` is `User`, `Bot` or `Organization`."""

    id: int
    login: str
    kind: str = "User"


@dataclass(slots=True, eq=False)
class App:
    """A GitHub App. `private_key` is PEM text; `events` are what it subscribes to."""

    id: int
    slug: str
    client_id: str
    name: str
    owner: User
    bot: User
    private_key: str
    public_key: str
    permissions: dict[str, str]
    events: tuple[str, ...]
    created_at: float


@dataclass(slots=True, eq=False)
class Installation:
    """The App on an account. `repositories` None means all of the account's repositories."""

    id: int
    app: App
    account: User
    permissions: dict[str, str]
    repositories: list[Repository] | None
    created_at: float
    suspended_at: float | None = None
    deleted: bool = False

    def covers(self, repository: Repository) -> bool:
        """Whether the repository belongs to the installation."""
        if self.deleted or repository.owner is not self.account:
            return False
        return self.repositories is None or repository in self.repositories


@dataclass(slots=True, eq=False)
class Repository:
    """A repository with real commits. `permissions` maps a login to its role; `number` counts issues and pulls."""

    id: int
    owner: User
    name: str
    git: GitRepository
    created_at: float
    private: bool = False
    default_branch: str = "main"
    archived: bool = False
    actions_can_approve: bool = False
    protected: list[str] = field(default_factory=list)
    signed: set[str] = field(default_factory=set)
    parent: Repository | None = None
    deleted: bool = False
    permissions: dict[str, str] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    statuses: list[CommitStatus] = field(default_factory=list)
    sarifs: dict[str, dict[str, Any]] = field(default_factory=dict)
    former_names: list[str] = field(default_factory=list)
    languages: Mapping[str, int] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def pulls(self) -> list[Pull]:
        return [issue.pull for issue in self.issues.values() if issue.pull]

    def role(self, user: User) -> str:
        """Return the user's role; everyone may read what is public."""
        if user is self.owner:
            return "admin"
        return self.permissions.get(user.login, "none" if self.private else "read")

    def head(self, branch: str | None = None) -> str:
        """Return the sha of a branch, or of the default branch. Raises KeyError for an unknown one."""
        name = branch or self.default_branch
        sha = self.git.branch(name)
        if sha is None:
            raise KeyError(name)
        return sha

    def commit(  # the one way in for content, so it is spelt out
        self,
        files: Files,
        message: str = "Change files",
        *,
        branch: str | None = None,
        parent: str | None = None,
        author: str = "octocat",
        date: int = 1_767_225_600,
    ) -> str:
        """Add a commit to `branch` and return its sha.

        The branch is made from `parent` (a branch or sha; by default the default branch) where it does not exist.
        With `parent` given, an existing branch is moved: that is how a force-push is made.
        """
        name = branch or self.default_branch
        tips = self.git.branches()
        start = parent or (name if name in tips else self.default_branch)
        sha = tips.get(start, start)
        parents = [sha] if sha in tips.values() or (tips and self.git.resolve(sha)) else []
        return self.git.commit(name, files, message, parents=parents, author=author, date=date)


@dataclass(slots=True, eq=False)
class Label:
    id: int
    name: str
    color: str = "ededed"


@dataclass(slots=True, eq=False)
class Reaction:
    id: int
    user: User
    content: str
    created_at: float


@dataclass(slots=True, eq=False)
class IssueComment:
    """A comment in the conversation. `app` is the App that wrote it, if one did."""

    id: int
    issue: Issue
    user: User
    body: str
    created_at: float
    updated_at: float
    app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None


@dataclass(slots=True, eq=False)
class Issue:
    """An issue, or with `pull` the conversation of a pull request."""

    id: int
    number: int
    repository: Repository
    user: User
    title: str
    body: str | None
    created_at: float
    updated_at: float
    pull: Pull | None = None
    state: str = "open"
    closed_at: float | None = None
    locked: bool = False
    labels: list[Label] = field(default_factory=list)
    comments: dict[int, IssueComment] = field(default_factory=dict)
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Pull:
    """A pull request. `heads` and `bases` are the shas it has had, oldest first; `seen` is the head last computed for.

    `moved` tells when each head came. `head_repository` is None once the fork was deleted.
    """

    id: int
    issue: Issue
    repository: Repository
    head_repository: Repository | None
    head_label: str
    head_ref: str
    head_user: User
    base_ref: str
    heads: list[str]
    bases: list[str]
    draft: bool = False
    merged_at: float | None = None
    merged_by: User | None = None
    merge_commit: str | None = None
    mergeable_for: tuple[str, str] | None = None
    reviews: dict[int, Review] = field(default_factory=dict)
    threads: dict[int, Thread] = field(default_factory=dict)
    closes: list[Issue] = field(default_factory=list)
    moved: dict[str, float] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.issue.number

    @property
    def user(self) -> User:
        return self.issue.user

    @property
    def head(self) -> str:
        return self.heads[-1]

    @property
    def base(self) -> str:
        return self.bases[-1]

    def merge_base(self, head: str | None = None) -> str:
        """Return where the three-dot diff begins: the base itself for unrelated histories."""
        return self.repository.git.merge_base(self.base, head or self.head) or self.base

    def commits(self) -> tuple[str, ...]:
        """Return the shas that are part of the pull request now, oldest first."""
        return self.repository.git.between(self.merge_base(), self.head)

    def review_comments(self) -> list[ReviewComment]:
        """Return the comments that everybody sees, oldest first."""
        found = [comment for thread in self.threads.values() for comment in thread.comments]
        return sorted((c for c in found if c.review.state != "PENDING"), key=lambda comment: comment.id)


@dataclass(slots=True, eq=False)
class Thread:
    """A review thread: a place, comments, and whether it was resolved."""

    id: int
    pull: Pull
    place: Place
    comments: list[ReviewComment] = field(default_factory=list)
    resolved_by: User | None = None

    @property
    def node_id(self) -> str:
        return node_id("PRRT", self.id)


@dataclass(slots=True, eq=False)
class ReviewComment:
    """A comment in a thread. `commit_id` is the sha it was made for and never changes."""

    id: int
    thread: Thread
    review: Review
    user: User
    body: str
    commit_id: str
    diff_hunk: str
    created_at: float
    updated_at: float
    in_reply_to: int | None = None
    app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None


@dataclass(slots=True, eq=False)
class Review:
    """A review: `state` is PENDING, COMMENTED, APPROVED, CHANGES_REQUESTED or DISMISSED.

    `head_then` is the pull request's head when it was made, whatever commit it is for.
    """

    id: int
    pull: Pull
    user: User
    body: str
    state: str
    commit_id: str
    created_at: float
    submitted_at: float | None
    app: App | None = None
    head_then: str = ""

    @property
    def comments(self) -> list[ReviewComment]:
        """Return the review's own comments, oldest first."""
        found = [c for thread in self.pull.threads.values() for c in thread.comments if c.review is self]
        return sorted(found, key=lambda comment: comment.id)


@dataclass(slots=True, eq=False)
class CheckRun:
    """A check run with all the annotations it was sent, in order."""

    id: int
    repository: Repository
    app: App
    name: str
    head_sha: str
    suite: int
    started_at: float
    status: str = "queued"
    conclusion: str | None = None
    completed_at: float | None = None
    external_id: str = ""
    details_url: str | None = None
    output: dict[str, Any] = field(default_factory=dict)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: Sequence[dict[str, str]] = ()
    log: str = ""


@dataclass(slots=True, eq=False)
class PushedCommit:
    """A commit that a client made over the API: `body` is its message, `files` its paths."""

    id: int
    repository: Repository
    branch: str
    sha: str
    user: User
    body: str
    files: tuple[str, ...]


@dataclass(slots=True, eq=False)
class CommitStatus:
    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: User
    created_at: float
