"""Texts that would stop the App: every expression and parser takes time in proportion to its text, at most.

Each function reads 15 and 30 kB of one unit; twice the text may take three times as long. Then some read 1 MB.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from reviewer.diff.model import Diff
from reviewer.diff.parser import parse_diff
from reviewer.domain.findings import Category
from reviewer.domain.path_patterns import PathPatterns
from reviewer.errors import ReviewerError
from reviewer.languages.imports import modules_on
from reviewer.languages.outline import members_on, outline_of, used_on
from reviewer.languages.parsers import CannotTell, python_tree
from reviewer.languages.syntax import errors_in
from reviewer.llm.chat_completions import Completion
from reviewer.llm.error_mapping import fault_of
from reviewer.llm.errors import ModelError
from reviewer.safety.markdown import neutralise
from reviewer.tasks.context.relations import declared_types
from reviewer.tasks.conversation.json_replies import Unreadable
from reviewer.tasks.conversation.markdown_fences import unfence
from reviewer.tasks.conversation.replies import read_findings, read_tests, read_verdicts
from reviewer.tasks.verification.anchoring import LocatedQuote, locate
from reviewer.tasks.verification.fingerprints import fingerprint
from reviewer.tasks.verification.quoting.path_names import resolve_path
from reviewer.tasks.verification.suggestions import prove_suggestion
from webhooks.events.commands import CommandSyntax, Takes, mentions, parse_commands
from webhooks.events.linked_issues import closed_by
from webhooks.publishing.markers.syntax import Marker

Ratio = Callable[[Callable[[str], object], Callable[[int], str], int], float]

COMMANDS = (CommandSyntax("review"), CommandSyntax("ask", takes=Takes.TEXT))
UNITS = [
    *(" ", "\n", "\t", '"', "'", "`", "[", "]", "(", "{", "<", ">", "*", "-", "_", "\\", "/", "~", "|", "#", "@", "0"),
    *("a", "é", "\r\n", "\n ", " \n", "\n\n```", "```\n", "<!--", "-->", "<a", "](", "![", "* ", "- ", "1. "),
    *('\\"', "<test ", "</test>\n", "<think>", "<title", 'x"\n', "a.", "::", "->", "@@ -1 +1 @@\n", "> ", "a="),
    *("diff --git ", "--- a\n", "+++ b\n", " and ", "fixes #", "https://a", "/review ", "<!-- reviewer:", "def a("),
    *("from a import ", "${{", "&#", "=="),
]


def _quietly(act: Callable[[str], object]) -> Callable[[str], object]:
    """Return the function with its own errors as values: any other error fails the test."""

    def run(text: str) -> object:
        try:
            return act(text)
        except (Unreadable, ReviewerError, CannotTell, SyntaxError) as error:
            return error

    return run


def _added(text: str, path: str = "a.py") -> Diff:
    rows = text.split("\n")
    head = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(rows)} @@\n"
    return parse_diff((head + "".join(f"+{row}\n" for row in rows)).encode())


HEADS = dict.fromkeys(("a.md", "a.kt", "a.sh", "Makefile", "a.go"), "def check(limit):\n\tvalue = limit + 1\n" * 100)


def _place(path: str) -> LocatedQuote:
    diff = _added(HEADS[path].removesuffix("\n"), path)
    place = locate(diff, path, "\tvalue = limit + 1", 2)
    assert isinstance(place, LocatedQuote)
    return place


#: A change in which quotes are looked for.
QUOTED = _added("def check(limit):\n    value = limit + 1\n    return value\n" * 200)
PLACES = {path: _place(path) for path in HEADS}


READERS: dict[str, Callable[[str], Any]] = {
    "findings": read_findings,
    "findings, begun": lambda text: read_findings('{"findings": [{"title": "' + text),
    "verdicts": read_verdicts,
    "tests": read_tests,
    "a test's attributes": lambda text: read_tests(f"<test {text}>\n</test>"),
    "unfence": unfence,
    "quote": lambda text: locate(QUOTED, "a.py", text, 2),
    "quoted line": lambda text: locate(_added(text), "a.py", "value = limit", 1),
    "suggestion": lambda text: [prove_suggestion(PLACES[path], text, HEADS[path]) for path in HEADS],
    "suggestion of lines": lambda text: prove_suggestion(PLACES["a.md"], "\n" + "x\n" * 40 + text, HEADS["a.md"]),
    "path of a quote": lambda text: resolve_path(QUOTED, text.replace("\n", " ")),
    "neutralise": neutralise,
    "neutralise a line": lambda text: neutralise(text.replace("\n", " ")),
    "diff": parse_diff,
    "diff header": lambda text: parse_diff("diff --git " + text.replace("\n", "") + "\n"),
    "binary header": lambda text: parse_diff("Binary files " + text.replace("\n", "") + " differ\n"),
    "commands": lambda text: parse_commands(text, COMMANDS),
    "mentions": mentions,
    "question": lambda text: parse_commands("/ask " + text, COMMANDS),
    "linked issues": lambda text: closed_by(text, "o/r"),
    "marker": Marker("finding").read,
    "marker's fields": lambda text: Marker("finding").read_damaged("<!-- reviewer:finding " + text),
    "outline": lambda text: outline_of("a.unknown", text),
    "outline of Python": lambda text: outline_of("a.py", text),
    "names used": lambda text: used_on("a.py", [text, *text.split("\n")]),
    "tables used": lambda text: used_on("a.sql", [text, *text.split("\n")]),
    "types declared": lambda text: declared_types({"a", "x"}, text),
    "members used": lambda text: members_on("a.js", [text, *text.split("\n")]),
    "imports": lambda text: [
        modules_on(f"a.{end}", text) for end in ["py", "ts", "go", "java", "rb", "rs", "c", "php"]
    ],
    "error page": lambda text: fault_of(502, f"<html>{text}".encode()),
    "error": lambda text: fault_of(400, json.dumps({"error": {"message": text, "param": text}}).encode()),
    "fingerprint": lambda text: fingerprint("a.py", Category.BUG, text, text),
    "YAML": lambda text: errors_in("a.yml", text),
    "JSON": lambda text: errors_in("a.json", text),
    "TOML": lambda text: errors_in("a.toml", text),
    "Python": lambda text: errors_in("a.py", text),
    "path": PathPatterns(["*a*a*a*b", "**/a/" * 12 + "b", "*" * 100, "**/*a/**/*a*b"]),
}


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", READERS)
def test_linear(cpu_ratio: Ratio, name: str) -> None:
    """Twice as much of any unit costs no more than about twice as much."""
    read = _quietly(READERS[name])
    for unit in UNITS:

        def text_of(size: int, unit: str = unit) -> str:
            return unit * (size // len(unit)) + "\x01"

        began = time.process_time()
        read(text_of(30_000))
        took = time.process_time() - began
        if took > 0.1:
            assert cpu_ratio(read, text_of, 30_000 if took < 0.5 else 10_000) < 3.2, unit


@pytest.mark.slow
def test_the_measure_tells_quadratic_from_linear(cpu_ratio: Ratio) -> None:
    """What takes four times as long for twice the text is above the limit, what takes twice as long below it.

    The shorter text takes longer than the least that is measured, also on a fast machine. One that is slow just while
    it reads that text hides the difference, once.
    """

    def quadratic(text: str) -> int:
        return sum(range(len(text) ** 2 // 150))

    assert any(cpu_ratio(quadratic, lambda size: "x" * size, 40_000) > 3.2 for _ in range(3))
    assert cpu_ratio(lambda text: sum(range(len(text) * 300)), lambda size: "x" * size, 40_000) < 3.2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["findings", "neutralise", "commands", "diff", "YAML", "TOML", "tests", "outline"])
@pytest.mark.parametrize("unit", ["\n", "[", '"', "<test ", " "])
def test_one_megabyte(name: str, unit: str) -> None:
    """1 MB is read or refused in seconds."""
    began = time.process_time()
    _quietly(READERS[name])(unit * (1_000_000 // len(unit)))
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "value",
    ["1e999", "-1e999", "1e300", "NaN", "9" * 400, '"' + "9" * 400 + '"', '"' + "9" * 5000 + '"', "[]", "{}", "true"],
)
def test_numbers_of_a_reply(value: str) -> None:
    """A line that is no number is no line; a claim without a number is dropped."""
    reply = read_findings(f'{{"findings": [{{"path": "a", "title": "b", "line": {value}}}]}}')
    assert [finding.line for finding in reply.findings] in ([None], [999_999_999])
    with pytest.raises(Unreadable):
        read_verdicts(f'{{"verdicts": [{{"id": {value}, "verdict": "confirmed"}}]}}')


@pytest.mark.parametrize(
    "text", ["{" * 100_000, "[" * 100_000, '{"findings": ' + "[" * 100_000, '{"a":' * 50_000, "[" * 5_000 + "]" * 5_000]
)
def test_deep_replies(text: str) -> None:
    """A reply that is nested too deep cannot be read, and says so."""
    for read in (read_findings, read_verdicts):
        with pytest.raises(Unreadable):
            read(text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yml", "[" * 20_000),
        ("a.yml", "- " * 20_000),
        ("a.yml", "a: x\n" * 100_000),
        ("a.toml", "a = " + "[" * 20_000),
        ("a.toml", "a." * 20_000 + "a = 1"),
        ("a.toml", "[" + "a." * 20_000 + "a]"),
        ("a.toml", "a = " + "{a = " * 20_000),
        ("a.json", "[" * 100_000),
        ("a.py", "if x:\n pass\n" + "elif x:\n pass\n" * 20_000),
        ("a.py", "-" * 100_000 + "1"),
        ("a.py", "x = " + "a." * 20_000 + "b"),
        ("a.py", "x = " + "+".join("1" * 20_000)),
    ],
    ids=lambda value: repr(value[:16]),
)
def test_too_deep_to_tell(path: str, text: str) -> None:
    """Whether such a file is sound cannot be told: nothing crashes, and nothing is said against it."""
    began = time.process_time()
    assert errors_in(path, text) is None
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    "text", ["if x:\n pass\n" + "elif x:\n pass\n" * 20_000, "x = " + "(" * 300 + ")" * 300, "9" * 5_000]
)
def test_code_under_test(text: str) -> None:
    """What goes through a syntax tree gets a typed error for a tree that it could not go through."""
    with pytest.raises((CannotTell, SyntaxError, ValueError)):
        python_tree(text)


@pytest.mark.parametrize("data", ["[" * 100_000, "{" * 100_000, '{"choices": ' + "[" * 100_000, "9" * 5_000])
def test_deep_answers(data: str) -> None:
    """An answer of the service that is nested too deep is a fault, not a crash."""
    for feed in (Completion.feed, lambda completion, text: completion.feed_body(text.encode())):
        completion = Completion()
        feed(completion, data)
        assert completion.fault is not None


def test_endless_texts_end() -> None:
    """A model that never stops is stopped, by the size of its text or of its thinking."""
    for field in ("content", "reasoning_content"):
        completion = Completion()
        chunks = [json.dumps({"choices": [{"delta": {field: f"{number}{'x' * 10_000}"}}]}) for number in range(1_000)]
        with pytest.raises(ModelError, match="more than 4,000,000 characters"):
            deque(map(completion.feed, chunks))


def test_repeated_thinking_is_kept_once() -> None:
    """Where each chunk repeats all thinking so far, the memory does not grow with the square of it."""
    completion = Completion()
    text = "x" * 20_000
    for end in range(1, 20_001, 10):
        completion.feed(json.dumps({"choices": [{"delta": {"reasoning_content": text[:end]}}]}))
    assert len(completion.thinking) == 19_991
