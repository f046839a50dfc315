"""The paid part of a job: choose which files of the pull request are reviewed, review them, and check earlier findings.

Promises: a file whose own change is the same to the byte as when it was reviewed is not paid for again, and any other
is; an earlier finding is checked again only where its code changed; the cost stays within the repository's budget.
Never writes to GitHub.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace

from reviewer.demonstration.request import DemonstrationRequest
from reviewer.diff.model import Diff, FileDiff
from reviewer.domain.change import Change
from reviewer.domain.findings import Review, needless_kinds
from reviewer.domain.path_patterns import PathPatterns
from reviewer.domain.settings import Settings
from reviewer.llm.messages import Ask
from reviewer.tasks.planning.file_filter import select
from reviewer.tasks.recheck import OpenFinding, Rechecked, recheck
from reviewer.tasks.review import LONGEST_CHAIN, ReviewOptions, review
from reviewer.tasks.suggest_tests import suggest_tests
from reviewer.testgen.evidence import GeneratedTests, NotRun
from reviewer.testgen.merge import with_proven
from webhooks.events.deliveries import Job
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.handling.fetch import FetchedPull, change_of
from webhooks.handling.job_context import JobContext, ask_while_wanted, within_budget
from webhooks.handling.money.ceilings import NOT_KEPT
from webhooks.handling.money.report import spent_on_pull
from webhooks.publishing.incremental import changed_blobs, changed_files, digests, file_digest, with_changed_bases
from webhooks.publishing.ledger import PostedState, current_ledger, outstanding
from webhooks.publishing.markers.ledger_entries import FindingStatus, LedgerEntry
from webhooks.publishing.markers.summary import Ledger
from webhooks.publishing.plan import ReviewResult
from webhooks.publishing.review_scope import ReviewScope
from webhooks.publishing.suggested_tests.commit_tests import is_own

#: The note where somebody asked for tests and no code may be run.
_NOT_RUN = (
    "The suggested tests were not run: the App never runs code of a pull request. The Action runs them on Linux, in a "
    "sandbox: with it in a workflow, comment `/tests`."
)


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """What a review is asked to do.

    `is_automatic`: nobody asked for it in person. `everything`: files that were reviewed before are reviewed again.
    `deeper`: look for simpler code everywhere. `tests`: suggest tests and run them, whatever the settings say.
    `paths`: patterns of the only files that this is about, whether or not they were reviewed before; none: all files.
    `afterwards` is called with the review when all is posted; it adds the suggested tests as files.
    """

    is_automatic: bool = False
    everything: bool = False
    deeper: bool = False
    tests: bool = False
    paths: tuple[str, ...] = ()
    afterwards: Callable[[Review], None] | None = None


def already_published(job: Job, pull: Pull, fetched: FetchedPull, before: PostedState) -> ReviewScope | None:
    """Return the scope of this very job if its summary is posted and no file is missing from it, else None."""
    ledger = before.ledger
    if ledger is None or (ledger.job, ledger.head) != (job.key, pull.head_sha) or ledger.files is None:
        return None
    if _new_base(ledger, pull):
        return None
    chosen, skipped = select(fetched.diff, fetched.settings.review)
    if changed_files(Diff(chosen), ledger.files).files:
        return None
    total = max(len(fetched.diff.files), pull.changed_files or 0)
    needless = "" if chosen else needless_kinds(skipped)
    return ReviewScope(reviewed=len(chosen), fresh=0, total=total, needless=needless)


def review_changes(
    request: ReviewRequest, context: JobContext, pull: Pull, fetched: FetchedPull, before: PostedState
) -> ReviewResult:
    """Review what changed since the last review, and check earlier findings again where their code changed.

    Raises ModelError, BudgetSpent and Superseded.
    """
    settings = within_budget(context, pull, fetched.settings)
    ledger = None if request.everything else before.ledger
    change = change_of(context.repository, pull, fetched)
    part = _part(request, context.repository, pull, fetched.diff, ledger)
    ask = ask_while_wanted(context)
    tested = _tested(request, context, pull, _of_paths(change, request), settings)
    options = ReviewOptions(
        tests=settings.tests.suggest and not isinstance(tested, GeneratedTests) and not request.tests,
        deeper=request.deeper,
        # One call more may follow, or what is left: whether earlier findings are still there.
        chain=LONGEST_CHAIN - any(entry.status is FindingStatus.OPEN for entry in current_ledger(before)),
        cost_per_thousand=context.cost_per_thousand,
    )
    result = review(replace(change, diff=part), settings, ask, salt=context.salt, options=options)
    result = _with_tests(request, result, tested, _of_paths(change, request), settings, context)
    if context.demonstrate is not None:
        demonstration = DemonstrationRequest(settings.tests.demonstrate)
        result = context.demonstrate(result, replace(change, diff=part), settings, pull, demonstration)
    rechecked = _recheck(change, result, settings, ask, before, context.salt)
    result = replace(
        result,
        notes=(*result.notes, *rechecked.notes, *_notes(context, pull, fetched)),
        usage=result.usage + rechecked.usage,
        models=tuple(sorted({*result.models, *rechecked.models})),
        chain=result.chain + rechecked.chain,
    )
    return _review_result(request, result, context, pull, fetched, settings, before, rechecked.gone)


def _review_result(
    request: ReviewRequest,
    result: Review,
    context: JobContext,
    pull: Pull,
    fetched: FetchedPull,
    settings: Settings,
    before: PostedState,
    gone: frozenset[str],
) -> ReviewResult:
    """Return the review with its scope: the files that are reviewed by now, before or in this run."""
    paths = request.paths
    ledger = before.ledger if paths or not request.everything else None
    skipped = {file.path for file in result.skipped if not file.is_unanswered}
    unanswered = {file.path for file in result.skipped if file.is_unanswered}
    chosen = [file for file in select(fetched.diff, settings.review)[0] if file.path not in skipped]
    answered = [file for file in chosen if file.path not in unanswered]
    reviewed = [file for file in answered if not paths or PathPatterns(paths)(file.path) or _is_known(file, ledger)]
    digest_by_path = {file.path: digest for file in reviewed if (digest := file_digest(file)) is not None}
    scope = ReviewScope(
        reviewed=len(reviewed),
        fresh=result.files_reviewed,
        since=ledger.head if ledger else "",
        digests={path: base64.b64encode(digest).decode() for path, digest in digest_by_path.items()},
        total_usd=spent_on_pull(context.purse).cost_usd if context.purse else None,
        new_base=_new_base(before.ledger, pull),
        total=max(len(fetched.diff.files), pull.changed_files or 0),
        left_out=len(chosen) - len(reviewed),
        unanswered=len(chosen) - len(answered),
        needless=result.needless,
    )
    return ReviewResult(result, fetched.diff, scope, digests(reviewed), gone, fetched.problems)


def _is_known(file: FileDiff, ledger: Ledger | None) -> bool:
    """Whether the file's change was reviewed before, as far as the ledger remembers."""
    return ledger is not None and ledger.files is not None and file_digest(file) in ledger.files


