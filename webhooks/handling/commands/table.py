"""The table of commands. To add one, write its module in one of the folders beside this one, and a row here."""

from __future__ import annotations

from webhooks.events.commands import CommandSyntax, Takes
from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.commands.answering import ask, ci, describe, explain
from webhooks.handling.commands.command import Command, Who
from webhooks.handling.commands.proving import fix, prove
from webhooks.handling.commands.reviewing import refactor, review, tests
from webhooks.handling.commands.steering import config, cost, help_text, pause, resume
from webhooks.handling.commands.threads import dismiss, resolve
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome

__all__ = ["COMMANDS", "SYNTAX", "Command", "Who", "command_named"]


def _help(job: Job, context: JobContext, pull: Pull) -> JobOutcome:
    return help_text.handle(job, context, pull, COMMANDS)


COMMANDS: tuple[Command, ...] = (
    Command(
        CommandSyntax("review", words=frozenset({"", "full"}), takes=Takes.PATHS, label="reviewer: review"),
        "`/review`, `/review full`, `/review PATH...`",
        "review what is new since the last review, everything again, or only these paths",
        Who.WRITERS,
        review.handle,
    ),
    Command(
        CommandSyntax("refactor", takes=Takes.PATHS),
        "`/refactor [PATH...]`",
        "look for simpler code, everywhere or in these paths",
        Who.WRITERS,
        refactor.handle,
    ),
    Command(
        CommandSyntax("tests", words=frozenset({"", "commit", "pull"}), takes=Takes.PATHS, label="reviewer: tests"),
        "`/tests [PATH...]`, `/tests commit`, `/tests pull`",
        "suggest unit tests and run them where possible; add those that ran to the branch, or in a pull request",
        Who.WRITERS,
        tests.handle,
    ),
    Command(
        CommandSyntax("prove"),
        "`/prove`",
        "in a thread: show the finding by a test that fails, and its fix by tests that pass",
        Who.WRITERS,
        prove.handle,
        in_thread=True,
        says_so=True,
    ),
    Command(
        CommandSyntax("fix", words=frozenset({"", "all", "pull"})),
        "`/fix`, `/fix all`, `/fix pull`",
        "in a thread, or for all findings: commit the fix that tests demonstrate, to the branch or in a pull request",
        Who.WRITERS,
        fix.handle,
        says_so=True,
    ),
    Command(
        CommandSyntax("ask", takes=Takes.TEXT),
        "`/ask QUESTION`",
        "answer a question about the change; in a thread, about that thread",
        Who.ASKERS,
        ask.handle,
        when_closed=True,
        says_so=True,
    ),
    Command(
        CommandSyntax("explain", takes=Takes.REMARK),
        "`/explain`",
        "in a thread: show step by step how the finding fails, or withdraw it",
        Who.AUTHOR,
        explain.handle,
        in_thread=True,
        says_so=True,
    ),
    Command(
        CommandSyntax("dismiss", words=frozenset({"", "all"}), takes=Takes.REMARK),
        "`/dismiss [REASON]`, `/dismiss all`",
        "in a thread: never report the finding again; with `all`: none of those that are open",
        Who.AUTHOR,
        quick=dismiss.handle,
    ),
    Command(
        CommandSyntax("resolve"),
        "`/resolve`",
        "resolve our threads whose findings are fixed, dismissed or withdrawn",
        Who.WRITERS,
        quick=resolve.handle,
        when_closed=True,
    ),
    Command(
        CommandSyntax("pause"),
        "`/pause`",
        "stop automatic reviews of this pull request",
        Who.WRITERS,
        quick=pause.handle,
    ),
    Command(
        CommandSyntax("resume"),
        "`/resume`",
        "start automatic reviews again",
        Who.WRITERS,
        quick=resume.handle,
    ),
    Command(
        CommandSyntax("cost"),
        "`/cost`",
        "calls, tokens and dollars on this pull request, and what is left of each ceiling",
        Who.WRITERS,
        quick=cost.handle,
        when_closed=True,
    ),
    Command(
        CommandSyntax("config"),
        "`/config`",
        "the settings in force, and where each comes from",
        Who.READERS,
        quick=config.handle,
        when_closed=True,
    ),
    Command(
        CommandSyntax("ci"),
        "`/ci`",
        "why the checks are red, and what it has to do with this change",
        Who.AUTHOR,
        ci.handle,
        says_so=True,
    ),
    Command(
        CommandSyntax("describe"),
        "`/describe`",
        "a title, a summary, the risk and a reading order for whoever reviews",
        Who.WRITERS,
        describe.handle,
        says_so=True,
    ),
    Command(
        CommandSyntax("help"),
        "`/help`",
        "this list",
        Who.READERS,
        quick=_help,
        when_closed=True,
    ),
)

#: How each command is written, for `webhooks.events.deliveries.decide`.
SYNTAX = tuple(command.syntax for command in COMMANDS)


def command_named(name: str) -> Command | None:
    """Return the command of that name, or None."""
    return next((command for command in COMMANDS if command.name == name), None)
