"""Ask whether defects that were reported before are still there after their code changed.

One prompt for each chunk that holds such code, all in one batch. A finding counts as gone only if the model says so;
without a readable verdict it stays open. `ask` is the only effect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from reviewer.domain.change import Change
from reviewer.domain.findings import Category
from reviewer.domain.settings import Settings
from reviewer.domain.severity import Severity
from reviewer.llm.messages import Ask, Prompt, Task
from reviewer.llm.usage import Usage
from reviewer.safety.prompt_text import code_excerpt, prose
from reviewer.tasks.conversation.divisions import Claims, DivisionByClaims
from reviewer.tasks.conversation.follow_ups import Answer, ask_and_read
from reviewer.tasks.conversation.prompts import Prompter, fence_of, render_template
from reviewer.tasks.conversation.replies import read_verdicts
from reviewer.tasks.planning.chunks import Chunk, chunk
from reviewer.tasks.verification.falsifier import Verdicts, join_verdicts, verdicts_from

#: Characters of a finding's quote and of its text that go into the prompt.
MAX_QUOTE, MAX_BODY, MAX_TITLE = 2_000, 4_000, 300


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A defect reported earlier in a file of the change. `key` is the caller's name for it; all text is untrusted.

    `line` is roughly where it is now in the new file: it chooses the part of a large file.
    """

    key: str
    path: str
    line: int
    category: Category
    severity: Severity
    title: str
    body: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Rechecked:
    """The keys of the defects that are gone, notes on those not judged, the cost, and the calls in a row."""

    gone: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    models: frozenset[str] = frozenset()
    chain: int = 0


def recheck(
    change: Change,
    standing: Sequence[OpenFinding],
    settings: Settings,
    ask: Ask,
    *,
    salt: bytes,
    follow_ups: int = 0,
) -> Rechecked:
    """Ask which of the defects are still there. Defects whose file is not part of the change are left out.

    `follow_ups` is how many more calls in a row the review before it left. A finding whose verdict cannot be read
    stays open. `salt` keys the fences as in `reviewer.tasks.review.review`; the same input gives the same prompts, to
    the byte.
    """
    groups = _by_chunk(change, standing)
    if not groups:
        return Rechecked()
    prompter = Prompter(change, settings, fence_of(salt, change))
    divide = DivisionByClaims(verdicts_from, join_verdicts)
    batch = [
        (divide.prompt(tuple(range(len(claims))), partial(_prompt, prompter, part, claims)), read_verdicts)
        for part, claims in groups
    ]
    answers = ask_and_read(batch, ask, divide=divide, follow_ups=follow_ups)
    gone, unasked = _judged(groups, answers)
    note = f"{unasked} earlier findings could not be looked at again, so they stay open." if unasked else ""
    return Rechecked(
        gone=frozenset(gone),
        notes=(note,) if note else (),
        usage=sum((answer.usage for answer in answers), Usage()),
        models=frozenset().union(*(answer.models for answer in answers)),
        chain=max(answer.calls for answer in answers),
    )


def _judged(
    groups: Sequence[tuple[Chunk, Sequence[OpenFinding]]], answers: Sequence[Answer[Verdicts]]
) -> tuple[set[str], int]:
    """Return the keys of the defects that are gone, and how many were not judged because a call failed."""
    gone: set[str] = set()
    unasked = 0
    for (_, claims), answer in zip(groups, answers, strict=True):
        verdicts = answer.value or {}
        gone |= {
            claim.key
            for number, claim in enumerate(claims, 1)
            if (verdict := verdicts.get(number)) is not None and verdict.verdict == "refuted"
        }
        unasked += sum(number not in verdicts for number in range(1, len(claims) + 1)) if answer.error else 0
    return gone, unasked


def _by_chunk(change: Change, standing: Sequence[OpenFinding]) -> list[tuple[Chunk, list[OpenFinding]]]:
    """Group the defects by the chunk that shows their file nearest to their line."""
    paths = {finding.path for finding in standing}
    parts, _ = chunk([file for file in change.diff.files if file.path in paths])
    groups: dict[int, list[OpenFinding]] = defaultdict(list)
    for finding in standing:
        distances = [(_distance(part, finding), index) for index, part in enumerate(parts)]
        near = [(distance, index) for distance, index in distances if distance is not None]
        if near:
            groups[min(near)[1]].append(finding)
    return [(parts[index], claims) for index, claims in sorted(groups.items())]


def _distance(part: Chunk, finding: OpenFinding) -> int | None:
    """Return the distance in lines from the defect to the hunks of its file in the chunk; None if there are none."""
    hunks = [hunk for file in part.files if file.path == finding.path for hunk in file.hunks]
    line = finding.line
    gaps = (max(hunk.new_start - line, line - hunk.new_start - hunk.new_count, 0) for hunk in hunks)
    return min(gaps, default=None)


def _prompt(prompter: Prompter, part: Chunk, findings: Sequence[OpenFinding], claims: Claims) -> Prompt:
    shown = [
        {
            "id": number,
            "path": prose(claim.path, MAX_TITLE),
            "category": claim.category.value,
            "severity": claim.severity.value,
            "quote": code_excerpt(claim.quote, MAX_QUOTE),
            "title": prose(claim.title, MAX_TITLE),
            "body": prose(claim.body, MAX_BODY),
        }
        for number, claim in enumerate((findings[place] for place in claims), 1)
    ]
    words = render_template("verify/recheck.md", fence=prompter.fence, claims=shown)
    return prompter.about(Task.VERIFY, part, words, qualifier="still open")
