"""The judge of `reviewer eval`: its prompt, and how its replies are read."""

from __future__ import annotations

import json
import os

import pytest

from reviewer.diff.model import Side
from reviewer.evaluation.cases import KnownFinding, KnownKind, read_cases
from reviewer.evaluation.judge import _Reader, judge, judge_prompt
from reviewer.llm.client import Client
from reviewer.tasks.conversation.follow_ups import ask_and_read
from reviewer.tasks.conversation.layout import task_line
from tests.fakes.model import Answer, FakeModel
from tests.fixtures.factories import finding
from tests.paths import CASES, PROMPTS


def known(id_: str) -> KnownFinding:
    return KnownFinding(id_, KnownKind.DEFECT, "a.py", Side.RIGHT, 1, 1, f"about {id_}", "code")


def test_the_judge_cannot_tell_a_trap_from_a_defect() -> None:
    """With the kinds swapped the judge's prompt is the same to the byte, and it holds no id and no reason."""
    (case,), _ = read_cases(CASES / "go-session-race")
    said = [finding(title="The map is written under the read lock")]
    swap = {KnownKind.TRAP: KnownKind.DEFECT, KnownKind.DEFECT: KnownKind.TRAP}
    swapped = [
        KnownFinding(one.id, swap[one.kind], one.path, one.side, one.first, one.last, one.description, one.code)
        for one in case.known
    ]
    prompt = judge_prompt(said, case.known, fence="data-1")
    assert prompt == judge_prompt(said, swapped, fence="data-1")
    assert task_line(prompt) == "# Task: ask (judge)"
    shown = "\n".join(message.content for message in prompt.messages)
    for entry in json.loads((CASES / "go-session-race" / "known.json").read_text())["known"]:
        assert entry["description"] in shown
        assert entry["why"] not in shown
        assert entry["id"] not in shown


def test_the_judges_prompt_is_golden() -> None:
    """The rendered prompt equals the golden one (UPDATE_GOLDEN=1 writes it): a change is a readable diff."""
    (case,), _ = read_cases(CASES / "python-report-window")
    prompt = judge_prompt([finding(body="Line 3 of `x`.")], case.known, fence="data-0123456789abcdef")
    text = "\n".join(f"=== {message.role}\n{message.content}" for message in prompt.messages) + "\n"
    golden = PROMPTS / "judge.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert golden.read_text() == text


@pytest.mark.parametrize(
    ("reply", "pairs"),
    [
        ('{"matches": []}', ()),
        ('[{"report": 2, "reference": 1}]', ((1, 0),)),
        ('```json\n{"matches": [{"report": "Report 1", "reference": "2", "reason": null}]}\n```', ((0, 1),)),
        ('Here: {"matches": [{"report": 1, "reference": 1}, {"report": 1, "reference": 1}]}', ((0, 0),)),
    ],
)
def test_the_judges_reply_is_read_patiently(model: FakeModel, reply: str, pairs: tuple[tuple[int, int], ...]) -> None:
    """Fences, prose, a bare list, numbers as words; a pair that is there twice counts once."""
    model.script("ask", reply)
    prompt = judge_prompt([finding(), finding()], [known("a"), known("b")], fence="data-1")
    with Client(key=model.key, base_url=model.base_url) as client:
        (answer,) = ask_and_read([(prompt, _Reader(2, 2))], client.ask)
    assert answer.value == pairs


def test_a_pair_that_cannot_be_is_asked_for_again(model: FakeModel) -> None:
    """A number that the prompt does not have is no quiet "no match": the judge is told, once, then it is an error."""
    model.script("ask", '{"matches": [{"report": 3, "reference": 1}]}', '{"matches": [{"report": 1, "reference": 1}]}')
    model.script("ask", "No.", "None of them.")
    prompt = judge_prompt([finding()], [known("a")], fence="data-1")
    with Client(key=model.key, base_url=model.base_url) as client:
        first, second = (ask_and_read([(prompt, _Reader(1, 1))], client.ask)[0] for _ in range(2))
    assert first.value == ((0, 0),)
    assert "no report 3" in model.calls[1].user
    assert second.error is not None
    assert second.usage.calls == 2


def test_a_judge_who_runs_out_of_tokens_gets_half_of_the_findings(model: FakeModel) -> None:
    """The pairs of both halves are numbered as in the whole; a single finding cannot be divided."""
    out = Answer("", thinking="Let me see", finish="length")
    halves = {
        1: '{"matches": [{"report": 1, "reference": 2}]}',
        2: '{"matches": [{"report": 2, "reference": 1}]}',
    }
    model.answers("ask", lambda call: halves.get(call.user.count("Title "), out))
    findings, wanted = [finding(title=f"Title {n}") for n in range(3)], [known("a"), known("b")]
    with Client(key=model.key, base_url=model.base_url) as client:
        answer = judge(findings, wanted, client.ask, fence="data-1")
        model.answers("ask", lambda _: out)
        alone = judge(findings[:1], wanted, client.ask, fence="data-1")
    assert answer.value == ((0, 1), (2, 0))
    assert sorted(call.user.count("Title ") for call in model.calls[:3]) == [1, 2, 3]
    assert alone.error is not None
