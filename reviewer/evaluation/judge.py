"""Let a model judge which published findings match known ones, without telling it which of them are traps.

One prompt per case and one more turn: with the reason, or in halves where the tokens ran out. An answer that names a
finding that does not exist is unreadable, not "no match".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from reviewer.domain.findings import Finding
from reviewer.evaluation.cases import KnownFinding
from reviewer.evaluation.scores import Pair
from reviewer.llm.messages import Ask, Message, Prompt, Task
from reviewer.safety.prompt_text import code_excerpt, prose
from reviewer.tasks.conversation.follow_ups import Answer, Division, SmallerPrompt, ask_and_read
from reviewer.tasks.conversation.json_replies import JsonForm, Unreadable, read_json
from reviewer.tasks.conversation.layout import prompt_of
from reviewer.tasks.conversation.prompts import render_template

#: The most characters of one text in the judge's prompt.
_MOST = 4_000


def judge(
    findings: Sequence[Finding], known: Sequence[KnownFinding], ask: Ask, *, fence: str
) -> Answer[tuple[Pair, ...]]:
    """Return an Answer whose value is the tuple of pairs that mean the same defect. Neither sequence may be empty.

    `fence` is a word that none of the texts contains; it marks them as data.
    """
    questions = _Questions(findings, known, fence)
    first = questions.about(range(len(findings)))
    return ask_and_read([(first.prompt, first.read)], ask, divide=questions)[0]


@dataclass(frozen=True, slots=True)
class _Questions:
    """Makes the prompts about some of the findings, and divides one whose answer ran out of tokens into halves."""

    findings: Sequence[Finding]
    known: Sequence[KnownFinding]
    fence: str
    _asked: dict[tuple[Message, ...], range] = field(default_factory=dict, init=False)

    def about(self, places: range) -> SmallerPrompt[tuple[Pair, ...]]:
        prompt = judge_prompt(self.findings[places.start : places.stop], self.known, fence=self.fence)
        self._asked[prompt.messages] = places
        return SmallerPrompt(prompt, _Reader(len(places), len(self.known), places.start))

    def __call__(self, prompt: Prompt) -> Division[tuple[Pair, ...]] | None:
        """Return the prompts about each half of the findings; None if there is only one."""
        places = self._asked.get(prompt.messages[:2], range(0))
        if len(places) < 2:
            return None
        middle = len(places) // 2
        return Division(
            (self.about(places[:middle]), self.about(places[middle:])),
            lambda answers: tuple(sorted(pair for pairs in answers for pair in pairs)),
        )


def judge_prompt(findings: Sequence[Finding], known: Sequence[KnownFinding], *, fence: str) -> Prompt:
    """Return the prompt; reports and references are numbered from 1 in their order."""
    reports = [
        {
            "path": finding.anchor.path,
            "lines": _lines(finding.anchor.start_line or finding.anchor.line, finding.anchor.line, finding.anchor.side),
            "code": code_excerpt(finding.quote, _MOST),
            "text": prose(f"{finding.title}\n\n{finding.body}", _MOST),
        }
        for finding in findings
    ]
    references = [
        {
            "path": reference.path,
            "lines": _lines(reference.first, reference.last, reference.side),
            "code": code_excerpt(reference.code, _MOST),
            "text": prose(reference.description, _MOST),
        }
        for reference in known
    ]
    return prompt_of(
        Task.ASK,
        render_template("evaluation/judge.md"),
        system=render_template("evaluation/system.md", fence=fence),
        shown=render_template("evaluation/judged.md", fence=fence, reports=reports, references=references),
        qualifier="judge",
    )


def _lines(first: int, last: int, side: str) -> str:
    which = "new" if side == "RIGHT" else "old"
    return f"{which} line {last}" if first == last else f"{which} lines {first} to {last}"


def _number(value: Any) -> Any:
    """Accept `"2"`, `"Report 2"` and `2.0` for 2."""
    if isinstance(value, str) and (digits := re.search(r"\d{1,6}", value)):
        return int(digits[0])
    return value


class _Match(BaseModel):
    model_config = ConfigDict(frozen=True)

    report: Annotated[int, BeforeValidator(_number)]
    reference: Annotated[int, BeforeValidator(_number)]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the judge's reply about a number of reports and references; `before` reports stand in another prompt."""

    reports: int
    references: int
    before: int = 0

    def __call__(self, text: str, *, complete: bool) -> tuple[Pair, ...]:
        """Return the pairs, counted from 0. Raises Unreadable."""
        form: JsonForm[frozenset[Pair]] = JsonForm("matches", "report", self._pairs, _join)
        pairs = read_json(text, form, complete=complete)
        return tuple(sorted(pairs))

    def _pairs(self, value: Mapping[str, Any]) -> frozenset[Pair]:
        matches = value.get("matches")
        if not isinstance(matches, list):
            raise Unreadable('the object must have the key "matches" (a list).')
        try:
            read = [_Match.model_validate(match) for match in matches]
        except ValidationError as error:
            raise Unreadable('each entry of "matches" must have the numbers "report" and "reference".') from error
        for match in read:
            if not (1 <= match.report <= self.reports and 1 <= match.reference <= self.references):
                raise Unreadable(f"there is no report {match.report} with a reference {match.reference} to compare.")
        return frozenset((self.before + match.report - 1, match.reference - 1) for match in read)


def _join(answers: Sequence[frozenset[Pair]]) -> frozenset[Pair]:
    return frozenset().union(*answers)
