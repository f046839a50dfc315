"""The results of a run of cases, and the JSON in which a run is saved and compared. Pure except for `read_run`.

A saved run is read back equal. A file that is not a run is a UsageError.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, TypeAdapter, ValidationError

from reviewer.domain.context_report import LookupCounts
from reviewer.errors import UsageError
from reviewer.evaluation.cases import BadCase
from reviewer.evaluation.scores import Counts, FindingOutcome, total
from reviewer.llm.usage import Usage
from reviewer.output.json import json_text

#: Increased when files of older versions can no longer be compared.
VERSION = 1


def _usage_json(usage: Usage) -> dict[str, Any]:
    """Return the usage with its cost as a number, which is what readers of the file expect."""
    cost = None if usage.cost_usd is None else float(usage.cost_usd)
    return {
        "calls": usage.calls,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cost_usd": cost,
        "cached_tokens": usage.cached_tokens,
    }


SavedUsage = Annotated[Usage, PlainSerializer(_usage_json)]


@dataclass(frozen=True, slots=True)
class PublishedFinding:
    """A published finding. `known` is the id that it matches by the judge, or ""; `outcome` None: not judged."""

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

    `judged` are the counts by the judge, `lines` by line numbers only; each is None if it could not be determined, and
    `problem` then says why. `missed` are ids of defects, by the judge. `chain` is the number of consecutive calls of
    the review. `seconds` is the review's wall time; other reviews run at the same time. `ranks` are the defects that
    were found, with their place among all findings; `tokens` what was shown of the change and beside it, by kind.
    """

    case: str
    language: str
    attempt: int
    published: Annotated[tuple[PublishedFinding, ...], Field(alias="said")] = ()  # "said" in saved runs
    missed: tuple[str, ...] = ()
    judged: Counts | None = None
    lines: Counts | None = None
    bill: SavedUsage = field(default_factory=Usage)
    judge_bill: SavedUsage = field(default_factory=Usage)
    chain: int = 0
    seconds: float = 0.0
    ranks: tuple[tuple[str, int], ...] = ()
    tokens: tuple[tuple[str, int], ...] = ()
    lookups: LookupCounts = field(default_factory=LookupCounts)
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
    """The sum of results. `judged` and `lines` sum the results that have them; `unscored` counts the others."""

    name: str
    judged: Counts
    lines: Counts
    bill: Usage
    chain: int
    seconds: float
    reviews: int
    unscored: int

    @classmethod
    def of(cls, name: str, results: Iterable[CaseResult]) -> ScoreRow:
        """Sum the results; `chain` is the longest one."""
        results = tuple(results)
        return cls(
            name,
            total(result.judged for result in results if result.judged),
            total(result.lines for result in results if result.lines),
            sum((result.bill for result in results), Usage()),
            max((result.chain for result in results), default=0),
            sum(result.seconds for result in results),
            len(results),
            sum(result.judged is None for result in results),
        )


def rows_by(run: EvaluationRun, key: str) -> tuple[ScoreRow, ...]:
    """Return one row for each value of a field of the results (`case`, `language`, `attempt`), in order."""
    groups: dict[Any, list[CaseResult]] = {}
    for result in run.results:
        groups.setdefault(getattr(result, key), []).append(result)
    ordered: Mapping[Any, Sequence[CaseResult]] = groups if key == "case" else dict(sorted(groups.items()))
    return tuple(ScoreRow.of(str(name), results) for name, results in ordered.items())


