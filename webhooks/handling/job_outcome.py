"""How a job ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reviewer.diff.model import Diff
from reviewer.domain.findings import Review
from reviewer.errors import ReviewerError
from webhooks.publishing.publish import PublishResult


class JobEnding(StrEnum):
    """The kinds of endings."""

    REVIEWED = "reviewed"
    ANSWERED = "answered"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """The ending of a job. `review` and `diff` are set when a review was made; `sent` is what was posted.

    `reviewed` counts the files whose change is reviewed by now, in this run or before.

    Of a command, `reply` is what is said to who gave it, and `reaction` the one that ends it, where it is not the
    usual one. A postponed job is carried out again `after` so many seconds.
    """

    state: JobEnding
    reason: str = ""
    head_sha: str = ""
    review: Review | None = None
    diff: Diff | None = None
    sent: PublishResult = field(default_factory=PublishResult)
    conclusion: str = ""
    error: ReviewerError | None = None
    reply: str = ""
    reaction: str = ""
    after: float = 0.0
    reviewed: int = 0

    @classmethod
    def answered(cls, head_sha: str, reply: str, *, reason: str = "", usage: Review | None = None) -> JobOutcome:
        """Return the ending of a command that is answered in words; `usage` is a review that holds only the cost."""
        return cls(JobEnding.ANSWERED, reason, head_sha, usage, reply=reply)

    def to_json(self) -> dict[str, Any]:
        """Return what is stored of the outcome: counts and reasons, no code."""
        review = self.review
        return {
            "state": self.state.value,
            "reason": self.reason,
            "head_sha": self.head_sha,
            "conclusion": self.conclusion,
            "findings": len(review.findings) if review else 0,
            "calls": review.usage.calls if review else 0,
            "prompt_tokens": review.usage.prompt_tokens if review else 0,
            "completion_tokens": review.usage.completion_tokens if review else 0,
            "cost_usd": None if review is None or review.usage.cost_usd is None else str(review.usage.cost_usd),
            "review_url": self.sent.review_url,
            "summary_url": self.sent.summary_url,
            **({"fates": self._fates()} if self.sent.plan else {}),
        }

    def _fates(self) -> dict[str, dict[str, int]]:
        """Count the pull request's findings, those of earlier reviews included, by severity and what became of them."""
        counts: dict[str, dict[str, int]] = {}
        for entry in self.sent.plan.entries if self.sent.plan else ():
            severity = counts.setdefault(str(entry.severity), {})
            severity[entry.status.value] = severity.get(entry.status.value, 0) + 1
        return counts
