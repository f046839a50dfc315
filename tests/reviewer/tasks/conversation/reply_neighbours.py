"""Replies as models write them, each with what may be read out of it: all of the answer, or nothing at all.

They are the neighbours of replies that were lost or misread: combinations of answers, spellings of the thinking, leaked
tool calls, prose about code, and what stands around all that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

#: The reply has to be asked for once more.
AGAIN: Final = "ask again"

Finding = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One reply to a task, and what must be read: a value as `summary_of` makes it, or AGAIN."""

    name: str
    task: str
    content: str
    expected: Any
    finish: str = "stop"


def finding(title: str, severity: str = "error", line: int = 2, quote: str = "    first = people[0]") -> Finding:
    """Return a finding as a model writes it."""
    return {
        "path": "pay.py",
        "line": line,
        "quote": quote,
        "severity": severity,
        "category": "bug",
        "title": title,
        "body": "IndexError.",
        "suggestion": None,
    }


A, B, C = finding("A"), finding("B", line=3, quote="    each = total / len(people)"), finding("C", line=4, quote="x")
RIGHT = {"id": 1, "verdict": "confirmed", "reason": "It fails.", "case": "share(1, [])"}
WRONG = {"id": 2, "verdict": "refuted", "reason": "The caller checks."}
MATCH, OTHER = {"report": 1, "reference": 1}, {"report": 2, "reference": 1}
CODE = "from src.pay import share\n\n\ndef test_share():\n    assert share(10, ['a']) == ('a', 10)\n"
TEST = f'<test path="tests/test_pay.py" covers="pay.py:1-4">\n{CODE}</test>'
DRAFT = '<test path="tests/test_draft.py" covers="pay.py:1-4">\ndef test_draft():\n    assert False\n</test>'
TEXT = "Because the order of the codes counts: `pay.py:3`."


def findings_of(*items: Finding, summary: str = "A change.") -> str:
    """Return a complete answer with these findings."""
    return json.dumps({"summary": summary, "findings": list(items)})


def verdicts_of(*items: dict[str, Any]) -> str:
    """Return a complete answer with these verdicts."""
    return json.dumps({"verdicts": list(items)})


def read_as(*items: Finding) -> tuple[tuple[str, str], ...]:
    """Return what is read of these findings."""
    return tuple((item["title"], item["severity"]) for item in items)


#: By task: the complete answer, what is read of it, and a draft that is no answer.
ANSWERS: dict[str, tuple[str, Any, str]] = {
    "findings": (findings_of(A, B), read_as(A, B), findings_of(C)),
    "verify": (verdicts_of(RIGHT, WRONG), ((1, "confirmed"), (2, "refuted")), verdicts_of({**RIGHT, "id": 3})),
    "tests": (TEST, (("tests/test_pay.py", "pay.py:1-4", CODE),), DRAFT),
    "ask": (TEXT, TEXT, "I should answer in one sentence."),
    "judge": (json.dumps({"matches": [MATCH]}), ((0, 0),), json.dumps({"matches": [OTHER]})),
}
JSON_TASKS = ("findings", "verify", "judge")


def odd_but_valid() -> Iterator[Neighbour]:
    """Yield answers in the forms that were always read."""
    for task in JSON_TASKS:
        answer, expected, _ = ANSWERS[task]
        entries = json.dumps(next(value for value in json.loads(answer).values() if isinstance(value, list)))
        forms = {
            "plain": answer,
            "byte order mark": f"\ufeff{answer}\n",
            "fence": f"```json\n{answer}\n```",
            "fence without label": f"```\n{answer}\n```",
            "tildes": f"~~~\n{answer}\n~~~",
            "indented fence": f"  ```json\n  {answer}\n  ```",
            "capital label": f"```JSON\n{answer}\n```",
            "prose before": f"Here you are:\n\n{answer}",
            "prose on the line": f"Here you are: {answer} That is all.",
            "prose after": f"{answer}\n\nNote: I looked at the changed lines only.",
            "fence in prose": f"I checked `people[0]` and {{this}}.\n\n```json\n{answer}\n```\n\nIt's 3\" wide.",
            "brackets before": f"I looked at {{this}} and [[that]] and f([]).\n{answer}",
            "open bracket before": f"I looked at `{{` and ( and [ first.\n{answer}",
            "quoted bracket before": f'The map {{"a", "b"}} is fine.\n{answer}',
            "draft object": f'{{"draft": true}} no, rather: {answer}',
            "trailing comma": answer.replace("}]}", "},]}"),
            "trailing comma in a fence": f"```json\n{answer.replace('}]}', '}],}')}\n```",
            "trailing comma in prose": f"Here:\n{answer.replace('}]}', '},]}')}\nThat is all.",
            "single quotes": answer.replace('"', "'").replace("null", "None"),
            "indented": json.dumps(json.loads(answer), indent=2),
            "no comma": answer.replace("}, {", "} {"),
            "bare list": entries,
            "fenced bare list": f"```json\n{entries}\n```",
            "fenced bare list in prose": f"Here you are:\n```json\n{entries}\n```\nDone.",
            "list of the object": f"[{answer}]",
            "entries, one a line": "\n".join(json.dumps(entry) for entry in json.loads(entries)),
            "windows line ends": json.dumps(json.loads(answer), indent=2).replace("\n", "\r\n"),
        }
        for name, content in forms.items():
            yield Neighbour(f"valid: {name}", task, content, expected)
    empty = findings_of()
    for name, content in {
        "empty": empty,
        "empty in prose": f"I found nothing.\n{empty}",
        "empty in a fence": f"```json\n{empty}\n```",
        "empty bare list": "[]",
        "empty fenced list": "```json\n[]\n```",
        "empty fenced list in prose": "Here is the review you asked for:\n\n```json\n[]\n```\n\nNote: nothing else.",
        "empty list in a fence without label": "Here you are:\n\n```\n[]\n```",
        "raw newline": empty.replace("A change.", "A\nchange."),
        "no summary": '{"findings": []}',
        "no summary, after a word": '**Answer:** {"findings": []}',
    }.items():
        yield Neighbour(f"valid: {name}", "findings", content, ())


