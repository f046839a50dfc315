"""The shipped sample, candidate by candidate: the good are kept, each of the bad is stopped at its gate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reviewer.testgen.evidence import Candidate, CodeUnit, Evidence, Gate, GateFailure, GenerationBudget
from reviewer.testgen.python.gates.run_gates import GateContext, judge
from reviewer.testgen.python.generate import prepare
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.stages import SAMPLE, staged_sample

pytestmark = pytest.mark.slow

GOOD = sorted(path.stem for path in (SAMPLE / "good").glob("*.py"))
BAD = sorted(path.stem for path in (SAMPLE / "bad").glob("*.py"))


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> tuple[GateContext, dict[str, CodeUnit]]:
    """Return the sample's bench, measured once, and its units by name."""
    subject = staged_sample(tmp_path_factory.mktemp("sample"))
    made = prepare(subject, run_in_tree, GenerationBudget(units=20, runs=3))
    assert isinstance(made, tuple), made
    bench, units = made
    return bench, {f"{Path(unit.path).stem}.{unit.name}": unit for unit in units}


def candidate(kind: str, name: str, units: dict[str, CodeUnit]) -> tuple[Candidate, str]:
    """Return the candidate in that file, and the gate that its first line names."""
    text = (SAMPLE / kind / f"{name}.py").read_text(encoding="utf-8")
    unit, _, gate = text.partition("\n")[0].removeprefix("# ").partition(": ")
    return Candidate(units[unit], f"tests/test_{name}_proposed.py", text), gate


def test_all_units_of_the_sample_are_chosen(ready: tuple[GateContext, dict[str, CodeUnit]]) -> None:
    """Every changed function is a unit; what existing tests run already is known line by line."""
    _, units = ready
    assert len(units) == 9
    assert units["prices.discounted"].missed == units["prices.discounted"].lines
    assert not units["fees.fee"].missed


@pytest.mark.parametrize("name", GOOD)
def test_good_candidates_are_kept(name: str, ready: tuple[GateContext, dict[str, CodeUnit]]) -> None:
    """A test that proves something passes every gate, with numbers, and nothing of it stays in the tree."""
    bench, units = ready
    one, _ = candidate("good", name, units)
    shown = judge(one, bench)
    assert isinstance(shown, Evidence), shown
    assert re.match(r"(\d+) of \1 runs; ", shown.line)
    assert shown.fails_on_base if name == "fees" else shown.covered[0] > 0
    assert not (bench.head.tree / one.path).exists()


@pytest.mark.parametrize("name", BAD)
def test_bad_candidates_are_stopped_at_their_gate(name: str, ready: tuple[GateContext, dict[str, CodeUnit]]) -> None:
    """A test that proves nothing, lies, or misbehaves is stopped, and by the gate that is meant for it."""
    bench, units = ready
    one, gate = candidate("bad", name, units)
    outcome = judge(one, bench)
    assert isinstance(outcome, GateFailure), outcome
    assert outcome.gate == Gate(gate), outcome
    assert not (bench.head.tree / one.path).exists()
