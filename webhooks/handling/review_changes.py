"""The paid part of a job: which files of the pull request are looked at, and what is found in them.

Promises: a file whose own change is the same to the byte as when it was reviewed is not paid for again, and any other
is; an earlier finding is judged again only where its code changed; what is spent stays within the repository's budget.
Never writes to GitHub.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from reviewer.diff.model import Diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import SETTINGS_PATH, FailLevel, Settings
from reviewer.errors import ReviewerError
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt, Reply
from reviewer.tasks.planning.file_filter import select
from reviewer.tasks.recheck import OpenFinding, Rechecked, recheck
from reviewer.tasks.review import LONGEST_CHAIN, ReviewOptions, review
from reviewer.tasks.suggest_tests import suggest_tests
from reviewer.testgen.evidence import GeneratedTests, NotRun
from reviewer.testgen.merge import with_proven
from webhooks.events.commands import Command
from webhooks.events.deliveries import Job
from webhooks.github.repository import Pull, Repository
from webhooks.handling.budgets import KEPT_BY_THE_APP, Spent, is_kept_elsewhere, remaining_budget
from webhooks.handling.fetch import FetchedPull, change_of
from webhooks.publishing.commit_tests import is_own
from webhooks.publishing.incremental import changed_blobs, changed_files, digests, file_digest
from webhooks.publishing.ledger import PostedState, current_ledger, outstanding
from webhooks.publishing.markers import FindingStatus, Ledger, LedgerEntry
from webhooks.publishing.plan import ReviewResult
from webhooks.publishing.summary import ReviewScope

#: Suggests tests for a change and runs them. Never on a server.
Prove = Callable[[Change, Settings, Pull], GeneratedTests | NotRun]

#: What is said where tests were asked for and nothing may be run.
_NOT_RUN = (
    "The suggested tests were not run: the App runs no code of a pull request, the Action does on Linux, in a sandbox. "
    "With it in a workflow, `/tests` runs them."
)


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job is carried out with.

    `wanted` is asked before each batch of paid calls and before posting; `salt` keys the prompts' fences;
    `cost_per_thousand` is as in `ReviewOptions`; `again` says that the job was begun before; `fail_level` overrides the
    repository's; `spent` is the ledger, where there is one; `prove` runs suggested tests, where that may be done.
    """

    repository: Repository
    ask: Ask
    salt: bytes
    wanted: Callable[[], bool] = lambda: True
    cost_per_thousand: Decimal | None = None
    again: bool = False
    fail_level: FailLevel | None = None
    spent: Spent | None = None
    prove: Prove | None = None


class BudgetSpent(ReviewerError):
    """The repository allows no more reviews for now."""


class Superseded(Exception):
    """A newer head or an operator made the job moot: `means.ask` may raise it while it waits."""


def already_published(job: Job, pull: Pull, fetched: FetchedPull, before: PostedState) -> ReviewScope | None:
    """Return the extent of this very job where it has written its summary and left nothing out, else None."""
    known = before.ledger
    if known is None or (known.job, known.head) != (job.key, pull.head_sha) or known.files is None:
        return None
    chosen, _ = select(fetched.diff, fetched.settings.review)
    if changed_files(Diff(chosen), known.files).files:
        return None
    return ReviewScope(reviewed=len(chosen), fresh=0)


def review_changes(job: Job, means: JobContext, pull: Pull, fetched: FetchedPull, before: PostedState) -> ReviewResult:
    """Review what changed since the last review, and judge again what was found where its code changed.

    `/review` and `/refactor` have the whole pull request reviewed. Raises ModelError, BudgetSpent and Superseded.
    """
    settings = within_budget(means, pull, fetched.settings)
    known = before.ledger if job.command in (None, Command.TESTS) else None
    change = change_of(means.repository, pull, fetched)
    part = _changed(means.repository, pull, fetched.diff, known)
    ask = stop_when_moot(means)
    tested = _tested(job, means, pull, change, settings)
    wish = ReviewOptions(
        tests=settings.tests.suggest and not isinstance(tested, GeneratedTests) and job.command is not Command.TESTS,
        deeper=job.command is Command.REFACTOR,
        # One call more may follow: whether earlier findings are still there.
        chain=LONGEST_CHAIN - any(one.status is FindingStatus.OPEN for one in current_ledger(before)),
        cost_per_thousand=means.cost_per_thousand,
    )
    made = review(replace(change, diff=part), settings, ask, salt=means.salt, wish=wish)
    made = _with_tests(job, made, tested, change, settings, means)
    again = _rejudged(change, made, settings, ask, before, means.salt)
    made = replace(
        made,
        notes=(*made.notes, *again.notes, *_notes(means, pull, fetched)),
        usage=made.usage + again.usage,
        models=tuple(sorted({*made.models, *again.models})),
        chain=made.chain + again.chain,
    )
    left_out = {one.path for one in made.skipped}
    done = [file for file in select(fetched.diff, settings.review)[0] if file.path not in left_out]
    extent = ReviewScope(
        reviewed=len(done),
        fresh=made.files_reviewed,
        since=known.head if known else "",
        digests={file.path: base64.b64encode(d).decode() for file in done if (d := file_digest(file)) is not None},
        total_usd=means.spent(pull.number, 0.0) if means.spent else None,
    )
    return ReviewResult(made, fetched.diff, extent, digests(done), again.gone, fetched.problems)


