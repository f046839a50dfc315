"""What is reviewed, wherever it came from: a diff and what is known around it. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reviewer.diff import Diff

#: Paths in, the text of those files at head out; a file that cannot be read is left out.
ReadHead = Callable[[Sequence[str]], Mapping[str, str]]


#: Where repositories tell how they want their code, best first. Read from the base branch only.
GUIDANCE_PATHS = ("AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", "CONTRIBUTING.md")


def unreadable(paths: Sequence[str]) -> Mapping[str, str]:
    """Read nothing: for a diff that comes without its repository."""
    del paths
    return {}


@dataclass(frozen=True, slots=True)
class Guidance:
    """A file in which the repository tells how it wants its code, read from the base branch."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change to review. All text in it is untrusted, but for `guidance`, which comes from the base branch.

    `read_head` reads files as they are after the change; suggestions are proven against them.
    """

    diff: Diff
    title: str = ""
    description: str = ""
    guidance: tuple[Guidance, ...] = ()
    read_head: ReadHead = unreadable
