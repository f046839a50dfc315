"""Try to refute each candidate finding from the code and its bare claim; severe ones in a large change twice.

All prompts are asked in one parallel batch. Candidates without a verdict are kept at low confidence, and counted.
`ask`, and what `look` reads, are the only effects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from reviewer.domain.findings import Finding, Rejected
from reviewer.domain.severity import Severity
from reviewer.llm.messages import Ask, Prompt
from reviewer.tasks.conversation.divisions import Claims, DivisionByClaims
from reviewer.tasks.conversation.follow_ups import Answer, ReplyReader, ask_and_read
from reviewer.tasks.conversation.prompts import Prompter
from reviewer.tasks.conversation.replies import RawVerdict, read_verdicts
from reviewer.tasks.lookups.handler import LookupHandler
from reviewer.tasks.planning.chunks import Chunk
from reviewer.tasks.verification.verdicts import apply_verdicts

#: A falsifier's verdict on each claim, by the claim's number in the prompt.
Verdicts = dict[int, RawVerdict]

#: Most claims in one prompt: with more, the later ones are judged less carefully.
MOST_CLAIMS = 10


@dataclass(frozen=True, slots=True)
class FalsifiedClaims:
    """The findings `kept`, with their confidence, and `refuted`; `unjudged` counts those without a verdict."""

    kept: tuple[Finding, ...]
    refuted: tuple[Rejected, ...]
    unjudged: int
    answers: tuple[Answer[Verdicts], ...]


@dataclass(frozen=True, slots=True)
class _VerifyPrompt:
    """One prompt: the index of the part it shows, and the indexes of its claims in the order of their numbers."""

    part: int
    claims: tuple[int, ...]
    second: bool = False


@dataclass(frozen=True, slots=True)
class Falsifier:
    """Judges candidates. `follow_ups` is how many more calls in a row each prompt may take.

    What the finders of a part looked up is shown to its judges as well: the code that decides a claim is often there.
    """

    prompter: Prompter
    ask: Ask
    look: LookupHandler
    follow_ups: int

    def judge(self, parts: Sequence[Chunk], candidates: Sequence[Finding], *, two_opinions: bool) -> FalsifiedClaims:
        """Judge the candidates; with `two_opinions`, those of severity error in two independent prompts."""
        planned = list(_verify_prompts(parts, candidates, two_opinions=two_opinions))

        def make(plan: _VerifyPrompt, claims: Claims) -> Prompt:
            shown = [candidates[place] for place in claims]
            prompt = self.prompter.verify(parts[plan.part], shown, second=plan.second, last=not self.follow_ups)
            return self.look.with_earlier(prompt)

        divide = DivisionByClaims(verdicts_from, join_verdicts)
        batch = [(divide.prompt(plan.claims, partial(make, plan)), read_verdicts) for plan in planned]
        answers = ask_and_read(batch, self.ask, look=self.look, divide=divide, follow_ups=self.follow_ups)
        return _judged(candidates, planned, answers)


def verdicts_from(first: int) -> ReplyReader[Verdicts]:
    """Return the reader of verdicts on claims of which `first` others stand before them."""

    def read(text: str, *, complete: bool) -> Verdicts:
        return {first + number: verdict for number, verdict in read_verdicts(text, complete=complete).items()}

    return read


def join_verdicts(answers: Sequence[Verdicts]) -> Verdicts:
    """Join the verdicts of several answers, each on claims of its own."""
    return {number: verdict for verdicts in answers for number, verdict in verdicts.items()}


def _judged(
    candidates: Sequence[Finding], planned: Sequence[_VerifyPrompt], answers: Sequence[Answer[Verdicts]]
) -> FalsifiedClaims:
    verdicts_on: dict[int, list[RawVerdict | None]] = defaultdict(list)
    for plan, answer in zip(planned, answers, strict=True):
        verdicts = answer.value or {}
        for number, place in enumerate(plan.claims, 1):
            verdicts_on[place].append(verdicts.get(number))
    results = [apply_verdicts(candidate, verdicts_on[place]) for place, candidate in enumerate(candidates)]
    return FalsifiedClaims(
        kept=tuple(result for result in results if isinstance(result, Finding)),
        refuted=tuple(result for result in results if isinstance(result, Rejected)),
        unjudged=sum(not any(verdicts) for verdicts in verdicts_on.values()),
        answers=tuple(answers),
    )


def _verify_prompts(
    parts: Sequence[Chunk], candidates: Sequence[Finding], *, two_opinions: bool
) -> Iterator[_VerifyPrompt]:
    by_part: dict[int, list[int]] = defaultdict(list)
    for place, candidate in enumerate(candidates):
        by_part[next(index for index, part in enumerate(parts) if _holds(part, candidate))].append(place)
    for part, places in sorted(by_part.items()):
        yield from (_VerifyPrompt(part, claims) for claims in _runs(places))
    if two_opinions:
        for part, places in sorted(by_part.items()):
            # In reverse order: the model reads the first claims of a prompt most carefully.
            severe = [place for place in reversed(places) if candidates[place].severity is Severity.ERROR]
            yield from (_VerifyPrompt(part, claims, second=True) for claims in _runs(severe))


def _runs(places: Sequence[int]) -> Iterator[tuple[int, ...]]:
    yield from (tuple(places[start : start + MOST_CLAIMS]) for start in range(0, len(places), MOST_CLAIMS))


def _holds(part: Chunk, finding: Finding) -> bool:
    """Whether the part shows the finding's line (a large file's hunks may be spread over several parts)."""
    anchor = finding.anchor
    return any(
        (line.old if anchor.side == "LEFT" else line.new) == anchor.line
        and (line.kind == "-") == (anchor.side == "LEFT")
        for file in part.files
        if file.path == anchor.path
        for hunk in file.hunks
        for line in hunk.lines
    )
