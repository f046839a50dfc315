"""Let a model judge which published findings match known ones, without telling it which of them are traps.

One prompt per case and one repair turn. An answer that names a finding that does not exist is unreadable, not "no
match".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from reviewer.domain.findings import Finding
from reviewer.evaluation.cases import KnownFinding
from reviewer.evaluation.scores import Pair
from reviewer.llm.messages import Ask, Prompt, Task
from reviewer.safety.prompt_text import code_excerpt, prose
from reviewer.tasks.conversation.follow_ups import Answer, ask_and_read
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
    reader = _Reader(len(findings), len(known))
    return ask_and_read([(judge_prompt(findings, known, fence=fence), reader)], ask)[0]


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
    """Reads the judge's reply about a number of reports and references."""

    reports: int
    references: int

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
        return frozenset((match.report - 1, match.reference - 1) for match in read)


def _join(answers: Sequence[frozenset[Pair]]) -> frozenset[Pair]:
    return frozenset().union(*answers)
