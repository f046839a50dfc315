"""What a run of cases gave, as values, and as the JSON in which a run is kept and compared.

Promises: a run that was written is read back equal; a file that is no run is a UsageError. Pure, but for `read_run`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reviewer.errors import UsageError
from reviewer.evaluation.cases import BadCase
from reviewer.evaluation.scores import Counts, FindingOutcome, total
from reviewer.llm.usage import Usage
from reviewer.output.report import json_text

#: Changes when a file of an older version can no longer be compared.
VERSION = 1


@dataclass(frozen=True, slots=True)
class Bill:
    """Calls, tokens and US dollars; `cost_usd` is None where a price is not known."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0

    def __add__(self, other: Bill) -> Bill:
        """Add two bills; an unknown price makes the sum unknown."""
        known = self.cost_usd is not None and other.cost_usd is not None
        cost = round((self.cost_usd or 0) + (other.cost_usd or 0), 9) if known else None
        return Bill(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            cost,
        )

    @classmethod
    def of(cls, usage: Usage) -> Bill:
        """Return the bill of that usage."""
        cost = None if usage.cost_usd is None else float(usage.cost_usd)
        return cls(usage.calls, usage.prompt_tokens, usage.completion_tokens, cost)


@dataclass(frozen=True, slots=True)
class PublishedFinding:
    """A published finding. `known` is the id it matches by the judge, "" for none; `outcome` None: not judged."""

    path: str
    side: str
    first: int
    last: int
    title: str
    outcome: FindingOutcome | None
    known: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One review of one case.

    `judged` counts by the judge, `lines` by place alone; each is None where there is no such figure, and `problem`
    then says why. `missed` are ids of defects, by the judge. `chain` is the longest chain of calls of the review, one
    after the other. `seconds` is the review's wall time; other reviews run beside it.
    """

    case: str
    language: str
    attempt: int
    said: tuple[PublishedFinding, ...] = ()
    missed: tuple[str, ...] = ()
    judged: Counts | None = None
    lines: Counts | None = None
    bill: Bill = Bill()
    judge_bill: Bill = Bill()
    chain: int = 0
    seconds: float = 0.0
    problem: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class EvaluationRun:
    """All reviews of a run, in the order of the cases, and what could not be reviewed."""

    model: str
    judge_model: str
    attempts: int
    results: tuple[CaseResult, ...]
    bad_cases: tuple[BadCase, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """The sum of some results. `judged` and `lines` sum those results that have the figure; `unscored` have not."""

    name: str
    judged: Counts
    lines: Counts
    bill: Bill
    chain: int
    seconds: float
    reviews: int
    unscored: int

    @classmethod
    def of(cls, name: str, results: Iterable[CaseResult]) -> ScoreRow:
        """Sum the results; the chain is that of the longest."""
        results = tuple(results)
        return cls(
            name,
            total(one.judged for one in results if one.judged),
            total(one.lines for one in results if one.lines),
            sum((one.bill for one in results), Bill()),
            max((one.chain for one in results), default=0),
            sum(one.seconds for one in results),
            len(results),
            sum(one.judged is None for one in results),
        )


def rows_by(run: EvaluationRun, key: str) -> tuple[ScoreRow, ...]:
    """Return one row for each value of that field of the results (`case`, `language`, `attempt`), in their order."""
    groups: dict[Any, list[CaseResult]] = {}
    for one in run.results:
        groups.setdefault(getattr(one, key), []).append(one)
    ordered: Mapping[Any, Sequence[CaseResult]] = groups if key == "case" else dict(sorted(groups.items()))
    return tuple(ScoreRow.of(str(name), results) for name, results in ordered.items())


def to_json(run: EvaluationRun, older: EvaluationRun | None = None) -> str:
    """Return the run as JSON: `results` is all of it; `cases`, `languages`, `by_attempt` and `total` sum it up.

    With an older run, `compared` holds for each case of both, and for all of those, the sums `before` and `after`.
    """
    value = {
        "version": VERSION,
        **_RUN.dump_python(run, mode="json"),
        "cases": [_row_json(row) for row in rows_by(run, "case")],
        "languages": [_row_json(row) for row in rows_by(run, "language")],
        "by_attempt": [_row_json(row) for row in rows_by(run, "attempt")],
        "total": _row_json(ScoreRow.of("all", run.results)),
        "judge_usage": _plain(sum((one.judge_bill for one in run.results), Bill())),
    }
    if older is not None:
        value["compared"] = [
            {"name": after.name, "before": _row_json(before), "after": _row_json(after)}
            for before, after in compared_rows(older, run)
        ]
    return json_text(value)


def compared_rows(old: EvaluationRun, new: EvaluationRun) -> tuple[tuple[ScoreRow, ScoreRow], ...]:
    """Return the two rows of each case that both runs have, and of all those cases together as the last pair."""
    before, after = ({row.name: row for row in rows_by(run, "case")} for run in (old, new))
    both = [name for name in after if name in before]
    whole = [ScoreRow.of("all of both", [one for one in run.results if one.case in both]) for run in (old, new)]
    return (*((before[name], after[name]) for name in both), (whole[0], whole[1])) if both else ()


def _row_json(row: ScoreRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "judged": _counts_json(row.judged),
        "lines": _counts_json(row.lines),
        "usage": _plain(row.bill),
        "chain": row.chain,
        "seconds": round(row.seconds, 3),
        "reviews": row.reviews,
        "unscored": row.unscored,
    }


def _counts_json(counts: Counts) -> dict[str, Any]:
    rates = {name: _rounded(getattr(counts, name)) for name in ("recall", "precision", "f1")}
    plain: dict[str, Any] = TypeAdapter(Counts).dump_python(counts, mode="json")
    return {**plain, **rates}


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 4)


def _plain(bill: Bill) -> dict[str, Any]:
    plain: dict[str, Any] = TypeAdapter(Bill).dump_python(bill, mode="json")
    return plain


def read_run(path: Path) -> EvaluationRun:
    """Return the run in that file, as `--format json` wrote it. Raises UsageError where it holds none."""
    try:
        return _RUN.validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        why = f"{f'`{where}`: ' if where else ''}{first['msg']}"
        raise UsageError(f"{path} is no run of `reviewer eval --format json` ({why}).") from error


_RUN: TypeAdapter[EvaluationRun] = TypeAdapter(EvaluationRun)
