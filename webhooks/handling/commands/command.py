"""What a command is: how it is written, who may use it, and what carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from webhooks.events.commands import CommandSyntax
from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome

#: Carries out a command that needs the change. Raises GitHubError, which `webhooks.handling.handle` turns into an
#: outcome or passes on.
Handler = Callable[[Job, JobContext, Pull, FetchedPull], JobOutcome]

#: Carries out a command that needs neither the change nor the settings.
QuickHandler = Callable[[Job, JobContext, Pull], JobOutcome]


class Who(StrEnum):
    """Who may use a command, by GitHub's collaborator permission. Whoever may write may use every command.

    `ASKERS` are those whom the setting `review.ask` names.
    """

    WRITERS = "people with write access to this repository"
    AUTHOR = "people with write access to this repository, or the author of the pull request"
    ASKERS = "people with write access to this repository (`review.ask` in the settings can let others ask)"
    READERS = "everybody who can read this repository"


@dataclass(frozen=True, slots=True)
class Command:
    """One command. One of `handler` and `quick` carries it out.

    `summary` says in one line what it does, `usage` how it is written. `in_thread`: it is about the finding of a
    thread; `when_closed`: it also makes sense on a closed pull request. `says_so`: while it runs, its reply says so.
    """

    syntax: CommandSyntax
    usage: str
    summary: str
    who: Who
    handler: Handler | None = None
    quick: QuickHandler | None = None
    in_thread: bool = False
    when_closed: bool = False
    says_so: bool = False

    @property
    def name(self) -> str:
        """The word after the slash."""
        return self.syntax.name
