"""Read and create branches and commits on GitHub, and open a pull request from a branch.

Promises: nothing is ever overwritten. A commit is added to the named head, or not at all; a branch is created, never
moved. Never decides what is committed. Failures are the typed errors of `webhooks.github.errors`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode

from reviewer.languages.allowed_tests import PathKind
from webhooks.github.errors import DEFAULT_WAIT, GitHubError, GitHubUnavailable, NotFound, RateLimited, WriteUncertain
from webhooks.github.transport import Transport

#: https://docs.github.com/graphql/reference/mutations#createcommitonbranch : all or nothing, signed by GitHub.
COMMIT = """mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid url } }
}"""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its sha, its parents' shas, its message, its page's address."""

    sha: str
    parents: tuple[str, ...]
    message: str
    url: str


@dataclass(frozen=True, slots=True)
class OpenedPull:
    """A pull request that was opened from a branch. `state` is `open` or `closed`."""

    number: int
    url: str
    state: str


class CommitRefusal(StrEnum):
    """Why GitHub made no commit."""

    MOVED = "moved"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    OTHER = "other"


class CommitRefused(GitHubError):
    """GitHub made no commit. `message` is its own sentence."""

    def __init__(self, why: CommitRefusal, message: str) -> None:
        """Store why, as far as it is known, and GitHub's words."""
        super().__init__(f"GitHub: createCommitOnBranch: {message}")
        self.why = why
        self.message = message


class Branches:
    """The branches of one repository. Each method is one request."""

    def __init__(self, transport: Transport, repository: str) -> None:
        """Store the connection and the repository's name, `owner/name`."""
        self._transport = transport
        self._repository = repository
        self._path = f"/repos/{repository}"

    def head(self, branch: str) -> str | None:
        """Return the sha of a branch, or None: https://docs.github.com/rest/git/refs#get-a-reference ."""
        try:
            data = self._transport.read(f"{self._path}/git/ref/heads/{quote(branch)}")
        except NotFound:
            return None
        return str(data["object"]["sha"])

    def commits(self, sha: str, most: int = 30) -> list[Commit]:
        """Return a commit and those before it, newest first, at most `most` (100 at the most)."""
        query = urlencode({"sha": sha, "per_page": most})
        return [
            Commit(
                sha=str(entry["sha"]),
                parents=tuple(str(parent["sha"]) for parent in entry.get("parents") or ()),
                message=str(entry["commit"].get("message") or ""),
                url=str(entry.get("html_url") or ""),
            )
            for entry in self._transport.read(f"{self._path}/commits?{query}")
        ]

    def folders(self, sha: str, paths: Sequence[str]) -> dict[str, dict[str, PathKind]]:
        """Return what each folder of a commit holds, by name; the top is "". A path that is no folder is left out.

        https://docs.github.com/graphql/reference/objects#tree , in one request. Raises GitHubUnavailable.
        """
        if not paths:
            return {}
        owner, _, name = self._repository.partition("/")
        names = ", ".join(f"$e{index}: String!" for index in range(len(paths)))
        fields = " ".join(
            f"f{index}: object(expression: $e{index}) {{ ... on Tree {{ entries {{ name mode }} }} }}"
            for index in range(len(paths))
        )
        inside = f"repository(owner: $owner, name: $name) {{ {fields} }}"
        query = f"query($owner: String!, $name: String!, {names}) {{ {inside} }}"
        variables = {"owner": owner, "name": name} | {f"e{n}": f"{sha}:{path}" for n, path in enumerate(paths)}
        answer = self._transport.graphql(query, variables)
        found = (answer.get("data") or {}).get("repository")
        if found is None or answer.get("errors"):
            raise GitHubUnavailable("GitHub: GraphQL did not list the files")
        listed = {path: (found[f"f{n}"] or {}).get("entries") for n, path in enumerate(paths)}
        return {
            path: {str(entry["name"]): _kind(int(entry["mode"])) for entry in entries}
            for path, entries in listed.items()
            if entries is not None
        }

    def commit(self, branch: str, *, onto: str, message: tuple[str, str], files: Mapping[str, str]) -> Commit:
        """Add a commit with these new files to a branch whose head is `onto`; `message` is headline and body.

        Raises CommitRefused where GitHub made no commit, WriteUncertain where it may have made it.
        """
        headline, body = message
        additions = [
            {"path": path, "contents": base64.b64encode(text.encode()).decode()} for path, text in files.items()
        ]
        mutation = {
            "branch": {"repositoryNameWithOwner": self._repository, "branchName": branch},
            "expectedHeadOid": onto,
            "message": {"headline": headline, "body": body},
            "fileChanges": {"additions": additions},
        }
        answer = self._transport.graphql(COMMIT, {"input": mutation}, write=True)
        if errors := answer.get("errors"):
            raise _refused(errors)
        try:
            commit = answer["data"]["createCommitOnBranch"]["commit"]
            return Commit(str(commit["oid"]), (onto,), f"{headline}\n\n{body}", str(commit["url"]))
        except (KeyError, TypeError) as error:
            raise WriteUncertain("GitHub: createCommitOnBranch: the answer names no commit") from error

    def create(self, branch: str, sha: str) -> None:
        """Make a new branch, else Unprocessable: https://docs.github.com/rest/git/refs#create-a-reference ."""
        self._transport.write("POST", f"{self._path}/git/refs", {"ref": f"refs/heads/{branch}", "sha": sha})

    def delete(self, branch: str) -> None:
        """Delete a branch: https://docs.github.com/rest/git/refs#delete-a-reference ."""
        self._transport.write("DELETE", f"{self._path}/git/refs/heads/{quote(branch)}")

    def open_pull(self, branch: str, *, base: str, title: str, body: str) -> OpenedPull:
        """Open a pull request: https://docs.github.com/rest/pulls/pulls#create-a-pull-request ."""
        body_fields = {"head": branch, "base": base, "title": title, "body": body}
        return _opened(self._transport.write("POST", f"{self._path}/pulls", body_fields))

    def pull_from(self, branch: str) -> OpenedPull | None:
        """Return the newest pull request from a branch, open before closed, or None."""
        owner = self._repository.partition("/")[0]
        query = urlencode({"head": f"{owner}:{branch}", "state": "all"})
        found = [_opened(entry) for entry in self._transport.read(f"{self._path}/pulls?{query}")]
        return next((pull for pull in found if pull.state == "open"), found[0] if found else None)


