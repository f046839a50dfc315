"""The cases of a run, each staged as a repository, reviewed as `reviewer diff` does it, and judged.

Promises: results come in the order of the cases whatever ran first; what went wrong with one case is in its result;
after an error that would meet every case alike (no credit, a refused key) no further case is begun.
"""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from reviewer.domain.change import Change
from reviewer.domain.findings import Category, Review
from reviewer.domain.settings import Settings
from reviewer.errors import ReviewerError, UsageError
from reviewer.evaluation.case_repository import write_case_repository
from reviewer.evaluation.cases import Case, KnownKind
from reviewer.evaluation.judge import judge
from reviewer.evaluation.results import Bill, CaseResult, PublishedFinding
from reviewer.evaluation.scores import Counts, FindingOutcome, Pair, PublishedPlace, near_pairs, outcomes
from reviewer.llm.errors import BadKey, ModelError, NoCredit
from reviewer.llm.messages import Ask, Prompt, Reply
from reviewer.llm.usage import Usage
from reviewer.tasks.conversation.follow_ups import Answer
from reviewer.tasks.conversation.prompts import fence_of
from reviewer.tasks.review import ReviewOptions, review

#: A clone and a range in, the change and its repository's settings out: how `reviewer diff` takes a change.
ChangeOf = Callable[[Path, str], tuple[Change, Settings]]


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """What a run works with: how to take a change from a clone, whom to ask for the review, whom to judge it."""

    change_of: ChangeOf
    ask: Ask
    judge: Ask
    cost_per_thousand: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ReviewedCase:
    """A result with the review it is of; None where there is no review."""

    result: CaseResult
    review: Review | None = None


class _Watched:
    """Counts how often a review asks, each time a batch in parallel: its chain of calls. Keeps the errors it hears."""

    def __init__(self, ask: Ask) -> None:
        self.chain = 0
        self.errors: list[ModelError] = []
        self._ask = ask

    def __call__(self, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        """Ask, and count a batch that is not empty."""
        self.chain += bool(prompts)
        answers = self._ask(prompts)
        self.errors += [one for one in answers if isinstance(one, ModelError)]
        return answers


@dataclass(frozen=True, slots=True)
class EvaluationRunner:
    """Runs cases. `parallel` is how many at once; `tell` hears of each as it ends, one at a time."""

    means: EvaluationContext
    parallel: int = 3
    tell: Callable[[ReviewedCase], None] = field(default=lambda _: None)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _telling: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self, cases: Sequence[Case], attempts: int = 1) -> tuple[CaseResult, ...]:
        """Review and judge each case as often as asked. Results stand by case, then by attempt."""
        wanted = [(case, attempt) for case in cases for attempt in range(1, attempts + 1)]
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="case") as pool:
            return tuple(pool.map(lambda one: self._told(*one), wanted))

    def _told(self, case: Case, attempt: int) -> CaseResult:
        done = self._done(case, attempt)
        with self._telling:
            self.tell(done)
        return done.result

    def _done(self, case: Case, attempt: int) -> ReviewedCase:
        empty = CaseResult(case.name, case.language, attempt)
        if self._stop.is_set():
            return ReviewedCase(
                replace(empty, problem="not begun: the model cannot be used", exit_code=ModelError.exit_code)
            )
        salt = secrets.token_bytes(16)
        watched = _Watched(self.means.ask)
        start = time.monotonic()
        try:
            change, made = self._reviewed(case, watched, salt)
        except (ReviewerError, OSError) as error:
            bill = Bill.of(Usage.of(error.attempts)) if isinstance(error, ModelError) else Bill()
            return ReviewedCase(self._failed(replace(empty, bill=bill, chain=watched.chain), "no review", error))
        seconds = round(time.monotonic() - start, 3)
        told = replace(empty, bill=Bill.of(made.usage), chain=watched.chain, seconds=seconds)
        if watched.errors:
            told = self._failed(told, "an incomplete review", watched.errors[0])
        return ReviewedCase(self._scored(case, made, told, fence_of(salt, change)), made)

    def _reviewed(self, case: Case, ask: Ask, salt: bytes) -> tuple[Change, Review]:
        with tempfile.TemporaryDirectory(prefix="reviewer-eval-") as folder:
            range_ = write_case_repository(case.folder, Path(folder), f"{case.title}\n\n{case.description}")
            change, settings = self.means.change_of(Path(folder), range_)
            change = replace(change, diff=case.diff)
            wish = ReviewOptions(tests=False, cost_per_thousand=self.means.cost_per_thousand)
            made = review(change, settings, ask, salt=salt, wish=wish)
        if not made.files_reviewed:
            reasons = "; ".join(f"{one.path}: {one.reason}" for one in made.skipped)
            raise UsageError(f"nothing was reviewed ({reasons})")
        return change, made

    def _scored(self, case: Case, made: Review, told: CaseResult, fence: str) -> CaseResult:
        """Add the counts: by place always, by the judge where it could be asked."""
        places = [
            PublishedPlace(a.path, a.side, a.start_line or a.line, a.line, one.category is Category.REFACTORING)
            for one in made.findings
            for a in (one.anchor,)
        ]
        _, lines = outcomes(places, case.known, near_pairs(places, case.known))
        told = replace(told, lines=lines)
        if places and case.known:
            answer = judge(made.findings, case.known, self.means.judge, fence=fence)
            told = replace(told, judge_bill=Bill.of(answer.usage))
        else:
            answer = Answer((), None, Usage(), frozenset())
        if answer.error is not None:
            said = _said(made, places, [(None, "")] * len(places))
            return self._failed(replace(told, said=said), "not judged", answer.error)
        pairs: tuple[Pair, ...] = answer.value  # type: ignore[assignment]
        outcome, counts = outcomes(places, case.known, pairs)
        return replace(told, said=_said(made, places, outcome), judged=counts, missed=_missed(case, outcome, counts))

    def _failed(self, told: CaseResult, what: str, error: ReviewerError | OSError) -> CaseResult:
        """Add the error to a result; stop the run where every case would meet it."""
        if isinstance(error, (BadKey, NoCredit)):
            self._stop.set()
        code = error.exit_code if isinstance(error, ReviewerError) else UsageError.exit_code
        return replace(told, problem=f"{what}: {error}", exit_code=code)


def _said(
    made: Review, places: Sequence[PublishedPlace], told: Sequence[tuple[FindingOutcome | None, str]]
) -> tuple[PublishedFinding, ...]:
    rows = zip(made.findings, places, told, strict=True)
    return tuple(
        PublishedFinding(place.path, str(place.side), place.first, place.last, one.title, outcome, known)
        for one, place, (outcome, known) in rows
    )


def _missed(case: Case, told: Sequence[tuple[FindingOutcome, str]], counts: Counts) -> tuple[str, ...]:
    found = {known for outcome, known in told if outcome is FindingOutcome.FOUND}
    missed = tuple(one.id for one in case.known if one.kind is KnownKind.DEFECT and one.id not in found)
    assert len(missed) == counts.missed
    return missed