def _part(request: ReviewRequest, repository: Repository, pull: Pull, diff: Diff, ledger: Ledger | None) -> Diff:
    """Return the part of the diff to review: what is new, or the files that were asked for."""
    if request.paths:
        matches = PathPatterns(request.paths)
        return Diff(tuple(file for file in diff.files if matches(file.path)))
    return _changed(repository, pull, diff, ledger)


def _of_paths(change: Change, request: ReviewRequest) -> Change:
    """Return the change without the files that were not asked for."""
    if not request.paths:
        return change
    matches = PathPatterns(request.paths)
    return replace(change, diff=Diff(tuple(file for file in change.diff.files if matches(file.path))))


def _tested(
    request: ReviewRequest, context: JobContext, pull: Pull, change: Change, settings: Settings
) -> GeneratedTests | NotRun | None:
    """Suggest tests and run them, where that was asked for and is possible."""
    if request.tests:
        return context.prove(change, settings, pull) if context.prove else NotRun(_NOT_RUN)
    if context.prove is None or not request.is_automatic or not settings.tests.auto:
        return None
    # Our own tests are reviewed like any other code, but suggesting tests for them would never end.
    head = pull.head_repository
    newest = context.repository.branches(head).commits(pull.head_sha, 1) if head else []
    return None if newest and is_own(newest[0].message) else context.prove(change, settings, pull)


