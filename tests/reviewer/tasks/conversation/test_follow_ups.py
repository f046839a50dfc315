"""What follows a reply that cannot be used: once more, in smaller parts or by another model, then a loud failure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.llm.client import Client
from reviewer.llm.errors import BrokenReply, ModelError
from reviewer.llm.messages import Message, Prompt, Reply, Task
from reviewer.llm.serialization import answer_from_json, answer_to_json, prompt_digest, prompt_from_json, prompt_to_json
from reviewer.tasks.answer_question import answer_question
from reviewer.tasks.conversation.follow_ups import ask_and_read
from reviewer.tasks.conversation.replies import read_findings
from reviewer.tasks.review import ReviewOptions, review
from reviewer.tasks.suggest_tests import suggest_tests
from tests.fakes.model import Answer, Call, FakeModel
from tests.reviewer.tasks.conversation.reply_neighbours import RIGHT, TEST, TEXT, findings_of, verdicts_of

PLAIN = ReviewOptions(tests=False, refactorings=False)
CLAIM = {
    "path": "a.py",
    "line": 2,
    "quote": "    return x / len(x)",
    "severity": "error",
    "category": "bug",
    "title": "Division by zero",
    "body": "`mean([])` raises.",
}
CLEAN = findings_of(CLAIM)
LEAK = ']<]minimax[>[<tool_call>\n]<]minimax[>[<invoke name="read_file">]<]minimax[>[</invoke>'
#: Replies that were received and cannot be used.
UNUSABLE = {
    "prose": Answer("`people=[]` is the default, so line 2 fails."),
    "a leaked call": Answer(LEAK),
    "half an answer and a leaked call": Answer(CLEAN[:60] + LEAK),
    "empty": Answer(""),
    "only thinking": Answer("<mm:think>Let me see.</mm:think>"),
    "thinking beside nothing": Answer("", thinking="Let me see."),
    "an answer inside the thinking": Answer(f"<think>\n{CLEAN}"),
    "a tool call": Answer(CLEAN[:40], finish="tool_calls"),
    "cut off before it began": Answer("", thinking="Let me", finish="length"),
    "used up": Answer("<think>Let me", finish="length", usage=(100, 16_384)),
}


def diff_of(*paths: str) -> str:
    """Return a diff that adds a function to each file, in two hunks."""
    return "".join(
        f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
        "@@ -1 +1,2 @@\n def mean(x):\n+    return x / len(x)\n@@ -40 +41,2 @@\n def last(x):\n+    return x[-1]\n"
        for path in paths
    )


def change_of(*paths: str) -> Change:
    """Return the change of these files."""
    return Change(parse_diff(diff_of(*paths)))


@pytest.fixture
def client(model: FakeModel) -> Iterator[Client]:
    """Return a client of the double with two fallback models, which does not wait."""
    with Client(
        key=model.key,
        base_url=model.base_url,
        fallback_models=("MiniMax-M2.5", "MiniMax-M2.7"),
        sleep=lambda _: None,
        trailer_timeout=0.1,
    ) as one:
        yield one


def reviewed(client: Client, *paths: str) -> Review:
    """Review the change of these files with the client."""
    return review(change_of(*paths), Settings(), client.ask, salt=b"s", options=PLAIN)


def models_of(model: FakeModel, task: str = "findings") -> list[str]:
    """Return which models were asked for the task, in order."""
    return [call.model for call in model.calls if call.task == task]


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_slip_of_the_model_is_asked_about_once_more(model: FakeModel, client: Client, name: str) -> None:
    """One more turn gives the answer; both calls are on the bill, and the request is one that the service takes."""
    model.script("findings", UNUSABLE[name], CLEAN)
    model.script("verify", verdicts_of(RIGHT))
    done = reviewed(client, "a.py") if name not in ("used up", "cut off before it began") else None
    if done is None:
        # A change of one hunk cannot be divided: the model is told to think less.
        one_hunk = Change(parse_diff(diff_of("a.py").partition("@@ -40")[0]))
        done = review(one_hunk, Settings(), client.ask, salt=b"s", options=PLAIN)
    assert [finding.title for finding in done.findings] == ["Division by zero"]
    assert done.usage.calls == 3
    assert models_of(model) == ["MiniMax-M2.1"] * 2
    again = next(call for call in model.calls[1:] if call.task == "findings")
    assert "could not be used" in again.user
    assert "]<]minimax[>[" not in json.dumps(again.messages)


@pytest.mark.parametrize("name", UNUSABLE)
def test_then_the_fallback_models_are_asked(model: FakeModel, client: Client, name: str) -> None:
    """A model that slips twice is left for the next one, which gets the question as it was."""
    model.answers("findings", lambda call: CLEAN if call.model == "MiniMax-M2.7" else UNUSABLE[name])
    model.script("verify", verdicts_of(RIGHT))
    one_hunk = Change(parse_diff(diff_of("a.py").partition("@@ -40")[0]))
    done = review(one_hunk, Settings(), client.ask, salt=b"s", options=PLAIN)
    assert [finding.title for finding in done.findings] == ["Division by zero"]
    assert models_of(model) == ["MiniMax-M2.1"] * 2 + ["MiniMax-M2.5", "MiniMax-M2.7"]
    calls = [call for call in model.calls if call.task == "findings"]
    assert calls[0].messages == calls[2].messages == calls[3].messages
    assert done.usage.calls == 5


@pytest.mark.parametrize("name", UNUSABLE)
def test_then_it_fails_loudly(model: FakeModel, name: str) -> None:
    """Without a fallback model the error says what was wrong and what to do, and carries the bill of both calls."""
    model.answers("findings", lambda _: UNUSABLE[name])
    with Client(key=model.key, base_url=model.base_url, trailer_timeout=0.1) as alone:
        one_hunk = Change(parse_diff(diff_of("a.py").partition("@@ -40")[0]))
        with pytest.raises(BrokenReply, match=r"could not be read, twice: .* choose another model\.") as raised:
            review(one_hunk, Settings(), alone.ask, salt=b"s", options=PLAIN)
    assert len(raised.value.attempts) == len(model.calls) == 2
    assert all(attempt.cost_usd != Decimal(0) for attempt in raised.value.attempts)


@pytest.mark.parametrize(
    ("task", "clean", "act"),
    [
        ("tests", TEST, lambda ask: suggest_tests(change_of("a.py"), Settings(), ask, salt=b"s").tests[0].path),
        ("ask", TEXT, lambda ask: answer_question(change_of("a.py"), Settings(), "Why?", ask, salt=b"s").text),
    ],
)
@pytest.mark.parametrize("name", sorted(UNUSABLE.keys() - {"prose"}))
def test_other_tasks_go_the_same_way(
    model: FakeModel, client: Client, name: str, task: str, clean: str, act: Callable[[Any], str]
) -> None:
    """Tests and answers to questions, too: once more, and the unusable reply appears nowhere."""
    model.script(task, UNUSABLE[name])
    model.answers(task, lambda _: clean)
    assert act(client.ask) in (TEXT, "tests/test_pay.py")


def test_complete_json_before_a_leak_is_read(model: FakeModel, client: Client) -> None:
    """A stray mark after a complete answer costs no second call; prose before one may not be complete."""
    model.script("findings", CLEAN + LEAK)
    model.script("verify", verdicts_of(RIGHT) + "]<]minimax[>[")
    assert len(reviewed(client, "a.py").findings) == 1
    model.script("ask", f"Because of the{LEAK}", TEXT)
    assert answer_question(change_of("a.py"), Settings(), "Why?", client.ask, salt=b"s").text == TEXT


def test_only_the_usage_says_that_the_tokens_were_used_up(model: FakeModel) -> None:
    """A reply that was cut off early is not blamed on the thinking."""
    with Client(key=model.key, base_url=model.base_url, trailer_timeout=0.1) as alone:
        for usage, words in (
            ((100, 16_384), "used up its 16,384 tokens for thinking"),
            ((100, 900), "cut off after 900 tokens before"),
            (None, "cut off before its answer began"),
        ):
            model.script("findings", Answer("", thinking="Let me", finish="length", usage=usage))
            with pytest.raises(BrokenReply, match=words):
                alone.complete(Prompt(Task.FINDINGS, (Message("system", "s"), Message("user", "# Task: findings\nu"))))


def saturated_unless(small: Callable[[Call], bool], clean: Callable[[Call], str]) -> Callable[[Call], Answer]:
    """Return a model that thinks without end about what is not small."""
    return lambda call: Answer(clean(call)) if small(call) else UNUSABLE["used up"]


def test_a_saturated_answer_is_asked_for_in_smaller_parts(model: FakeModel, client: Client) -> None:
    """Files, then hunks, are asked about on their own, and all their findings are judged."""

    def clean(call: Call) -> str:
        path = "a.py" if "### a.py" in call.user or "a.py" in call.user.split("## Diff")[1] else "b.py"
        return findings_of({**CLAIM, "path": path})

    model.answers("findings", saturated_unless(lambda call: len({"a.py", "b.py"} & _shown(call)) == 1, clean))
    model.answers("verify", lambda _: verdicts_of(RIGHT, {**RIGHT, "id": 2}))
    model.script("edit", '{"findings": []}')
    done = reviewed(client, "a.py", "b.py")
    assert sorted(finding.anchor.path for finding in done.findings) == ["a.py", "b.py"]
    assert models_of(model) == ["MiniMax-M2.1"] * 3
    assert (done.skipped, done.files_reviewed) == ((), 2)


def _shown(call: Call) -> set[str]:
    return {path for path in ("a.py", "b.py") if path in call.user.split("## Diff")[1]}


def test_a_part_that_stays_without_an_answer_is_named(model: FakeModel) -> None:
    """Of a divided part, the half that failed is skipped aloud; the other half is reviewed."""
    model.answers("findings", saturated_unless(lambda call: _shown(call) == {"a.py"}, lambda _: CLEAN))
    model.script("verify", verdicts_of(RIGHT))
    with Client(key=model.key, base_url=model.base_url, trailer_timeout=0.1) as alone:
        done = review(change_of("a.py", "b.py"), Settings(), alone.ask, salt=b"s", options=PLAIN)
    assert [finding.anchor.path for finding in done.findings] == ["a.py"]
    assert [skipped.path for skipped in done.skipped] == ["b.py"]
    assert done.files_reviewed == 1


def test_claims_are_judged_in_halves_if_all_are_too_many(model: FakeModel, client: Client) -> None:
    """The verdicts of each half count for its own claims."""
    second = {**CLAIM, "line": 42, "quote": "    return x[-1]", "title": "No last element"}
    model.script("findings", findings_of(CLAIM, second))

    def judged(call: Call) -> str:
        return verdicts_of({**RIGHT, "verdict": "refuted" if "No last element" in call.user else "confirmed"})

    few = saturated_unless(lambda call: not {"No last element", "Division by zero"} <= _claims(call), judged)
    model.answers("verify", few)
    done = reviewed(client, "a.py")
    assert [finding.title for finding in done.findings] == ["Division by zero"]
    assert [(rejected.reason, rejected.title) for rejected in done.rejected] == [("refuted", "No last element")]


def _claims(call: Call) -> set[str]:
    return {title for title in ("No last element", "Division by zero") if title in call.user}


def test_a_question_about_too_much_is_answered_from_a_part(model: FakeModel, client: Client) -> None:
    """The answer says which files it does not rest on."""
    model.answers("ask", saturated_unless(lambda call: "b.py" not in call.user.split("## Diff")[1], lambda _: TEXT))
    answer = answer_question(change_of("a.py", "b.py"), Settings(), "Why?", client.ask, salt=b"s")
    assert answer.text == TEXT
    assert [skipped.path for skipped in answer.skipped] == ["b.py"]


@pytest.mark.parametrize("prose", ["The claim holds: `share(10, [])` raises IndexError.", '{"verdicts": []}'])
def test_findings_that_nobody_judged_are_listed_with_a_note(model: FakeModel, prose: str) -> None:
    """A falsifier that gives no verdict sinks no finding silently."""
    model.script("findings", CLEAN)
    model.answers("verify", lambda _: prose)
    with Client(key=model.key, base_url=model.base_url, trailer_timeout=0.1) as alone:
        done = reviewed(alone, "a.py")
    assert [finding.title for finding in done.below] == ["Division by zero"]
    assert "1 finding could not be double-checked" in done.notes[0]


def test_an_unusable_reply_survives_a_restart(model: FakeModel, client: Client) -> None:
    """The App stores it as what it is, and asks the fallback model under another digest."""
    prompt = Prompt(Task.FINDINGS, (Message("system", "s"), Message("user", "u")))
    other = Prompt(prompt.task, prompt.messages, model="MiniMax-M2.5")
    assert prompt_from_json(prompt_to_json(other)) == other
    assert prompt_digest(other) != prompt_digest(prompt)
    model.script("findings", LEAK, CLEAN)
    asked = Prompt(Task.FINDINGS, (Message("system", "s"), Message("user", "# Task: findings\nu")))

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        return [answer_from_json(json.loads(json.dumps(answer_to_json(reply)))) for reply in client.ask(prompts)]

    (answer,) = ask_and_read([(asked, read_findings)], ask)
    assert answer.value is not None
    assert answer.usage.calls == 2
    assert answer_from_json(answer_to_json(Reply("t", fallback="MiniMax-M2.5"))) == Reply("t", fallback="MiniMax-M2.5")
