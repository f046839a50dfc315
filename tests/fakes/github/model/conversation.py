"""Add comments, reviews and threads to a pull request, or refuse them as GitHub does.

A refused act changes nothing; the App gets a delivery for every other act. Used by the API's routes and by the acts
of people.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.github.bodies.patches import NoPlace, Place, diff_hunk, place
from tests.fakes.github.bodies.pulls import files_of
from tests.fakes.github.model import events
from tests.fakes.github.model.access import Caller
from tests.fakes.github.model.records import Records
from tests.fakes.github.model.state import Issue, IssueComment, Pull, Review, ReviewComment, Thread, User
from tests.fakes.github.refusals import (
    Refusal,
    field_error,
    invalid_request,
    requires_authentication,
    too_long,
    unprocessable,
    validation_failed,
)

STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}

#: problem -> the message of the reviews endpoint, in the wording until 2025 and since.
OLD_WORDS = {
    ("path",): "Pull request review thread path is invalid and Pull request review thread diff hunk can't be blank",
    ("line",): "Pull request review thread line must be part of the diff and "
    "Pull request review thread diff hunk can't be blank",
    ("line", "hunk"): "Pull request review thread line must be part of the diff, Pull request review thread start line "
    "must be part of the same hunk as the line., and Pull request review thread diff hunk can't be blank",
    ("hunk",): "Pull request review thread start line must be part of the same hunk as the line.",
    ("order",): "Pull request review thread start line must precede the end line.",
    ("position",): "Pull request review thread position is invalid and "
    "Pull request review thread diff hunk can't be blank",
}
NEW_WORDS = {
    ("path",): "Path could not be resolved",
    ("line",): "Line could not be resolved",
    ("line", "hunk"): "Line could not be resolved",
}

#: problem -> (field, message) of the comments endpoint.
FIELD_WORDS = {
    "path": ("pull_request_review_thread.path", "is invalid"),
    "line": ("pull_request_review_thread.line", "must be part of the diff"),
    "hunk": ("pull_request_review_thread.start_line", "must be part of the same hunk as the line."),
    "order": ("pull_request_review_thread.start_line", "must precede the end line."),
    "position": ("pull_request_review_thread.position", "is invalid"),
}


def _author(caller: Caller) -> User:
    if caller.user is None:
        raise requires_authentication()
    return caller.user


def check_open_for(caller: Caller, issue: Issue) -> None:
    """Check that the conversation is not locked for the caller. Raises Refusal (403)."""
    writers = ("write", "maintain", "admin")
    member = caller.kind == "user" and caller.user and issue.repository.role(caller.user) in writers
    if issue.locked and not member:
        raise Refusal(403, "Unable to create comment because issue is locked.")


def check_text(world: Records, resource: str, text: str) -> None:
    """Check that a comment has a body that is not too long. Raises Refusal (422)."""
    if not text.strip():
        raise validation_failed(field_error(resource, "data", "unprocessable", "Body can't be blank"))
    if len(text) > world.limits.body:
        raise too_long(resource, world.limits.body)


# -- the conversation -------------------------------------------------------------------------------------------


def add_comment(world: Records, caller: Caller, issue: Issue, text: str) -> IssueComment:
    """Add a comment to an issue or pull request. Raises Refusal."""
    check_open_for(caller, issue)
    check_text(world, "IssueComment", text)
    now = world.now()
    comment = IssueComment(world.next_id(), issue, _author(caller), text, now, now, caller.app)
    issue.comments[comment.id] = comment
    issue.updated_at = now
    events.issue_comment(world, "created", comment, comment.user)
    return comment


def edit_comment(world: Records, caller: Caller, comment: IssueComment, text: str) -> None:
    """Change the text of a comment. Raises Refusal."""
    check_text(world, "IssueComment", text)
    before, comment.body = comment.body, text
    comment.updated_at = world.now()
    events.issue_comment(world, "edited", comment, _author(caller), changes={"body": {"from": before}})


def delete_comment(world: Records, caller: Caller, comment: IssueComment) -> None:
    """Remove a comment."""
    del comment.issue.comments[comment.id]
    events.issue_comment(world, "deleted", comment, _author(caller))


# -- reviews ----------------------------------------------------------------------------------------------------


def add_review(world: Records, caller: Caller, pull: Pull, body: dict[str, Any]) -> Review:
    """Add a review with its comments, or nothing at all. Without `event` it is pending. Raises Refusal."""
    check_open_for(caller, pull.issue)
    author = _author(caller)
    event = body.get("event")
    check_verdict(caller, pull, event, body.get("body", ""))
    check_no_pending(pull, author)
    sha = commit_of(pull, body.get("commit_id"))
    places = [_place_in_review(world, pull, sha, comment) for comment in body.get("comments", [])]
    if len(body.get("body", "")) > world.limits.body:
        raise unprocessable(f"Review Body is too long (maximum is {world.limits.body} characters)")
    now = world.now()
    review = Review(
        world.next_id(), pull, author, body.get("body", ""), "PENDING", sha, now, None, caller.app, pull.head
    )
    pull.reviews[review.id] = review
    for comment, where in zip(body.get("comments", []), places, strict=True):
        _start_thread(world, review, where, comment["body"])
    if event:
        submit_review(world, review, event, review.body)
    return review


def _place_in_review(world: Records, pull: Pull, sha: str, comment: dict[str, Any]) -> Place:
    if "position" in comment and "line" in comment:
        raise invalid_request('More than one subschema in "oneOf" matched.')
    if "position" not in comment and "line" not in comment:
        raise invalid_request(
            'No subschema in "oneOf" matched.', '"position" wasn\'t supplied.', '"line" wasn\'t supplied.'
        )
    if not comment["body"].strip():
        raise unprocessable("Pull request review thread comments body can't be blank")
    if len(comment["body"]) > world.limits.body:
        raise unprocessable(f"Body is too long (maximum is {world.limits.body} characters)")
    try:
        return place(files_of(pull, sha), comment)
    except NoPlace as refused:
        words = OLD_WORDS if world.old_wording else OLD_WORDS | NEW_WORDS
        raise unprocessable(words[refused.problems]) from None


def check_verdict(caller: Caller, pull: Pull, event: str | None, text: str) -> None:
    """Check who may give a verdict, and that it has the body it needs. Raises Refusal (422)."""
    if caller.kind == "actions" and event == "APPROVE" and not pull.repository.actions_can_approve:
        raise unprocessable("GitHub Actions is not permitted to approve pull requests.")
    if caller.user is pull.user and event in ("APPROVE", "REQUEST_CHANGES"):
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise unprocessable(f"Review Can not {verb} your own pull request")
    # https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request: required for these two.
    if event in ("COMMENT", "REQUEST_CHANGES") and not text.strip():
        raise unprocessable("Review Body can't be blank")


def check_no_pending(pull: Pull, author: User) -> None:
    """Check that the author has no pending review, which blocks any other. Raises Refusal (422)."""
    if any(review.user is author and review.state == "PENDING" for review in pull.reviews.values()):
        raise unprocessable("User can only have one pending review per pull request")


def commit_of(pull: Pull, sha: str | None) -> str:
    """Return the commit a review or comment is for; it has to be one of the pull request. Raises Refusal (422)."""
    if sha is None:
        return pull.head
    if sha not in pull.commits():
        raise unprocessable("Start commit oid is not part of the pull request")
    return sha


def submit_review(world: Records, review: Review, event: str, text: str) -> None:
    """Turn a pending review into a submitted one, and tell of it and of each of its comments."""
    review.state = STATES[event]
    review.body = text
    review.submitted_at = world.now()
    review.pull.issue.updated_at = review.submitted_at
    events.review(world, "submitted", review, review.user)
    for comment in review.comments:
        events.review_comment(world, "created", comment, review.user)


def delete_review(review: Review) -> None:
    """Remove a pending review with its comments."""
    del review.pull.reviews[review.id]
    for thread in list(review.pull.threads.values()):
        thread.comments[:] = [comment for comment in thread.comments if comment.review is not review]
        if not thread.comments:
            del review.pull.threads[thread.id]


def _start_thread(world: Records, review: Review, where: Place, text: str) -> ReviewComment:
    thread = Thread(world.next_id(), review.pull, where)
    review.pull.threads[thread.id] = thread
    files = files_of(review.pull, review.commit_id)
    hunk = diff_hunk(files, where.path, where.line, where.side)
    return _add_to_thread(world, thread, review, text, hunk)


def _add_to_thread(world: Records, thread: Thread, review: Review, text: str, hunk: str) -> ReviewComment:
    now = world.now()
    first = thread.comments[0].id if thread.comments else None
    sha = thread.comments[0].commit_id if thread.comments else review.commit_id
    comment = ReviewComment(world.next_id(), thread, review, review.user, text, sha, hunk, now, now, first, review.app)
    thread.comments.append(comment)
    return comment


# -- single review comments -------------------------------------------------------------------------------------


def add_review_comment(world: Records, caller: Caller, pull: Pull, body: dict[str, Any]) -> ReviewComment:
    """Add one comment on a line or a file, in a review of its own. Raises Refusal."""
    check_open_for(caller, pull.issue)
    check_text(world, "PullRequestReviewComment", body["body"])
    author = _author(caller)
    if any(review.user is author and review.state == "PENDING" for review in pull.reviews.values()):
        message = "user_id can only have one pending review per pull request"
        raise validation_failed(field_error("PullRequestReview", "user_id", "custom", message))
    if body["commit_id"] not in pull.commits():
        message = "commit_id is not part of the pull request"
        raise validation_failed(field_error("PullRequestReviewComment", "commit_id", "custom", message))
    where = _place_of_comment(world, pull, body)
    review = _own_review(world, caller, pull, body["commit_id"])
    comment = _start_thread(world, review, where, body["body"])
    events.review_comment(world, "created", comment, author)
    return comment


def _place_of_comment(world: Records, pull: Pull, body: dict[str, Any]) -> Place:
    if body.get("subject_type") != "file" and "line" not in body and "position" not in body:
        raise validation_failed(field_error("PullRequestReviewComment", "line", "missing_field"))
    try:
        return place(files_of(pull, body["commit_id"]), body)
    except NoPlace as refused:
        errors = []
        for problem in refused.problems:
            name, words = FIELD_WORDS[problem]
            if problem in ("path", "line") and not world.old_wording:
                words = "could not be resolved"
            errors.append(field_error("PullRequestReviewComment", name, "custom", f"{name} {words}"))
        raise validation_failed(*errors) from None


def _own_review(world: Records, caller: Caller, pull: Pull, sha: str) -> Review:
    """Return the review GitHub makes for a comment that was not part of one."""
    now = world.now()
    review = Review(world.next_id(), pull, _author(caller), "", "COMMENTED", sha, now, now, caller.app, pull.head)
    pull.reviews[review.id] = review
    return review


def reply(world: Records, caller: Caller, thread: Thread, text: str) -> ReviewComment:
    """Answer in a thread. Raises Refusal."""
    check_open_for(caller, thread.pull.issue)
    check_text(world, "PullRequestReviewComment", text)
    review = _own_review(world, caller, thread.pull, thread.pull.head)
    comment = _add_to_thread(world, thread, review, text, thread.comments[0].diff_hunk)
    events.review_comment(world, "created", comment, comment.user)
    return comment


def edit_review_comment(world: Records, caller: Caller, comment: ReviewComment, text: str) -> None:
    """Change the text of a review comment. Raises Refusal."""
    check_text(world, "PullRequestReviewComment", text)
    before, comment.body = comment.body, text
    comment.updated_at = world.now()
    events.review_comment(world, "edited", comment, _author(caller), changes={"body": {"from": before}})


def delete_review_comment(world: Records, caller: Caller, comment: ReviewComment) -> None:
    """Remove a review comment, and its thread with the last one."""
    comment.thread.comments.remove(comment)
    if not comment.thread.comments:
        del comment.thread.pull.threads[comment.thread.id]
    else:
        events.review_comment(world, "deleted", comment, _author(caller))


def resolve(world: Records, caller: Caller, thread: Thread, *, resolved: bool) -> None:
    """Resolve a thread or open it again; telling of it only when that changed something."""
    if (thread.resolved_by is not None) != resolved:
        thread.resolved_by = _author(caller) if resolved else None
        events.thread(world, "resolved" if resolved else "unresolved", thread, _author(caller))
