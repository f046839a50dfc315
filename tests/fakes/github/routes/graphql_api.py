"""GraphQL: the part of GitHub's schema a reviewer uses, run by graphql-core.

Errors have GitHub's shape: status 200, `errors[].type` (FORBIDDEN, NOT_FOUND, ...). Permissions are GitHub's: an
unexpected one is that resolving a thread takes `contents: write`. A query that does not fit the schema is
recorded as a violation.
https://docs.github.com/graphql/reference
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSyntaxError,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from tests.fakes.github.bodies import pulls, rest_bodies
from tests.fakes.github.model import branches, conversation
from tests.fakes.github.model.access import authorise
from tests.fakes.github.model.git import TreeEntry
from tests.fakes.github.model.state import (
    Issue,
    IssueComment,
    Pull,
    Repository,
    Review,
    ReviewComment,
    Thread,
    User,
    iso,
    node_id,
)
from tests.fakes.github.refusals import Refusal, requires_authentication
from tests.fakes.github.routes.routing import Answer, Request

SCHEMA = Path(__file__).with_name("schema.graphql")
TRUNCATED = 512_000

Info = GraphQLResolveInfo


class Failure(GraphQLError):
    """An error with GitHub's `type`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def answer(request: Request) -> Answer:
    """Run one query or mutation."""
    if request.caller.kind == "nobody":
        raise requires_authentication()
    try:
        document, problems = _checked(request.json.get("query") or "")
    except GraphQLSyntaxError as error:
        return Answer(body={"errors": [_error(error)]})
    return Answer(body=_run(request, document, problems))


@functools.lru_cache(500)
def _checked(query: str) -> tuple[DocumentNode, list[GraphQLError]]:
    """Return a query and what is wrong with it. Raises GraphQLSyntaxError."""
    document = parse(query)
    return document, validate(_schema(), document)


def _run(request: Request, document: DocumentNode, problems: Sequence[GraphQLError]) -> dict[str, Any]:
    if problems:
        request.world.violations += [f"GraphQL: {problem.message}" for problem in problems]
        return {"errors": [_error(problem) for problem in problems]}
    result = execute_sync(
        _schema(),
        document,
        context_value=request,
        variable_values=request.json.get("variables"),
        operation_name=request.json.get("operationName"),
        field_resolver=_resolve,
        type_resolver=_type_of,
    )
    body: dict[str, Any] = {"data": result.data}
    return body | {"errors": [_error(error) for error in result.errors]} if result.errors else body


@functools.cache
def _schema() -> GraphQLSchema:
    return build_schema(SCHEMA.read_text(encoding="utf-8"))


