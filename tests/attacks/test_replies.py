"""Replies that a hostile or broken model may write: each is a review, with what can be read, or a typed error."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.output.formats import FORMATS, Layout
from reviewer.tasks.conversation.json_replies import Unreadable
from reviewer.tasks.conversation.replies import MAX_FINDINGS, read_findings
from reviewer.tasks.review import review

DIFF = parse_diff("--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,3 @@\n a = 1\n-b = 2\n+b = 3\n+c = 4\n")
FINDING = {
    "path": "a.py", "line": 2, "quote": "b = 3", "severity": "error", "category": "bug", "title": "It fails",
    "body": "Because.", "suggestion": "b = 2", "claim": "f() raises KeyError for {}",
}  # fmt: skip


def reviewed(findings: Sequence[object]) -> Review:
    """Return the review where the model finds that, and confirms all of it."""
    verdicts = [{"id": number, "verdict": "confirmed", "reason": "r"} for number in range(1, 60)]
    texts = {
        Task.FINDINGS: json.dumps({"summary": "s", "findings": findings}),
        Task.VERIFY: json.dumps({"verdicts": verdicts}),
        Task.TESTS: "NONE",
    }

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        return [Reply(texts.get(prompt.task, '{"findings": []}'), raw="", model="m") for prompt in prompts]

    return review(Change(DIFF), Settings(), ask, salt=b"s")


HOSTILE = {
    "half a surrogate pair": "\ud800",
    "the other half": "x \udfff y",
    "a byte that is not UTF-8": "\udc80",
    "a zero byte": "a\x00b",
    "a very long text": "x" * 100_000,
    "many lines": "b = 3\n" * 5_000,
    "brackets": "[" * 20_000,
    "digits": "9" * 5_000,
    "invisible": "\u200b\u202e\U000e0041",
    "nothing but blanks": " \t\n",
    "an escape": "\x1b[2J",
    "blanks and a letter": " " * 20_000 + "x",
    "digits and blanks": "1 " * 20_000 + "x",
}


@pytest.mark.parametrize("field", ["path", "quote", "title", "body", "suggestion", "claim"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_of_a_finding_stops_the_review(field: str, text: str) -> None:
    """A finding with such a text is posted or dropped alone: the other finding stays, and every format shows it."""
    began = time.process_time()
    result = reviewed([{**FINDING, field: text}, {**FINDING, "quote": "c = 4", "line": 3, "title": "The other"}])
    assert "The other" in {finding.title for finding in (*result.findings, *result.below)}
    for name, output in FORMATS.items():
        assert output.render(result, DIFF, Layout(title="t", colour=False)).encode("utf-8", "replace"), name
    assert time.process_time() - began < 10


def test_a_flood_of_findings_is_read_up_to_a_bound() -> None:
    """Of 20,000 findings the first 200 are read; the rejected ones say how many more there were."""
    reply = read_findings(json.dumps({"findings": [FINDING] * 20_000}))
    assert len(reply.findings) == MAX_FINDINGS
    assert [rejected.title for rejected in reply.rejected] == ["19,800 more findings"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        '[{"path": "a.py", "line": 3, "quote]}"x = 1", "severity": "error",: 3, "quote'
        + "]}" * 20_000
        + '"x = 1"' * 80,
        '{"findings": [{"title": "' + "}" * 50_000,
        '{"findings": [{"title": "' + '"]' * 1_900,
        '{"a": "' + "]},{" * 14_000,
    ],
    ids=["brackets in a text", "closing brackets", "quotes and brackets", "objects"],
)
def test_a_reply_that_is_nearly_json_takes_seconds(text: str) -> None:
    """What json-repair would look at again and again is not given to it."""
    began = time.process_time()
    for complete in (True, False):
        with pytest.raises(Unreadable):
            read_findings(text, complete=complete)
    assert time.process_time() - began < 5
