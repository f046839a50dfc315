"""Replies with thinking, leaked tool calls and test files in them, each with what may be read out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.reviewer.tasks.conversation.reply_neighbours import (
    AGAIN,
    ANSWERS,
    CODE,
    DRAFT,
    JSON_TASKS,
    TEST,
    TEXT,
    A,
    B,
    Neighbour,
    findings_of,
)

TAGS = {
    "think": ("<think>", "</think>"),
    "thinking": ("<thinking>", "</thinking>"),
    "mm": ("<mm:think>", "</mm:think>"),
    "capitals": ("<THINK>", "</Think>"),
    "attribute": ('<think budget="low">', "</think>"),
    "mm attribute": ('<mm:think type="a">', "</mm:think >"),
    "spaces": ("<think >", "</ think>"),
    "round": ("(think)", "(/think)"),
    "mixed": ("<mm:think>", "</think>"),
}


def thinking() -> Iterator[Neighbour]:
    """Yield answers beside thinking in every spelling and with missing ends; a draft stands in the thinking."""
    for task, (answer, expected, draft) in ANSWERS.items():
        for tag, (begin, end) in TAGS.items():
            thought = f"Let me see: {draft}\nThat is wrong, [] too."
            forms: dict[str, tuple[str, Any]] = {
                "before": (f"{begin}{thought}{end}\n{answer}", expected),
                "on lines": (f"{begin}\n{thought}\n{end}\n\n{answer}", expected),
                "draft on lines": (f"{begin}\nFirst idea:\n{draft}\nNo.\n{end}\n{answer}", expected),
                "after": (f"{answer}\n{begin}\n{thought}\n{end}", expected),
                "after, not closed": (f"{answer}\n{begin}\n{thought}", expected),
                "twice": (f"{begin}a{end}\n{begin}{thought}{end}\n{answer}", expected),
                "not opened": (f"Let me see.\nFine.\n{end}\n{answer}", expected),
                "not opened, draft": (f"First idea:\n{draft}\nThat is wrong.{end}\n{answer}", expected),
                "not closed": (f"{begin}\n{thought}\n{answer}", AGAIN),
                "nothing else": (f"{begin}\n{thought}\n{answer}\n{end}", AGAIN),
                "closed twice": (f"{begin}a{end}{end}\n{answer}", expected),
            }
            for form, (content, value) in forms.items():
                yield Neighbour(f"{tag}, {form}", task, content, value)
    for tag, (begin, end) in TAGS.items():
        yield Neighbour(f"{tag}, between tests", "tests", f"{TEST}\n{begin}\n{DRAFT}\n{end}\n", ANSWERS["tests"][1])
        told = f"Yes. {begin}The notes say so.{end} It is."
        if tag != "round":
            yield Neighbour(f"{tag}, within a line", "ask", told, "Yes.  It is.")
        yield Neighbour(
            f"{tag}, the answer begins inside", "ask", f"{begin}I see. Because the order{end} of codes counts.", AGAIN
        )
        inside = findings_of(A, B)
        for cut in (20, 60, len(inside) // 2, len(inside) - 30):
            name = f"{tag}, the object begins inside, {cut}"
            yield Neighbour(name, "findings", f"{begin}So: {inside[:cut]}{end}\n{inside[cut:]}", AGAIN)
        drafted = f'Let me write {{"summary": "x\n{end}\n{TEXT}'
        yield Neighbour(f"{tag}, not opened, a draft not closed", "ask", drafted, TEXT)
        lost = f"{begin}So:\n{TEST[:80]}{end}{TEST[80:]}"
        yield Neighbour(f"{tag}, the test begins inside", "tests", lost, AGAIN)


def mentions() -> Iterator[Neighbour]:
    """Yield answers about the tags themselves, which stay as they are."""
    for tag, (begin, end) in TAGS.items():
        for name, text in {
            "begin": begin,
            "end": end,
            "both": f"{begin}a{end}",
            "line": f"{begin}\na\n{end}\nb",
        }.items():
            told = {**A, "title": f"Splits at {text}", "body": f"The code splits at `{text}`."}
            expected = ((told["title"], "error"),)
            for around, content in {
                "object": findings_of(told),
                "fence": f"```json\n{findings_of(told)}\n```",
                "prose": f"Here you are:\n\n{findings_of(told)}",
                "thinking": f"<think>\nIt speaks of {begin}.\n</think>\n{findings_of(told)}",
            }.items():
                yield Neighbour(f"mention of {tag} {name}, {around}", "findings", content, expected)
            code = f'def test_split():\n    text = """\n{text}\n"""\n    assert split(text) == ["{text[:5]}"]\n'
            kept = f'<test path="t.py" covers="a.py:1">\n{code}</test>'
            yield Neighbour(f"mention of {tag} {name}", "tests", f"Sure:\n{kept}", (("t.py", "a.py:1", code),))
        for name, text in {
            "code": f"It looks for `{end}` and cuts there.",
            "begin": f"It looks for `{begin}` first.",
            "between": f"It drops the text between {begin} and {end} tags.",
            "fence only": f"```\n{begin}a{end}\n```",
            "fence": f"Write it so:\n```python\ntext = '''\n{begin}\n{end}\n'''\n```\nThat is all.",
        }.items():
            yield Neighbour(f"mention of {tag}, {name}", "ask", text, text)


LEAKS = {
    "mark": "]<]minimax[>[",
    "M3 call": ']<]minimax[>[<tool_call>\n]<]minimax[>[<invoke name="read_file">]<]minimax[>[</invoke>',
    "M2 call": '<minimax:tool_call>\n<invoke name="f">\n<parameter name="k">v</parameter>\n</minimax:tool_call>',
    "tool_calls": '<tool_calls>\n{"name": "read", "arguments": {"path": "pay.py"}}\n</tool_calls>',
    "TOOL_CALL": '[TOOL_CALL]\n{tool => "read", args => {--path "pay.py"}}\n[/TOOL_CALL]',
    "bare call": 'invoke name="read_file">\npay.py</parameter>',
}


def leaks() -> Iterator[Neighbour]:
    """Yield replies into which a tool call leaked: what is complete before it may be read, else it is asked again."""
    for leak, text in LEAKS.items():
        for task, (answer, expected, _) in ANSWERS.items():
            after = AGAIN if task == "ask" else expected
            yield Neighbour(f"leak of {leak}, after", task, f"{answer}\n{text}", after)
            yield Neighbour(f"leak of {leak}, alone", task, text, AGAIN)
            yield Neighbour(f"leak of {leak}, first", task, f"{text}\n{answer}", AGAIN)
            yield Neighbour(f"leak of {leak}, thinking", task, f"<think>Look.</think>\n{text}", AGAIN)
            middle = len(answer) // 2
            if task in JSON_TASKS and leak != "mark":
                half = answer[: answer.index("[") + 1]
                yield Neighbour(f"leak of {leak}, inside", task, f"{half}\n{text}\n{answer[middle:]}", AGAIN)
        told = {**A, "title": f"Stops at {text.splitlines()[0]}"}
        yield Neighbour(f"mention of {leak}", "findings", findings_of(told), ((told["title"], "error"),))
        yield Neighbour(
            f"mention of {leak}",
            "ask",
            f"It stops at `{text.splitlines()[0]}`.",
            f"It stops at `{text.splitlines()[0]}`.",
        )


def files_of_tests() -> Iterator[Neighbour]:
    """Yield answers to `tests` in the forms that models give them."""
    head, expected = '<test path="tests/test_pay.py" covers="pay.py:1-4">', (("tests/test_pay.py", "pay.py:1-4", CODE),)
    bare = CODE.rstrip("\n")
    other = TEST.replace("test_pay.py", "test_more.py")
    both = (*expected, ("tests/test_more.py", "pay.py:1-4", CODE))
    windows = (("tests/test_pay.py", "pay.py:1-4", CODE.replace("\n", "\r\n").rstrip() + "\n"),)
    forms: dict[str, tuple[str, Any]] = {
        "as asked": (TEST, expected),
        "end on the line": (f"{head}\n{bare}</test>", expected),
        "end on the line, twice": (f"{head}\n{bare}</test>\n\n{other.replace(CODE, bare)}", both),
        "end on the line, spaces": (f"{head}\n{bare} </test>  \n", expected),
        "begin on the line": (f"{head}{bare}\n</test>", expected),
        "character data": (f"{head}\n<![CDATA[\n{bare}\n]]>\n</test>", expected),
        "character data, one line": (f"{head}<![CDATA[{bare}]]></test>", expected),
        "character data, mixed": (f"{head}\n<![CDATA[\n{bare}]]>\n</test>", expected),
        "character data and fence": (f"{head}\n<![CDATA[\n```python\n{bare}\n```\n]]>\n</test>", expected),
        "fence": (f"{head}\n```python\n{bare}\n```\n</test>", expected),
        "fence and end on the line": (f"{head}\n```python\n{bare}\n```</test>", expected),
        "all in a fence": (f"```xml\n{TEST}\n```", expected),
        "dot": (TEST.replace('"tests/', '"./tests/'), expected),
        "dots": (TEST.replace('"tests/', '"././tests/'), expected),
        "dot in covers": (TEST.replace('"pay', '"./pay'), expected),
        "back-ticks": (TEST.replace('"tests/test_pay.py"', '"`tests/test_pay.py`"'), expected),
        "single quotes": (TEST.replace(head, head.replace('"', "'")), expected),
        "no quotes": (TEST.replace(head, head.replace('"', "")), expected),
        "capitals": (TEST.replace("<test", "<TEST").replace("</test", "</TEST"), expected),
        "spaces": (TEST.replace('path="', 'path = "'), expected),
        "other order": (TEST.replace(head, '<test covers="pay.py:1-4" path="tests/test_pay.py">'), expected),
        "more attributes": (TEST.replace("<test ", '<test language="python" '), expected),
        "arrow in an attribute": (TEST.replace("<test ", '<test why="a -> b" '), expected),
        "windows line ends": (TEST.replace("\n", "\r\n"), windows),
        "indented": (f"  {head}\n{CODE}  </test>", expected),
        "prose": (f"Sure:\n\n{TEST}\n\nThat covers it.", expected),
        "two": (f"{TEST}\n{other}", both),
        "the last is not closed": (f"{TEST}\n{other.removesuffix('</test>')}", AGAIN),
        "the first is not closed": (f"{head}\n{CODE}\n{other}", AGAIN),
        "not opened": (f"{CODE}</test>", AGAIN),
        "no path": (TEST.replace("path", "file"), AGAIN),
        "one without path": (f"{TEST}\n{other.replace('path', 'file')}", AGAIN),
        "no code": (f"{head}\n</test>", AGAIN),
        "NONE": ("NONE", ()),
        "NONE, a remark": ("NONE. All covered.", ()),
        "NONE, a dash": ("NONE \u2014 everything is covered.", ()),
        "NONE, brackets": ("NONE (all covered)", ()),
        "NONE, a line": ("NONE\n\nAll changed lines are covered.", ()),
        "NONE, bold": ("**NONE**", ()),
        "NONE, bold and a remark": ("**NONE.** All covered.", ()),
        "NONE, fence": ("```\nNONE\n```", ()),
        "NONE, quotes": ('"NONE"', ()),
        "none": ("None.", ()),
        "NONE at the end": ("The change is a rename.\n\nNONE", ()),
        "no NONE": ("None of the functions can be tested from here, I would say.", AGAIN),
        "no NONE either": ("NONE of them is easy to test, but one could try.", AGAIN),
        "prose only": ("I would test the edges.", AGAIN),
        "code only": (f"```python\n{CODE}```", AGAIN),
    }  # fmt: skip
    for name, (content, value) in forms.items():
        yield Neighbour(f"tests: {name}", "tests", content, value)
