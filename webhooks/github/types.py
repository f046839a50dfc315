"""GitHub's pull requests, comments and threads as plain values, and the queries for what only GraphQL has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request, as the API reports it now. `repository` is the base's, by its present name.

    `checks_pass`: GitHub knows that no check of the head failed or still runs.
    """

    number: int
    title: str
    body: str
    state: str
    draft: bool
    head_sha: str
    base_sha: str
    base_ref: str
    author: str
    author_is_bot: bool
    web_url: str
    changed_files: int | None
    head_repository: str | None
    head_ref: str = ""
    repository: str = ""
    labels: tuple[str, ...] = ()
    checks_pass: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment and who wrote it. `app` is the slug of the App that wrote it, where it is known.

    For an inline comment, `line` is where it was posted, `reply_to` the comment it answers (0: none), and `thumbs_down`
    the number of such reactions. `start_line` is 0 where it is about a single line, `side` is that of the diff.
    `lines_now` are the first and the last line that it is about now, None where it is outdated.
    """

    id: int
    body: str
    author: str
    app: str = ""
    path: str = ""
    url: str = ""
    line: int = 0
    reply_to: int = 0
    thumbs_down: int = 0
    author_id: int = 0
    is_bot: bool = False
    start_line: int = 0
    side: str = "RIGHT"
    lines_now: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ThreadState:
    """A review thread's id for GraphQL, and the login of who resolved it, empty while it is open."""

    node_id: str
    resolved_by: str


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check run or a commit status (id 0) that failed. `app` is the slug of the App, `annotations` counts them.

    `completed_at` is GitHub's time of its end (ISO 8601, UTC), empty where it is not known.
    """

    id: int
    name: str
    app: str = ""
    title: str = ""
    summary: str = ""
    external_id: str = ""
    annotations: int = 0
    completed_at: str = ""

    @property
    def has_log(self) -> bool:
        """Whether it is a job of GitHub Actions, which has a log."""
        return self.app == "github-actions"


@dataclass(frozen=True, slots=True)
class CheckAnnotation:
    """What a check says about lines of a file; `level` is `notice`, `warning` or `failure`."""

    path: str
    first: int
    last: int
    level: str
    message: str


def failed_check_of(run: Mapping[str, Any]) -> FailedCheck:
    """Return a check run that failed: https://docs.github.com/rest/checks/runs#get-a-check-run ."""
    output = run.get("output") or {}
    return FailedCheck(
        id=run["id"],
        name=str(run.get("name") or ""),
        app=str((run.get("app") or {}).get("slug") or ""),
        title=str(output.get("title") or ""),
        summary=str(output.get("summary") or ""),
        external_id=str(run.get("external_id") or ""),
        annotations=int(output.get("annotations_count") or 0),
        completed_at=str(run.get("completed_at") or ""),
    )


def annotation_of(entry: Mapping[str, Any]) -> CheckAnnotation:
    """Return an annotation: https://docs.github.com/rest/checks/runs#list-check-run-annotations ."""
    first = int(entry.get("start_line") or 0)
    return CheckAnnotation(
        path=str(entry.get("path") or ""),
        first=first,
        last=int(entry.get("end_line") or first),
        level=str(entry.get("annotation_level") or "notice"),
        message="\n".join(str(entry[key]) for key in ("title", "message") if entry.get(key)),
    )


def pull_of(data: Mapping[str, Any]) -> Pull:
    """Return a pull request: https://docs.github.com/rest/pulls/pulls#get-a-pull-request ."""
    head_repository = (data["head"].get("repo") or {}).get("full_name")
    author = data.get("user") or {}
    return Pull(
        number=data["number"],
        title=data.get("title") or "",
        body=data.get("body") or "",
        state=data.get("state") or "open",
        draft=bool(data.get("draft")),
        head_sha=data["head"]["sha"],
        base_sha=data["base"]["sha"],
        base_ref=data["base"].get("ref") or "",
        author=author.get("login") or "ghost",
        author_is_bot=author.get("type") == "Bot",
        web_url=data.get("html_url") or "",
        changed_files=data.get("changed_files"),
        head_repository=head_repository,
        head_ref=data["head"].get("ref") or "",
        repository=(data["base"].get("repo") or {}).get("full_name") or "",
        # https://docs.github.com/graphql/reference/enums#mergestatestatus : `unknown` until it is computed
        checks_pass=data.get("mergeable_state") in ("clean", "has_hooks"),
        labels=tuple(str(label.get("name")) for label in data.get("labels") or () if isinstance(label, dict)),
    )


THREADS = """query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id isResolved resolvedBy { login } comments(first: 1) { nodes { databaseId } } }
    }
  } }
}"""

RESOLVE = "mutation($thread: ID!) { resolveReviewThread(input: {threadId: $thread}) { thread { id } } }"


def thread_of(node: Mapping[str, Any]) -> ThreadState:
    """Return the state of a thread of `THREADS`."""
    who = (node.get("resolvedBy") or {}).get("login") or "ghost"
    return ThreadState(str(node["id"]), who if node["isResolved"] else "")


def comment_of(entry: Mapping[str, Any]) -> Comment:
    """Return a comment of the conversation or on code."""
    return Comment(
        id=entry["id"],
        body=entry.get("body") or "",
        author=(entry.get("user") or {}).get("login") or "ghost",
        app=(entry.get("performed_via_github_app") or {}).get("slug") or "",
        path=entry.get("path") or "",
        url=entry.get("html_url") or "",
        line=entry.get("original_line") or entry.get("line") or 0,
        reply_to=entry.get("in_reply_to_id") or 0,
        thumbs_down=(entry.get("reactions") or {}).get("-1") or 0,
        author_id=(entry.get("user") or {}).get("id") or 0,
        is_bot=(entry.get("user") or {}).get("type") == "Bot",
        start_line=entry.get("original_start_line") or entry.get("start_line") or 0,
        side=entry.get("side") or "RIGHT",
        lines_now=(entry.get("start_line") or line, line) if (line := entry.get("line")) else None,
    )


def check_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a check run that we use."""
    return {
        "id": run["id"],
        "name": run.get("name") or "",
        "head_sha": run.get("head_sha") or "",
        "status": run.get("status"),
        "conclusion": run.get("conclusion"),
        "external_id": run.get("external_id") or "",
        "app": (run.get("app") or {}).get("slug") or "",
        "url": run.get("html_url") or "",
        "annotations": (run.get("output") or {}).get("annotations_count") or 0,
        "started_at": run.get("started_at") or "",
    }