PROSE = (
    "`people[0]` fails where the default is `people=[]`. And line 3 divides by zero then.",
    "The slice `names []string` may be nil here, so line 2 panics.",
    "`tags: string[]` can be empty: line 2 then reads undefined.",
    "The claim holds: `share(10, [])` raises IndexError.",
    "share(10, []) raises.",
    "It returns `[]`.",
    "[] is returned for an empty list, so line 4 fails.",
    "The list [] has no first element.",
    "Use `var rows [][]int{}` with care; `map[string]int{}` panics.",
    "`const [a, b] = []` leaves both undefined.",
    "The body {} of the handler hides the error, and [] is lost.",
    "`int[] a = {}` is empty.",
    "A default of\n\n```python\n[]\n```\n\nis shared by all calls.",
    "The default is:\n```\n[]\n```\nso line 2 reads past its end.",
    'The answer of the service is `{"findings": []}`, which line 3 does not expect.',
    'It returns\n```python\nreturn {"findings": []}\n```\nand nobody reads it.',
    'It sends `{"verdicts": []}` and `{"matches": []}` to the caller.',
    "It returns {'findings': []} and {'verdicts': []} for each, so {'matches': []} is never shown.",
    'The page gets {"data": {"findings": [], "verdicts": [], "matches": []}} and fails in line 3.',
    'It sends {"findings": []} or {"verdicts": []} or {"matches": []} to the caller, which does not expect it.',
    "{'findings': [], 'verdicts': [], 'matches': []} is what it returns, so line 2 fails.",
    "No issues found.",
    "I found two problems: line 2 (index) and line 3 (division).",
    "- [ ] line 2 fails\n- [x] line 3 is fine",
    "See [the docs](https://example.com/a) and [].",
    "f([])",
    "It is (in principle) `None | list[str]`; `[]` is not handled.",
    "[1] The first finding: people[0] fails. [2] The second: division by zero.",
    '["A", "B"]',
    "{}",
    "null",
    '"none"',
)


def prose_about_code() -> Iterator[Neighbour]:
    """Yield prose with brackets in it, which is no answer to a task that wants JSON."""
    for task in JSON_TASKS:
        for number, text in enumerate(PROSE):
            for name, content in {
                "alone": text,
                "after thinking": f"<think>\nAn empty list [] it is.\n</think>\n\n{text}",
                "twice": f"{text}\n\n{PROSE[(number + 7) % len(PROSE)]}",
            }.items():
                yield Neighbour(f"prose {number} {name}", task, content, AGAIN)
    for number, text in enumerate(PROSE):
        if text not in ("{}", "null", '"none"'):
            yield Neighbour(f"prose {number}", "tests", text, AGAIN)
    broken = (
        r'{"summary": "S", "findings": [{"path": "m.go", "line": 3, "quote": "\tpanic("}")", "severity": "error", '
        r'"category": "bug", "title": "T0", "body": "Returns "}" when empty.", "suggestion": null}, {"path": "m.go", '
        r'"line": 4, "quote": "\tpanic("}")", "severity": "error", "title": "T1", "body": "Use []string{} instead."}]}'
    )
    for name, text in {
        "broken Go": broken,
        "broken Go in a fence": f"```json\n{broken}\n```",
        "broken Go, then empty": f"{broken}\n{findings_of()}",
        "empty, then broken Go": f"{findings_of()}\n{broken}",
        "an answer in a broken body": '{"findings": [{"path": "a", "title": "t", "body": "it is {"findings": []}"}]}',
        "the end of an answer": '"findings": []}',
        "the end of a list": 'nge."}, {"path": "a.py"}]}',
        "only the end of a list": "[]}",
    }.items():
        yield Neighbour(name, "findings", text, AGAIN)


