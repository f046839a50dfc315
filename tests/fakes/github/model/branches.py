"""Branches that move: commits made over the API, refs made and deleted, and the pull requests that follow them.

If the branch of a pull request moved, the delivery is sent as GitHub does (`synchronize`, `closed`, `opened`), also
if an App moved it. Nothing gets around a protected branch. Texts marked [K] are not verified.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from tests.fakes.github.model import events
from tests.fakes.github.model.access import Caller
from tests.fakes.github.model.deliveries import Delivery
from tests.fakes.github.model.records import Records
from tests.fakes.github.model.state import Issue, Pull, PushedCommit, Repository, User
from tests.fakes.github.refusals import Refusal, field_error, not_found, validation_failed


def advance(world: Records, pull: Pull) -> None:
    """Take over where the two branches of a pull request are now."""
    ref = f"refs/pull/{pull.number}/head"
    if pull.head_repository is not None and pull.head_repository is not pull.repository:
        pull.repository.git.fetch(pull.head_repository.git, f"refs/heads/{pull.head_ref}", ref)
        pull.heads.append(pull.head_repository.head(pull.head_ref))
    else:
        pull.heads.append(pull.repository.head(pull.head_ref))
        pull.repository.git.set_ref(ref, pull.head)
    pull.moved[pull.head] = world.now()
    pull.bases.append(pull.repository.head(pull.base_ref))
    message = f"Merge {pull.head} into {pull.base}"
    pull.merge_commit = pull.repository.git.merge_commit(pull.base, pull.head, message, author="github")
    if pull.merge_commit:
        pull.repository.git.set_ref(f"refs/pull/{pull.number}/merge", pull.merge_commit)
    pull.issue.updated_at = world.now()


def open_pull(
    world: Records, issue: Issue, source: Repository, head: str, *, base: str, draft: bool = False
) -> Delivery:
    """Make an issue a pull request from a branch of `source`: `opened`."""
    repo = issue.repository
    label = f"{source.owner.login}:{head}"
    pull = Pull(world.next_id(), issue, repo, source, label, head, source.owner, base, heads=[], bases=[], draft=draft)
    issue.pull = pull
    repo.issues[issue.number] = issue
    advance(world, pull)
    return events.pull_request(world, "opened", pull, issue.user)


def moved(world: Records, repo: Repository, branch: str, sender: User) -> None:
    """Emit the event of every open pull request whose branch moved."""
    for pull in _from(world, repo, branch):
        before = pull.head
        advance(world, pull)
        events.pull_request(world, "synchronize", pull, sender, before=before, after=pull.head)


def _from(world: Records, repo: Repository, branch: str) -> list[Pull]:
    found = [pull for pull in world.pulls() if pull.head_repository is repo and pull.head_ref == branch]
    return [pull for pull in found if pull.issue.state == "open"]


def create_ref(repo: Repository, ref: str, sha: str) -> str:
    """Make a ref and return its branch: https://docs.github.com/rest/git/refs#create-a-reference ."""
    if not re.fullmatch(r"refs/[^/]+/.+", ref):
        raise Refusal(422, "Reference name must start with 'refs/' and contain at least two slashes")  # [K]
    branch = ref.removeprefix("refs/heads/")
    tips = repo.git.branches()
    if not re.fullmatch(r"[0-9a-f]{40}", sha) or repo.git.resolve(sha) is None:
        raise Refusal(422, "Object does not exist")
    if branch in tips:
        raise Refusal(422, "Reference already exists")
    nested = any(f"{one}/".startswith(f"{branch}/") or f"{branch}/".startswith(f"{one}/") for one in tips)
    if nested or guarded(repo, branch):
        # https://github.com/actions/github-script/issues/455
        raise Refusal(422, "Reference update failed")
    repo.git.set_ref(ref, sha)
    return branch


def delete_ref(world: Records, repo: Repository, branch: str, sender: User) -> None:
    """Delete a branch; GitHub closes the pull requests from it."""
    if branch not in repo.git.branches():
        raise Refusal(422, "Reference does not exist")
    for pull in _from(world, repo, branch):
        pull.issue.state, pull.issue.closed_at = "closed", world.now()
        events.pull_request(world, "closed", pull, sender)
    repo.git.delete_ref(f"refs/heads/{branch}")


