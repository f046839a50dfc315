"""`/cost`: calls, tokens and dollars on this pull request, and what is left of each ceiling."""

from __future__ import annotations

from decimal import Decimal

from reviewer.output.wording import cost_text
from reviewer.safety.code_blocks import code_span
from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.base_files import read_base
from webhooks.handling.job_context import JobContext, under_ceilings
from webhooks.handling.job_outcome import JobOutcome
from webhooks.handling.money.report import spending_report
from webhooks.publishing.text import count_noun


def handle(job: Job, context: JobContext, pull: Pull) -> JobOutcome:
    """Answer from the record of what was spent. Amounts that are about more than this repository are not told."""
    settings = read_base(context.repository, pull, ()).settings
    rows = ["| ceiling | limit | spent | left |", "|---|---|---|---|"]
    limit = settings.budget.per_review_usd
    rows.append(_row("`budget.per_review_usd`, one review", "none" if limit is None else cost_text(limit), "", ""))
    report = spending_report(under_ceilings(context, job, pull, settings).purse)
    if report is None:
        text = "There is no record here of what was spent: each review names its own cost."
        return JobOutcome.answered(pull.head_sha, f"{text}\n\n" + "\n".join(rows))
    for state in report.ceilings:
        ceiling = state.ceiling
        name = f"{code_span(ceiling.key)}, {ceiling.covers}"
        if ceiling.is_shared:
            rows.append(_row(name, "set by the operator", "", "nothing" if state.left <= 0 else "some"))
        else:
            rows.append(_row(name, cost_text(ceiling.limit.usd), cost_text(state.spent), cost_text(state.left)))
    used = report.on_pull
    total = cost_text(used.cost_usd or Decimal(0))
    first = (
        f"This pull request so far: {count_noun(used.calls, 'call')} to the model, {used.prompt_tokens:,} tokens read, "
        f"{used.completion_tokens:,} written, {total}."
    )
    return JobOutcome.answered(pull.head_sha, f"{first}\n\n" + "\n".join(rows))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
