"""Find single tests in the text of a test file of another language, and leave some of them out. Pure.

A test is found by the indentation of its first and last line, as formatters write it. What cannot be found stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

#: The line that begins a test, with its name, by language; and the line that may end it, after the same indentation.
_BEGINS: Mapping[str, re.Pattern[str]] = {
    "javascript": re.compile(
        r"^(?P<indent>[ \t]{0,40})(?:test|it)\(\s{0,4}(?P<quote>[\"'`])(?P<name>(?:(?!(?P=quote)).){1,200})(?P=quote)"
    ),
    "go": re.compile(r"^(?P<indent>)func (?P<name>Test\w{1,200})\("),
    "ruby": re.compile(r"^(?P<indent>[ \t]{0,40})(?:def (?P<name>test_\w{1,200}[?!]?))"),
    "rust": re.compile(r"^(?P<indent>[ \t]{0,40})fn (?P<name>\w{1,200})\(\)"),
}
_ENDS: Mapping[str, re.Pattern[str]] = {
    "javascript": re.compile(r"^\}(?:, ?\d{1,7})?\);?\s*$"),
    "go": re.compile(r"^\}\s*$"),
    "ruby": re.compile(r"^end\s*$"),
    "rust": re.compile(r"^\}\s*$"),
}
_WHOLE_IN_A_LINE = re.compile(r"\);?\s*$|\}\s*$")


@dataclass(frozen=True, slots=True)
class SingleTest:
    """A test with its own name and its lines in the file, counted from 0; `last` is included."""

    name: str
    first: int
    last: int


def single_tests(language: str, code: str) -> tuple[SingleTest, ...]:
    """Return the tests of a file in their order; none for a language whose tests are not found one by one."""
    begins, ends = _BEGINS.get(language), _ENDS.get(language)
    return tuple(_found(begins, ends, code.split("\n"))) if begins and ends else ()


def _found(begins: re.Pattern[str], ends: re.Pattern[str], rows: list[str]) -> Iterator[SingleTest]:
    place = 0
    while place < len(rows):
        start = begins.match(rows[place][:400])
        if start is None:
            place += 1
            continue
        indent = start["indent"]
        first = place - 1 if place and rows[place - 1].strip().startswith("#[test") else place
        last = _last(ends, rows, place, indent)
        if last is not None:
            yield SingleTest(start["name"], first, last)
            place = last
        place += 1


def _last(ends: re.Pattern[str], rows: list[str], first: int, indent: str) -> int | None:
    """Return the line that ends the test; None if it cannot be told."""
    row = rows[first]
    if all(row.count(opening) == row.count(closing) for opening, closing in ("()", "{}")) and _WHOLE_IN_A_LINE.search(
        row
    ):
        return first
    for place in range(first + 1, len(rows)):
        row = rows[place]
        if row.startswith(indent) and ends.match(row[len(indent) :]):
            return place
        if row.strip() and not row.startswith(f"{indent} ") and not row.startswith(f"{indent}\t"):
            return None
    return None


def name_in(test: str, names: Collection[str]) -> str:
    """Return the name of the single test that has this id in a report; empty if none has, or several may."""
    own = test.partition("/")[0]  # a subtest of Go
    fitting = [name for name in names if own == name or own.endswith((f" {name}", f"#{name}", f"::{name}"))]
    return max(fitting, key=len, default="")


def without_single_tests(language: str, code: str, names: Collection[str]) -> str:
    """Return the file without those tests."""
    rows = code.split("\n")
    gone = {
        row for test in single_tests(language, code) if test.name in names for row in range(test.first, test.last + 1)
    }
    kept: list[str] = []
    for place, row in enumerate(rows):
        if place not in gone and (row.strip() or kept[-1:] != [""]):
            kept.append(row if row.strip() else "")
    return "\n".join(kept).rstrip("\n") + "\n"
