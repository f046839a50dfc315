"""What the Action has spent, kept in marks of its own comments, since a workflow has no store.

Promises: only comments of our own identity count; what cannot be read does not count as zero: the job fails and
says so. Two runs at once may each spend what is left; a ceiling is exceeded by no more than their reviews.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from reviewer.errors import ReviewerError
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt, Reply
from reviewer.llm.usage import Attempt, Usage
from reviewer.output.wording import cost_text
from webhooks.github.errors import GitHubError
from webhooks.github.repository import Repository
from webhooks.github.types import Comment
from webhooks.operator_settings.spending import SpendingLimit, SpendingPart
from webhooks.publishing.markers.bill import RunBill, bill_lines, read_bills, total_of, with_bill
from webhooks.publishing.markers.syntax import PREFIX

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Meter:
    """Counts what the calls of this process cost."""

    usage: Usage = field(default_factory=Usage)

    def metered(self, ask: Ask) -> Ask:
        """Return `ask` that counts every attempt, also of calls that failed."""

        def ask_and_count(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
            answers = ask(prompts)
            for answer in answers:
                self.usage += _known(answer.attempts)
            return answers

        return ask_and_count


@dataclass(slots=True)
class MarkedAccount:
    """The account of this run: the marks that were there when it began, and its meter. `run` names it."""

    repository: Repository
    number: int
    run: str
    meter: Meter
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    marked: Usage = field(default_factory=Usage)
    _read: dict[SpendingPart, Usage] = field(default_factory=dict)

    def spent(self, part: SpendingPart, /) -> Usage:
        """Return what was spent on the pull request, or in a month. Raises GitHubError where that cannot be read."""
        if part not in self._read:
            self._read[part] = self._on_pull() if part.number is not None else self._since(part.since)
        return self._read[part] + self.meter.usage

    def held(self, _part: SpendingPart, /) -> Decimal:
        """Return nothing: other runs cannot be seen."""
        return Decimal(0)

    def reserve(self, _usd: Decimal, limits: Sequence[SpendingLimit], /) -> SpendingLimit | None:
        """Return the limit that is spent, if one is."""
        return next((limit for limit in limits if (self.spent(limit.part).cost_usd or 0) >= limit.usd), None)

    def release(self) -> None:
        """Do nothing: nothing was reserved."""

    def is_first_time(self, _name: str, _now: float, /) -> bool:
        """Return no: the Action turns nobody away."""
        return False

    def bill(self) -> RunBill | None:
        """Return what this run has cost so far, for a mark that is posted now; None where it asked nothing."""
        self.marked = self.meter.usage
        return self._bill() if self.meter.usage.calls else None

    def settle(self, *, posted: bool) -> None:
        """Mark what this run has cost in our newest comment, unless a summary was `posted` that says it already."""
        if not self.meter.usage.calls or (posted and self.marked == self.meter.usage):
            return
        try:
            ours = [it for it in self._ours(self.repository.comments(self.number)) if it.body.startswith(PREFIX)]
            if ours:
                self.repository.update_comment(ours[-1].id, with_bill(ours[-1].body, self._bill()))
            elif self._read:  # a ceiling depends on it
                cost = cost_text(self.meter.usage.cost_usd)
                text = f"This run ended without a review and cost {cost}, which counts for the ceilings."
                self.repository.create_comment(self.number, f"{bill_lines('', self._bill())}{text}")
        except (GitHubError, ReviewerError) as error:
            log.warning("the cost of this run is not marked", extra={"number": self.number, "why": str(error)})

    def _bill(self) -> RunBill:
        return RunBill(self.run, f"{self.clock().astimezone(UTC):%Y-%m}", self.meter.usage)

    def _on_pull(self) -> Usage:
        comments = self._ours(self.repository.comments(self.number))
        return total_of(bill for comment in comments for bill in read_bills(comment.body))

    def _since(self, since: float) -> Usage:
        begin = datetime.fromtimestamp(since, UTC)
        comments = self._ours(self.repository.comments_since(f"{begin:%Y-%m-%dT%H:%M:%SZ}"))
        bills = (bill for comment in comments for bill in read_bills(comment.body))
        return total_of(bill for bill in bills if bill.month >= f"{begin:%Y-%m}")

    def _ours(self, comments: Sequence[Comment]) -> list[Comment]:
        marked = [comment for comment in comments if read_bills(comment.body) or comment.body.startswith(PREFIX)]
        login = self.repository.identity(self.number).lower() if marked else ""
        if login:
            return [comment for comment in marked if comment.author.lower() == login]
        # Who we are is not known before we wrote something: then every App's marks count, rather than none.
        return [comment for comment in marked if comment.author.endswith("[bot]")]


def _known(attempts: Sequence[Attempt]) -> Usage:
    """Return the sum of the attempts; a cost that is not known counts as none."""
    usage = Usage.of(attempts)
    cost = sum((attempt.cost_usd for attempt in attempts if attempt.cost_usd is not None), Decimal(0))
    return Usage(usage.calls, usage.prompt_tokens, usage.completion_tokens, cost)
