"""The shipped sample of units in three languages: nothing that certifies a defect is kept, everything good is."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewer.testgen.evidence import GeneratedTests, GenerationBudget
from tests.samples.generated_units import PROJECTS, generate_python_units, generate_units
from tests.samples.units import UNITS, SampleUnit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]


def judged(result: GeneratedTests, unit: SampleUnit) -> None:
    """Hold what came of a unit against what its script expects."""
    mine = [test for test in result.tests if unit.name in test.path]
    text = "".join(test.code for test in mine)
    stopped = [test for test in (*result.dropped, *result.left_out) if unit.name in test.path]
    assert all(word in text for word in unit.kept), stopped
    assert not any(word in text for word in unit.never)
    if unit.defect and not unit.opinions:
        assert not mine, mine
    assert set(unit.gates) <= {test.stopped.gate for test in stopped}, stopped
    shown = ["sure" if found.sure else "possible" for found in result.reproductions if unit.name in found.path]
    assert shown == ([unit.shown] if unit.shown else []), stopped
    assert all(unit.evidence in test.evidence for test in mine)


def test_half_of_the_units_have_a_planted_defect() -> None:
    """In three languages, and all together at least 24."""
    units = [unit for same in UNITS.values() for unit in same]
    assert len(units) >= 24
    assert 2 * sum(unit.defect for unit in units) == len(units)


def test_python(tmp_path: Path) -> None:
    """Tests are suggested for all units at once, and each unit ends as its script says."""
    result = generate_python_units(tmp_path, GenerationBudget(units=99, runs=2, seconds=1_400))
    assert isinstance(result, GeneratedTests), result
    for unit in UNITS["python"]:
        judged(result, unit)


@pytest.mark.parametrize("language", ["typescript", "go"])
def test_other_languages(language: str, tmp_path: Path) -> None:
    """All units of the language in one project, with its real runner."""
    if lacks := PROJECTS[language].lacks():
        pytest.skip(lacks)
    result = generate_units(language, tmp_path, GenerationBudget(seconds=1_400, runs=2))
    if isinstance(result, str):
        pytest.skip(result)
    assert isinstance(result, GeneratedTests), result
    for unit in UNITS[language]:
        judged(result, unit)