def _with_tests(
    request: ReviewRequest,
    result: Review,
    tested: GeneratedTests | NotRun | None,
    change: Change,
    settings: Settings,
    context: JobContext,
) -> Review:
    """Return the review with the tests that were run; where some were asked for and none could be run, as text."""
    if tested is None:
        return result
    if isinstance(tested, NotRun) and request.tests:
        suggested = suggest_tests(change, settings, ask_while_wanted(context), salt=context.salt)
        result = replace(
            result,
            tests=suggested.tests,
            rejected=(*result.rejected, *suggested.rejected),
            notes=(*result.notes, *suggested.notes),
            usage=result.usage + suggested.usage,
            models=tuple(sorted({*result.models, *suggested.models})),
        )
    result = with_proven(result, tested)
    if request.afterwards is not None:  # they are added as files, so a comment must not suggest them a second time
        result = replace(result, tests=tuple(replace(test, appendix=None) for test in result.tests))
    return result


def _changed(repository: Repository, pull: Pull, diff: Diff, ledger: Ledger | None) -> Diff:
    """Return the part of the diff that was not reviewed yet, as it is now."""
    if ledger is None:
        return diff
    if ledger.files is not None:
        return changed_files(diff, ledger.files)
    then, now = repository.blobs(ledger.head), repository.blobs(pull.head_sha)
    if then is None or now is None:
        return diff
    part = changed_blobs(diff, then, now)
    if not _new_base(ledger, pull):
        return part
    # The same file is another change against another base.
    then, now = repository.blobs(ledger.base), repository.blobs(pull.base_sha)
    return diff if then is None or now is None else with_changed_bases(part, diff, then, now)


def _new_base(ledger: Ledger | None, pull: Pull) -> str:
    """Return the name of the base branch, if the ledger is of a review against another, else an empty text."""
    if ledger is None or ledger.base_ref == pull.base_ref:
        return ""
    # Older releases kept the base's sha only, which changes with a push or with the branch.
    is_other = ledger.base_ref or (ledger.head == pull.head_sha and ledger.base not in ("", pull.base_sha))
    return pull.base_ref if is_other else ""


def _recheck(
    change: Change, result: Review, settings: Settings, ask: Ask, before: PostedState, salt: bytes
) -> Rechecked:
    """Ask about the open findings whose code changed and that the review did not find again."""
    found = (*result.findings, *result.below)
    entries = outstanding(current_ledger(before), found, change.diff)
    standing = [_open_finding(entry) for entry in entries]
    left = max(0, LONGEST_CHAIN - result.chain - 1)
    return recheck(change, standing, settings, ask, salt=salt, follow_ups=left)


def _open_finding(entry: LedgerEntry) -> OpenFinding:
    return OpenFinding(
        key=entry.fingerprint,
        path=entry.path,
        line=entry.line,
        category=entry.category,
        severity=entry.severity,
        title=entry.title,
        body=entry.explanation,
        quote=entry.quote,
    )


def _notes(context: JobContext, pull: Pull, fetched: FetchedPull) -> list[str]:
    """Return what a reader must know about what was not done."""
    notes = []
    listed, changed = len(fetched.diff.files), pull.changed_files or 0
    if listed < changed:
        # https://docs.github.com/rest/pulls/pulls#list-pull-requests-files: at most 3,000
        notes.append(f"GitHub listed only {listed:,} of {changed:,} changed files; the others were not reviewed.")
    notes += context.purse.stops if context.purse else ()
    budget = fetched.settings.budget
    if context.purse is None and (budget.per_pull_usd is not None or budget.per_month_usd is not None):
        notes.append(NOT_KEPT)
    return notes
