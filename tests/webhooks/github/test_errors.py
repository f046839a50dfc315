"""GitHub's refusals, as the errors that a caller acts on."""

from __future__ import annotations

import json

import pytest

from webhooks.github.errors import (
    DiffTooLarge,
    Forbidden,
    GitHubError,
    GitHubUnavailable,
    NotFound,
    RateLimited,
    Unauthorized,
    Unprocessable,
    WriteUncertain,
    error_of,
)

NOW = 1_000_000.0


def error(status: int, body: object = "", *, write: bool = False, **headers: str) -> GitHubError:
    """Return the error for a response; header names are given with underscores."""
    text = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of("GET /x", status, named, text, write=write, now=NOW)


@pytest.mark.parametrize(
    ("made", "kind", "retryable"),
    [
        (error(500), GitHubUnavailable, True),
        (error(502, "<html>Unicorn!</html>"), GitHubUnavailable, True),
        (error(502, "<html>Unicorn!</html>", write=True), WriteUncertain, True),
        (error(401, {"message": "Bad credentials"}), Unauthorized, False),
        (error(403, {"message": "Resource not accessible by integration"}), Forbidden, False),
        (error(404, {"message": "Not Found"}), NotFound, False),
        (error(410, {"message": "Issues are disabled"}), NotFound, False),
        (error(307, ""), NotFound, False),
        (error(406, {"message": "diff exceeded", "errors": [{"code": "too_large"}]}), DiffTooLarge, False),
        (error(422, {"message": "Server Error", "errors": [{"code": "not_available"}]}), DiffTooLarge, False),
        (error(500, {"message": "Sorry, this diff is taking too long to generate."}), DiffTooLarge, False),
        (error(422, {"message": "Validation Failed", "errors": ["x"]}), Unprocessable, False),
        (
            error(422, {"message": "X", "errors": ["An internal error occurred, please try again."]}, write=True),
            WriteUncertain,
            True,
        ),
        (error(429), RateLimited, True),
        (error(403, {"message": "You have exceeded a secondary rate limit"}), RateLimited, True),
        (error(422, {"message": "V", "errors": [{"code": "abuse"}]}), RateLimited, True),
        (error(422, {"message": "was submitted too quickly"}), RateLimited, True),
        (error(403, x_ratelimit_remaining="0", x_ratelimit_reset="1000030"), RateLimited, True),
    ],
)
def test_each_refusal_has_its_error(made: GitHubError, kind: type[GitHubError], retryable: bool) -> None:  # noqa: FBT001
    """Limits are told from missing permissions, sizes from failures, and a doubtful write from a refused one."""
    assert type(made) is kind
    assert made.retryable is retryable


@pytest.mark.parametrize(
    ("made", "wait"),
    [
        (error(403, retry_after="7"), 7.0),
        (error(429, retry_after="soon"), 60.0),
        (error(403, x_ratelimit_remaining="0", x_ratelimit_reset="1000030"), 30.0),
        (error(403, x_ratelimit_remaining="0", x_ratelimit_reset="5"), 1.0),
        (error(422, {"message": "abuse", "errors": [{"code": "abuse"}]}), 60.0),
    ],
)
def test_limits_say_how_long_to_wait(made: GitHubError, wait: float) -> None:
    """Retry-After first, then the reset time, then a minute."""
    assert made.retry_after == wait


def test_anchor_and_pending_refusals_are_recognised() -> None:
    """Every wording that GitHub is known to use for a refused place, strings and objects alike."""
    for words in (
        "Pull request review thread line must be part of the diff",
        "Path could not be resolved",
        "start line must be part of the same hunk as the line.",
        "Pull request review thread start line must precede the end line.",
        "Start commit oid is not part of the pull request",
        "Path is invalid",
        "Position is invalid",
        "Diff hunk can't be blank",
        "pull_request_review_thread.diff_hunk can't be blank",
        "Variable $threads of type [DraftPullRequestReviewThread] was provided invalid value for 0.line",
    ):
        made = error(422, {"message": "Unprocessable Entity", "errors": [words]})
        assert isinstance(made, Unprocessable)
        assert made.anchor
    made = error(
        422, {"message": "X", "errors": [{"field": "line", "code": "custom", "message": "could not be resolved"}]}
    )
    assert isinstance(made, Unprocessable)
    assert made.anchor
    for code in ("invalid", "missing_field"):
        made = error(422, {"message": "Validation Failed", "errors": [{"field": "path", "code": code}]})
        assert isinstance(made, Unprocessable)
        assert made.anchor
    pending = error(422, {"message": "X", "errors": ["User can only have one pending review per pull request"]})
    assert isinstance(pending, Unprocessable)
    assert pending.pending
    assert not pending.anchor


def test_a_missing_permission_is_named() -> None:
    """The header that lists what is needed reaches the person."""
    made = error(403, {"message": "no"}, x_accepted_github_permissions="pull_requests=write")
    assert "pull_requests=write" in str(made)


def test_a_wrong_clock_is_not_a_wrong_key() -> None:
    """A JWT from a machine whose clock is off is refused for its times: the clock is what to check."""
    for claim in ("'Expiration time' claim ('exp') is too far in the future", "'Issued at' claim ('iat') must be"):
        assert "this machine's clock" in str(error(401, {"message": claim}))
    assert "GITHUB_APP_ID" in str(error(401, {"message": "'Issuer' claim ('iss') must be an Integer"}))
