"""Reviews and review comments over REST."""

from __future__ import annotations

from tests.fakes.github import refusals
from tests.fakes.github.bodies import pulls
from tests.fakes.github.bodies.fields import Field, check
from tests.fakes.github.model import conversation, events
from tests.fakes.github.model.state import Review, ReviewComment
from tests.fakes.github.refusals import field_error, unprocessable, validation_failed
from tests.fakes.github.routes.routing import Answer, Request, Route

SIDES = ("LEFT", "RIGHT")
EVENTS = ("APPROVE", "REQUEST_CHANGES", "COMMENT")
IN_REVIEW = (
    Field("path", required=True),
    Field("body", required=True),
    Field("position", "integer"),
    Field("line", "integer"),
    Field("side", choices=SIDES),
    Field("start_line", "integer"),
    Field("start_side", choices=SIDES),
)
REVIEW = (
    Field("commit_id"),
    Field("body"),
    Field("event", choices=EVENTS),
    Field("comments", "array", items=IN_REVIEW),
)
COMMENT = (
    *IN_REVIEW,
    Field("commit_id", required=True),
    Field("in_reply_to", "integer"),
    Field("subject_type", choices=("line", "file")),
)


def _visible(request: Request, review: Review) -> bool:
    return review.state != "PENDING" or review.user is request.caller.user


def _review(request: Request) -> Review:
    found = request.pull.reviews.get(request.number("review_id"))
    if found is None or not _visible(request, found):
        raise refusals.not_found()
    return found


def _own(request: Request, review: Review) -> Review:
    if review.user is not request.caller.user:
        raise refusals.not_accessible("pull_requests=write")
    return review


def list_reviews(request: Request) -> Answer:
    """List the reviews, oldest first; pending ones only to their author."""
    shown = [review for review in request.pull.reviews.values() if _visible(request, review)]
    return request.page(shown, lambda review: pulls.review(request.world, review))


def get_review(request: Request) -> Answer:
    return Answer(body=pulls.review(request.world, _review(request)))


def create_review(request: Request) -> Answer:
    """Create a review with all its comments or none: 200, not 201.

    https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request
    """
    check(request.json, *REVIEW)
    review = conversation.add_review(request.world, request.caller, request.pull, request.json)
    request.world.wrote("review", review, "created")
    return Answer(body=pulls.review(request.world, review))


def update_review(request: Request) -> Answer:
    check(request.json, Field("body", required=True))
    review = _own(request, _review(request))
    review.body = request.json["body"]
    events.review(request.world, "edited", review, review.user)
    request.world.wrote("review", review, "edited")
    return Answer(body=pulls.review(request.world, review))


def submit_review(request: Request) -> Answer:
    check(request.json, Field("body"), Field("event", required=True, choices=EVENTS))
    review = _own(request, _review(request))
    if review.state != "PENDING":
        raise unprocessable("Could not submit a review that is not pending.")
    text = request.json.get("body", review.body)
    conversation.check_verdict(request.caller, review.pull, request.json["event"], text)
    conversation.submit_review(request.world, review, request.json["event"], text)
    request.world.wrote("review", review, "submitted")
    return Answer(body=pulls.review(request.world, review))


def delete_pending(request: Request) -> Answer:
    review = _own(request, _review(request))
    if review.state != "PENDING":
        raise unprocessable("Can not delete a non-pending pull request review")
    body = pulls.review(request.world, review)
    conversation.delete_review(review)
    request.world.forget("review", review)
    return Answer(body=body)


def dismiss_review(request: Request) -> Answer:
    check(request.json, Field("message", required=True), Field("event", choices=("DISMISS",)))
    review = _review(request)
    if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise unprocessable("Can not dismiss a commented pull request review")
    review.state = "DISMISSED"
    events.review(request.world, "dismissed", review, request.caller.user or review.user)
    return Answer(body=pulls.review(request.world, review))


def list_comments_of_review(request: Request) -> Answer:
    """List a review's comments in the legacy shape, which has no `line`."""
    hidden = ("line", "start_line", "original_line", "original_start_line", "side", "start_side", "subject_type")

    def legacy(comment: ReviewComment) -> dict[str, object]:
        body = pulls.review_comment(request.world, comment)
        return {name: value for name, value in body.items() if name not in hidden}

    return request.page(_review(request).comments, legacy)


# -- review comments --------------------------------------------------------------------------------------------


def _comment(request: Request) -> ReviewComment:
    found = request.world.review_comments(request.repository).get(request.number("comment_id"))
    if found is None or not _visible(request, found.review):
        raise refusals.not_found()
    return found


