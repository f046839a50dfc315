"""Parse the reports of test runners into a list of test results. Pure.

Any bytes give a tuple of `ReportedTest` or a `ValueError`. The code under test writes these reports and may forge them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal
from xml.etree import ElementTree as ET

from pydantic import BaseModel, Field

Verdict = Literal["passed", "failed", "skipped"]

#: The most characters that are kept of a failing test's message, and the most tests that a subtest may stand in.
MOST_MESSAGE, _MOST_PARENTS = 2_000, 30

#: Text of failed assertions, as opposed to crashes and missing names.
_ASSERTED = re.compile(
    r"^Failure:|AssertionError|ERR_ASSERTION|AssertionFailedError|ComparisonFailure|ExpectationNotMet|Minitest::Assertion"
    r"|expect\([^)\n]{0,200}\)|assertion (?:`[^`\n]{0,200}` )?failed|_test\.go:\d{1,7}:"
)
#: Text of crashes, which may also contain one of the words above.
_CRASHED = re.compile(r"\b(?:ReferenceError|SyntaxError|NoMethodError|NameError|panic:|NoSuchMethodError)")
_CARGO = re.compile(r"^test (?P<id>\S{1,300})(?: - should panic)? \.\.\. (?P<word>ok|FAILED|ignored)", re.MULTILINE)
_CARGO_OUTPUT = re.compile(r"^---- (?P<id>\S{1,300}) stdout ----$", re.MULTILINE)
_CARGO_WORDS: Mapping[str, Verdict] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}
_MINITEST = re.compile(r"^(?P<id>[^\n#]{1,200}#[^\n]{1,200}?) = \d{1,9}\.\d\d s = (?P<word>[.FES])$", re.MULTILINE)
_MINITEST_RUNS = re.compile(r"^\d{1,9} runs, ", re.MULTILINE)
#: `Failure:` is an assertion, `Error:` a crash. A part ends at an empty line.
_MINITEST_MESSAGE = re.compile(
    r"^ {1,4}\d{1,5}\) (?P<message>(?:Failure|Error):\n"
    r"(?P<id>[^\n#]{1,200}#[^\n]{1,200}?)(?: \[[^\n]{0,300})?:\n(?:[^\n]+\n){0,60})",
    re.MULTILINE,
)
_MINITEST_WORDS: Mapping[str, Verdict] = {".": "passed", "F": "failed", "E": "failed", "S": "skipped"}
_WORDS: Mapping[str, Verdict] = {"passed": "passed", "pass": "passed", "failed": "failed", "fail": "failed"}


@dataclass(frozen=True, slots=True)
class ReportedTest:
    """One test: its name, its outcome and its message."""

    id: str
    verdict: Verdict
    message: str = ""

    @property
    def asserted(self) -> bool:
        """Whether an assertion failed; a crash or a missing name is no evidence of a wrong value."""
        return self.verdict == "failed" and bool(_ASSERTED.search(self.message)) and not _CRASHED.search(self.message)


class _Assertion(BaseModel):
    full_name: str = Field(alias="fullName")
    status: str
    failures: tuple[str, ...] | None = Field(default=(), alias="failureMessages")


class _Suite(BaseModel):
    name: str
    status: str
    message: str | None = ""
    tests: tuple[_Assertion, ...] = Field(alias="assertionResults")


class _Jest(BaseModel):
    suites: tuple[_Suite, ...] = Field(alias="testResults")


class _GoEvent(BaseModel):
    action: str = Field(alias="Action")
    package: str = Field(default="", alias="Package")
    test: str = Field(default="", alias="Test")
    output: str = Field(default="", alias="Output")


class _Raised(BaseModel):
    kind: str = Field(default="", alias="class")
    message: str = ""


class _Example(BaseModel):
    name: str = Field(alias="full_description")
    status: str
    exception: _Raised | None = None


class _Rspec(BaseModel):
    examples: tuple[_Example, ...]


def junit(raw: bytes) -> tuple[ReportedTest, ...]:
    """Read junit XML (node:test, surefire, gradle). Raises ValueError for other input or declared entities."""
    # UTF-16, which no runner writes, has a zero byte in each of these letters.
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw or b"\0" in raw:
        message = "a junit report declares entities"
        raise ValueError(message)
    try:
        root = ET.fromstring(raw)  # noqa: S314 -- entities are refused above
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    return tuple(_case(case) for case in root.iter("testcase"))


def _case(case: ET.Element) -> ReportedTest:
    """Return one `testcase`; skipped (also todo) takes precedence over failed, failed over passed."""
    name = f"{case.get('classname', '')} {case.get('name', '')}".strip()
    if case.find("skipped") is not None:
        return ReportedTest(name, "skipped")
    for tag in ("failure", "error"):
        found = case.find(tag)
        if found is not None:
            message = f"{found.get('type', '')} {found.get('message', '')}\n{found.text or ''}"
            return ReportedTest(name, "failed", message[:MOST_MESSAGE])
    return ReportedTest(name, "passed")


def jest(raw: bytes) -> tuple[ReportedTest, ...]:
    """Read the JSON of jest and vitest. A file that could not be loaded is a failed test with its name."""
    found: list[ReportedTest] = []
    for suite in _Jest.model_validate_json(raw).suites:
        if suite.status == "failed" and not any(test.status == "failed" for test in suite.tests):
            found.append(ReportedTest(suite.name, "failed", (suite.message or "")[:MOST_MESSAGE]))
        for test in suite.tests:
            message = "\n".join(test.failures or ())[:MOST_MESSAGE]
            found.append(ReportedTest(test.full_name, _WORDS.get(test.status, "skipped"), message))
    return tuple(found)


def go(raw: bytes) -> tuple[ReportedTest, ...]:
    """Read the lines of `go test -json`. A package that failed without a failed test did not build: one failure."""
    output: dict[tuple[str, str], str] = {}
    found: list[ReportedTest] = []
    failed: set[str] = set()
    for line in raw.splitlines():
        if not line.startswith(b"{"):
            continue
        event = _GoEvent.model_validate_json(line)
        key = (event.package, event.test)
        if event.action == "output":
            output[key] = (output.get(key, "") + event.output)[:MOST_MESSAGE]
        elif event.action in ("pass", "fail", "skip") and event.test:
            failed |= {event.package} if event.action == "fail" else set()
            found.append(ReportedTest(" ".join(key), _WORDS.get(event.action, "skipped"), output.get(key, "")))
        elif event.action == "fail" and event.package not in failed:
            found.append(
                ReportedTest(event.package, "failed", f"SyntaxError or crash: {output.get(key, '')}"[:MOST_MESSAGE])
            )
    return _with_subtests(found)


def _with_subtests(found: list[ReportedTest]) -> tuple[ReportedTest, ...]:
    """Return the tests; one that failed because of its subtests has their messages too, and so their assertions."""
    failed = {test.id for test in found if test.verdict == "failed"}
    below: dict[str, list[str]] = {}
    for test in found:
        if test.verdict == "failed":
            for parent in _parents(test.id):
                if parent in failed and len(below.setdefault(parent, [])) < MOST_MESSAGE:
                    below[parent].append(test.message)
    return tuple(
        replace(test, message="\n".join([*below[test.id], test.message])[:MOST_MESSAGE])
        if test.verdict == "failed" and test.id in below
        else test
        for test in found
    )


def _parents(test: str) -> Iterator[str]:
    """Yield the tests that may have that subtest; a name with very many slashes has some of them only."""
    for slash in islice(re.finditer("/", test), _MOST_PARENTS):
        yield test[: slash.start()]


def rspec(raw: bytes) -> tuple[ReportedTest, ...]:
    """Read rspec's JSON; `pending` counts as skipped."""
    found: list[ReportedTest] = []
    for example in _Rspec.model_validate_json(raw).examples:
        error = example.exception
        message = f"{error.kind}: {error.message}"[:MOST_MESSAGE] if error else ""
        found.append(ReportedTest(example.name, _WORDS.get(example.status, "skipped"), message))
    return tuple(found)


