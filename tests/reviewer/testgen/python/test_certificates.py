"""No test certifies a defect: no repair of one that failed rightly, and no first answer that agrees with the code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from reviewer.testgen.evidence import Gate, GeneratedTests
from tests.reviewer.testgen.python.test_generate import GREEN, Script, proven
from tests.samples.stages import QUICK, staged

pytestmark = pytest.mark.slow

UNIT = '''LIMIT = 5


def first_after(numbers, limit):
    """Return the first number greater than limit, as a list; an empty list if there is none."""
    for number in numbers:
        if number >= limit:
            return [number]
    return []
'''

HEAD = "from find import LIMIT, first_after\n\n\n"
GOOD = "def test_larger():\n    assert first_after([1, 9], 5) == [9]\n    assert first_after([1], 5) == []\n"
RIGHT = f"{HEAD}{GOOD}\n\ndef test_boundary():\n    assert first_after([LIMIT], LIMIT) == []\n"

EVASIONS = {
    "copied": RIGHT.replace("LIMIT) == []", "LIMIT) == [LIMIT]"),
    "docstring": RIGHT.replace(
        "    assert first_after([LIMIT]", '    """The boundary counts."""\n    assert first_after([LIMIT]'
    ).replace("LIMIT) == []", "LIMIT) == [5]"),
    "variable": RIGHT.replace(
        "    assert first_after([LIMIT], LIMIT) == []",
        "    got = first_after([LIMIT], LIMIT)\n    assert got == [LIMIT]",
    ),
    "length": RIGHT.replace(
        "    assert first_after([LIMIT], LIMIT) == []", "    assert len(first_after([LIMIT], LIMIT)) == 1"
    ),
    "new name": RIGHT.replace("test_boundary", "test_limit").replace("LIMIT) == []", "LIMIT) == [LIMIT]"),
    "new input": RIGHT.replace("test_boundary", "test_equal").replace(
        "first_after([LIMIT], LIMIT) == []", "first_after([7, 8], 7) == [7]"
    ),
    "table": f"{HEAD}import pytest\n\n{GOOD}\n\n"
    '@pytest.mark.parametrize(("numbers", "limit", "wanted"), [([5], 5, [5]), ([6], 5, [6])])\n'
    "def test_table(numbers, limit, wanted):\n    assert first_after(numbers, limit) == wanted\n",
}


def answered(
    folder: Path, answers: list[str], verdicts: Sequence[str] = (), opinions: Sequence[str] | None = None
) -> GeneratedTests:
    head = {"find.py": UNIT, "tests/test_a.py": GREEN}
    return proven(staged(folder, head, command=QUICK), Script({"first_after": answers}, verdicts, opinions), repairs=1)


@pytest.mark.parametrize("evasion", EVASIONS)
@pytest.mark.parametrize("verdict", ["confirmed", "uncertain"])
def test_a_repair_never_replaces_a_right_demand(evasion: str, verdict: str, tmp_path: Path) -> None:
    """However the repair is written, the version that failed is shown, and nothing that expects the defect is kept."""
    result = answered(tmp_path, [RIGHT, EVASIONS[evasion]], [verdict], ["confirmed", "uncertain"])
    assert all("[LIMIT]" not in test.code and "[7]" not in test.code for test in result.tests)
    assert all("test_larger" in test.code and "len(" not in test.code for test in result.tests)
    (found,) = result.reproductions
    assert found.code == RIGHT
    assert found.sure is (verdict == "confirmed")
    if result.tests:  # what the first version demanded as well is kept, with the numbers of what is left
        assert {test.stopped.gate for test in result.left_out} <= {Gate.COPIED, Gate.PROMISED}
        assert result.left_out


def test_a_repair_of_a_wrong_demand_is_kept(tmp_path: Path) -> None:
    """Where the second opinion refutes what failed, another test of the unit may take its place."""
    wrong = RIGHT.replace("first_after([LIMIT], LIMIT) == []", "first_after([8], 5) == []")
    mended = RIGHT.replace("first_after([LIMIT], LIMIT) == []", "first_after([], 5) == []")
    result = answered(tmp_path, [wrong, mended], ["refuted"])
    assert len(result.tests) == 1
    assert not result.reproductions
    assert any("after 1 repair" in note for note in result.notes)


def test_a_first_answer_that_agrees_with_the_defect_is_withheld(tmp_path: Path) -> None:
    """The second opinion sees the documentation and not what the code returns; the other tests of the file stay."""
    certifying = RIGHT.replace("LIMIT) == []", "LIMIT) == [LIMIT]")
    result = answered(tmp_path, [certifying], opinions=["confirmed", "refuted"])
    (kept,) = result.tests
    assert "test_larger" in kept.code
    assert "LIMIT" not in kept.code
    assert [test.stopped.gate for test in result.left_out] == [Gate.PROMISED]
    assert "pins" not in kept.evidence


def test_where_nobody_can_tell_it_pins_todays_behaviour(tmp_path: Path) -> None:
    """A test that nothing promises is kept, and says what it is."""
    (kept,) = answered(tmp_path, [f"{HEAD}{GOOD}".replace("LIMIT, ", "")], opinions=["uncertain"]).tests
    assert kept.evidence.endswith("; pins today's behaviour")
