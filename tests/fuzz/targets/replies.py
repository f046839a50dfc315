"""What the model replies: findings, verdicts, tests, answers, requests to see more."""

from __future__ import annotations

import json
import re

from hypothesis import strategies as st

from reviewer.safety.redaction import redact
from reviewer.tasks.answer_question import read_answer
from reviewer.tasks.conversation.json_replies import Unreadable
from reviewer.tasks.conversation.markdown_fences import unfence
from reviewer.tasks.conversation.replies import read_findings, read_tests, read_verdicts
from tests.fuzz.campaign import Target
from tests.fuzz.texts import edited, explain_itself, text

_FINDING = {
    "path": "a.py", "line": 3, "quote": "x = 1", "severity": "error", "category": "bug", "title": "It fails",
    "body": "Because.", "suggestion": "x = 2", "claim": "f() raises KeyError for {}",
}  # fmt: skip
_FINDINGS = (
    json.dumps({"summary": "s", "findings": [_FINDING, {**_FINDING, "line": "10-12"}]}, indent=1),
    f"Here it is:\n```json\n{json.dumps({'summary': 's', 'findings': [_FINDING]})}\n```\nDone.",
    json.dumps([_FINDING]),
    json.dumps({"findings": []}),
)
_VERDICT = {"id": 1, "verdict": "confirmed", "reason": "r", "case": "c", "refuted_if": "x", "severity": "warning"}
_VERDICTS = (json.dumps({"verdicts": [_VERDICT, {**_VERDICT, "id": "2"}]}), json.dumps([_VERDICT]))
_TESTS = (
    '<test path="tests/test_a.py" covers="a.py:1-3">\nimport a\n\n\ndef test_a():\n    assert a.f() == 1\n</test>\n',
    "NONE",
    "<test path='t.py' covers=''>\n```\nassert 1\n```\n</test>\n<test path=\"u.py\" covers=\"b\">\nx = 1\n</test>",
)
_JSON = (
    '"findings"',
    '{"findings": [',
    "]}",
    '"path": ',
    "```json\n",
    '\\"',
    "\\u12",
    "\\ud800",
    ": ",
    "1e999",
    "{}",
    "[]",
)
_LARGE = 10**9


def replies(valid: tuple[str, ...], *pieces: str) -> st.SearchStrategy[tuple[str, bool]]:
    """Draw a reply, and whether the model ended it itself."""
    return st.tuples(st.one_of(edited(valid, *pieces), edited(valid, *pieces), text(*pieces)), st.booleans())


def _is_clean(words: str) -> bool:
    return re.search("data-[0-9a-f]{16}", words, re.IGNORECASE) is None


def check_findings(value: tuple[str, bool]) -> None:
    """Check that a reply has findings whose fields are of their types, or is unreadable for a reason."""
    reply, complete = value
    try:
        read = read_findings(reply, complete=complete)
    except Unreadable as error:
        explain_itself(error)
        return
    assert _is_clean(read.summary)
    for finding in read.findings:
        assert finding.path
        assert finding.title
        assert finding.line is None or -_LARGE < finding.line < _LARGE
        assert _is_clean("".join(map(str, finding.model_dump().values())))
    for rejected in read.rejected:
        assert len(rejected.path) <= 300
        assert len(rejected.title) <= 200


def check_verdicts(value: tuple[str, bool]) -> None:
    """Check that a reply has verdicts by the number of their claim, or is unreadable for a reason."""
    reply, complete = value
    try:
        read = read_verdicts(reply, complete=complete)
    except Unreadable as error:
        explain_itself(error)
        return
    for number, verdict in read.items():
        assert number == verdict.id
        assert isinstance(verdict.verdict, str)
        assert _is_clean(verdict.reason)


def check_tests(value: tuple[str, bool]) -> None:
    """Check that a reply has tests with a path and code, none, or is unreadable for a reason."""
    reply, complete = value
    try:
        read = read_tests(reply, complete=complete)
    except Unreadable as error:
        explain_itself(error)
        return
    for test in read:
        assert test.path.strip() == test.path != ""
        assert test.code.endswith("\n")
        assert test.code.strip()
        assert _is_clean(test.path + test.covers + test.code)


def check_answer(value: tuple[str, bool]) -> None:
    """Check that an answer to a question is shown without secrets and without the fence."""
    reply, complete = value
    try:
        shown = read_answer(reply, complete=complete)
    except Unreadable:
        return
    assert shown.strip()
    assert _is_clean(shown)
    assert redact(shown) == (shown, 0)
    unfence(reply)


REPLIES = (
    Target(
        "findings", replies(_FINDINGS, *_JSON), check_findings, read_findings, lambda value: value[0], (Unreadable,)
    ),
    Target("verify", replies(_VERDICTS, *_JSON), check_verdicts, read_verdicts, lambda value: value[0], (Unreadable,)),
    Target(
        "tests",
        replies(_TESTS, "<test ", '<test path="a">\n', "</test>\n", "\n</test>", "```\n", 'path="', "NONE"),
        check_tests,
        read_tests,
        lambda value: value[0],
        (Unreadable,),
    ),
    Target(
        "answer",
        replies(("Because `x` is None.\n\n```py\nx = 1\n```\n", "token ghp_" + "a1B2c3D4e" * 4), "data-", "&#45;", "&"),
        check_answer,
        lambda reply: read_answer(reply, complete=True),
        lambda value: value[0],
        (Unreadable,),
    ),
)