def cargo(raw: bytes) -> tuple[ReportedTest, ...]:
    """Read cargo's text. Raises ValueError if it names no test, because then it did not build."""
    text = raw.decode(errors="replace")
    marks = [*_CARGO_OUTPUT.finditer(text)]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    messages = {mark["id"]: text[mark.end() : end][:MOST_MESSAGE] for mark, end in zip(marks, ends, strict=False)}
    found = tuple(
        ReportedTest(test["id"], _CARGO_WORDS[test["word"]], messages.get(test["id"], ""))
        for test in _CARGO.finditer(text)
    )
    if not found and "running 0 tests" not in text:
        message = "cargo named no test"
        raise ValueError(message)
    return found


def minitest(raw: bytes) -> tuple[ReportedTest, ...]:
    """Read the output of `minitest --verbose`. Raises ValueError without a summary, because then it did not load."""
    text = raw.decode(errors="replace")
    if not _MINITEST_RUNS.search(text):
        message = "minitest counted no run"
        raise ValueError(message)
    messages = {found["id"]: found["message"][:MOST_MESSAGE] for found in _MINITEST_MESSAGE.finditer(text)}
    return tuple(
        ReportedTest(test["id"], _MINITEST_WORDS[test["word"]], messages.get(test["id"], ""))
        for test in _MINITEST.finditer(text)
    )


#: Reads the report of one runner.
Reads = Callable[[bytes], tuple[ReportedTest, ...]]
