"""Build the prompts that ask for a demonstration, for an independent verdict on it, and for a fix.

The same input gives the same prompt to the byte, so that an answer that was paid for is found again. What is not ours
stands between fences and without secrets. The independent pass sees the code and the test, and nothing that anybody
says about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reviewer.demonstration.runs import ClaimedPlace, ProposedTest
from reviewer.diff.model import FileDiff
from reviewer.domain.change import Change
from reviewer.domain.findings import Finding
from reviewer.domain.settings import Settings
from reviewer.languages.outline import outline_of
from reviewer.llm.messages import Prompt, Task
from reviewer.safety.prompt_text import code_excerpt, printable_lines, printable_path, prose
from reviewer.tasks.context.related import gather_related
from reviewer.tasks.conversation.layout import continued, prompt_of
from reviewer.tasks.conversation.prompts import Prompter, fence_of, render_template, system_message
from reviewer.tasks.planning.chunks import Chunk, chunk
from reviewer.tasks.planning.file_filter import select

#: Characters of each part of a prompt, and lines of a file that are shown around a place.
MOST_CLAIM, MOST_CODE, MOST_EXAMPLE, MOST_EVIDENCE, MOST_ROWS = 3_000, 16_000, 6_000, 6_000, 400


@dataclass(frozen=True, slots=True)
class DemonstrationPrompts:
    """Makes the prompts about one change. `parts` are those in which the review showed it."""

    prompter: Prompter
    parts: tuple[Chunk, ...]

    @classmethod
    def of(cls, change: Change, settings: Settings, salt: bytes, paths: Sequence[str]) -> DemonstrationPrompts:
        """Return the prompts for findings in those files, with the same fence and the same parts as the review."""
        files, _ = select(change.diff, settings.review)
        parts = tuple(part for part in chunk(files)[0] if {*part.paths} & {*paths})
        gathered = gather_related(change, parts)
        shown = replace(change, head=gathered.head)
        return cls(Prompter(shown, settings, fence_of(salt, change), gathered.related), parts)

    def part_of(self, finding: Finding) -> Chunk | None:
        """Return the part that shows the finding's lines, else one that shows its file; None if none does."""
        here = [part for part in self.parts if finding.anchor.path in part.paths]
        return next((part for part in here if _shows(part.files, finding)), here[0] if here else None)

    def prove(
        self, part: Chunk, finding: Finding, place: ClaimedPlace, *, path: str, example: tuple[str, str], runner: str
    ) -> Prompt:
        """Return the prompt that asks for a test of the claim; `path` is a good place for it."""
        words = render_template(
            "demonstration/prove.md",
            fence=self.prompter.fence,
            claim=claim_text(finding),
            where=_lines(place),
            runner=runner,
            path=printable_path(path),
            covers=printable_path(f"{place.path}:{min(place.lines)}-{max(place.lines)}"),
            path_of_example=printable_path(example[0]) if example[1] else "",
            example=code_excerpt(example[1], MOST_EXAMPLE),
        )
        return self.prompter.about(Task.PROVE, part, words)

    def prove_again(self, prompt: Prompt, test: ProposedTest, place: ClaimedPlace) -> Prompt:
        """Return the conversation, continued by a test that passes and the request for another wording."""
        path = printable_path(test.path)
        covers = printable_path(f"{place.path}:{min(place.lines)}-{max(place.lines)}")
        written = f'<test path="{path}" covers="{covers}">\n{code_excerpt(test.code, MOST_CODE)}\n</test>'
        return continued(prompt, written, render_template("demonstration/again.md", path=path, covers=covers))

    def confirm(self, part: Chunk | None, text: str, place: ClaimedPlace, test: ProposedTest) -> Prompt:
        """Return the prompt that asks whether a failing test demands what the code promises.

        It shows only the code, as it is now, and the test: no claim, no title, no description.
        """
        fence = self.prompter.fence
        shown = render_template(
            "demonstration/code.md",
            fence=fence,
            code=f"# {printable_path(place.path)}\n{code_rows(place.path, text, place.lines)}",
            callers=self.prompter.related.get(part.id.partition("/")[0], "") if part else "",
            path=printable_path(test.path),
            test=code_excerpt(test.code, MOST_CODE),
        )
        words = render_template("verify/demonstration.md")
        system = system_message(fence, self.prompter.settings.review.language)
        return prompt_of(Task.VERIFY, words, system=system, shown=shown, qualifier="demonstration")

    def fix(
        self, part: Chunk, finding: Finding, text: str, place: ClaimedPlace, test: ProposedTest, failure: str
    ) -> Prompt:
        """Return the prompt that asks for a fix of a finding whose test fails."""
        words = render_template(
            "demonstration/fix.md",
            fence=self.prompter.fence,
            claim=claim_text(finding),
            path=printable_path(place.path),
            test_path=printable_path(test.path),
            test=code_excerpt(test.code, MOST_CODE),
            failure=code_excerpt(failure, MOST_EVIDENCE),
            code=code_rows(place.path, text, place.lines),
        )
        return self.prompter.about(Task.FIX, part, words)

    def fix_again(self, prompt: Prompt, written: str, tried: str, evidence: str) -> Prompt:
        """Return the prompt with what came of an earlier fix; `written` is the model's own answer, if it wrote it."""
        words = render_template(
            "demonstration/fix_again.md",
            fence=self.prompter.fence,
            tried="" if written else code_excerpt(tried, MOST_EVIDENCE),
            evidence=code_excerpt(evidence, MOST_EVIDENCE),
        )
        return continued(prompt, written, words)


def claim_text(finding: Finding) -> str:
    """Return what the finding claims, as it stands in a prompt: its place, its quote and its words."""
    anchor = finding.anchor
    first = anchor.start_line or anchor.line
    lines = f"line {anchor.line}" if first == anchor.line else f"lines {first} to {anchor.line}"
    parts = [
        f"{printable_path(anchor.path)}, {'old' if anchor.side == 'LEFT' else 'new'} {lines}:",
        code_excerpt(finding.quote, MOST_CLAIM),
        prose(finding.title, 300),
        prose(finding.claim, 500),
        prose(finding.body, MOST_CLAIM),
    ]
    return "\n\n".join(part for part in parts if part)


def code_rows(path: str, text: str, lines: frozenset[int]) -> str:
    """Return the file in numbered rows; of a long file its head and the definitions around the lines."""
    rows = text.split("\n")
    if len(rows) > MOST_ROWS or len(text) > MOST_CODE:
        around = [spot for line in lines for spot in outline_of(path, text).around(line)]
        outer = min(
            (spot for spot in around if spot.last - spot.first < MOST_ROWS), key=lambda spot: spot.first, default=None
        )
        first = max(1, (outer.first if outer else min(lines)) - 20)
        last = min(len(rows), (outer.last if outer else max(lines)) + 20)
        numbers = [*range(1, min(40, first)), *range(first, last + 1)]
    else:
        numbers = list(range(1, len(rows) + 1))
    shown = printable_lines(numbers, rows)
    text = "\n".join(f"{number:>5} | {row}".rstrip() for number, row in zip(numbers, shown, strict=True))
    return text[: 2 * MOST_CODE]


def _shows(files: Sequence[FileDiff], finding: Finding) -> bool:
    anchor = finding.anchor
    return any(
        (line.old if anchor.side == "LEFT" else line.new) == anchor.line
        for file in files
        if file.path == anchor.path
        for hunk in file.hunks
        for line in hunk.lines
    )


def _lines(place: ClaimedPlace) -> str:
    first, last = min(place.lines), max(place.lines)
    return f"line {first}" if first == last else f"lines {first} to {last}"
