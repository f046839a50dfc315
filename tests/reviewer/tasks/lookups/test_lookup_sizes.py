"""Answers to lookups are worth their tokens: what is short leaves its room, and what repeats itself is cut."""

from __future__ import annotations

import json
import re

from reviewer.tasks.lookups.requests import read_request
from tests.reviewer.tasks.lookups.test_lookups import HEAD, handler

LONG = "def long(x):\n" + "".join(f"    step_{n}(x)\n" for n in range(148)) + "    return x\n"
PARTS = "".join(
    f"    def part_{n}(self):\n        a = {n}\n        b = {n}\n        return a + b\n\n" for n in range(40)
)
WIDE = f"class Wide:\n{PARTS}"
FILES = HEAD | {
    "src/long_function.py": f"ONE = 1\n\n\n{LONG}\n\ndef short():\n    return ONE\n",
    "src/wide.py": WIDE,
    "src/shop/orders.py": "def place(order, gate):\n    order.open(1)\n    Order.open(2)\n    gate.open(3)\n",
    "tests/test_gates.py": "".join(f"def test_{n}(gate):\n    gate.open({n})\n" for n in range(60)),
    "src/shop/gates.py": "".join(f"def walk_{n}(gate):\n    gate.open({n})\n" for n in range(30)),
}


def look_up(**request: object) -> str:
    """Return what is found for a request that the model writes."""
    parsed = read_request(json.dumps(request))
    assert parsed is not None
    return handler(FILES).look_up(parsed)


def rows(text: str, title: str) -> int:
    """Count the numbered lines of the result with that title."""
    return len(re.findall(r"^ *\d+ \| ", text.partition(f"### {title}")[2].partition("\n### ")[0], re.MULTILINE))


def test_what_short_results_leave_is_for_long_ones_also_before_them() -> None:
    """Four lookups, the long one first: it gets nearly the whole room, not a quarter of it."""
    lines = {"read": ["src/long.py:1-250"], "definition": ["short", "place", "report"]}
    text = look_up(**lines)
    assert rows(text, "read src/long.py:1-250") == 250
    assert all(rows(text, f"definition {name}") for name in lines["definition"])


def test_a_long_function_is_shown_from_its_beginning_and_a_long_class_by_its_signatures() -> None:
    """Nothing is left out without a word on how to see it."""
    text = look_up(definition=["long", "Wide"])
    assert "    4 | def long(x):\n    5 |     step_0(x)\n" in text
    assert "\n  103 |     step_98(x)\n(lines 104 to 153 are left out: read `src/long_function.py:104-153`)" in text
    assert "\n    7 |     def part_1(self):\n      ...\n" in text
    assert "(of what is inside, signatures only: ask for `read src/wide.py#Wide.NAME`)" in text
    assert rows(look_up(read=["src/long_function.py#long"]), "read src/long_function.py#long") == 150


def test_lines_of_a_definition_that_do_not_fit_are_named() -> None:
    """The model need not work out where to go on."""
    crowd = [f"src/long.py:{first}-{first + 110}" for first in range(1, 700, 111)]
    text = look_up(read=[*crowd, "src/long_function.py#long"])
    shown = rows(text, "read src/long_function.py#long")
    assert 20 < shown < 150
    assert f"(lines {shown + 4} to 153 are left out: read `src/long_function.py:{shown + 4}-153`)" in text


def test_callers_with_an_owner_are_those_of_its_objects() -> None:
    """Of a name that everybody uses, the uses on other objects are counted only; of a rare name all are shown."""
    text = look_up(callers=["Order.open"])
    assert "### callers Order.open: 2 uses in 1 file\n" in text
    assert "    2 |     order.open(1)\n    3 |     Order.open(2)\n" in text
    assert "(91 uses of `open` on other objects left out)" in text
    assert "gate.open(3)" in look_up(callers=["open"])
    assert "    return rounded(sum(items))" in look_up(callers=["Money.rounded"])


def test_one_file_does_not_crowd_out_the_others() -> None:
    """Of a test's many places a few are enough, of a file of code some; all are counted, and can be asked for."""
    text = look_up(search=["open"], callers=["open"])
    found = text.partition("### search")[2]
    assert "search open: 93 places in 3 files" in f"search{found}"
    assert len(re.findall(r"^src/shop/gates\.py:\d", found, re.MULTILINE)) == 20
    assert len(re.findall(r"^tests/test_gates\.py:\d", found, re.MULTILINE)) == 6
    assert "64 more places are left out: ask for `search open in GLOB`" in found
    assert "(54 more uses in this file left out)" in text
    assert look_up(search=["open in tests/**"]).count("tests/test_gates.py:") == 60