def several_objects() -> Iterator[Neighbour]:
    """Yield replies with more than one object: joined, or asked for once more."""
    abc = read_as(A, B, C)
    joints = {
        "line": "\n",
        "nothing": "",
        "blank line": "\n\n",
        "comma": ",\n",
        "prose": "\n\nThe next:\n\n",
        "rule": "\n---\n",
        "brackets": "\n\nNo [] here.\n\n",
    }
    for name, joint in joints.items():
        one_each = joint.join(findings_of(item) for item in (A, B, C))
        yield Neighbour(f"one each, {name}", "findings", one_each, abc)
        yield Neighbour(f"two and one, {name}", "findings", joint.join([findings_of(A, B), findings_of(C)]), abc)
        yield Neighbour(f"then empty, {name}", "findings", joint.join([findings_of(A, B, C), findings_of()]), abc)
        yield Neighbour(f"empty first, {name}", "findings", joint.join([findings_of(), findings_of(A, B, C)]), abc)
        yield Neighbour(f"the same twice, {name}", "findings", joint.join([findings_of(A, B, C)] * 2), abc)
        corrected = read_as(A, {**B, "severity": "warning"}, C)
        correction = findings_of({**B, "severity": "warning"})
        yield Neighbour(f"correction, {name}", "findings", joint.join([findings_of(A, B, C), correction]), corrected)
        sums = joint.join([verdicts_of(RIGHT), verdicts_of(WRONG)])
        yield Neighbour(f"verdicts, {name}", "verify", sums, ((1, "confirmed"), (2, "refuted")))
        empty = joint.join([verdicts_of(RIGHT, WRONG), verdicts_of()])
        yield Neighbour(f"verdicts, then none, {name}", "verify", empty, ((1, "confirmed"), (2, "refuted")))
        against = joint.join([verdicts_of(RIGHT), verdicts_of({**RIGHT, "verdict": "refuted"})])
        yield Neighbour(f"verdicts that contradict, {name}", "verify", against, AGAIN)
        pairs = joint.join(json.dumps({"matches": [match]}) for match in (MATCH, OTHER))
        yield Neighbour(f"matches, {name}", "judge", pairs, ((0, 0), (1, 0)))
        mended = joint.join([findings_of(A).replace("}]}", "},]}"), findings_of(B, C)])
        yield Neighbour(f"one with a trailing comma, {name}", "findings", mended, abc)
        broken = joint.join([findings_of(A).replace('"body": "Index', '"body": "say "}" '), findings_of()])
        yield Neighbour(f"one broken, one empty, {name}", "findings", broken, AGAIN)
        half = joint.join([findings_of(A), findings_of(B, C)[:-40]])
        yield Neighbour(f"the second cut off, {name}", "findings", half, AGAIN, "length")
    fences = "\n\n".join(f"```json\n{findings_of(item)}\n```" for item in (A, B, C))
    yield Neighbour("a fence each", "findings", fences, abc)
    yield Neighbour("a fence each, in prose", "findings", f"First:\n{fences}\nThat is all.", abc)
    lists = f"```json\n{json.dumps([A])}\n```\n```json\n{json.dumps([B, C])}\n```"
    yield Neighbour("a list in each fence", "findings", lists, abc)
    yield Neighbour(
        "a list, then an empty one", "findings", f"```json\n{json.dumps([A, B, C])}\n```\n```\n[]\n```", abc
    )
    yield Neighbour(
        "a list, then an empty object", "findings", f"```json\n{json.dumps([A])}\n```\n{findings_of()}", read_as(A)
    )
    twice = f'{{"findings": [{json.dumps(A)}], "findings": [{json.dumps(B)}, {json.dumps(C)}]}}'
    yield Neighbour("the key twice", "findings", twice, abc)
    yield Neighbour(
        "the key twice, then empty", "findings", f'{{"findings": [{json.dumps(A)}], "findings": []}}', read_as(A)
    )
    beside = f"{findings_of()}\n{json.dumps(A)}\n{json.dumps([B, C])}"
    yield Neighbour("entries beside an empty answer", "findings", beside, abc)
    yield Neighbour("an entry beside an answer", "findings", f"{findings_of(A)} {json.dumps(B)}", read_as(A, B))
    verdict = f"{verdicts_of(RIGHT)}\n{json.dumps(WRONG)}"
    yield Neighbour("a verdict beside an answer", "verify", verdict, ((1, "confirmed"), (2, "refuted")))
    yield Neighbour("begun again", "findings", f'{findings_of(A)}\n{{"summary": "And', AGAIN, "length")
    yield Neighbour("cut in the prose after", "findings", f"{findings_of(A)}\nIn addition, I wou", read_as(A), "length")
