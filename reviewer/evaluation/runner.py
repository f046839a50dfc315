"""Run the cases: write each as a repository, review it as `reviewer diff` does, and let it be judged.

Results are in the order of the cases. An error of one case is in its result. After an error that would affect every
case (no credit, a refused key) no further case is started.
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
from reviewer.domain.findings import Category, Finding, Review
from reviewer.domain.settings import Settings
from reviewer.errors import ReviewerError, UsageError
from reviewer.evaluation.case_repository import write_case_repository
from reviewer.evaluation.cases import Case, KnownKind
from reviewer.evaluation.judge import judge
from reviewer.evaluation.results import CaseResult, PublishedFinding
from reviewer.evaluation.scores import Counts, FindingOutcome, PublishedPlace, near_pairs, outcomes, ranks_of
from reviewer.llm.errors import BadKey, ModelError, NoCredit
from reviewer.llm.messages import Ask, Prompt, Reply
from reviewer.llm.usage import Usage
from reviewer.tasks.conversation.follow_ups import Answer
from reviewer.tasks.conversation.prompts import fence_of
from reviewer.tasks.review import ReviewOptions, review

#: Returns the change and the repository's settings for a clone and a range, as `reviewer diff` does.
ChangeOf = Callable[[Path, str], tuple[Change, Settings]]


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """What a run needs: how to read a change from a clone, the model for the review, the model for the judge.

    `salt` keys the fences of all prompts; None makes a new one for each review.
    """

    change_of: ChangeOf
    ask: Ask
    judge: Ask
    cost_per_thousand: Decimal | None = None
    salt: bytes | None = None


@dataclass(frozen=True, slots=True)
class ReviewedCase:
    """A result and its review; None if there is no review."""

    result: CaseResult
    review: Review | None = None


class _CallCounter:
    """Counts the consecutive calls of a review, each a batch in parallel, and collects the errors."""

    def __init__(self, ask: Ask) -> None:
        self.chain = 0
        self.errors: list[ModelError] = []
        self._ask = ask

    def __call__(self, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        """Ask, and count a batch that is not empty."""
        self.chain += bool(prompts)
        answers = self._ask(prompts)
        self.errors += [answer for answer in answers if isinstance(answer, ModelError)]
        return answers


@dataclass(frozen=True, slots=True)
class EvaluationRunner:
    """Runs cases, `parallel` at a time; `tell` is called for each when it ends, from one thread at a time."""

    context: EvaluationContext
    parallel: int = 3
    tell: Callable[[ReviewedCase], None] = field(default=lambda _: None)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _tell_lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self, cases: Sequence[Case], attempts: int = 1) -> tuple[CaseResult, ...]:
        """Review and judge each case `attempts` times. Results are sorted by case, then by attempt."""
        reviews = [(case, attempt) for case in cases for attempt in range(1, attempts + 1)]
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="case") as pool:
            return tuple(pool.map(lambda case_and_attempt: self._run_and_report(*case_and_attempt), reviews))

    def _run_and_report(self, case: Case, attempt: int) -> CaseResult:
        done = self._run_case(case, attempt)
        with self._tell_lock:
            self.tell(done)
        return done.result

    def _run_case(self, case: Case, attempt: int) -> ReviewedCase:
        empty = CaseResult(case.name, case.language, attempt)
        if self._stop.is_set():
            return ReviewedCase(
                replace(empty, problem="not started: the model cannot be used", exit_code=ModelError.exit_code)
            )
        salt = self.context.salt or secrets.token_bytes(16)
        counter = _CallCounter(self.context.ask)
        start = time.monotonic()
        try:
            change, reviewed = self._reviewed(case, counter, salt)
        except (ReviewerError, OSError) as error:
            bill = Usage.of(error.attempts) if isinstance(error, ModelError) else Usage()
            return ReviewedCase(self._failed(replace(empty, bill=bill, chain=counter.chain), "no review", error))
        seconds = round(time.monotonic() - start, 3)
        result = replace(
            empty,
            bill=reviewed.usage,
            chain=counter.chain,
            seconds=seconds,
            tokens=reviewed.context.tokens,
            lookups=reviewed.context.lookups,
        )
        if counter.errors:
            result = self._failed(result, "an incomplete review", counter.errors[0])
        return ReviewedCase(self._scored(case, reviewed, result, fence_of(salt, change)), reviewed)

    def _reviewed(self, case: Case, ask: Ask, salt: bytes) -> tuple[Change, Review]:
        with tempfile.TemporaryDirectory(prefix="reviewer-eval-") as folder:
            range_ = write_case_repository(case.folder, Path(folder), f"{case.title}\n\n{case.description}")
            change, settings = self.context.change_of(Path(folder), range_)
            change = replace(change, diff=case.diff)
            options = ReviewOptions(tests=False, cost_per_thousand=self.context.cost_per_thousand)
            reviewed = review(change, settings, ask, salt=salt, options=options)
        if not reviewed.files_reviewed:
            reasons = "; ".join(f"{skipped.path}: {skipped.reason}" for skipped in reviewed.skipped)
            raise UsageError(f"nothing was reviewed ({reasons})")
        return change, reviewed

    def _scored(self, case: Case, reviewed: Review, result: CaseResult, fence: str) -> CaseResult:
        """Add the counts: by line numbers always, by the judge if it could be asked."""
        # What is only listed has a rank too, behind all that is published in full.
        listed = [_place(finding) for finding in reviewed.below]
        places = [_place(finding) for finding in reviewed.findings]
        _, lines = outcomes(places, case.known, near_pairs(places, case.known))
        result = replace(result, lines=lines)
        if places and case.known:
            findings = (*reviewed.findings, *reviewed.below)
            answer = judge(findings, case.known, self.context.judge, fence=fence)
            result = replace(result, judge_bill=answer.usage)
        else:
            answer = Answer((), None, Usage(), frozenset())
        if answer.error is not None:
            published = _published(reviewed, places, [(None, "")] * len(places))
            return self._failed(replace(result, published=published), "not judged", answer.error)
        pairs = answer.value or ()
        everything, _ = outcomes([*places, *listed], case.known, pairs)
        outcome, counts = outcomes(places, case.known, [pair for pair in pairs if pair[0] < len(places)])
        return replace(
            result,
            ranks=ranks_of(everything),
            published=_published(reviewed, places, outcome),
            judged=counts,
            missed=_missed(case, outcome, counts),
        )

    def _failed(self, result: CaseResult, what: str, error: ReviewerError | OSError) -> CaseResult:
        """Add the error to a result; stop the run if the error would affect every case."""
        if isinstance(error, (BadKey, NoCredit)):
            self._stop.set()
        code = error.exit_code if isinstance(error, ReviewerError) else UsageError.exit_code
        return replace(result, problem=f"{what}: {error}", exit_code=code)


def _place(finding: Finding) -> PublishedPlace:
    anchor = finding.anchor
    first = anchor.start_line or anchor.line
    return PublishedPlace(anchor.path, anchor.side, first, anchor.line, finding.category is Category.REFACTORING)


def _published(
    reviewed: Review, places: Sequence[PublishedPlace], scored: Sequence[tuple[FindingOutcome | None, str]]
) -> tuple[PublishedFinding, ...]:
    rows = zip(reviewed.findings, places, scored, strict=True)
    return tuple(
        PublishedFinding(place.path, str(place.side), place.first, place.last, finding.title, outcome, known)
        for finding, place, (outcome, known) in rows
    )


def _missed(case: Case, scored: Sequence[tuple[FindingOutcome, str]], counts: Counts) -> tuple[str, ...]:
    found = {known for outcome, known in scored if outcome is FindingOutcome.FOUND}
    missed = tuple(
        reference.id for reference in case.known if reference.kind is KnownKind.DEFECT and reference.id not in found
    )
    assert len(missed) == counts.missed
    return missed
