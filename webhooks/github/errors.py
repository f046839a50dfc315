"""GitHub's errors as exceptions: one class for each case that a caller handles differently. Pure.

GitHubError
├── GitHubUnavailable   transient: connection, 5xx, time-out of a read; the job is tried again
│   └── WriteUncertain  the same, in a write that may have gone through: look before writing again
├── RateLimited         a primary or secondary limit; nothing was done; `retry_after` in seconds
├── Unauthorized        the App's key or the token is refused
├── Forbidden           a permission is missing, or the conversation is locked or archived
├── Redirected          sent to another host, to which nothing of ours is sent
├── EndlessList         the pages of a list have no end; it is not read in part
├── NotFound            gone, renamed away, or not visible to us
├── DiffTooLarge        GitHub does not return the diff; list the files instead
└── Unprocessable       422: the request is wrong, for example an anchor outside the diff
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from reviewer.errors import ReviewerError


class GitHubError(ReviewerError):
    """A request to GitHub failed. `status` is the HTTP status, 0 when there was none."""

    retryable = False

    def __init__(self, message: str, *, status: int = 0, retry_after: float | None = None) -> None:
        """Store the message for a person, the status, and the wait in seconds that GitHub asked for."""
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class GitHubUnavailable(GitHubError):
    """A transient failure; nothing was written."""

    retryable = True


class WriteUncertain(GitHubUnavailable):
    """A write failed in a way that leaves open whether GitHub stored it."""


class RateLimited(GitHubError):
    """A rate limit; the request was not carried out."""

    retryable = True


class Unauthorized(GitHubError):
    """The credentials are refused."""


class Forbidden(GitHubError):
    """A permission is missing."""


class Redirected(GitHubError):
    """The answer names another host or scheme: a proxy, or a wrong address of the API. Nothing was sent there."""


class EndlessList(GitHubError):
    """A list whose pages have no end, or that is larger than any of GitHub's."""


class NotFound(GitHubError):
    """It does not exist, or is not visible to us."""


class DiffTooLarge(GitHubError):
    """The diff is too large, or GitHub cannot make it now."""


class Unprocessable(GitHubError):
    """GitHub says that the request is wrong."""

    @property
    def anchor(self) -> bool:
        """Whether a comment's place was refused (the texts that GitHub is known to use for it)."""
        return bool(_ANCHOR.search(str(self)))

    @property
    def pending(self) -> bool:
        """Whether a pending review of ours is in the way."""
        return "pending review" in str(self)


_ANCHOR = re.compile(
    r"must be part of|could not be resolved|same hunk|precede|diff[ _]hunk|commit oid"
    r"|(?:path|line|side|position|threads)(?: (?:is )?invalid| missing_field)|DraftPullRequestReviewThread",
    re.IGNORECASE,
)
#: Failures of GitHub's own that come as a 422.
_PASSING = re.compile(r"internal error occurred|please (?:try again|retry)", re.IGNORECASE)
_SECONDARY = re.compile(r"secondary rate limit|rate limit exceeded|abuse|submitted too quickly", re.IGNORECASE)

#: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api: without a header, wait a minute.
DEFAULT_WAIT = 60.0


def error_of(what: str, status: int, headers: Mapping[str, str], body: str, *, write: bool, now: float) -> GitHubError:
    """Return the error for a response to `what`. Header names are lower case; `now` is in epoch seconds."""
    data = _json(body)
    message = _message(data)
    text = f"GitHub: {what}: {status} {message}".rstrip()
    limited = _limited(status, headers, message, now)
    if limited is not None:
        return RateLimited(f"{text}. It is tried again later.", status=status, retry_after=limited)
    codes = {error.get("code") for error in data.get("errors") or () if isinstance(error, dict)}
    if status == 406 or codes & {"too_large", "not_available"} or "diff is taking too long" in message:
        return DiffTooLarge(text, status=status)
    passes = status == 422 and _PASSING.search(message) is not None
    if status >= 500 or status in (408, 409) or passes:
        return (WriteUncertain if write and (status >= 500 or passes) else GitHubUnavailable)(text, status=status)
    if status == 401:
        # A JWT's times are this machine's: `'Issued at' claim ('iat') must be ...`.
        check = (
            "this machine's clock"
            if "claim ('exp')" in message or "claim ('iat')" in message
            else "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"
        )
        return Unauthorized(f"{text}. Check {check}, or the token.", status=status)
    if status in (403, 451):
        needed = headers.get("x-accepted-github-permissions", "")
        hint = f" Grant the permission {needed}." if needed else ""
        return Forbidden(f"{text}.{hint}", status=status)
    if status in (404, 410) or status < 400:
        return NotFound(f"{text}. It is gone, or out of reach of this token.", status=status)
    return Unprocessable(text, status=status)


def _limited(status: int, headers: Mapping[str, str], message: str, now: float) -> float | None:
    """Return the seconds to wait when the response is a rate limit, else None."""
    refused = status in (403, 429)
    if refused and (after := headers.get("retry-after", "")).isdigit():
        return float(after)
    if refused and headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - now) if reset.isdigit() else DEFAULT_WAIT
    if status == 429 or (status in (403, 422) and _SECONDARY.search(message)):
        after = headers.get("retry-after", "")
        return float(after) if after.isdigit() else DEFAULT_WAIT
    return None


def _json(body: str) -> dict[str, Any]:
    """Return the body's JSON object; a 502 may carry an HTML page."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _message(data: Mapping[str, Any]) -> str:
    """Return GitHub's message and its errors, which come as strings or as objects."""
    errors = data.get("errors")
    parts = [str(data.get("message", ""))]
    for error in errors if isinstance(errors, list) else [errors] if errors else []:
        if isinstance(error, dict):
            parts.append(" ".join(str(error[key]) for key in ("field", "code", "message") if error.get(key)))
        else:
            parts.append(str(error))
    return "; ".join(part for part in parts if part)[:1000]