def to_json(run: EvaluationRun, older: EvaluationRun | None = None) -> str:
    """Return the run as JSON: `results` has everything; `cases`, `languages`, `by_attempt` and `total` are sums.

    With an older run, `compared` has the sums `before` and `after` for each case of both runs, and for all of these.
    """
    value = {
        "version": VERSION,
        **_RUN.dump_python(run, mode="json", by_alias=True),
        "cases": [_row_json(row) for row in rows_by(run, "case")],
        "languages": [_row_json(row) for row in rows_by(run, "language")],
        "by_attempt": [_row_json(row) for row in rows_by(run, "attempt")],
        "total": _row_json(ScoreRow.of("all", run.results)),
        "ranking": asdict(ranking_of(run.results)),
        "shown_tokens": dict(shown_tokens(run.results)),
        "lookups": _lookups_json(run.results),
        "judge_usage": _usage_json(sum((result.judge_bill for result in run.results), Usage())),
    }
    if older is not None:
        value["compared"] = [
            {"name": after.name, "before": _row_json(before), "after": _row_json(after)}
            for before, after in compared_rows(older, run)
        ]
    return json_text(value)


def compared_rows(old: EvaluationRun, new: EvaluationRun) -> tuple[tuple[ScoreRow, ScoreRow], ...]:
    """Return the two rows of each case that both runs have; the last pair is for all of these cases together."""
    before, after = ({row.name: row for row in rows_by(run, "case")} for run in (old, new))
    both = [name for name in after if name in before]
    whole = [
        ScoreRow.of("all of both", [result for result in run.results if result.case in both]) for run in (old, new)
    ]
    return (*((before[name], after[name]) for name in both), (whole[0], whole[1])) if both else ()


def _lookups_json(results: Sequence[CaseResult]) -> dict[str, int]:
    counts = sum((result.lookups for result in results), LookupCounts())
    return {**asdict(counts), "wasted": counts.wasted}


@dataclass(frozen=True, slots=True)
class Ranking:
    """How useful the published findings are, by the judge.

    `known` counts the known defects, `first_3` and so on those among so many first findings of their case. Of the
    `published` findings, `wanted` are about a known defect, `distinct` about one each, `twice` say one again.
    """

    known: int = 0
    first_3: int = 0
    first_5: int = 0
    first_10: int = 0
    published: int = 0
    wanted: int = 0
    distinct: int = 0
    twice: int = 0


def ranking_of(results: Iterable[CaseResult]) -> Ranking:
    """Return the ranking over all results that were judged."""
    judged = [result for result in results if result.judged is not None]
    ranks = [rank for result in judged for _, rank in result.ranks]
    published = [finding for result in judged for finding in result.published]
    distinct = sum(finding.outcome is FindingOutcome.FOUND for finding in published)
    twice = sum(_says_again(finding, result) for result in judged for finding in result.published)
    return Ranking(
        known=sum(result.judged.found + result.judged.missed for result in judged if result.judged),
        first_3=sum(rank <= 3 for rank in ranks),
        first_5=sum(rank <= 5 for rank in ranks),
        first_10=sum(rank <= 10 for rank in ranks),
        published=len(published),
        wanted=distinct + twice,
        distinct=distinct,
        twice=twice,
    )


def _says_again(finding: PublishedFinding, result: CaseResult) -> bool:
    """Whether a finding repeats a defect that another finding of the review is about."""
    found = {other.known for other in result.published if other.outcome is FindingOutcome.FOUND}
    return finding.outcome is FindingOutcome.REPEAT and finding.known in found


def shown_tokens(results: Iterable[CaseResult]) -> Counter[str]:
    """Return the tokens of all that was shown, by kind, with what the model asked to see."""
    tokens: Counter[str] = Counter()
    for result in results:
        tokens.update(dict(result.tokens))
        tokens["lookups"] += result.lookups.tokens
    return tokens


def _row_json(row: ScoreRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "judged": _counts_json(row.judged),
        "lines": _counts_json(row.lines),
        "usage": _usage_json(row.bill),
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


def read_run(path: Path) -> EvaluationRun:
    """Return the run from a file that `--format json` wrote. Raises UsageError if it contains none."""
    try:
        return _RUN.validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        why = f"{f'`{where}`: ' if where else ''}{first['msg']}"
        raise UsageError(f"{path} is not a run of `reviewer eval --format json` ({why}).") from error


_RUN: TypeAdapter[EvaluationRun] = TypeAdapter(EvaluationRun)
