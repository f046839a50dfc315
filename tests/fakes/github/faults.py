"""Make requests fail on demand: a fault applies to certain requests, once, several times or always.

A fault that was never used is a mistake in the test and is reported at the end. There is no randomness.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.github.refusals import DOCS, Refusal, diff_too_large

#: The answer of a proxy in front of GitHub, instead of JSON.
UNICORN = b"""<!DOCTYPE html>
<!-- Hello future GitHubber! I bet you're here to remove those nasty inline styles, DRY up these templates. -->
<html><head><title>Unicorn! &middot; GitHub</title></head>
<body><h1>This page is taking too long to load.</h1><p>Sorry about that. Please try refreshing.</p></body></html>
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as bytes, ready to be sent."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trouble:
    """How one request goes wrong, in this order.

    `wait` seconds or until `gate` is set; then `before` is called with the world and the request; then `reset`
    "before" cuts the connection; then `answer` (a Reply or a Refusal) is given instead of the route's own; otherwise
    the route is handled inside `around`; then `reset` "after" cuts the connection with the work done.
    """

    name: str
    answer: Reply | Refusal | None = None
    reset: str = ""
    wait: float = 0.0
    gate: threading.Event | None = None
    before: Callable[[Any, Any], object] | None = None
    around: Callable[[Any, Any], AbstractContextManager[object]] | None = None


@dataclass(slots=True, eq=False)
class Fault:
    """A trouble and the requests it is for; `times` None means every one. `hits` counts those it met."""

    method: str
    path: re.Pattern[str]
    trouble: Trouble
    times: int | None = 1
    hits: int = 0

    @property
    def spent(self) -> bool:
        return self.times is not None and self.hits >= self.times

    @property
    def unmatched(self) -> bool:
        """Whether the requests it is for never came."""
        return self.hits == 0 if self.times is None else not self.spent

    def meets(self, method: str, path: str) -> bool:
        return not self.spent and self.method in (method, "*") and self.path.search(path) is not None

    def __str__(self) -> str:
        often = "always" if self.times is None else f"{self.times}x"
        return f"{self.trouble.name} for {self.method} {self.path.pattern} ({often}, met {self.hits})"


def html_error(status: int = 502) -> Trouble:
    """Answer with an HTML page, as GitHub's proxies do. Nothing is done."""
    return Trouble(f"HTML {status}", Reply(status, UNICORN, {"Content-Type": "text/html; charset=utf-8"}))


def server_error(status: int = 500, message: str = "Server Error") -> Trouble:
    """Answer with a JSON error. Nothing is done."""
    return Trouble(f"JSON {status}", Refusal(status, message))


def secondary_limit(status: int = 403, *, retry_after: int | None = None) -> Trouble:
    """Answer as the secondary rate limit does: 403 or 429, with or without `Retry-After`.

    https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#rate-limit-errors
    """
    message = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
        "For more on scraping GitHub and how it may affect your rights, please review our Terms of Service "
        "(https://docs.github.com/en/site-policy/github-terms/github-terms-of-service)"
    )
    docs = f"{DOCS}/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Trouble(f"secondary limit {status}", Refusal(status, message, docs=docs, headers=headers))


def primary_limit(reset_in: int = 60) -> Trouble:
    """Answer as a spent hourly budget does: no `Retry-After`, but remaining 0 and the time of the reset."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"+{reset_in}"}
    message = "API rate limit exceeded for installation."
    return Trouble("primary limit", Refusal(403, message, headers=headers))


def abuse(message: str = "was submitted too quickly") -> Trouble:
    """Answer with the secondary limit in its 422 form."""
    error = {"resource": "PullRequestReviewComment", "code": "abuse", "field": "base", "message": message}
    return Trouble("abuse 422", Refusal(422, "Validation Failed", [error]))


def unprocessable_once(*errors: str) -> Trouble:
    """Answer 422 with an error of any other kind, as strings."""
    return Trouble("422", Refusal(422, "Unprocessable Entity", errors))


def too_large(files: int = 300) -> Trouble:
    """Answer 406: the diff is beyond GitHub's limits."""
    message = (
        f"Sorry, the diff exceeded the maximum number of files ({files}). Consider using 'List pull requests files' "
        "API or locally cloning the repository instead."
    )
    return Trouble("diff too large", diff_too_large(message))


def not_available(status: int = 422) -> Trouble:
    """Answer that the diff takes too long to generate; seen with 422, 500 and 503."""
    message = "Server Error: Sorry, this diff is taking too long to generate."
    error = {"resource": "PullRequest", "field": "diff", "code": "not_available"}
    return Trouble(f"diff not available {status}", Refusal(status, message, [error]))


def reset_before() -> Trouble:
    """Cut the connection; nothing is done."""
    return Trouble("reset before", reset="before")


def reset_after() -> Trouble:
    """Do the work, then cut the connection instead of answering."""
    return Trouble("reset after", reset="after")


def slow(seconds: float) -> Trouble:
    """Answer late. The wait ends early when the double stops."""
    return Trouble(f"slow {seconds}s", wait=seconds)


def hold(gate: threading.Event) -> Trouble:
    """Answer only when `gate` is set."""
    return Trouble("hold", gate=gate)


def meanwhile(act: Callable[[Any], object]) -> Trouble:
    """Call `act(world)` just before the request is handled: a push between two requests of the client."""
    return Trouble("meanwhile", before=lambda world, _request: act(world))


def stale_head() -> Trouble:
    """Show the pull request with its head before the last push, as GitHub's replicas do for a moment."""

    @contextmanager
    def older(world: Any, request: Any) -> Any:
        pull = request.pull
        newest = pull.heads.pop() if len(pull.heads) > 1 else None
        try:
            yield
        finally:
            if newest is not None:
                pull.heads.append(newest)

    return Trouble("stale head", around=older)


def stale_base(base: str) -> Trouble:
    """Show the pull request with an older base branch, as GitHub's replicas do for a moment."""

    @contextmanager
    def older(world: Any, request: Any) -> Any:
        pull = request.pull
        newest, pull.base_ref = pull.base_ref, base
        try:
            yield
        finally:
            pull.base_ref = newest

    return Trouble("stale base", around=older)
