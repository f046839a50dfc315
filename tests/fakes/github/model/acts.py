"""Do what people do on GitHub: each act changes the world and returns its signed delivery.

State and delivery agree, because the payload is built from the state. People's comments are not counted as
something a test has to expect; what a client writes over the API is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.github.bodies import rest_bodies
from tests.fakes.github.model import branches, conversation, events
from tests.fakes.github.model.access import Caller
from tests.fakes.github.model.deliveries import Delivery
from tests.fakes.github.model.git import Files, GitRepository
from tests.fakes.github.model.records import PERMISSIONS, Records
from tests.fakes.github.model.state import (
    CheckRun,
    Installation,
    Issue,
    IssueComment,
    Label,
    Pull,
    Reaction,
    Repository,
    ReviewComment,
    Thread,
    User,
)


class Acts(Records):
    """The acts. A `by` is a login; it defaults to the one who would usually do it."""

    def _person(self, login: str | None, default: User) -> User:
        return self.user(login) if login else default

    def _caller(self, login: str) -> Caller:
        return Caller("user", self.user(login))

    # -- repositories and installations ---------------------------------------------------------------------

    def create_repository(
        self,
        full_name: str,
        files: Files | GitRepository,
        *,
        private: bool = False,
        permissions: Mapping[str, str] | None = None,
        default_branch: str = "main",
    ) -> Repository:
        """Make a repository with one commit, or with the history of another one.

        The owner is an organization unless it is already a user.
        """
        with self.changed:
            owner, _, name = full_name.partition("/")
            number = self.next_id()
            path = self.directory / f"{number}.git"
            git = files.copy(path) if isinstance(files, GitRepository) else GitRepository.create(path, default_branch)
            repo = Repository(number, self.user(owner, "Organization"), name, git, self.now(), private, default_branch)
            for login, role in (permissions or {}).items():
                repo.permissions[self.user(login).login] = role
            if not isinstance(files, GitRepository):
                repo.commit(files, "Begin", author="octocat")
            self.repositories.append(repo)
            return repo

    def fork(self, repo: Repository, by: str) -> Repository:
        """Make a user's fork of a repository."""
        with self.changed:
            number = self.next_id()
            git = repo.git.fork(self.directory / f"{number}.git")
            fork = Repository(number, self.user(by), repo.name, git, self.now(), repo.private, repo.default_branch)
            fork.parent = repo
            self.repositories.append(fork)
            return fork

    def rename_user(self, login: str, new: str) -> None:
        """Give an account another login; its number, its rights and what it wrote stay."""
        with self.changed:
            user = self.users.pop(login.lower())
            for repo in self.repositories:
                if login in repo.permissions:
                    repo.permissions[new] = repo.permissions.pop(login)
            user.login = new
            self.users[new.lower()] = user

    def rename_repository(self, repo: Repository, name: str) -> None:
        """Rename a repository; its old name redirects."""
        with self.changed:
            repo.former_names.append(repo.full_name.lower())
            repo.name = name

    def install(
        self,
        account: str,
        *,
        repositories: list[Repository] | None = None,
        permissions: Mapping[str, str] | None = None,
    ) -> Delivery:
        """Install the App on an account, on all of its repositories or on some."""
        with self.changed:
            granted = dict(PERMISSIONS if permissions is None else permissions)
            owner = self.user(account)
            one = Installation(self.next_id(), self.app, owner, granted, repositories, self.now())
            self.installations[one.id] = one
            return events.installation(self, "created", one, owner)

    def suspend(self, one: Installation) -> Delivery:
        with self.changed:
            one.suspended_at = self.now()
            return events.installation(self, "suspend", one, one.account)

    def unsuspend(self, one: Installation) -> Delivery:
        with self.changed:
            one.suspended_at = None
            return events.installation(self, "unsuspend", one, one.account)

    def uninstall(self, one: Installation) -> Delivery:
        with self.changed:
            delivery = events.installation(self, "deleted", one, one.account)
            one.deleted = True
            return delivery

    def accept_permissions(self, one: Installation, **permissions: str) -> Delivery:
        """Grant the installation more; tokens made before do not change."""
        with self.changed:
            one.permissions = one.permissions | permissions
            return events.installation(self, "new_permissions_accepted", one, one.account)

    def remove_repositories(self, one: Installation, *repositories: Repository) -> Delivery:
        with self.changed:
            one.repositories = [repo for repo in one.repositories or () if repo not in repositories]
            return events.installation_repositories(self, "removed", one, list(repositories), one.account)

    def ping(self) -> Delivery:
        return events.ping(self)

    # -- pull requests --------------------------------------------------------------------------------------

    def open_issue(self, repo: Repository, *, title: str, body: str | None = None, by: str = "octocat") -> Issue:
        """Open an issue that is no pull request."""
        with self.changed:
            issue = self._issue(repo, title, body, self.user(by))
            repo.issues[issue.number] = issue
            return issue

    def _issue(self, repo: Repository, title: str, body: str | None, author: User) -> Issue:
        now = self.now()
        return Issue(self.next_id(), len(repo.issues) + 1, repo, author, title, body, now, now)

    def open_pull(
        self,
        repo: Repository,
        head: str,
        *,
        base: str | None = None,
        fork: Repository | None = None,
        title: str = "Change something",
        body: str | None = None,
        by: str = "alice",
        draft: bool = False,
    ) -> Delivery:
        """Open a pull request from a branch of the repository, or of `fork`. The delivery's subject is the Pull."""
        with self.changed:
            issue = self._issue(repo, title, body, self.user(by))
            return branches.open_pull(self, issue, fork or repo, head, base=base or repo.default_branch, draft=draft)

    def push(self, pull: Pull, files: Files, message: str = "Change more", *, by: str | None = None) -> Delivery:
        """Push a commit to the pull request's branch: `synchronize`."""
        with self.changed:
            return self._pushed(pull, files, message, None, by)

    def force_push(
        self,
        pull: Pull,
        files: Files,
        message: str = "Change it again",
        *,
        onto: str | None = None,
        by: str | None = None,
    ) -> Delivery:
        """Replace the branch's commits by one on `onto`, by default on the merge base: `synchronize`.

        Reviews are re-pointed to the new head, as GitHub has been seen to do.
        """
        with self.changed:
            delivery = self._pushed(pull, files, message, onto or pull.merge_base(), by)
            for review in pull.reviews.values():
                review.commit_id = pull.head
            return delivery

    def _pushed(self, pull: Pull, files: Files, message: str, parent: str | None, by: str | None) -> Delivery:
        sender = self._person(by, pull.user)
        source = pull.head_repository or pull.repository
        source.commit(files, message, branch=pull.head_ref, parent=parent, author=sender.login)
        before = pull.head
        branches.advance(self, pull)
        return events.pull_request(self, "synchronize", pull, sender, before=before, after=pull.head)

    def update_branch(self, pull: Pull, *, by: str | None = None) -> Delivery:
        """Merge the base into the pull request's branch: `synchronize`. Raises ValueError where it conflicts."""
        with self.changed:
            sender, source = self._person(by, pull.user), pull.head_repository or pull.repository
            base = pull.repository.head(pull.base_ref)
            sha = source.git.merge_commit(pull.head, base, "Merge the base", author=sender.login)
            if sha is None:
                raise ValueError(f"#{pull.number} conflicts with {pull.base_ref}")
            source.git.set_ref(f"refs/heads/{pull.head_ref}", sha)
            before = pull.head
            branches.advance(self, pull)
            return events.pull_request(self, "synchronize", pull, sender, before=before, after=pull.head)

    def push_to_base(self, repo: Repository, files: Files, message: str = "Go on", *, branch: str | None = None) -> str:
        """Commit to a base branch; pull requests notice with their next push. Returns the sha."""
        with self.changed:
            return repo.commit(files, message, branch=branch)

    def _act(self, pull: Pull, action: str, by: str | None, **more: Any) -> Delivery:
        pull.issue.updated_at = self.now()
        return events.pull_request(self, action, pull, self._person(by, pull.user), **more)

    def close(self, pull: Pull, *, by: str | None = None) -> Delivery:
        with self.changed:
            pull.issue.state, pull.issue.closed_at = "closed", self.now()
            return self._act(pull, "closed", by)

    def visit(self, pull: Pull) -> None:
        """Let somebody look at the pull request's page: GitHub computes whether it can be merged."""
        with self.changed:
            pull.mergeable_for = (pull.base, pull.head)

    def reopen(self, pull: Pull, *, by: str | None = None) -> Delivery:
        with self.changed:
            pull.issue.state, pull.issue.closed_at = "open", None
            return self._act(pull, "reopened", by)

    def merge(self, pull: Pull, *, by: str | None = None) -> Delivery:
        """Merge with a merge commit. Raises ValueError where it conflicts."""
        with self.changed:
            who, git = self._person(by, pull.repository.owner), pull.repository.git
            title = f"Merge pull request #{pull.number} from {pull.head_label.replace(':', '/')}"
            sha = git.merge_commit(pull.repository.head(pull.base_ref), pull.head, title, author=who.login)
            if sha is None:
                raise ValueError(f"#{pull.number} conflicts with {pull.base_ref}")
            git.set_ref(f"refs/heads/{pull.base_ref}", sha)
            pull.merge_commit, pull.merged_at, pull.merged_by = sha, self.now(), who
            pull.issue.state, pull.issue.closed_at = "closed", pull.merged_at
            return self._act(pull, "closed", who.login)

    def ready_for_review(self, pull: Pull, *, by: str | None = None) -> Delivery:
        with self.changed:
            pull.draft = False
            return self._act(pull, "ready_for_review", by)

    def convert_to_draft(self, pull: Pull, *, by: str | None = None) -> Delivery:
        with self.changed:
            pull.draft = True
            return self._act(pull, "converted_to_draft", by)

    def edit(
        self,
        pull: Pull,
        *,
        title: str | None = None,
        body: str | None = None,
        base: str | None = None,
        by: str | None = None,
    ) -> Delivery:
        """Change the title, the text or the base branch; `changes` says what it was."""
        with self.changed:
            changes: dict[str, Any] = {}
            if title is not None:
                changes["title"], pull.issue.title = {"from": pull.issue.title}, title
            if body is not None:
                changes["body"], pull.issue.body = {"from": pull.issue.body}, body
            if base is not None:
                changes["base"] = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base}}
                pull.base_ref = base
                pull.bases.append(pull.repository.head(base))
            return self._act(pull, "edited", by, changes=changes)

    def label(self, pull: Pull, name: str, *, by: str | None = None) -> Delivery:
        with self.changed:
            label = Label(self.next_id(), name)
            pull.issue.labels.append(label)
            return self._act(pull, "labeled", by, label=rest_bodies.label(self, pull.repository, label))

    def lock(self, pull: Pull, *, by: str | None = None) -> Delivery:
        with self.changed:
            pull.issue.locked = True
            return self._act(pull, "locked", by)

    def unlock(self, pull: Pull, *, by: str | None = None) -> Delivery:
        with self.changed:
            pull.issue.locked = False
            return self._act(pull, "unlocked", by)

    def delete_fork(self, pull: Pull) -> None:
        """Delete the repository a pull request comes from: from now on its `head.repo` is null."""
        with self.changed:
            if pull.head_repository is None or pull.head_repository is pull.repository:
                raise ValueError("the pull request does not come from a fork")
            pull.head_repository.deleted = True
            pull.head_repository = None

    # -- conversation ---------------------------------------------------------------------------------------

    def _last(self) -> Delivery:
        return self.deliveries[-1]

    def comment(self, target: Pull | Issue, body: str, *, by: str = "octocat") -> Delivery:
        """Write into the conversation. The delivery's subject is the IssueComment."""
        with self.changed:
            conversation.add_comment(self, self._caller(by), self.issue_of(target), body)
            return self._last()

    def edit_comment(self, comment: IssueComment, body: str, *, by: str | None = None) -> Delivery:
        """Change a comment; anyone with write access may change another's."""
        with self.changed:
            conversation.edit_comment(self, self._caller(by or comment.user.login), comment, body)
            return self._last()

    def delete_comment(self, comment: IssueComment, *, by: str | None = None) -> Delivery:
        with self.changed:
            conversation.delete_comment(self, self._caller(by or comment.user.login), comment)
            return self._last()

    def review(
        self,
        pull: Pull,
        body: str = "Looks good",
        *,
        event: str = "COMMENT",
        comments: list[dict[str, Any]] | None = None,
        by: str = "octocat",
    ) -> Delivery:
        """Submit a person's review. The delivery is that of the review; its comments have their own after it."""
        with self.changed:
            told = len(self.deliveries)
            request = {"body": body, "event": event, "comments": comments or []}
            conversation.add_review(self, self._caller(by), pull, request)
            return self.deliveries[told]

    def review_comment(self, pull: Pull, body: str, *, by: str = "octocat", **where: Any) -> Delivery:
        """Comment on a line (`path=`, `line=`, `side=`, ...). The delivery's subject is the ReviewComment."""
        with self.changed:
            request = {"body": body, "commit_id": pull.head, **where}
            conversation.add_review_comment(self, self._caller(by), pull, request)
            return self._last()

    def reply(self, to: ReviewComment | Thread, body: str, *, by: str = "octocat") -> Delivery:
        """Answer in a review thread. The delivery's subject is the ReviewComment."""
        with self.changed:
            thread = to.thread if isinstance(to, ReviewComment) else to
            conversation.reply(self, self._caller(by), thread, body)
            return self._last()

    def react(self, comment: IssueComment | ReviewComment, content: str, *, by: str = "octocat") -> Reaction:
        """Put a reaction under a comment; GitHub sends no delivery."""
        with self.changed:
            made = Reaction(self.next_id(), self.user(by), content, self.now())
            comment.reactions.append(made)
            return made

    def edit_review_comment(self, comment: ReviewComment, body: str, *, by: str | None = None) -> Delivery:
        """Change an inline comment; anyone with write access may change another's."""
        with self.changed:
            conversation.edit_review_comment(self, self._caller(by or comment.user.login), comment, body)
            return self._last()

    def delete_review_comment(self, comment: ReviewComment, *, by: str = "octocat") -> None:
        """Delete an inline comment; anyone with write access may delete another's."""
        with self.changed:
            conversation.delete_review_comment(self, self._caller(by), comment)

    def resolve(self, thread: Thread, *, by: str = "octocat") -> Delivery:
        """Resolve a review thread that is open."""
        with self.changed:
            conversation.resolve(self, self._caller(by), thread, resolved=True)
            return self._last()

    def unresolve(self, thread: Thread, *, by: str = "octocat") -> Delivery:
        """Open a resolved review thread again."""
        with self.changed:
            conversation.resolve(self, self._caller(by), thread, resolved=False)
            return self._last()

    # -- check runs -----------------------------------------------------------------------------------------

    def fail_check(
        self, pull: Pull, name: str, *, annotations: Sequence[tuple[str, int, str]] = (), log: str = ""
    ) -> CheckRun:
        """Let a job of GitHub Actions fail on the head, with annotations (path, line, message) and a log."""
        with self.changed:
            run = self.start_check(pull, name)
            run.status, run.conclusion, run.completed_at, run.log = "completed", "failure", self.now(), log
            run.output = {"title": f"{name} failed", "summary": ""}
            run.annotations = [
                {"path": path, "start_line": line, "end_line": line, "annotation_level": "failure", "message": message}
                for path, line, message in annotations
            ]
            return run

    def start_check(self, pull: Pull, name: str) -> CheckRun:
        """Let a job of GitHub Actions begin on the head."""
        with self.changed:
            now = self.now()
            run = CheckRun(self.next_id(), pull.repository, self.actions_app, name, pull.head, self.next_id(), now)
            run.status = "in_progress"
            pull.repository.check_runs[run.id] = run
            return run

    def rerequest(self, run: CheckRun, *, by: str = "octocat") -> Delivery:
        """Press "Re-run" on a check run."""
        with self.changed:
            return events.check_run(self, "rerequested", run, self.user(by))

    def rerequest_suite(self, run: CheckRun, *, by: str = "octocat") -> Delivery:
        """Press "Re-run all checks": the event is about the suite of that run. The runs stay as they are."""
        with self.changed:
            return events.check_suite(self, "rerequested", run, self.user(by))

    def enqueue(self, pull: Pull) -> Delivery:
        """Put a pull request into the merge queue: GitHub makes the commit to be checked and asks for checks on it."""
        with self.changed:
            repo, base = pull.repository, pull.repository.head(pull.base_ref)
            sha = repo.git.merge_commit(base, pull.head, f"Merge pull request #{pull.number}", author="github")
            if sha is None:
                raise ValueError(f"#{pull.number} conflicts with {pull.base_ref}")
            ref = f"refs/heads/gh-readonly-queue/{pull.base_ref}/pr-{pull.number}-{base}"
            repo.git.set_ref(ref, sha)
            group = {"head_sha": sha, "head_ref": ref, "base_sha": base, "base_ref": f"refs/heads/{pull.base_ref}"}
            queue = self.user("github-merge-queue[bot]", kind="Bot")
            return events.merge_group(self, "checks_requested", repo, group, queue)

    def request_action(self, run: CheckRun, identifier: str, *, by: str = "octocat") -> Delivery:
        """Press one of the buttons a check run has. Raises ValueError where it has no such button."""
        with self.changed:
            if identifier not in [action["identifier"] for action in run.actions]:
                raise ValueError(f"check run {run.name} has no action {identifier}")
            requested = {"identifier": identifier}
            return events.check_run(self, "requested_action", run, self.user(by), requested_action=requested)
