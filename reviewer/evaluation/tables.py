"""Format a run, or a comparison of two runs, as tables for a terminal. Pure. A missing rate is shown as `-`."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from reviewer.domain.context_report import LookupCounts
from reviewer.evaluation.results import (
    CaseResult,
    EvaluationRun,
    PublishedFinding,
    ScoreRow,
    compared_rows,
    ranking_of,
    rows_by,
    shown_tokens,
)
from reviewer.evaluation.scores import Counts, FindingOutcome
from reviewer.llm.usage import Usage

_HEAD = (
    *("", "found", "missed", "traps", "repeats", "other", "refact.", "recall", "precis.", "F1"),
    *("| lines:", "recall", "precis.", "F1", "|", "calls", "chain", "tokens", "USD", "s"),
)
_COMPARED = ("", "recall", "", "precis.", "", "F1", "", "alarms", "", "calls", "", "s", "", "USD")


def run_text(run: EvaluationRun) -> str:
    """Return rows per case and language, the total, the spread, and problems. Ends with a newline."""
    rows = [_row(row) for row in rows_by(run, "case")]
    languages = [_row(row) for row in rows_by(run, "language")]
    whole = [_row(ScoreRow.of("all", run.results))]
    parts = [
        f"{run.model}, judged by {run.judge_model}: {_count(len(run.results), 'review')}",
        _table([_HEAD, *rows, (), *languages, (), *whole]),
        _spread(run),
        _ranking(run),
        _listed("Missed:", [_named(result, known) for result in run.results for known in result.missed]),
        _listed(
            "False alarms:",
            [_alarm(result, finding) for result in run.results for finding in result.published if _is_alarm(finding)],
        ),
        _listed(
            "Without a score:", [f"{_title(result)}: {result.problem}" for result in run.results if result.problem]
        ),
        _listed("Bad cases:", [f"{case.name}: {case.problem}" for case in run.bad_cases]),
        _usage_line("judge", sum((result.judge_bill for result in run.results), Usage())),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def compared_text(old: EvaluationRun, new: EvaluationRun) -> str:
    """Return the differences between two runs, per case and for all cases of both. Ends with a newline."""
    rows = [_compared(before, after) for before, after in compared_rows(old, new)]
    first, second = (dict.fromkeys(result.case for result in run.results) for run in (old, new))
    both = [case for case in second if case in first]
    alone = [f"{case} (first run only)" for case in first if case not in second]
    alone += [f"{case} (second run only)" for case in second if case not in first]
    parts = [
        f"{_label(old)} -> {_label(new)}",
        _table([_COMPARED, *rows[:-1], (), rows[-1]]) if rows else "No case is in both runs.",
        "Alarms, calls, s and USD are those of one review, on average." if rows else "",
        _listed("Found now:", _missed_only(old, new, both)),
        _listed("Lost:", _missed_only(new, old, both)),
        _listed("Not compared:", alone),
    ]
    if old.judge_model != new.judge_model:
        parts.append("The two runs had different judges, so only the figures by lines can be compared (--format json).")
    return "\n\n".join(part for part in parts if part) + "\n"


def rate(value: float | None) -> str:
    """Return a rate as a percentage."""
    return "-" if value is None else f"{100 * value:.1f}"


def _row(row: ScoreRow) -> tuple[str, ...]:
    counts = row.judged
    scored = row.unscored < row.reviews
    numbers = (counts.found, counts.missed, counts.traps, counts.repeats, counts.others, counts.refactorings)
    shown = [str(number) if scored else "-" for number in numbers]
    name = f"{row.name} ({row.unscored} of {row.reviews} without score)" if row.unscored else row.name
    usage = row.bill
    tokens = usage.prompt_tokens + usage.completion_tokens
    figures = (str(usage.calls), str(row.chain), f"{tokens:,}", _usd(usage), f"{row.seconds:.1f}")
    return (name, *shown, *_rates(counts), "|", *_rates(row.lines), "|", *figures)


def _rates(counts: Counts) -> tuple[str, str, str]:
    return rate(counts.recall), rate(counts.precision), rate(counts.f1)


def _usd(usage: Usage, reviews: int = 1) -> str:
    return "?" if usage.cost_usd is None else f"{usage.cost_usd / reviews:.4f}"


def _usage_line(what: str, usage: Usage) -> str:
    if not usage.calls:
        return ""
    tokens = usage.prompt_tokens + usage.completion_tokens
    return f"The {what}'s own: {_count(usage.calls, 'call')}, {tokens:,} tokens, {_usd(usage)} USD"


def _spread(run: EvaluationRun) -> str:
    """Return how far the attempts differ; empty for one attempt."""
    attempts = rows_by(run, "attempt")
    if len(attempts) < 2:
        return ""
    rows = [("spread", "lowest", "mean", "highest")]
    for name in ("recall", "precision", "f1"):
        values = [value for row in attempts if (value := getattr(row.judged, name)) is not None]
        shown = (min(values), statistics.mean(values), max(values)) if values else (None, None, None)
        rows.append((name, *map(rate, shown)))  # type: ignore[arg-type]
    return _table(rows)


def _ranking(run: EvaluationRun) -> str:
    """Return where the known defects stand among the findings, what else was published, and what the model read."""
    found = ranking_of(run.results)
    if not found.published and not found.known:
        return ""
    lookups = sum((result.lookups for result in run.results), LookupCounts())
    tokens = ", ".join(f"{kind} {count:,}" for kind, count in shown_tokens(run.results).items() if count)
    usage = sum((result.bill for result in run.results), Usage())
    share = _share(usage.cached_tokens, usage.prompt_tokens)
    cached = f"{usage.cached_tokens:,} of {usage.prompt_tokens:,} ({share})"
    first = (found.first_3, found.first_5, found.first_10)
    counts, shares = (", ".join(map(str, first)), ", ".join(_share(number, found.known) for number in first))
    published = f"{found.wanted} of {_count(found.published, 'published finding')}"
    lines = [
        f"Known defects among the first 3, 5 and 10 findings: {counts} of {found.known} ({shares})",
        f"Wanted: {published} ({_share(found.wanted, found.published)}), {found.distinct} of them distinct",
        f"Root causes said twice: {found.twice}",
        f"Lookups: {lookups.asked} in {_count(lookups.rounds, 'round')}, {lookups.wasted} of them wasted",
        f"Tokens shown, estimated: {tokens}" if tokens else "",
        f"Prompt tokens read from the service's cache: {cached}",
    ]
    return "\n".join(line for line in lines if line)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _is_alarm(finding: PublishedFinding) -> bool:
    return finding.outcome in (FindingOutcome.TRAP, FindingOutcome.REPEAT, FindingOutcome.OTHER)


def _alarm(result: CaseResult, finding: PublishedFinding) -> str:
    which = f"{finding.outcome} {finding.known}".rstrip()
    return f"{_title(result)}: {finding.path}:{finding.last} {finding.title} [{which}]"


def _named(result: CaseResult, known: str) -> str:
    return f"{_title(result)}: {known}"


def _title(result: CaseResult) -> str:
    return result.case if result.attempt == 1 else f"{result.case} #{result.attempt}"


def _label(run: EvaluationRun) -> str:
    return f"{run.model} ({_count(len(run.results), 'review')}, judged by {run.judge_model})"


def _compared(old: ScoreRow, new: ScoreRow) -> tuple[str, ...]:
    cells = [new.name]
    for name in ("recall", "precision", "f1"):
        before, after = getattr(old.judged, name), getattr(new.judged, name)
        change = "" if before is None or after is None else _signed(100 * (after - before), 1)
        cells += [f"{rate(before)} -> {rate(after)}", change]
    # Per review, because the runs may have different numbers of attempts.
    for before, after in (
        (old.judged.alarms / old.reviews, new.judged.alarms / new.reviews),
        (old.bill.calls / old.reviews, new.bill.calls / new.reviews),
        (old.seconds / old.reviews, new.seconds / new.reviews),
    ):
        cells += [f"{before:.1f} -> {after:.1f}", _signed(after - before, 1)]
    return (*cells, f"{_usd(old.bill, old.reviews)} -> {_usd(new.bill, new.reviews)}")


def _signed(number: float, digits: int) -> str:
    return f"{number:+.{digits}f}" if round(number, digits) else "="


def _missed_only(run: EvaluationRun, other: EvaluationRun, cases: Sequence[str]) -> list[str]:
    """Return the defects that `run` missed in some review and `other`, which scored the case, in none."""
    scored = {result.case for result in other.results if result.judged}
    missed = {(result.case, known) for result in other.results for known in result.missed}
    gone = {
        (result.case, known): None
        for result in run.results
        for known in result.missed
        if result.case in cases and result.case in scored and (result.case, known) not in missed
    }
    return [f"{case}: {known}" for case, known in gone]


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)]) if lines else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Align the columns, names left and figures right; an empty row becomes a line."""
    widths = [max(len(row[column]) for row in rows if row) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        if not row:
            lines.append("-" * (sum(widths) + 2 * (len(widths) - 1)))
            continue
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