def _own_comment(request: Request) -> ReviewComment:
    comment = _comment(request)
    if comment.user is not request.caller.user:
        raise refusals.not_accessible("pull_requests=write")
    return comment


def list_pull_comments(request: Request) -> Answer:
    comments = request.pull.review_comments()
    if request.query.get("direction") == "desc":
        comments.reverse()
    return request.page(comments, lambda one: pulls.review_comment(request.world, one))


def list_repository_comments(request: Request) -> Answer:
    comments = [comment for pull in request.repository.pulls for comment in pull.review_comments()]
    return request.page(comments, lambda one: pulls.review_comment(request.world, one))


def get_comment(request: Request) -> Answer:
    return Answer(body=pulls.review_comment(request.world, _comment(request)))


def create_comment(request: Request) -> Answer:
    """Comment on a line or file, or with `in_reply_to` in a thread.

    https://docs.github.com/rest/pulls/comments#create-a-review-comment-for-a-pull-request
    """
    if "in_reply_to" in request.json:
        check({"in_reply_to": request.json["in_reply_to"]}, Field("in_reply_to", "integer"))
        return _reply(request, request.json["in_reply_to"])
    check(request.json, *COMMENT)
    comment = conversation.add_review_comment(request.world, request.caller, request.pull, request.json)
    return _created(request, comment)


def create_reply(request: Request) -> Answer:
    check(request.json, Field("body", required=True))
    return _reply(request, request.number("comment_id"))


def _reply(request: Request, first: int) -> Answer:
    # With `in_reply_to` everything else but the body is ignored.
    check({name: value for name, value in request.json.items() if name == "body"}, Field("body", required=True))
    top = request.world.review_comments(request.repository).get(first)
    if top is None or top.thread.pull is not request.pull:
        raise refusals.not_found()
    if top.in_reply_to is not None:
        message = "in_reply_to must be a top-level comment"
        raise validation_failed(field_error("PullRequestReviewComment", "in_reply_to", "invalid", message))
    comment = conversation.reply(request.world, request.caller, top.thread, request.json["body"])
    return _created(request, comment)


def _created(request: Request, comment: ReviewComment) -> Answer:
    request.world.wrote("review comment", comment, "created")
    body = pulls.review_comment(request.world, comment)
    return Answer(201, body, headers={"Location": body["url"]})


def update_comment(request: Request) -> Answer:
    check(request.json, Field("body", required=True))
    comment = _own_comment(request)
    conversation.edit_review_comment(request.world, request.caller, comment, request.json["body"])
    request.world.wrote("review comment", comment, "edited")
    return Answer(body=pulls.review_comment(request.world, comment))


def delete_comment(request: Request) -> Answer:
    comment = _own_comment(request)
    conversation.delete_review_comment(request.world, request.caller, comment)
    request.world.wrote("review comment", comment, "deleted")
    return Answer(204)


PULL = "/repos/{owner}/{repo}/pulls/{number}"
ONE = f"{PULL}/reviews/{{review_id}}"
SINGLE = "/repos/{owner}/{repo}/pulls/comments/{comment_id}"
SORTED = ("sort", "direction", "since")
READ, WRITE = "pull_requests=read", "pull_requests=write"

ROUTES = (
    Route("GET", f"{PULL}/reviews", list_reviews, READ, paged=True),
    Route("POST", f"{PULL}/reviews", create_review, WRITE),
    Route("GET", ONE, get_review, READ),
    Route("PUT", ONE, update_review, WRITE),
    Route("DELETE", ONE, delete_pending, WRITE),
    Route("GET", f"{ONE}/comments", list_comments_of_review, READ, paged=True),
    Route("POST", f"{ONE}/events", submit_review, WRITE),
    Route("PUT", f"{ONE}/dismissals", dismiss_review, WRITE),
    Route("GET", "/repos/{owner}/{repo}/pulls/comments", list_repository_comments, READ, SORTED, paged=True),
    Route("GET", SINGLE, get_comment, READ),
    Route("PATCH", SINGLE, update_comment, WRITE),
    Route("DELETE", SINGLE, delete_comment, WRITE),
    Route("GET", f"{PULL}/comments", list_pull_comments, READ, SORTED, paged=True),
    Route("POST", f"{PULL}/comments", create_comment, WRITE),
    Route("POST", f"{PULL}/comments/{{comment_id}}/replies", create_reply, WRITE),
)
