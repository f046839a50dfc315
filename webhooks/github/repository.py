"""Read and write one repository on GitHub, as plain values.

Never decides anything about a review; failures are the typed errors of `webhooks.github.errors`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import IO, Any
from urllib.parse import quote

from reviewer.diff.model import Diff
from reviewer.diff.parser import FilePatch, diff_from_files, parse_diff
from webhooks.github.branches import Branches
from webhooks.github.check_runs import CheckRuns
from webhooks.github.contents import Contents, NoText, OwnerFiles, Place
from webhooks.github.conversation import Conversation
from webhooks.github.credentials import Credentials
from webhooks.github.errors import DiffTooLarge, GitHubError, NotFound
from webhooks.github.identity import Identity
from webhooks.github.tokens import TO_READ_LOGS, TO_WRITE_CONTENTS
from webhooks.github.transport import Transport
from webhooks.github.types import (
    RESOLVE,
    THREADS,
    Comment,
    Pull,
    ThreadState,
    comment_of,
    pull_of,
    thread_of,
)

__all__ = ["Comment", "Pull", "Repository", "ThreadState", "connect"]

_TOO_MANY = "what this month has cost cannot be added up from their marks. For ceilings a month, use the App here."

#: Comments of a month that are read: a hundred requests.
_MOST_COMMENTS = 10_000

log = logging.getLogger(__name__)


def connect(credentials: Credentials, repository: str, installation_id: int | None = None) -> Repository:
    """Return the repository as seen with these credentials. Makes no request yet."""
    auth = credentials.as_installation(installation_id, repository)
    writing = credentials.as_installation(installation_id, repository, TO_WRITE_CONTENTS)
    transport = Transport(credentials.api_url, auth)
    writer = transport if credentials.token else Transport(credentials.api_url, writing)
    return Repository(transport, credentials, repository, writer, installation_id)


class Repository(CheckRuns, Conversation):
    """One repository. Each method is one request (or one a page) and returns plain values."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        name: str,
        writer: Transport,
        installation_id: int | None = None,
    ) -> None:
        """Store the connection, the credentials and the name; `writer` may write contents, and does nothing else."""
        self._credentials = credentials
        self._installation = installation_id
        super().__init__(transport, f"/repos/{name}")
        self._writer = writer
        self.name = name
        self._identity = Identity(transport, credentials, self.path)

    def _log_reader(self) -> Transport:
        if self._credentials.token:
            return self._transport
        auth = self._credentials.as_installation(self._installation, self.name, TO_READ_LOGS)
        return Transport(self._credentials.api_url, auth)

    def branches(self, name: str = "") -> Branches:
        """Return its branches; `name` is the repository's present name, if it was renamed."""
        return Branches(self._writer, name or self.name)

    # ------------------------------------------------------------------ reading

    def pull(self, number: int) -> Pull:
        """Return the pull request: https://docs.github.com/rest/pulls/pulls#get-a-pull-request ."""
        data = self._transport.read(f"{self.path}/pulls/{number}")
        return pull_of(data)

    def diff(self, number: int) -> Diff:
        """Return the pull request's diff; where GitHub refuses it for its size, built from the list of its files."""
        try:
            return parse_diff(self._transport.bytes_of(f"{self.path}/pulls/{number}", "application/vnd.github.diff"))
        except DiffTooLarge as error:
            log.info(
                "diff refused, listing files instead",
                extra={"repository": self.name, "number": number, "why": str(error)},
            )
        return diff_from_files(
            FilePatch(
                filename=entry["filename"],
                status=entry.get("status", "modified"),
                patch=entry.get("patch"),
                changes=entry.get("changes", 0),
                previous_filename=entry.get("previous_filename"),
            )
            for entry in self._transport.pages(f"{self.path}/pulls/{number}/files")
        )

    def contents(self) -> Contents:
        """Return its files and folders, for who must know whether a file is absent or could not be read."""
        return Contents(self._transport, self.name)

    def owner_files(self, name: str) -> OwnerFiles:
        """Return the files of another repository of the same owner."""
        return OwnerFiles(
            self._transport, self._credentials, f"{self.name.partition('/')[0]}/{name}", self._installation
        )

    def texts(self, keys: Sequence[Place]) -> dict[Place, str] | None:
        """Return the texts of files by (revision, path), in one request; only of files that were found and are text.

        None: GraphQL cannot be used; read file by file.
        """
        try:
            return {place: text for place, text in self.contents().at_once(keys).texts.items() if text}
        except GitHubError as error:
            log.info("GraphQL cannot be used", extra={"repository": self.name, "why": str(error)})
            return None

    def names(self, revision: str) -> frozenset[str] | None:
        """Return the names of files and folders at the top of a revision; None where they are not listed."""
        try:
            return frozenset(self.contents().folder(revision, ""))
        except GitHubError:
            return None

    def issue(self, number: int) -> tuple[str, str] | None:
        """Return title and body of an issue: https://docs.github.com/rest/issues/issues#get-an-issue .

        None where there is no such issue, it is a pull request, or it cannot be read.
        """
        try:
            data = self._transport.read(f"{self.path}/issues/{number}")
        except GitHubError as error:
            log.info("issue not read", extra={"repository": self.name, "number": number, "why": str(error)})
            return None
        return None if "pull_request" in data else (str(data.get("title") or ""), str(data.get("body") or ""))

    def tree(self, revision: str) -> list[tuple[str, str, int]]:
        """Return path, blob and size of the regular files of a revision, in one request.

        https://docs.github.com/rest/git/trees#get-a-tree . GitHub lists 100,000 entries at most (`truncated`).
        """
        data = self._transport.read(f"{self.path}/git/trees/{quote(revision)}?recursive=1")
        if data.get("truncated"):
            log.info("the tree is truncated", extra={"repository": self.name, "revision": revision})
        entries = [entry for entry in data.get("tree") or () if str(entry.get("mode", "")).startswith("100")]
        return [(str(entry["path"]), str(entry["sha"]), int(entry.get("size") or 0)) for entry in entries]

    def archive(self, revision: str, into: IO[bytes], *, most: int, seconds: float) -> None:
        """Write the commit as a tar file, compressed, of at most so many bytes. Raises GitHubError.

        https://docs.github.com/rest/repos/contents#download-a-repository-archive-tar
        """
        self._transport.download(f"{self.path}/tarball/{quote(revision)}", into.write, most=most, seconds=seconds)

    def text(self, revision: str, path: str) -> str | None:
        """Return a file's text at a revision, or None when there is no such file or it is not UTF-8 text."""
        try:
            return self.contents().file(revision, path)
        except (NotFound, NoText):
            return None

    def permission(self, login: str) -> str:
        """Return `admin`, `write`, `read` or `none` (maintain counts as write, triage as read)."""
        try:
            data = self._transport.read(f"{self.path}/collaborators/{quote(login)}/permission")
        except NotFound:
            return "none"
        return str(data.get("permission", "none"))

    def newest_comments(self, most: int) -> list[Comment]:
        """Return the comments of all conversations that were written or edited last, at most so many.

        https://docs.github.com/rest/issues/comments#list-issue-comments-for-a-repository
        """
        pages = self._transport.pages(f"{self.path}/issues/comments?sort=updated&direction=desc")
        return [comment_of(entry) for entry in islice(pages, most)]

    def comments_since(self, time: str) -> list[Comment]:
        """Return the comments of all conversations that were written or edited since that time (ISO 8601, UTC).

        Raises GitHubError for too many. https://docs.github.com/rest/issues/comments#list-issue-comments-for-a-repository
        """
        pages = self._transport.pages(f"{self.path}/issues/comments?since={quote(time)}&sort=updated&direction=desc")
        found = [comment_of(entry) for entry in islice(pages, _MOST_COMMENTS + 1)]
        if len(found) > _MOST_COMMENTS:
            raise GitHubError(f"GitHub: more than {_MOST_COMMENTS:,} comments since {time}: {_TOO_MANY}")
        return found

    def threads(self, number: int) -> dict[int, ThreadState] | None:
        """Return the state of the review threads by the id of their first comment; None where they cannot be read.

        Only GraphQL has it: https://docs.github.com/graphql/reference/objects#pullrequestreviewthread
        """
        owner, _, name = self.name.partition("/")
        found: dict[int, ThreadState] = {}
        after: str | None = None
        try:
            while True:
                variables = {"owner": owner, "name": name, "number": number, "after": after}
                page = self._transport.graphql(THREADS, variables)["data"]["repository"]["pullRequest"]["reviewThreads"]
                for node in page["nodes"]:
                    for comment in node["comments"]["nodes"][:1]:
                        found[comment["databaseId"]] = thread_of(node)
                after = page["pageInfo"]["endCursor"]
                if not page["pageInfo"]["hasNextPage"]:
                    return found
        except (GitHubError, KeyError, TypeError) as error:
            log.info("threads not read", extra={"repository": self.name, "number": number, "why": str(error)})
            return None

    def blobs(self, revision: str) -> dict[str, str] | None:
        """Return the blob of each file of a revision, by path; None where it is gone or too large to be listed."""
        try:
            data = self._transport.read(f"{self.path}/git/trees/{quote(revision)}?recursive=1")
        except NotFound:
            return None
        if data.get("truncated"):
            return None
        return {entry["path"]: entry["sha"] for entry in data["tree"] if entry.get("type") == "blob"}

    def pending_reviews(self, number: int) -> list[int]:
        """Return the ids of our own pending reviews (nobody else's are visible to us)."""
        reviews = self._transport.pages(f"{self.path}/pulls/{number}/reviews")
        return [review["id"] for review in reviews if review.get("state") == "PENDING"]

    # ------------------------------------------------------------------ writing

    def edit_pull(self, number: int, body: Mapping[str, Any]) -> None:
        """Change a pull request: https://docs.github.com/rest/pulls/pulls#update-a-pull-request ."""
        self._transport.write("PATCH", f"{self.path}/pulls/{number}", body)

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """Add labels: https://docs.github.com/rest/issues/labels#add-labels-to-an-issue ."""
        self._transport.write("POST", f"{self.path}/issues/{number}/labels", {"labels": list(labels)})

    def create_review(self, number: int, body: Mapping[str, Any]) -> str:
        """Post a review with its comments, all or nothing, and return its page's address.

        Raises RateLimited at once where GitHub asks to wait: the head may move meanwhile.
        """
        url = f"{self.path}/pulls/{number}/reviews"
        return self._written(self._transport.write("POST", url, body, at_once=True))

    def create_review_comment(self, number: int, body: Mapping[str, Any]) -> str:
        """Post one inline comment and return its address."""
        return self._written(self._transport.write("POST", f"{self.path}/pulls/{number}/comments", body))

    def delete_pending_review(self, number: int, review_id: int) -> None:
        """Delete a pending review of our own, left behind by a broken request."""
        self._transport.write("DELETE", f"{self.path}/pulls/{number}/reviews/{review_id}")

    def resolve(self, node_id: str) -> bool:
        """Resolve a review thread; doing so twice changes nothing. False: we may not (it takes `contents: write`).

        https://docs.github.com/graphql/reference/mutations#resolvereviewthread
        """
        try:
            answer = self._writer.graphql(RESOLVE, {"thread": node_id})
        except GitHubError as error:
            log.info("thread not resolved", extra={"repository": self.name, "why": str(error)})
            return False
        return not answer.get("errors")