def _tested(
    job: Job, means: JobContext, pull: Pull, change: Change, settings: Settings
) -> GeneratedTests | NotRun | None:
    """Suggest tests and run them, where that was asked for and can be done."""
    if job.command is Command.TESTS:
        return means.prove(change, settings, pull) if means.prove else NotRun(_NOT_RUN)
    if means.prove is None or job.command or not settings.tests.auto:
        return None
    # Our own tests on the head are reviewed like any other code, but asking for more of them would go on for ever.
    newest = means.repository.branches(pull.head_repository).commits(pull.head_sha, 1) if pull.head_repository else []
    return None if newest and is_own(newest[0].message) else means.prove(change, settings, pull)


def _with_tests(
    job: Job,
    made: Review,
    tested: GeneratedTests | NotRun | None,
    change: Change,
    settings: Settings,
    means: JobContext,
) -> Review:
    """Return the review with the tests that were run; where some were asked for and none could be run, as text."""
    if tested is None:
        return made
    if isinstance(tested, NotRun) and job.command is Command.TESTS:
        text = suggest_tests(change, settings, stop_when_moot(means), salt=means.salt)
        made = replace(
            made,
            tests=text.tests,
            rejected=(*made.rejected, *text.rejected),
            notes=(*made.notes, *text.notes),
            usage=made.usage + text.usage,
            models=tuple(sorted({*made.models, *text.models})),
        )
    done = with_proven(made, tested)
    if job.argument:  # they are going to be added as files: offered at the end of another they would stand twice
        done = replace(done, tests=tuple(replace(test, appendix=None) for test in done.tests))
    return done


def _changed(repository: Repository, pull: Pull, diff: Diff, known: Ledger | None) -> Diff:
    """Return the part of the diff that was not reviewed yet, as it is now."""
    if known is None:
        return diff
    if known.files is not None:
        return changed_files(diff, known.files)
    then, now = repository.blobs(known.head), repository.blobs(pull.head_sha)
    return diff if then is None or now is None else changed_blobs(diff, then, now)


def _rejudged(
    change: Change, made: Review, settings: Settings, ask: Ask, before: PostedState, salt: bytes
) -> Rechecked:
    """Ask about the open findings whose code changed and that the review did not find again."""
    entries = current_ledger(before)
    found = (*made.findings, *made.below)
    texts = {thread.comment_id: _words(thread.body) for thread in before.threads}
    asked = [_as_standing(one, texts.get(one.comment_id, "")) for one in outstanding(entries, found, change.diff)]
    return recheck(change, asked, settings, ask, salt=salt)


def _as_standing(entry: LedgerEntry, body: str) -> OpenFinding:
    return OpenFinding(
        key=entry.fingerprint,
        path=entry.path,
        line=entry.line,
        category=entry.category,
        severity=entry.severity,
        title=entry.title,
        body=body,
        quote=entry.quote,
    )


def _words(comment: str) -> str:
    """Return the explanation in a comment of ours: without its title, suggestion and mark."""
    lines = comment.replace("\r\n", "\n").strip().split("\n")[1:]
    if lines and lines[-1].startswith("<!-- reviewer:"):
        lines = lines[:-1]
    return "\n".join(lines).partition("\n```suggestion")[0].strip()


def within_budget(means: JobContext, pull: Pull, settings: Settings) -> Settings:
    """Return the settings with what is left as the ceiling of this review. Raises BudgetSpent when nothing is."""
    if means.spent is None:
        return settings
    left, name = remaining_budget(settings.budget, means.spent, pull.number, datetime.now(UTC))
    if left is not None and left <= 0:
        raise BudgetSpent(f"The budget `budget.{name}` of this repository is spent. Raise it in {SETTINGS_PATH}.")
    return settings.model_copy(update={"budget": settings.budget.model_copy(update={"per_review_usd": left})})


def _notes(means: JobContext, pull: Pull, fetched: FetchedPull) -> list[str]:
    """Return what else a reader must know of what was not done."""
    notes = []
    given, changed = len(fetched.diff.files), pull.changed_files or 0
    if given < changed:
        # https://docs.github.com/rest/pulls/pulls#list-pull-requests-files: at most 3,000
        notes.append(f"GitHub gave only {given:,} of {changed:,} changed files; the others were not reviewed.")
    if means.spent is None and is_kept_elsewhere(fetched.settings.budget):
        notes.append(KEPT_BY_THE_APP)
    return notes


def stop_when_moot(means: JobContext) -> Ask:
    """Return `ask` that stops before a paid batch when the job is no longer wanted."""

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        if not means.wanted():
            raise Superseded
        return means.ask(prompts)

    return ask
