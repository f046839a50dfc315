"""Tests whose outcome depends on the process, the date or the order are found and called flaky, with the count."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reviewer.testgen.evidence import Gate
from tests.reviewer.testgen.python.test_generate import GREEN, Script, proven
from tests.samples.stages import QUICK, staged

pytestmark = pytest.mark.slow

NAMES = 'def names(text):\n    """Return the words of the text."""\n    return set(text.split())\n'
OLD = (
    "from datetime import date\n\n\n"
    'def is_old(year):\n    """Whether the year is more than ten years ago."""\n'
    "    return date.today().year - year > 10\n"
)


def stopped(folder: Path, unit: str, source: str, test: str) -> str:
    """Return the reason why the only test of a unit was stopped; it must be that it is flaky."""
    head = {"unit.py": source, "tests/test_a.py": GREEN}
    code = f"from unit import {unit}\n\n\ndef test_unit():\n    {test}\n"
    result = proven(staged(folder, head, command=QUICK), Script({unit: [code]}), repairs=0, runs=4)
    assert not result.tests
    (dropped,) = result.dropped
    assert dropped.stopped.gate is Gate.STEADY
    return dropped.stopped.reason


def test_the_order_of_a_set(tmp_path: Path) -> None:
    """It passes under one hash seed and fails under another."""
    asked = [sys.executable, "-c", "print(list({'a', 'b', 'c'}))"]
    order = subprocess.run(asked, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, check=True).stdout
    reason = stopped(tmp_path, "names", NAMES, f"assert list(names('a b c')) == {order.decode().strip()}")
    assert re.match(r"It is flaky: it fails in \d+ of 8 runs", reason)


def test_a_date(tmp_path: Path) -> None:
    """It passes this year and fails in the next one."""
    reason = stopped(tmp_path, "is_old", OLD, f"assert not is_old({_this_year() - 10})\n    assert is_old(1990)")
    assert re.match(r"It is flaky: it fails in 1 of 8 runs, on another date\.", reason)


def _this_year() -> int:
    asked = [sys.executable, "-c", "import datetime; print(datetime.date.today().year)"]
    return int(subprocess.run(asked, capture_output=True, check=True).stdout)