def guarded(repo: Repository, branch: str) -> bool:
    """Whether a branch is protected."""
    return any(fnmatchcase(branch, pattern) for pattern in repo.protected)


def commit_on(world: Records, caller: Caller, repo: Repository, given: Mapping[str, Any]) -> str:
    """Make the commit of `createCommitOnBranch` and return its sha. Raises Refusal; 409 means that the head moved.

    https://docs.github.com/graphql/reference/mutations#createcommitonbranch
    """
    branch, expected = given["branch"]["branchName"].removeprefix("refs/heads/"), given["expectedHeadOid"]
    head = repo.git.branches().get(branch)
    if head is None:
        raise Refusal(404, f"Could not resolve to a Ref with the name 'refs/heads/{branch}'.")  # [K]
    if head != expected:
        # https://github.com/planetscale/ghcommit/pull/153
        raise Refusal(409, f'Expected branch to point to "{expected}" but it did not. Pull and try again.')
    if guarded(repo, branch):
        # The first half is GitHub's for a push, the whole and its type are not verified [K].
        why = "Changes must be made through a pull request."
        raise Refusal(422, f"Protected branch update failed for refs/heads/{branch}. {why}")
    files = _files(caller, repo, head, given.get("fileChanges") or {})
    message = "\n\n".join(part for part in (given["message"]["headline"], given["message"].get("body")) if part)
    author = caller.user or world.user("ghost")
    sha = repo.git.commit(branch, files, message, parents=[head], author=author.login, date=int(world.now()))
    repo.signed.add(sha)
    world.wrote("commit", PushedCommit(world.next_id(), repo, branch, sha, author, message, tuple(files)), "created")
    moved(world, repo, branch, author)
    return sha


def _files(caller: Caller, repo: Repository, head: str, changes: Mapping[str, Any]) -> dict[str, bytes | None]:
    files: dict[str, bytes | None] = {}
    for one in changes.get("deletions") or ():
        if repo.git.at(head, one["path"]) is None:
            raise Refusal(422, f"A path was requested for deletion which does not exist: {one['path']}")  # [K]
        files[one["path"]] = None
    for one in changes.get("additions") or ():
        path = one["path"]
        if any(part in ("", ".", "..") or part.lower() == ".git" for part in path.split("/")):
            raise Refusal(422, f"A path was requested which is malformed: {path}")  # [K]
        if path.startswith(".github/workflows/") and caller.integration and not caller.allows("workflows=write"):
            raise Refusal(403, f"refusing to allow a GitHub App to create or update workflow `{path}`")  # [K]
        try:
            files[path] = base64.b64decode(one["contents"], validate=True)
        except ValueError:
            raise Refusal(422, f"The contents of {path} are not base64") from None  # [K]
    return files


def requested_pull(world: Records, caller: Caller, repo: Repository, body: Mapping[str, Any]) -> Delivery:
    """Open the pull request of `POST /pulls`: https://docs.github.com/rest/pulls/pulls#create-a-pull-request ."""
    author = caller.user
    if author is None:
        raise not_found()
    if caller.kind == "actions" and not repo.actions_can_approve:
        raise Refusal(403, "GitHub Actions is not permitted to create or approve pull requests.")
    owner, colon, head = body["head"].rpartition(":")
    tips = repo.git.branches()
    if (colon and owner.lower() != repo.owner.login.lower()) or head not in tips:
        raise validation_failed(field_error("PullRequest", "head", "invalid"))
    if body["base"] not in tips:
        raise validation_failed(field_error("PullRequest", "base", "invalid"))
    if any(pull.base_ref == body["base"] for pull in _from(world, repo, head)):
        raise _custom(f"A pull request already exists for {repo.owner.login}:{head}.")
    if not repo.git.between(tips[body["base"]], tips[head]):
        raise _custom(f"No commits between {body['base']} and {head}")
    now = world.now()
    number = len(repo.issues) + 1
    issue = Issue(world.next_id(), number, repo, author, body["title"], body.get("body"), now, now)
    delivery = open_pull(world, issue, repo, head, base=body["base"], draft=body.get("draft", False))
    world.wrote("pull request", issue, "created")
    return delivery


def _custom(message: str) -> Refusal:
    return validation_failed({"resource": "PullRequest", "code": "custom", "message": message})