def _kind(mode: int) -> PathKind:
    """Return what the mode of a line of a tree stands for: https://git-scm.com/docs/git-fast-import#_filemodify ."""
    kinds = {0o040000: PathKind.FOLDER, 0o100644: PathKind.FILE, 0o100755: PathKind.FILE, 0o120000: PathKind.LINK}
    return kinds.get(mode, PathKind.OTHER)


def _opened(data: Mapping[str, Any]) -> OpenedPull:
    return OpenedPull(data["number"], data["html_url"], data.get("state") or "open")


def _refused(errors: Sequence[Mapping[str, Any]]) -> GitHubError:
    """Return the error for GraphQL's `errors`. A limit is a limit here too, though the status was 200.

    https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    """
    kinds = {str(error.get("type") or "") for error in errors}
    message = "; ".join(str(error.get("message") or "") for error in errors)[:500]
    if "RATE_LIMITED" in kinds or "RATE_LIMIT" in kinds:
        return RateLimited(f"GitHub: createCommitOnBranch: {message}", retry_after=DEFAULT_WAIT)
    # As people report it: `Expected branch to point to "SHA" but it did not. Pull and try again.`, type STALE_DATA.
    if "STALE_DATA" in kinds or "Expected branch to point to" in message:
        return CommitRefused(CommitRefusal.MOVED, message)
    if "FORBIDDEN" in kinds:
        return CommitRefused(CommitRefusal.FORBIDDEN, message)
    return CommitRefused(CommitRefusal.NOT_FOUND if "NOT_FOUND" in kinds else CommitRefusal.OTHER, message)
