"""The change that is reviewed: its diff, its description and where to read files around it. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reviewer.diff.model import Diff, FileDiff, FileStatus
from reviewer.domain.findings import Preference
from reviewer.domain.formatting import NO_FORMATTING, Formatting
from reviewer.domain.sources import NoSources, Sources

#: Paths in, the text of those files at head out; a file that cannot be read is left out.
ReadHead = Callable[[Sequence[str]], Mapping[str, str]]


#: Files with a repository's guidelines for its code, best first. Read from the base branch only.
GUIDANCE_PATHS = ("AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", "CONTRIBUTING.md")


def unreadable(paths: Sequence[str]) -> Mapping[str, str]:
    """Read nothing: for a diff without its repository."""
    del paths
    return {}


@dataclass(frozen=True, slots=True)
class Guidance:
    """A file with the repository's guidelines for its code, read from the base branch."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class LinkedIssue:
    """An issue of the same repository that the change claims to resolve. Untrusted: anybody may have written it."""

    number: int
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a failed check of the same commit says about changed lines, `first` to `last`. Untrusted."""

    check: str
    path: str
    first: int
    last: int
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change to review. All text in it is untrusted, but for `guidance` and `formatting`, which the base branch has.

    Title, description and `issues` say what the change is meant to do. `head` holds texts of files after the change
    that were read already: the code around a hunk is shown from them. `read_head` reads others, which takes time;
    suggestions are proven against them. `sources` are the rest of the repository; `reports` are what failed checks say
    about changed lines, `preferences` what maintainers do not want to hear; their numbers count from 1.
    """

    diff: Diff
    title: str = ""
    description: str = ""
    guidance: tuple[Guidance, ...] = ()
    head: Mapping[str, str] = field(default_factory=dict)
    read_head: ReadHead = unreadable
    sources: Sources = field(default_factory=NoSources)
    issues: tuple[LinkedIssue, ...] = ()
    formatting: Formatting = NO_FORMATTING
    reports: tuple[CheckReport, ...] = ()
    preferences: tuple[Preference, ...] = ()


def added_text(file: FileDiff) -> str | None:
    """Return the whole text of a file that the change adds; None for other files, whose diff holds only a part."""
    if file.status is not FileStatus.ADDED or file.missing or len(file.hunks) != 1:
        return None
    lines = file.hunks[0].lines
    end = "\n" if lines and lines[-1].newline else ""
    return "\n".join(line.text for line in lines) + end
