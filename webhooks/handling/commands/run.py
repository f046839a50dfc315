"""Carry out the commands of a comment, a label or a button, one after the other, and reply to the comment.

Promises: nothing is done for somebody who may not (`admission`); each comment ends in a reaction, and where there is
something to say, in one reply. Begun again after a crash, it goes on behind the commands that its reply names as done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reviewer.errors import ReviewerError
from reviewer.safety.code_blocks import code_span
from webhooks.events.commands import Mistake
from webhooks.events.job import Job, Trigger
from webhooks.github.errors import NotFound
from webhooks.github.types import Pull
from webhooks.handling.commands.admission import admit
from webhooks.handling.commands.command import Command
from webhooks.handling.commands.table import command_named
from webhooks.handling.conversation.answer import WITHDRAWN, answer_in_thread, close_withdrawn
from webhooks.handling.failures import fetch_or_report, is_worth_retrying, report_failure
from webhooks.handling.job_context import JobContext, under_ceilings
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.publishing.bodies.command_reply import CommandReply
from webhooks.publishing.publish import PublishResult, ignore_github_errors
from webhooks.telemetry.spans import step

#: The reactions with which a comment ends.
_DONE, _NOT_DONE = "rocket", "confused"


def run_commands(job: Job, context: JobContext) -> JobOutcome:
    """Carry out what the job's comment, label or button asks for. Raises only errors that may pass."""
    repository = context.repository
    try:
        admission = admit(job, repository)
        if admission.job is None:
            return JobOutcome(JobEnding.IGNORED, admission.reason, job.head_sha or "")
        job = admission.job
        if job.comment_id is None:
            return run_command(job, context, repository.pull(job.number), None)
        reply = CommandReply.find(repository, job, again=context.again)
        outcomes = [_answered(job, context, reply, number) for number in range(reply.done, len(job.requests))]
    except NotFound:
        return JobOutcome(JobEnding.IGNORED, "the pull request is gone", job.head_sha or "")
    if not outcomes:
        return JobOutcome(JobEnding.ANSWERED, "answered before")
    _react(job, context, outcomes)
    outcome = _of_all(outcomes)
    return replace(outcome, reason=outcome.reason or reply.refused, sent=_with_address(outcome, reply))


def _answered(job: Job, context: JobContext, reply: CommandReply, number: int) -> JobOutcome:
    """Carry out one command of the comment, and say what came of it."""
    single = job.of_request(number)
    outcome = run_command(single, context, context.repository.pull(job.number), reply)
    text = outcome.reply or _what_happened(single, outcome)
    if outcome.state is JobEnding.FAILED and text and number + 1 == len(job.requests):
        reply.working(text)  # the next try, by an operator or of the workflow, carries it out again
    else:
        reply.say(number + 1, text)
    if outcome.reason == WITHDRAWN and not reply.refused:
        close_withdrawn(context, single)
    return outcome


def run_command(job: Job, context: JobContext, pull: Pull, reply: CommandReply | None) -> JobOutcome:
    """Carry out a single command, or say why it cannot be carried out."""
    if job.mistake is not None:
        return JobOutcome(JobEnding.IGNORED, job.mistake.value, pull.head_sha, reply=_about_mistake(job))
    if job.trigger is Trigger.REPLY:
        return answer_in_thread(job, context, pull)
    command = command_named(job.command or "")
    assert command is not None, "admitted"
    if problem := _why_not_now(job, command, pull):
        return JobOutcome(JobEnding.IGNORED, problem[0], pull.head_sha, reply=problem[1])
    if command.says_so and reply is not None:
        reply.working(f"⏳ Working on {code_span('/' + command.name)} at {pull.head_sha[:7]}.")
    with step("command", reviewer__command=command.name):
        return _carry_out(job, command, context, pull)


def _carry_out(job: Job, command: Command, context: JobContext, pull: Pull) -> JobOutcome:
    if command.quick is not None:
        try:
            return command.quick(job, context, pull)
        except NotFound:  # the pull request, or the comment, is gone
            raise
        except ReviewerError as error:
            if is_worth_retrying(error):
                raise
            return report_failure(job, context, pull, None, error)
    assert command.handler is not None, "a command has a handler"
    fetched = fetch_or_report(job, context, pull)
    if isinstance(fetched, JobOutcome):
        return fetched
    return command.handler(job, under_ceilings(context, job, pull, fetched.settings), pull, fetched)


def _why_not_now(job: Job, command: Command, pull: Pull) -> tuple[str, str] | None:
    """Return in short and in full why the command makes no sense here, or None."""
    name = code_span(f"/{command.name}")
    if pull.state != "open" and not command.when_closed:
        state = "merged or closed"
        return "closed", f"This pull request is {state}: {name} works on open ones. Reopen it, then comment again."
    is_all = job.command == "dismiss" and job.argument == "all"
    if job.thread is None and (command.in_thread or (job.command == "dismiss" and not is_all)):
        hint = " `/dismiss all` is about all open findings." if job.command == "dismiss" else ""
        return "not in a thread", f"{name} is about one finding: write it as an answer in the finding's thread.{hint}"
    return None


def _about_mistake(job: Job) -> str:
    """Return what is said about something that was nearly a command."""
    written, name = code_span(job.argument), code_span(f"/{job.command}")
    command = command_named(job.command or "")
    usage = command.usage if command else name
    if job.mistake is Mistake.MISSPELT:
        return f"{written} is not a command that I know. Did you mean {name}? `/help` lists all of them."
    if job.mistake is Mistake.TOO_MANY:
        return f"{job.argument} commands of this comment were not carried out: write them in another comment."
    if job.mistake is Mistake.NO_TEXT:
        return f"{written} needs a question after it, on the same line or below: {usage}."
    return f"{written} is not understood. It is written {usage}."


def _what_happened(job: Job, outcome: JobOutcome) -> str:
    """Return what is said of a command that says nothing itself: nothing where it was carried out."""
    if outcome.state is JobEnding.SUPERSEDED:
        name = code_span(f"/{job.command}")
        return (
            f"A newer push, or another base, came while {name} was carried out, so nothing was posted for "
            f"{outcome.head_sha[:7]}. Comment {name} again for the newest commit, if it is not reviewed automatically."
        )
    return ""


def _react(job: Job, context: JobContext, outcomes: Sequence[JobOutcome]) -> None:
    """End with a reaction: of several commands, the one that was not carried out decides."""
    comment_id, inline = job.comment_id, job.thread is not None
    if comment_id is None:
        return
    is_done = all(outcome.state in (JobEnding.REVIEWED, JobEnding.ANSWERED) for outcome in outcomes)
    chosen = next((outcome.reaction for outcome in outcomes if outcome.reaction), _DONE if is_done else _NOT_DONE)
    ignore_github_errors(lambda: context.repository.react(comment_id, chosen, inline=inline))


def _of_all(outcomes: Sequence[JobOutcome]) -> JobOutcome:
    """Return the outcome of the job: of the first command that failed, else of the last review, else of the last."""
    failed = [outcome for outcome in outcomes if outcome.state is JobEnding.FAILED]
    reviewed = [outcome for outcome in outcomes if outcome.state is JobEnding.REVIEWED]
    return next(iter((*failed, *reversed(reviewed), outcomes[-1])))


def _with_address(outcome: JobOutcome, reply: CommandReply) -> PublishResult:
    sent = outcome.sent
    return sent if sent.summary_url or not reply.url else replace(sent, summary_url=reply.url)
