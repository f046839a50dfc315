"""What the text of a suggested test gives away, and what only looks as if it did."""

from __future__ import annotations

import ast

import pytest

from reviewer.testgen.evidence import Candidate, CodeUnit
from reviewer.testgen.python.gates import assertions, static_gates

GOOD = "def test_it():\n    assert work(2) == 4\n"


def said(code: str, unit: str = "work", path: str = "src/m.py") -> str:
    """Return what is said against a test of that unit, "" for nothing."""
    about = CodeUnit(path=path, name=unit, first=1, last=2, firsts=(1,), source="", lines=frozenset({2}))
    stopped = static_gates.smells(Candidate(about, "tests/test_m.py", code))
    return stopped.reason if stopped else ""


@pytest.mark.parametrize(
    "line",
    [
        "assert time.localtime().tm_year == work(1)",
        "assert dt.now().year == work(1)",
        "assert time.strftime('%Y') == work(1)",
        "assert now() < work(1)",
        "assert r.random() < work(1)",
        "assert time.time_ns() > work(1)",
    ],
)
def test_clocks_and_chance_are_seen_under_any_name(line: str) -> None:
    """However it was imported."""
    head = "import time\nimport random as r\nfrom datetime import datetime as dt\nfrom time import time as now\n\n"
    assert "another value each time" in said(f"{head}{GOOD}    {line}\n")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("try:\n        assert work(1) == 2\n    except AssertionError:\n        return", "swallows"),
        ("try:\n        assert work(1) == 2\n    except Exception:\n        ...", "swallows"),
        ("with contextlib.suppress(AssertionError):\n        assert work(1) == 2", "swallows"),
        ("try:\n        work(1)\n    except ValueError:\n        return\n    assert False, work(1)", "always true"),
        ("try:\n        work(1)\n    except ValueError:\n        return\n    pytest.fail('no')", ""),
        ("with contextlib.suppress(KeyError):\n        work(1)\n    assert work(2) == 4", ""),
        ("assert (work(1) == 2, 'x')", "always true"),
        ("assert work(1) == 2 or True", "always true"),
        ("assert work(1) == 2 or work(1) == 3", ""),
        ("assert 'PYTEST_CURRENT_TEST' in os.environ or work(1) == 2", "asks how"),
        ("assert 'HOME' in os.environ or work(1) == 2", ""),
        ("assert 'sum' in inspect.getsource(work)", "reads code"),
        ("work.__code__ = other.__code__\n    assert work(1) == 1", "reads code"),
        ("assert work(random.Random().random()) < 1", "another value"),
        ("assert work(random.Random(3).random()) == 1", ""),
        ("assert work(time.process_time()) == 1", "another value"),
    ],
)
def test_tests_that_swallow_ask_or_differ_are_seen(body: str, reason: str) -> None:
    """What only looks alike passes."""
    head = "import contextlib\nimport inspect\nimport os\nimport random\nimport time\n\n\n"
    stopped = said(f"{head}def test_it():\n    {body}\n")
    assert reason in stopped
    assert bool(stopped) is bool(reason)


def test_a_time_that_was_given_is_no_clock() -> None:
    """Formatting a time that the test names is the same each time."""
    assert not said(f"import time\n\n{GOOD}    assert time.gmtime(0).tm_year == work(1970)\n")
    assert not said(f"import time\n\n{GOOD}    assert time.strftime('%Y', (2020,) * 9) == work(1)\n")


@pytest.mark.parametrize(
    ("unit", "path", "body"),
    [
        ("Box.area", "src/box.py", "box.area = 8\n    assert box.w == 4"),
        ("Reader.skip", "src/read.py", "assert reader.skip(2) == 2"),
        ("dumps", "src/m.py", "monkeypatch.setattr(json, 'dumps', str)\n    assert m.dumps(1) == '1;'"),
        ("dumps", "src/m.py", "with patch('m.json.dumps', str):\n        assert m.dumps(1) == '1;'"),
    ],
)
def test_what_only_has_the_same_name_is_let_pass(unit: str, path: str, body: str) -> None:
    """A property that is set, a method called skip, the library's function that the unit wraps."""
    assert not said(f"import json\nimport m\n\n\ndef test_it(monkeypatch):\n    {body}\n", unit, path)


@pytest.mark.parametrize(
    "body",
    [
        "monkeypatch.setattr(m, 'dumps', str)",
        "monkeypatch.setattr('src.m.dumps', str)",
        "patch.object(alias, 'dumps')",
        "m.dumps = str",
    ],
)
def test_a_unit_that_is_replaced_is_seen(body: str) -> None:
    """By its module, by its dotted name, under another name, by assignment."""
    code = f"import m\nimport m as alias\n\n\ndef test_it(monkeypatch):\n    {body}\n    assert m.dumps(1) == '1'\n"
    assert "double" in said(code, "dumps")


@pytest.mark.parametrize("mark", ["@pytest.mark.skip", "@p.mark.xfail", "@mark.skipif(True)", "@unittest.skip('x')"])
def test_skipped_tests_are_seen(mark: str) -> None:
    """Under the names that the frameworks give them."""
    head = "import unittest\nimport pytest\nimport pytest as p\nfrom pytest import mark\n\n\n"
    assert "does not run" in said(f"{head}{mark}\n{GOOD}")


def test_helpers_are_no_tests() -> None:
    """Fixtures, nested functions and methods of helper classes assert nothing and need not."""
    code = """import pytest

@pytest.fixture
def test_double():
    return 2

class FakeClient:
    def test(self):
        return 1

def test_it(test_double):
    def tested(n):
        return n
    assert tested(test_double) == 2

class TestMore:
    def test_more(self):
        assert work(1) == 2
"""
    assert not said(code)
    assert [one.name for one in assertions.test_functions(ast.parse(code))] == ["test_it", "test_more"]


@pytest.mark.parametrize(
    "line",
    [
        "assert work(hash('a')) == 3",
        "assert list(set(work(3))) == [1, 2]",
        "assert next(iter({1, 2, 3})) == work(1)",
        "assert os.path.getmtime(work(1)) > 0",
        "assert work(1) == path.stat().st_mtime",
        "assert work(id(3)) == 1",
    ],
)
def test_what_differs_between_runs_is_named(line: str) -> None:
    """Hashes, ids, the order of sets, times of files."""
    assert said(f"import os\n\n{GOOD}    {line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "assert sys.gettrace() is None and work(2) == 4",
        "assert os.environ.get('REVIEWER_RESULTS') is None and work(2) == 4",
        "assert 'mutating' not in sys.modules and work(2) == 4",
    ],
)
def test_a_test_that_asks_how_it_is_run(line: str) -> None:
    """It may behave otherwise for us than for everybody else."""
    assert "it must not matter" in said(f"import os\nimport sys\n\n{GOOD}    {line}\n")


def test_equal_hashes_and_sorted_sets_are_steady() -> None:
    """What holds in every run is let pass."""
    assert not said(f"{GOOD}    assert hash(work(1)) == hash(work(1))\n    assert sorted({{work(1), 2}}) == [2, 3]\n")
