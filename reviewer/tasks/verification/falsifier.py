"""Candidates put to sceptics: each is judged from the code and its bare claim, the severe ones of a large change twice.

Promises: all judges of all parts are asked in one parallel batch; what could not be judged is kept at low confidence,
and counted. `ask`, and what `look` reads, are the only effects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reviewer.domain.findings import Finding, Rejected
from reviewer.domain.severity import Severity
from reviewer.llm.messages import Ask, Prompt
from reviewer.tasks.conversation.follow_ups import Answer, Look, ReplyReader, ask_and_read
from reviewer.tasks.conversation.prompts import Prompter
from reviewer.tasks.conversation.replies import RawVerdict, read_verdicts
from reviewer.tasks.planning.chunks import Chunk
from reviewer.tasks.verification.verdicts import apply_verdicts

#: Claims in one prompt: with more, the later ones are judged in passing.
MOST_CLAIMS = 10


@dataclass(frozen=True, slots=True)
class FalsifiedClaims:
    """What the sceptics left: `kept` with their confidence, `refuted`, how many nobody judged, and the answers."""

    kept: tuple[Finding, ...]
    refuted: tuple[Rejected, ...]
    unjudged: int
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class _Hearing:
    """One prompt: the part it shows, and the claims in the order in which they are numbered, by their places."""

    part: int
    claims: tuple[int, ...]
    second: bool = False


@dataclass(frozen=True, slots=True)
class Falsifier:
    """Who judges: the prompts of a review, whom to ask, what may be looked at, and how many more calls in a row."""

    prompter: Prompter
    ask: Ask
    look: Look
    follow_ups: int

    def judge(self, parts: Sequence[Chunk], candidates: Sequence[Finding], *, two_opinions: bool) -> FalsifiedClaims:
        """Judge the candidates; with `two_opinions`, those of severity error by two who do not know of each other."""
        hearings = list(_hearings(parts, candidates, two_opinions=two_opinions))
        prompts = [
            self.prompter.verify(
                parts[one.part],
                [candidates[place] for place in one.claims],
                second=one.second,
                last=not self.follow_ups,
            )
            for one in hearings
        ]
        batch: list[tuple[Prompt, ReplyReader]] = [(prompt, read_verdicts) for prompt in prompts]
        answers = ask_and_read(batch, self.ask, look=self.look, follow_ups=self.follow_ups)
        return _weighed(candidates, hearings, answers)


def _weighed(candidates: Sequence[Finding], hearings: Sequence[_Hearing], answers: Sequence[Answer]) -> FalsifiedClaims:
    said: dict[int, list[RawVerdict | None]] = defaultdict(list)
    failed: set[int] = set()
    for hearing, answer in zip(hearings, answers, strict=True):
        verdicts: dict[int, RawVerdict] = answer.value if isinstance(answer.value, dict) else {}
        for number, place in enumerate(hearing.claims, 1):
            said[place].append(verdicts.get(number))
        failed |= set(hearing.claims) if answer.error else set()
    results = [apply_verdicts(one, said[place]) for place, one in enumerate(candidates)]
    return FalsifiedClaims(
        kept=tuple(one for one in results if isinstance(one, Finding)),
        refuted=tuple(one for one in results if isinstance(one, Rejected)),
        unjudged=sum(not any(said[place]) for place in failed),
        answers=tuple(answers),
    )


def _hearings(parts: Sequence[Chunk], candidates: Sequence[Finding], *, two_opinions: bool) -> Iterator[_Hearing]:
    by_part: dict[int, list[int]] = defaultdict(list)
    for place, one in enumerate(candidates):
        by_part[next(index for index, part in enumerate(parts) if _holds(part, one))].append(place)
    for part, places in sorted(by_part.items()):
        yield from (_Hearing(part, claims) for claims in _runs(places))
    if two_opinions:
        for part, places in sorted(by_part.items()):
            # The other way round: what comes first is looked at with fresh eyes.
            severe = [place for place in reversed(places) if candidates[place].severity is Severity.ERROR]
            yield from (_Hearing(part, claims, second=True) for claims in _runs(severe))


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
