"""Issues over REST: the conversation of issues and pull requests, labels and reactions."""

from __future__ import annotations

from datetime import datetime

from tests.fakes.github import refusals
from tests.fakes.github.bodies import rest_bodies
from tests.fakes.github.bodies.fields import Field, check
from tests.fakes.github.model import conversation
from tests.fakes.github.model.state import Issue, IssueComment, Label, Reaction, ReviewComment
from tests.fakes.github.routes.routing import Answer, Request, Route

READ = "issues=read;pull_requests=read"
WRITE = "issues=write;pull_requests=write"


def _check_kind(request: Request, issue: Issue, level: str) -> None:
    """Check that the permission is the one for this kind: pull_requests serves for pull requests only."""
    if issue.pull is None and request.caller.integration and not request.caller.allows(f"issues={level}"):
        raise refusals.not_accessible(f"issues={level}")


def get_issue(request: Request) -> Answer:
    _check_kind(request, request.issue, "read")
    return Answer(body=rest_bodies.issue(request.world, request.issue))


def list_comments(request: Request) -> Answer:
    _check_kind(request, request.issue, "read")
    comments = list(request.issue.comments.values())
    return request.page(comments, lambda one: rest_bodies.issue_comment(request.world, one))


def list_all_comments(request: Request) -> Answer:
    """List the comments of all conversations that changed since a time, those that changed last first."""
    since = datetime.fromisoformat(request.query.get("since", "1970-01-01T00:00:00Z")).timestamp()
    comments = request.world.issue_comments(request.repository).values()
    changed = sorted((one for one in comments if one.updated_at >= since), key=lambda one: -one.updated_at)
    return request.page(changed, lambda one: rest_bodies.issue_comment(request.world, one))


def _comment(request: Request, level: str) -> IssueComment:
    found = request.world.issue_comments(request.repository).get(request.number("comment_id"))
    if found is None:
        raise refusals.not_found()
    _check_kind(request, found.issue, level)
    return found


def _own(request: Request) -> IssueComment:
    """Return a comment the caller may change: its author, or someone with write access."""
    comment, caller = _comment(request, "write"), request.caller
    mighty = (
        caller.kind == "user" and caller.user and request.repository.role(caller.user) in ("admin", "maintain", "write")
    )
    if comment.user is not caller.user and not mighty:
        raise refusals.not_accessible("issues=write")
    return comment


def get_comment(request: Request) -> Answer:
    return Answer(body=rest_bodies.issue_comment(request.world, _comment(request, "read")))


def create_comment(request: Request) -> Answer:
    _check_kind(request, request.issue, "write")
    check(request.json, Field("body", required=True))
    comment = conversation.add_comment(request.world, request.caller, request.issue, request.json["body"])
    request.world.wrote("comment", comment, "created")
    body = rest_bodies.issue_comment(request.world, comment)
    return Answer(201, body, headers={"Location": body["url"]})


def update_comment(request: Request) -> Answer:
    check(request.json, Field("body", required=True))
    comment = _own(request)
    conversation.edit_comment(request.world, request.caller, comment, request.json["body"])
    request.world.wrote("comment", comment, "edited")
    return Answer(body=rest_bodies.issue_comment(request.world, comment))


def delete_comment(request: Request) -> Answer:
    comment = _own(request)
    conversation.delete_comment(request.world, request.caller, comment)
    request.world.wrote("comment", comment, "deleted")
    return Answer(204)


# -- labels -----------------------------------------------------------------------------------------------------


def list_labels(request: Request) -> Answer:
    repo = request.repository
    return request.page(request.issue.labels, lambda one: rest_bodies.label(request.world, repo, one))


def add_labels(request: Request) -> Answer:
    check(request.json, Field("labels", "array", required=True))
    issue = request.issue
    held = {label.name for label in issue.labels}
    issue.labels += [Label(request.world.next_id(), name) for name in request.json["labels"] if name not in held]
    return Answer(body=[rest_bodies.label(request.world, request.repository, one) for one in issue.labels])


def remove_label(request: Request) -> Answer:
    issue = request.issue
    kept = [label for label in issue.labels if label.name != request.params["name"]]
    if len(kept) == len(issue.labels):
        raise refusals.Refusal(404, "Label does not exist")
    issue.labels[:] = kept
    return Answer(body=[rest_bodies.label(request.world, request.repository, one) for one in kept])


# -- reactions --------------------------------------------------------------------------------------------------


def _reacted(request: Request) -> Issue | IssueComment | ReviewComment:
    if "number" in request.params:
        return request.issue
    if "/pulls/comments/" in request.path:
        found = request.world.review_comments(request.repository).get(request.number("comment_id"))
        if found is None:
            raise refusals.not_found()
        return found
    return _comment(request, "read")


def list_reactions(request: Request) -> Answer:
    wanted = request.query.get("content")
    shown = [one for one in _reacted(request).reactions if wanted in (None, one.content)]
    return request.page(shown, lambda one: rest_bodies.reaction(request.world, one))


def create_reaction(request: Request) -> Answer:
    """React: 201, or 200 with the one that is already there."""
    check(request.json, Field("content", required=True, choices=rest_bodies.EMOJI))
    caller, reactions = request.caller, _reacted(request).reactions
    if caller.user is None:
        raise refusals.requires_authentication()
    content = request.json["content"]
    held = next((one for one in reactions if one.user is caller.user and one.content == content), None)
    if held is not None:
        return Answer(200, rest_bodies.reaction(request.world, held))
    made = Reaction(request.world.next_id(), caller.user, content, request.world.now())
    reactions.append(made)
    return Answer(201, rest_bodies.reaction(request.world, made))


def delete_reaction(request: Request) -> Answer:
    reactions, wanted = _reacted(request).reactions, request.number("reaction_id")
    held = next((one for one in reactions if one.id == wanted), None)
    if held is None:
        raise refusals.not_found()
    if held.user is not request.caller.user:
        raise refusals.not_accessible(WRITE)
    reactions.remove(held)
    return Answer(204)


ISSUE = "/repos/{owner}/{repo}/issues/{number}"
COMMENTS = "/repos/{owner}/{repo}/issues/comments"
COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment_id}"
REVIEW_COMMENT = "/repos/{owner}/{repo}/pulls/comments/{comment_id}"

ROUTES = (
    Route("GET", COMMENTS, list_all_comments, READ, ("since", "sort", "direction"), paged=True),
    Route("GET", ISSUE, get_issue, READ),
    Route("GET", f"{ISSUE}/comments", list_comments, READ, ("since",), paged=True),
    Route("POST", f"{ISSUE}/comments", create_comment, WRITE),
    Route("GET", COMMENT, get_comment, READ),
    Route("PATCH", COMMENT, update_comment, WRITE),
    Route("DELETE", COMMENT, delete_comment, WRITE),
    Route("GET", f"{ISSUE}/labels", list_labels, READ, paged=True),
    Route("POST", f"{ISSUE}/labels", add_labels, WRITE),
    Route("DELETE", f"{ISSUE}/labels/{{name}}", remove_label, WRITE),
    *(
        route
        for base, read, write in (
            (ISSUE, READ, WRITE),
            (COMMENT, READ, WRITE),
            (REVIEW_COMMENT, "pull_requests=read", "pull_requests=write"),
        )
        for route in (
            Route("GET", f"{base}/reactions", list_reactions, read, ("content",), paged=True),
            Route("POST", f"{base}/reactions", create_reaction, write),
            Route("DELETE", f"{base}/reactions/{{reaction_id}}", delete_reaction, write),
        )
    ),
)
