"""Answer in the thread of a finding, and act on the verdict: the finding stands, or it is withdrawn.

Promises: nobody passes the gate on their own word: what somebody without write access says withdraws a finding only
where the model also finds the bare claim refuted, without having read the thread. With `review.replies: read-only` an
answer changes nothing.
"""

from __future__ import annotations

from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.errors import ReviewerError
from reviewer.llm.usage import Usage
from reviewer.output.wording import usage_text
from reviewer.safety.code_blocks import suggestion_block
from reviewer.safety.markdown import neutralise
from reviewer.tasks.answer_thread import ThreadAnswer, ThreadTalk, ThreadTurn, answer_thread
from reviewer.tasks.recheck import OpenFinding, recheck
from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.conversation.agreement import only_agrees
from webhooks.handling.conversation.dismissal import settle_dismissal
from webhooks.handling.conversation.links import with_links
from webhooks.handling.conversation.threads import FindingThread, read_thread
from webhooks.handling.failures import ended_early, fetch_or_report
from webhooks.handling.fetch import FetchedPull, change_of
from webhooks.handling.job_context import JobContext, Superseded, ask_while_wanted, under_ceilings, within_budget
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.handling.reading.posted_review import read_posted_review
from webhooks.publishing.bodies.reply import with_footer
from webhooks.publishing.markers.finding import withdrawn_marker
from webhooks.publishing.markers.syntax import without_outer_markers
from webhooks.publishing.people.dismissals import is_dismissal
from webhooks.publishing.people.learning.learn import learn

_WRITERS = frozenset({"admin", "write"})

#: The reason of an outcome whose answer withdraws the finding.
WITHDRAWN = "withdrawn"

_NOT_CONFIRMED = (
    "A second look at the finding alone did not confirm that, so it still counts. Somebody with write access can "
    "dismiss it."
)
_GONE = "This is not the thread of a finding of mine."


def answer_in_thread(job: Job, context: JobContext, pull: Pull) -> JobOutcome:
    """Answer what somebody wrote in the thread of a finding; agreement and a dismissal get no more than a reaction."""
    if is_dismissal(job.argument):
        return settle_dismissal(job, context, pull)
    if only_agrees(job.argument):
        return JobOutcome(JobEnding.ANSWERED, "agreement", pull.head_sha, reaction="+1")
    fetched = fetch_or_report(job, context, pull)
    if isinstance(fetched, JobOutcome):
        return fetched
    return talk_in_thread(job, under_ceilings(context, job, pull, fetched.settings), pull, fetched)


def talk_in_thread(
    job: Job, context: JobContext, pull: Pull, fetched: FetchedPull, *, explain: bool = False, question: str = ""
) -> JobOutcome:
    """Let the model answer in the thread, and withdraw the finding if that is its verdict."""
    thread = read_thread(context.repository, pull.number, job.thread or 0)
    if thread is None:
        return JobOutcome(JobEnding.IGNORED, "the thread is gone", pull.head_sha, reply=_GONE)
    try:
        settings = within_budget(context, pull, fetched.settings)
        change = change_of(context.repository, pull, fetched)
        talk = _talk(thread, explain=explain, question=question)
        ask = ask_while_wanted(context)
        answer = answer_thread(change, settings, talk, ask, salt=context.salt)
        doubt, usage = _doubt(job, context, change, settings, talk, answer)
    except (Superseded, ReviewerError) as error:
        return ended_early(job, context, pull, error)
    withdraws = answer.withdrawn and not doubt and settings.review.replies != "read-only"
    text = _text(job, pull, change, answer, usage, doubt, withdraws=withdraws)
    review = Review(summary="", usage=answer.usage + usage, models=answer.models)
    return JobOutcome.answered(pull.head_sha, text, reason=WITHDRAWN if withdraws else "", usage=review)


def _talk(thread: FindingThread, *, explain: bool, question: str) -> ThreadTalk:
    entry = thread.finding
    finding = OpenFinding(
        key=entry.fingerprint,
        path=entry.path,
        line=thread.root.lines_now[1] if thread.root.lines_now else entry.line,
        category=entry.category,
        severity=entry.severity,
        title=entry.title,
        body=entry.explanation,
        quote=entry.quote,
    )
    turns = tuple(ThreadTurn(without_outer_markers(answer.body), thread.is_ours(answer)) for answer in thread.answers)
    lines = thread.root.lines_now if thread.root.side == "RIGHT" else None
    return ThreadTalk(finding, turns, explain, question, lines)


def _doubt(
    job: Job, context: JobContext, change: Change, settings: Settings, talk: ThreadTalk, answer: ThreadAnswer
) -> tuple[str, Usage]:
    """Return why the withdrawal does not count, and what it cost to find out; an empty text where it does.

    A person with write access may dismiss a finding anyway. For others the bare claim is judged once more.
    """
    if not answer.withdrawn or context.repository.permission(job.actor or "") in _WRITERS:
        return "", Usage()
    judged = recheck(change, [talk.finding], settings, ask_while_wanted(context), salt=context.salt)
    if talk.finding.key in judged.gone:
        return "", judged.usage
    return _NOT_CONFIRMED, judged.usage


def _text(
    job: Job, pull: Pull, change: Change, answer: ThreadAnswer, usage: Usage, doubt: str, *, withdraws: bool
) -> str:
    parts = [with_links(neutralise(answer.text), change, pull)]
    if answer.suggestion is not None:
        parts.append(suggestion_block(answer.suggestion))
    if doubt:
        parts.append(doubt)
    if withdraws:
        parts.append("**Withdrawn**: this finding is not reported again.")
    text = with_footer("\n\n".join(parts), usage_text(answer.usage + usage, answer.models))
    # The reply's own marker follows as the last line.
    return f"{text}\n\n{withdrawn_marker(job.key, 1)}" if withdraws else text


def close_withdrawn(context: JobContext, job: Job) -> None:
    """Say in the summary and the check that the finding of the job's thread is withdrawn, and resolve the thread."""
    pull = context.repository.pull(job.number)
    review = read_posted_review(context, pull)
    review.write(context, pull, review.ledger)
    learn(context.repository, context.memory, pull, review.settings, review.ledger.entries)
    thread = next((thread for thread in review.posted.threads if thread.comment_id == job.thread), None)
    if thread is not None and thread.node_id and thread.resolved_by == "":
        context.repository.resolve(thread.node_id)
