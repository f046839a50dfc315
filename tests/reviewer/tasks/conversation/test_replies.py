"""Replies of the model: every rung of the ladder, and never a bad reply taken for an empty one."""

from __future__ import annotations

import json

import pytest

from reviewer.domain.severity import Severity
from reviewer.tasks.conversation.json_replies import Unreadable
from reviewer.tasks.conversation.replies import read_findings, read_tests, read_verdicts

GOOD = {"path": "a.py", "line": 3, "quote": "x = 1", "severity": "error", "category": "bug", "title": "t", "body": "b"}
OBJECT = json.dumps({"summary": "s", "findings": [GOOD]})


@pytest.mark.parametrize(
    "text",
    [
        OBJECT,
        f"  \n{OBJECT}\n",
        f"\ufeff{OBJECT}",
        f"```json\n{OBJECT}\n```",
        f"Here you are:\n\n```\n{OBJECT}\n```\nI hope this helps.",
        f"I looked at {{this}} and [[that]].\n{OBJECT}\nNote: done.",
        f'{{"draft": true}} no, rather: {OBJECT}',
        json.dumps([GOOD]),
        OBJECT.replace("}]}", "},]}"),
        OBJECT.replace('"', "'"),
        json.dumps({"summary": None, "findings": [{**GOOD, "line": "3"}]}),
        json.dumps({"summary": "s", "findings": [{**GOOD, "line": "2-3", "quote": ["x = 1"], "severity": "Critical"}]}),
        OBJECT.replace('"path"', '"file"').replace('"line"', '"line_number"').replace('"quote"', '"code"'),
        OBJECT.replace('"path"', '"relevant_file": "b.py", "path"'),
        OBJECT.replace('"b"', '"b\nwith a raw newline"'),
    ],
)
def test_every_readable_form_is_read(text: str) -> None:
    """Fences, prose, trailing commas, single quotes and loose types all give the one finding."""
    reply = read_findings(text)
    assert [(one.path, one.line, one.quote, one.severity) for one in reply.findings] == [
        ("a.py", 3, "x = 1", Severity.ERROR)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No issues found.",
        "{}",
        '{"findings": null}',
        '{"summary": "all good"}',
        '{"verdicts": []}',
        '{"findings": [{"title": "no path"}]}',
        '{"findings": ["a string"]}',
        "[" * 10_000,
        "{" * 10_000,
    ],
)
def test_what_cannot_be_read_is_never_no_findings(text: str) -> None:
    """Prose, other shapes and items that all fail are refused, with words for the repair turn."""
    with pytest.raises(Unreadable) as caught:
        read_findings(text)
    assert str(caught.value).endswith(".")


def test_a_cut_off_reply_is_not_closed_silently() -> None:
    """A truncated list would read as a short one after repair: it is refused instead."""
    cut = OBJECT[:-3]
    assert read_findings(cut, complete=True).findings
    with pytest.raises(Unreadable, match="cut off"):
        read_findings(cut, complete=False)


def test_a_whole_object_in_a_cut_off_reply_counts() -> None:
    """When the object is complete and only prose after it was cut, it is read."""
    assert read_findings(OBJECT + "\nIn addition, I wou", complete=False).findings


def test_an_empty_list_is_a_good_answer() -> None:
    """No findings, said in the right shape, is an answer."""
    reply = read_findings('{"summary": "fine", "findings": []}')
    assert (reply.summary, reply.findings) == ("fine", ())


def test_one_bad_item_costs_that_item() -> None:
    """The others are kept, and the bad one is counted."""
    reply = read_findings(json.dumps({"findings": [GOOD, {"path": "b.py", "severity": "purple", "title": "odd"}]}))
    assert [one.path for one in reply.findings] == ["a.py"]
    assert [(one.reason, one.path, one.title) for one in reply.rejected] == [("malformed", "b.py", "odd")]


@pytest.mark.parametrize(
    ("written", "severity"),
    [("High (security)", "error"), ("\U0001f534 Critical", "error"), ("P1", "error"), ("error|warning", "error"),
     ("严重", "error"), ("Medium-low", "warning"), ("a nit", "info"), ("非常", "warning"), ("not critical", "warning"),
     (None, "warning"), (3, "warning"), ("compliance", "warning")],
)  # fmt: skip
def test_a_severity_in_other_words(written: object, severity: str) -> None:
    """The first known word of a phrase counts; a severity that nobody knows costs no finding that quotes its code."""
    reply = read_findings(json.dumps({"findings": [GOOD, {**GOOD, "title": "u", "severity": written}]}))
    assert [finding.severity for finding in reply.findings] == ["error", severity]
    assert reply.rejected == ()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("category", "Bug risk", "bug"), ("category", "null-safety", "bug"), ("category", ["security"], "bug"),
        ("category", "security vulnerability", "security"), ("category", None, "bug"),
        ("suggestion", ["y = 1", "z = 2"], "y = 1\nz = 2"), ("suggestion", {"code": "y = 1"}, None),
        ("suggestion", False, None), ("title", None, "b"), ("title", "", "b"), ("body", {"text": "b"}, ""),
    ],
)  # fmt: skip
def test_a_field_of_another_form_costs_no_finding(field: str, value: object, expected: object) -> None:
    """What can be left out is left out; a title is taken from what the finding says."""
    (finding,) = read_findings(json.dumps({"findings": [{**GOOD, field: value}]})).findings
    assert getattr(finding, field) == expected


