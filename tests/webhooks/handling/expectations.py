"""What one review leaves on a pull request."""

from __future__ import annotations

from tests.fakes.github import World
from tests.fakes.github.model.state import CheckRun, IssueComment, Review


def expect_all(github: World, comments: int = 2) -> tuple[Review, IssueComment, CheckRun]:
    """Expect one review with so many comments, one summary, one neutral check run."""
    review = github.expect_review(on=github.pull, comments=comments)
    summary = github.expect_comment("<!-- reviewer:summary")
    check = github.expect_check("neutral", name="reviewer")
    return review, summary, check
