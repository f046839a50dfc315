"""Steps of a review, a publication and a test run over hostile text: linear time; the long form has more of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import count, islice
from typing import Any

import pytest

from reviewer.diff.line_endings import ignore_line_ending_changes
from reviewer.diff.model import Diff, FileDiff
from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Category, Finding, Review
from reviewer.domain.settings import Settings, parse_settings
from reviewer.domain.severity import Confidence, Severity
from reviewer.errors import ReviewerError
from reviewer.languages.parsers import CannotTell
from reviewer.output.formats import FORMATS, Layout
from reviewer.safety.key_echo import without_key
from reviewer.safety.prompt_text import printable_code, printable_path, prose
from reviewer.safety.shortening import shorten_words
from reviewer.tasks.context.related import gather_related
from reviewer.tasks.conversation.json_replies import Unreadable
from reviewer.tasks.conversation.prompts import Prompter, fence_of
from reviewer.tasks.lookups.requests import is_only_a_request, read_request
from reviewer.tasks.planning.chunks import chunk
from reviewer.tasks.verification.added_secrets import added_secrets
from reviewer.tasks.verification.anchoring import locate
from reviewer.tasks.verification.similarity import similar_titles
from reviewer.testgen.languages import coverage, test_reports
from reviewer.testgen.languages.mutants import text_mutants
from reviewer.testgen.languages.static_gates import only_values_changed, static_violation
from reviewer.testgen.python.gates.copied_values import only_expectation_changed
from tests.attacks.test_linear_time import READERS, UNITS, Ratio
from tests.fuzz.targets.state import read_comment
from webhooks.action.workflow_commands import command
from webhooks.github.transport import next_page
from webhooks.publishing.checks import annotations_of
from webhooks.publishing.text import cut_text

KEY = "sk-rapi-9f8e7d6c5b4a39281706f5e4d3c2b1a0"
SMALL = parse_diff("--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n")


def _diff(text: str, path: str = "a.py") -> Diff:
    """Return the diff that adds a file with that text."""
    lines = text.split("\n")
    body = "".join(f"+{line}\n" for line in lines)
    return parse_diff(f"diff --git a/{path} b/{path}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@\n{body}")


def _prompt(text: str) -> object:
    diff = _diff(text)
    change = Change(diff, title=text, description=text, head={"a.py": text})
    prompter = Prompter(change, Settings(), fence_of(b"s", change))
    return [prompter.findings(part) for part in chunk(diff.files)[0]]


def _related(text: str) -> object:
    diff = _diff(text)
    return gather_related(Change(diff, head={"a.py": text}), chunk(diff.files)[0])


def _finding(text: str) -> Finding:
    anchor = SMALL.anchor("a.py", 1)
    assert anchor is not None
    return Finding(anchor, Severity.ERROR, Category.BUG, text, text, "b", Confidence.HIGH, "0" * 16, advice=text)


def _shown(text: str) -> object:
    review = Review(text, (_finding(text),), notes=(text,))
    return [output.render(review, SMALL, Layout()) for output in FORMATS.values()]


def _reported(text: str) -> object:
    data = text.encode("utf-8", "replace")
    readers: tuple[Callable[[bytes], object], ...] = (
        *(test_reports.junit, test_reports.jest, test_reports.go, test_reports.rspec, test_reports.cargo),
        *(test_reports.minitest, lambda raw: coverage.lcov(raw, ("",)), lambda raw: coverage.go_profile(raw, "m")),
    )
    for read in readers:
        try:
            read(data)
        except (ValueError, SyntaxError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return None


STEPS: dict[str, Callable[[str], Any]] = {
    "prompt": _prompt,
    "related code": _related,
    "code of a prompt": printable_code,
    "path of a prompt": printable_path,
    "prose of a prompt": lambda text: prose(text, 300),
    "quote": lambda text: locate(_diff(text), "a.py", text, 1),
    "similar titles": lambda text: similar_titles(text, text + " more"),
    "output": _shown,
    "annotations": lambda text: (annotations_of([_finding(text)]), command("error", text, title=text)),
    "cut": lambda text: (cut_text(text, len(text) // 2), shorten_words(text, len(text) // 2)),
    "markers": read_comment,
    "packed marker": lambda text: read_comment(f"<!-- reviewer:finding ffff at=aaaa v1={text} -->"),
    "key": lambda text: without_key(text + KEY[:7] * (len(text) // 20), KEY),
    "link": next_page,
    "settings": lambda text: parse_settings("review:\n  include: ['" + text.replace("\n", "")[:60_000] + "']\n"),
    "settings' text": lambda text: parse_settings(text[:60_000]),
    "gates of other languages": lambda text: static_violation(
        "a.test.js", "expect(" + text[:50_000], [".js"], exists=False
    ),
    "values of other languages": lambda text: only_values_changed(text, text + "1"),
    "mutants of other languages": lambda text: text_mutants("a.js", text, range(1, 2_000), most=40),
    "copied values": lambda text: only_expectation_changed(text, text + "\n", ["test_a"]),
    "reports": _reported,
}


def _quietly(step: Callable[[str], Any], text: str) -> None:
    try:
        step(text)
    except (Unreadable, ReviewerError, CannotTell, SyntaxError, ValueError):
        return


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", STEPS)
def test_steps_are_linear(cpu_ratio: Ratio, name: str) -> None:
    """Twice as much of a unit costs no more than about twice as much; the long form has every unit."""
    for unit in UNITS[::3]:

        def text_of(size: int, unit: str = unit) -> str:
            return unit * (size // len(unit)) + "\x01"

        began = time.process_time()
        _quietly(STEPS[name], text_of(8_000))
        if time.process_time() - began > 0.1:
            assert cpu_ratio(lambda text: _quietly(STEPS[name], text), text_of, 8_000) < 3.2, unit


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", [*READERS, *STEPS])
def test_much_of_every_unit(name: str) -> None:
    """100,000 characters of any unit, 20,000 lines at most as on GitHub, cost less time than a job may take."""
    for unit in UNITS:
        began = time.process_time()
        _quietly({**READERS, **STEPS}[name], unit * min(100_000 // len(unit), 20_000))
        assert time.process_time() - began < 45, unit


def _moved(text: str) -> Diff:
    """Return a diff that removes as many characters as it adds."""
    rows = len(text) // 40
    head = f"--- a/a.py\n+++ b/a.py\n@@ -1,{rows} +1 @@\n"
    return parse_diff(head + f"-{'x' * 39}\n" * rows + f"+{text}\n")


def _ended(text: str) -> FileDiff:
    """Return the file with those lines before and after, with other line ends; half of them differ."""
    rows = text.split("\n")
    lines = [*(f"-{row}\r" for row in rows), *(f"+{row}{'x' * row.isdigit()}" for row in rows)]
    return parse_diff(f"--- a/a\n+++ b/a\n@@ -1,{len(rows)} +1,{len(rows)} @@\n" + "\n".join(lines) + "\n").files[0]


def _event(number: int) -> str:
    return json.dumps({"Action": "fail", "Package": "p", "Test": f"T{number}"}) + "\n"


#: Texts of many items that all differ, and who reads them: a unit that is repeated hides what compares or joins items.
DISTINCT: dict[str, tuple[Callable[[str], Any], Callable[[int], str]]] = {
    "lcov": (lambda text: coverage.lcov(b"SF:a\n" + text.encode(), ()), lambda number: f"DA:{number},1\n"),
    "Go profile": (
        lambda text: coverage.go_profile(text.encode(), "m"),
        lambda number: f"a:{10 * number}.1,{10 * number + 9}.1 1 1\n",
    ),
    "Go profile of long blocks": (
        lambda text: coverage.go_profile(text.encode(), "m"),
        lambda number: f"a:{9_000 * number}.1,{9_000 * number + 8_999}.1 1 1\n",
    ),
    "failed tests of Go": (lambda text: test_reports.go(text.encode()), _event),
    "submodules": (
        lambda text: parse_diff(f"Submodule {text}\n"),
        lambda number: f" aaaaaaa..{number:07x} (",
    ),
    "secrets beside removed lines": (
        lambda text: added_secrets(diff := _moved(text), diff.files),
        lambda number: f"ghp_{number:08d}aB3dE5gH7jK9mN1pQrStUvWxYz01 ",
    ),
    "line ends": (lambda text: ignore_line_ending_changes(_ended(text)), lambda number: f"{number}\na\n"),
    "a request of blanks": (lambda text: read_request(json.dumps({"read": [f"read{text}"]})), lambda _: " "),
    "an answer that may be a request": (is_only_a_request, lambda _: " "),
    "an answer of fences": (is_only_a_request, lambda number: "```\n" + " " * (number % 50)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DISTINCT)
def test_many_items_are_linear(cpu_ratio: Ratio, name: str) -> None:
    """Twice as many different items cost no more than about twice as much."""
    read, item = DISTINCT[name]

    def text_of(size: int) -> str:
        items = islice(map(item, count(1)), size // len(item(1)))
        return f"{{{''.join(items)}}}" if "answer" in name else "".join(items)

    assert cpu_ratio(lambda text: _quietly(read, text), text_of, 60_000) < 3.2