def test_a_repaired_entry_must_fit() -> None:
    """Where the JSON had to be repaired, a field that does not fit shows that fields are mixed up."""
    broken = json.dumps({"findings": [{**GOOD, "severity": "purple"}]})[:-1] + ",}"
    with pytest.raises(Unreadable):
        read_findings(broken)
    assert read_findings(broken.replace("purple", "high")).findings


@pytest.mark.parametrize(
    "word", ["null", "None", "N/A", "n/a.", "`none`", "<none>", "[removed]", '""', "``````", "...", "No change needed"]
)
def test_a_word_for_no_replacement_is_none(word: str) -> None:
    """It is not code: with one click it would stand in the file. An empty text deletes lines, a bracket is code."""
    (finding,) = read_findings(json.dumps({"findings": [{**GOOD, "suggestion": word}]})).findings
    assert finding.suggestion is None
    for code in ("", "]", "return None", "pass", "---", "x = null", "[]"):
        (finding,) = read_findings(json.dumps({"findings": [{**GOOD, "suggestion": code}]})).findings
        assert finding.suggestion == code


def test_fields_under_names_of_other_tools_are_read() -> None:
    """Also where a comma too many has to be mended."""
    broken = '{"findings": [{"file": "a.py", "end_line": "L3", "code": "x = 1", "issue": "t", "type": "docs",}]}'
    (one,) = read_findings(broken).findings
    assert (one.path, one.line, one.quote, one.title, one.category) == ("a.py", 3, "x = 1", "t", "maintainability")


@pytest.mark.parametrize(
    ("written", "category"),
    [
        ("docs", "maintainability"),
        ("Race condition", "bug"),
        ("code quality", "maintainability"),
        ("Injection", "security"),
    ],
)
def test_a_category_in_other_words(written: str, category: str) -> None:
    """A nit about documentation is no bug because its word was not asked for."""
    (one,) = read_findings(json.dumps({"findings": [{**GOOD, "category": written}]})).findings
    assert str(one.category) == category


def test_verdicts_are_read_by_number() -> None:
    """Numbers may be strings, words may vary, and an unreadable entry is left out."""
    verdicts = read_verdicts('{"verdicts": [{"id": "2", "verdict": "Confirm"}, {"id": 1, "verdict": "refuted"}, 7]}')
    assert {key: verdict.verdict for key, verdict in verdicts.items()} == {2: "confirmed", 1: "refuted"}
    with pytest.raises(Unreadable):
        read_verdicts('{"verdicts": [{"verdict": "confirmed"}]}')


@pytest.mark.parametrize(
    ("written", "verdict"),
    [("**CONFIRMED**", "confirmed"), ("true positive", "confirmed"), (True, "confirmed"), ("False positive", "refuted"),
     ("rejected.", "refuted"), ("不确定", "uncertain"), ("not confirmed", "not confirmed"),
     ("Unconfirmed", "unconfirmed"),
     ("partly confirmed", "partly confirmed"), ("valid, but refuted", "valid, but refuted")],
)  # fmt: skip
def test_a_verdict_in_other_words(written: object, verdict: str) -> None:
    """One or two words are read; what is said with reserve is neither confirmed nor refuted."""
    verdicts = read_verdicts(json.dumps({"verdicts": [{"id": 1, "verdict": written, "reason": "r"}]}))
    assert verdicts[1].verdict == verdict


TEST = '<test path="tests/test_a.py" covers="a.py:1-3">\ndef test_a():\n    assert "<test>" != 1\n</test>'


def test_tests_are_read_with_their_code_untouched() -> None:
    """Code may hold quotes and angle brackets; a fence round it is removed."""
    (one,) = read_tests(f"Sure:\n{TEST}\n")
    assert (one.path, one.covers, one.code) == (
        "tests/test_a.py",
        "a.py:1-3",
        'def test_a():\n    assert "<test>" != 1\n',
    )
    (fenced,) = read_tests("<test path='t.py' covers=''>\n```python\nassert f() == 1\n```\n</test>")
    assert fenced.code == "assert f() == 1\n"


def test_no_tests_and_broken_tests_are_told_apart() -> None:
    """NONE is an answer; prose without a test is not; a last file that was cut off is left out."""
    assert read_tests("NONE") == ()
    assert read_tests("**None.**") == ()
    with pytest.raises(Unreadable):
        read_tests("I would test the edges.")
    with pytest.raises(Unreadable):
        read_tests("", complete=False)
    assert len(read_tests(TEST + '\n<test path="b.py">\ndef test_b', complete=False)) == 1


def test_verdicts_that_contradict_each_other() -> None:
    """The words for the repair turn name the claim, and repeat nothing of the model's."""
    with pytest.raises(Unreadable, match="two different verdicts on claim 1") as raised:
        read_verdicts(
            '{"verdicts": [{"id": 1, "verdict": "\U00040a30confirmed"}, {"id": 1, "verdict": "re\x1bfuted"}]}'
        )
    assert str(raised.value).isprintable()
