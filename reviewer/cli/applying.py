"""`reviewer diff --apply`: write proven suggestions into the working tree, each after a question, like `git add -p`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reviewer.cli.console import say
from reviewer.diff.model import Side
from reviewer.domain.findings import Finding
from reviewer.errors import UnsafePath, UsageError
from reviewer.git.worktree import LocalChange, Worktree
from reviewer.output.wording import count_of, one_line, suggestion_diff

_HELP = """y - apply this suggestion
n - do not apply it
q - quit: apply neither this one nor the rest
a - apply this one and all later ones in this file
d - apply neither this one nor later ones in this file
? - print this help"""

#: Asks a question and returns the answer; "" at the end of the input.
AskPerson = Callable[[str], str]


def check_apply(tree: Worktree, change: LocalChange) -> None:
    """Raise UsageError where suggestions could not be applied, before anything is paid."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("--apply asks about each suggestion, so it needs a terminal.")
    if not tree.holds(change):
        raise UsageError("--apply writes into the files here, and these are not those at the end of the range.")


def ask_person(question: str) -> str:
    """Ask on the terminal."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline()


def apply_suggestions(findings: Sequence[Finding], root: Path, ask: AskPerson) -> int:
    """Ask about each proven suggestion, write those that are accepted, and return how many."""
    chosen = [finding for finding in findings if finding.suggestion is not None and finding.anchor.side is Side.RIGHT]
    chosen.sort(key=lambda finding: (finding.anchor.path, finding.anchor.line))
    if not chosen:
        say("there is no suggestion to apply")
        return 0
    files: dict[str, SuggestedFile] = {}
    applied = 0
    for finding in _accepted(chosen, ask):
        path = finding.anchor.path
        try:
            file = files.setdefault(path, SuggestedFile(root, path))
            file.apply(finding)
            applied += 1
        except (UnsafePath, OSError) as error:
            say(f"not applied to {path}: {getattr(error, 'strerror', None) or error}")
    say(f"{count_of(applied, 'suggestion')} applied; look at them with: git diff")
    return applied


def _accepted(findings: Sequence[Finding], ask: AskPerson) -> Iterator[Finding]:
    """Yield the findings whose suggestion the person accepts, each at once."""
    whole: dict[str, bool] = {}
    for number, finding in enumerate(findings, 1):
        path = finding.anchor.path
        if path not in whole:
            answer = _answer(finding, f"({number}/{len(findings)}) Apply this suggestion [y,n,q,a,d,?]? ", ask)
            if answer == "q":
                return
            if answer in ("a", "d"):
                whole[path] = answer == "a"
            if answer in ("y", "a"):
                yield finding
        elif whole[path]:
            yield finding


def _answer(finding: Finding, question: str, ask: AskPerson) -> str:
    """Show the suggestion and return y, n, q, a or d."""
    place = f"{finding.anchor.path}:{finding.anchor.start_line or finding.anchor.line}"
    say(f"\n{place}: {finding.severity}: {one_line(finding.title)}")
    for line in suggestion_diff(finding):
        say(f"  {line}")
    while True:
        text = ask(question)
        word = text.strip().lower()[:1]
        if not text:
            return "q"
        if word in ("y", "n", "q", "a", "d"):
            return word
        say(_HELP)


@dataclass(slots=True)
class SuggestedFile:
    """A file that suggestions are written into. `moved` are the places that were changed, and by how many lines."""

    root: Path
    path: str
    moved: list[tuple[int, int, int]] = field(default_factory=list)

    def apply(self, finding: Finding) -> None:
        """Replace the finding's lines. Raises UnsafePath where they are not what they were, or are no file of ours."""
        anchor = finding.anchor
        first, last = anchor.start_line or anchor.line, anchor.line
        if any(first <= end and start <= last for start, end, _ in self.moved):
            raise UnsafePath("an earlier suggestion changed the same lines")
        shift = sum(by for _, end, by in self.moved if end < first)
        place = self._place()
        data = place.read_bytes().decode("utf-8", "surrogateescape")
        lines = _lines(data)
        old = lines[first - 1 + shift : last + shift]
        if [line.rstrip("\r\n") for line in old] != [line.rstrip("\r") for line in finding.quote.split("\n")]:
            raise UnsafePath("the lines were changed since they were reviewed")
        new = _with_ends(finding.suggestion or "", old)
        lines[first - 1 + shift : last + shift] = new
        self._write(place, "".join(lines).encode("utf-8", "surrogateescape"))
        self.moved.append((first, last, len(new) - len(old)))

    def _place(self) -> Path:
        place = self.root
        for part in self.path.split("/"):
            place /= part
            if part in ("", ".", "..") or part.lower() == ".git" or place.is_symlink():
                raise UnsafePath("it is a link, is behind a link, or is not a file of the clone")
        if not place.is_file():
            raise UnsafePath("it is no file")
        return place

    def _write(self, place: Path, data: bytes) -> None:
        """Write the file whole or not at all, with the rights it had."""
        descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=".reviewer-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            shutil.copymode(place, name)
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _lines(text: str) -> list[str]:
    """Return the lines as git counts them: only a newline ends one."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _with_ends(text: str, old: Sequence[str]) -> list[str]:
    """Return the lines of a replacement with the line ends of what it replaces."""
    if not text:
        return []
    end = "\r\n" if old and old[0].endswith("\r\n") else "\n"
    lines = [line.removesuffix("\r") + end for line in text.removesuffix("\n").split("\n")]
    if old and not old[-1].endswith("\n"):  # the last line of a file without a newline at its end
        lines[-1] = lines[-1].removesuffix(end)
    return lines