def _error(error: GraphQLError) -> dict[str, Any]:
    cause = error.original_error or error
    body: dict[str, Any] = {"type": cause.kind} if isinstance(cause, Failure) else {}
    if error.path is not None:
        body["path"] = list(error.path)
    if error.locations:
        body["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    return body | {"message": error.message}


def _need(info: Info, repo: Repository, needs: str) -> None:
    """Check a permission as the REST API does, and refuse in GraphQL's form."""
    try:
        authorise(info.context.caller, repo, needs)
    except Refusal as refused:
        raise Failure("NOT_FOUND" if refused.status == 404 else "FORBIDDEN", refused.message) from None


# -- reading ----------------------------------------------------------------------------------------------------


def _repository(_root: Any, info: Info, owner: str, name: str, **_: Any) -> Repository:
    world = info.context.world
    found: Repository | None = world.find_repository(f"{owner}/{name}") or world.find_moved(f"{owner}/{name}")
    missing = Failure("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    if found is None:
        raise missing
    try:
        _need(info, found, "metadata=read")
    except Failure as failure:
        raise (missing if failure.kind == "NOT_FOUND" else failure) from None
    return found


def _pull(repo: Repository, info: Info, number: int) -> Pull:
    _need(info, repo, "pull_requests=read")
    issue = repo.issues.get(number)
    if issue is None or issue.pull is None:
        raise Failure("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
    return issue.pull


def _object(repo: Repository, info: Info, expression: str | None = None, oid: str | None = None) -> Any:
    """Return what `REV:path`, or a sha, names; null where there is nothing."""
    _need(info, repo, "contents=read")
    revision, colon, path = (expression or oid or "").partition(":")
    commit = repo.git.resolve(revision)
    if commit is None:
        return None
    entry = repo.git.at(commit, path) if colon else TreeEntry("", "commit", commit, None, "")
    return (repo, entry) if entry else None


def _entries(tree: tuple[Repository, TreeEntry], _info: Info) -> list[dict[str, Any]]:
    """Return the lines of a folder; `mode` is a number, as git writes it in octal."""
    return [
        {"name": entry.path.rpartition("/")[2], "mode": int(entry.mode, 8), "type": entry.kind, "oid": entry.sha}
        for entry in tree[0].git.tree(tree[1].sha)
    ]


def _blob_text(blob: tuple[Repository, TreeEntry], info: Info) -> str | None:
    data = blob[0].git.blob(blob[1].sha)
    return None if b"\0" in data[:8000] else data[:TRUNCATED].decode(errors="replace")


def _is_binary(blob: tuple[Repository, TreeEntry], info: Info) -> bool:
    return b"\0" in blob[0].git.blob(blob[1].sha)[:8000]


def _connection(items: Sequence[Any], info: Info, page: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of a connection. Raises Failure where GitHub wants `first` or `last`, at most 100."""
    size = page.get("first") or page.get("last")
    name = info.field_name
    if size is None:
        wish = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        raise Failure("MISSING_PAGINATION_BOUNDARIES", wish)
    if not 1 <= size <= 100:
        wish = f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records."
        raise Failure("EXCESSIVE_PAGINATION", wish)
    size = min(size, info.context.world.max_per_page)
    if page.get("first"):
        start = int(page.get("after") or -1) + 1
        end = start + size
    else:
        end = int(page.get("before") or len(items))
        start = max(0, end - size)
    shown = items[start:end]
    cursors = {"startCursor": str(start), "endCursor": str(start + len(shown) - 1)} if shown else {}
    turns = {"hasNextPage": end < len(items), "hasPreviousPage": start > 0}
    edges = [{"node": item, "cursor": str(start + n)} for n, item in enumerate(shown)]
    return {"totalCount": len(items), "nodes": shown, "edges": edges, "pageInfo": cursors | turns}


def _visible(comments: Sequence[ReviewComment], info: Info) -> list[ReviewComment]:
    user = info.context.caller.user
    return [one for one in comments if one.review.state != "PENDING" or one.user is user]


def _threads(pull: Pull, info: Info, **page: Any) -> dict[str, Any]:
    _need(info, pull.repository, "pull_requests=read")
    return _connection([one for one in pull.threads.values() if _visible(one.comments, info)], info, page)


def _node(_root: Any, info: Info, id: str) -> Any:  # noqa: A002  # the schema's name
    for thing in _nodes(info):
        if _id_of(thing) == id:
            _need(info, _repository_of(thing), "pull_requests=read")
            return thing
    raise Failure("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'")


def _nodes(info: Info) -> list[Any]:
    things: list[Any] = []
    for repo in info.context.world.repositories:
        for issue in repo.issues.values():
            things += [issue.pull or issue, *issue.comments.values()]
        for pull in repo.pulls:
            things += [*pull.threads.values(), *pull.reviews.values()]
            things += [comment for thread in pull.threads.values() for comment in thread.comments]
    return things


def _id_of(thing: Any) -> str:
    if isinstance(thing, tuple):
        return node_id("O", thing[1].sha)
    prefixes = {Pull: "PR", Issue: "I", IssueComment: "IC", Review: "PRR", ReviewComment: "PRRC", Thread: "PRRT"}
    prefix = prefixes.get(type(thing), {User: "U", Repository: "R"}.get(type(thing), "N"))
    return node_id(prefix, thing.id)


def _repository_of(thing: Any) -> Repository:
    if isinstance(thing, Thread | Review):
        return thing.pull.repository
    if isinstance(thing, ReviewComment):
        return thing.thread.pull.repository
    return thing.issue.repository if isinstance(thing, IssueComment) else thing.repository


# -- mutations --------------------------------------------------------------------------------------------------


def _found(info: Info, number: str, *kinds: type) -> Any:
    found = next((one for one in _nodes(info) if isinstance(one, kinds) and _id_of(one) == number), None)
    if found is None:
        raise Failure("NOT_FOUND", f"Could not resolve to a node with the global id of '{number}'")
    return found


def _resolution(info: Info, given: Mapping[str, Any], *, resolved: bool) -> dict[str, Any]:
    thread = _found(info, given["threadId"], Thread)
    # Measured by users, not documented: with `contents: read` this is FORBIDDEN.
    _need(info, thread.pull.repository, "pull_requests=write,contents=write")
    conversation.resolve(info.context.world, info.context.caller, thread, resolved=resolved)
    return {"thread": thread, "clientMutationId": given.get("clientMutationId")}


def _resolve_thread(_root: Any, info: Info, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    return _resolution(info, input, resolved=True)


def _unresolve_thread(_root: Any, info: Info, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    return _resolution(info, input, resolved=False)


def _reply(_root: Any, info: Info, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    thread = _found(info, input["pullRequestReviewThreadId"], Thread)
    _need(info, thread.pull.repository, "pull_requests=write")
    try:
        comment = conversation.reply(info.context.world, info.context.caller, thread, input["body"])
    except Refusal as refused:
        raise Failure("UNPROCESSABLE", refused.message) from None
    info.context.world.wrote("review comment", comment, "created")
    return {"comment": comment, "clientMutationId": input.get("clientMutationId")}


KINDS = {403: "FORBIDDEN", 404: "NOT_FOUND", 409: "STALE_DATA"}


def _create_commit(_root: Any, info: Info, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    request = info.context
    owner, _, name = (input["branch"].get("repositoryNameWithOwner") or "").partition("/")
    repo = _repository(None, info, owner, name)
    _need(info, repo, "contents=write")
    try:
        sha = branches.commit_on(request.world, request.caller, repo, input)
    except Refusal as refused:
        raise Failure(KINDS.get(refused.status, "UNPROCESSABLE"), refused.message) from None
    return {"commit": (repo, _commit(sha)), "clientMutationId": input.get("clientMutationId")}


def _minimize(_root: Any, info: Info, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    comment = _found(info, input["subjectId"], IssueComment, ReviewComment)
    _need(info, _repository_of(comment), "pull_requests=write;issues=write")
    comment.minimized = input["classifier"].lower()
    return {"minimizedComment": comment, "clientMutationId": input.get("clientMutationId")}


# -- fields -----------------------------------------------------------------------------------------------------


def _resolve(source: Any, info: Info, **args: Any) -> Any:
    resolver = RESOLVERS.get((info.parent_type.name, info.field_name))
    if resolver is not None:
        return resolver(source, info, **args)
    if info.field_name == "id":
        return _id_of(source)
    if isinstance(source, Mapping):
        return source.get(info.field_name)
    return getattr(source, info.field_name)


def _type_of(value: Any, _info: Info, _abstract: Any) -> str:
    if isinstance(value, tuple):
        return {"blob": "Blob", "tree": "Tree", "commit": "Commit"}[value[1].kind]
    if isinstance(value, User):
        return value.kind
    return {Pull: "PullRequest", Thread: "PullRequestReviewThread", ReviewComment: "PullRequestReviewComment"}.get(
        type(value), {Review: "PullRequestReview"}.get(type(value), type(value).__name__)
    )


def _plain(read: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda source, _info: read(source)


def _url(comment: ReviewComment | IssueComment, info: Info) -> str:
    if isinstance(comment, ReviewComment):
        return str(pulls.review_comment(info.context.world, comment)["html_url"])
    return str(rest_bodies.issue_comment(info.context.world, comment)["html_url"])


def _comments(thread: Thread, info: Info, **page: Any) -> dict[str, Any]:
    return _connection(_visible(thread.comments, info), info, page)


def _outdated(thread: Thread, _info: Info) -> bool:
    return thread.place.line is not None and pulls.lines_now(thread)[0] is None


RESOLVERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("Query", "repository"): _repository,
    ("Query", "node"): _node,
    ("Query", "viewer"): lambda _root, info: info.context.caller.user,
    ("Mutation", "resolveReviewThread"): _resolve_thread,
    ("Mutation", "unresolveReviewThread"): _unresolve_thread,
    ("Mutation", "addPullRequestReviewThreadReply"): _reply,
    ("Mutation", "minimizeComment"): _minimize,
    ("Mutation", "createCommitOnBranch"): _create_commit,
    ("Repository", "nameWithOwner"): _plain(lambda repo: repo.full_name),
    ("Repository", "isPrivate"): _plain(lambda repo: repo.private),
    ("Repository", "object"): _object,
    ("Repository", "pullRequest"): _pull,
    **{
        (kind, name): _plain(read)
        for kind in ("Blob", "Tree", "Commit")
        for name, read in (("oid", lambda it: it[1].sha), ("abbreviatedOid", lambda it: it[1].sha[:7]))
    },
    ("Tree", "entries"): _entries,
    ("Blob", "byteSize"): _plain(lambda blob: blob[1].size),
    ("Blob", "isBinary"): _is_binary,
    ("Blob", "isTruncated"): _plain(lambda blob: (blob[1].size or 0) > TRUNCATED),
    ("Blob", "text"): _blob_text,
    ("Commit", "url"): lambda it, info: f"{rest_bodies.repo_html(info.context.world, it[0])}/commit/{it[1].sha}",
    ("Commit", "message"): _plain(lambda it: it[0].git.commit_info(it[1].sha).message),
    ("PullRequest", "title"): _plain(lambda pull: pull.issue.title),
    ("PullRequest", "body"): _plain(lambda pull: pull.issue.body or ""),
    ("PullRequest", "state"): _plain(lambda pull: "MERGED" if pull.merged_at else pull.issue.state.upper()),
    ("PullRequest", "isDraft"): _plain(lambda pull: pull.draft),
    ("PullRequest", "author"): _plain(lambda pull: pull.user),
    ("PullRequest", "headRefOid"): _plain(lambda pull: pull.head),
    ("PullRequest", "baseRefOid"): _plain(lambda pull: pull.base),
    ("PullRequest", "headRefName"): _plain(lambda pull: pull.head_ref),
    ("PullRequest", "baseRefName"): _plain(lambda pull: pull.base_ref),
    ("PullRequest", "reviewThreads"): _threads,
    ("PullRequest", "closingIssuesReferences"): lambda pull, info, **page: _connection(pull.closes, info, page),
    ("Issue", "state"): _plain(lambda issue: issue.state.upper()),
    ("Issue", "body"): _plain(lambda issue: issue.body or ""),
    ("Issue", "author"): _plain(lambda issue: issue.user),
    ("PullRequestReviewThread", "isResolved"): _plain(lambda thread: thread.resolved_by is not None),
    ("PullRequestReviewThread", "isCollapsed"): _plain(lambda thread: thread.resolved_by is not None),
    ("PullRequestReviewThread", "isOutdated"): _outdated,
    ("PullRequestReviewThread", "resolvedBy"): _plain(lambda thread: thread.resolved_by),
    ("PullRequestReviewThread", "path"): _plain(lambda thread: thread.place.path),
    ("PullRequestReviewThread", "line"): _plain(lambda thread: pulls.lines_now(thread)[0]),
    ("PullRequestReviewThread", "startLine"): _plain(lambda thread: pulls.lines_now(thread)[1]),
    ("PullRequestReviewThread", "originalLine"): _plain(lambda thread: thread.place.line),
    ("PullRequestReviewThread", "originalStartLine"): _plain(lambda thread: thread.place.start_line),
    ("PullRequestReviewThread", "diffSide"): _plain(lambda thread: thread.place.side),
    ("PullRequestReviewThread", "startDiffSide"): _plain(lambda thread: thread.place.start_side),
    ("PullRequestReviewThread", "subjectType"): _plain(lambda thread: thread.place.subject_type.upper()),
    ("PullRequestReviewThread", "viewerCanResolve"): lambda _thread, info: info.context.caller.allows("contents=write"),
    ("PullRequestReviewThread", "viewerCanReply"): _plain(lambda thread: not thread.pull.issue.locked),
    ("PullRequestReviewThread", "comments"): _comments,
    ("PullRequestReviewThread", "pullRequest"): _plain(lambda thread: thread.pull),
    ("PullRequestReviewComment", "path"): _plain(lambda comment: comment.thread.place.path),
    ("PullRequestReviewComment", "line"): _plain(lambda comment: pulls.lines_now(comment.thread)[0]),
    ("PullRequestReviewComment", "originalLine"): _plain(lambda comment: comment.thread.place.line),
    ("PullRequestReviewComment", "outdated"): lambda comment, info: _outdated(comment.thread, info),
    ("PullRequestReviewComment", "commit"): lambda it, _: (it.thread.pull.repository, _commit(it.thread.pull.head)),
    ("PullRequestReviewComment", "originalCommit"): lambda it, _: (it.thread.pull.repository, _commit(it.commit_id)),
    ("PullRequestReviewComment", "pullRequestReview"): _plain(lambda comment: comment.review),
    ("PullRequestReview", "author"): _plain(lambda review: review.user),
    ("PullRequestReview", "databaseId"): _plain(lambda review: review.id),
    **{
        (kind, name): read
        for kind in ("PullRequestReviewComment", "IssueComment")
        for name, read in (
            ("databaseId", _plain(lambda comment: comment.id)),
            ("fullDatabaseId", _plain(lambda comment: str(comment.id))),
            ("author", _plain(lambda comment: comment.user)),
            ("isMinimized", _plain(lambda comment: comment.minimized is not None)),
            ("minimizedReason", _plain(lambda comment: comment.minimized)),
            ("createdAt", _plain(lambda comment: iso(comment.created_at))),
            ("updatedAt", _plain(lambda comment: iso(comment.updated_at))),
            ("viewerDidAuthor", lambda comment, info: comment.user is info.context.caller.user),
            ("url", _url),
        )
    },
}


def _commit(sha: str) -> TreeEntry:
    return TreeEntry("", "commit", sha, None, "")
