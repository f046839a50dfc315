"""The table of commands. To add one, write its module beside this one and a row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from webhooks.events.commands import CommandSyntax
from webhooks.events.deliveries import Job
from webhooks.github.types import Pull
from webhooks.handling.commands import ask, refactor, review, tests
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome

#: Carries a command out. Raises GitHubError, which `webhooks.handling.handle` turns into an outcome or passes on.
Handler = Callable[[Job, JobContext, Pull, FetchedPull], JobOutcome]

#: The collaborator permissions that let somebody use a command which costs money or speaks for the maintainers.
WRITERS = frozenset({"admin", "write"})


@dataclass(frozen=True, slots=True)
class Command:
    """One command: how it is written, what it does in one line, who may use it, and what carries it out."""

    syntax: CommandSyntax
    help: str
    permissions: frozenset[str]
    handler: Handler

    @property
    def name(self) -> str:
        """The word after the slash."""
        return self.syntax.name


COMMANDS = (
    Command(
        CommandSyntax("review", words=frozenset({"", "full"}), label="reviewer: review"),
        "`/review`, or `/review full`: review the whole pull request again, not only what changed since.",
        WRITERS,
        review.handle,
    ),
    Command(
        CommandSyntax("refactor"),
        "`/refactor`: review the whole pull request again, and look for simpler code everywhere in it.",
        WRITERS,
        refactor.handle,
    ),
    Command(
        CommandSyntax("tests", words=frozenset({"", "commit", "pull"}), label="reviewer: tests"),
        "`/tests`: suggest unit tests, and run them where that is possible. `/tests commit`: add those that ran to the "
        "branch. `/tests pull`: add them in a pull request of their own.",
        WRITERS,
        tests.handle,
    ),
    Command(
        CommandSyntax("ask", words=None),
        "`/ask QUESTION`: answer a question about the pull request in a comment.",
        WRITERS,
        ask.handle,
    ),
)

#: How each command is written, for `webhooks.events.deliveries.decide`.
SYNTAX = tuple(command.syntax for command in COMMANDS)


def command_named(name: str) -> Command | None:
    """Return the command of that name, or None."""
    return next((command for command in COMMANDS if command.name == name), None)
