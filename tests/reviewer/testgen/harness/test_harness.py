"""The harness on other interpreters, and what it makes of code that plays against it."""

from __future__ import annotations

import json
import os
import subprocess
import venv
from dataclasses import replace
from pathlib import Path

import pytest

from reviewer.sandbox.api import SandboxCommand, SandboxResult
from reviewer.testgen.evidence import Candidate, ChangeUnderTest, Evidence, Gate, GateFailure, GenerationBudget
from reviewer.testgen.python.gates.run_gates import GateContext, judge
from reviewer.testgen.python.generate import prepare
from reviewer.testgen.python.harness_client import HarnessRun, interpreter_folders
from reviewer.testgen.python.harness_report import REPORT, MutantResult, read_report
from reviewer.testgen.python.mutants import GREEN as GREEN_CANARY
from reviewer.testgen.python.mutants import canaries, mutants
from reviewer.testgen.working_tree import TreeChanged
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.project_python import project_python
from tests.samples.stages import QUICK, staged

pytestmark = pytest.mark.slow

CALC = "def double(n, times=2):\n    if n < 0:\n        raise ValueError(n)\n    return n * times\n"
GREEN = "import unittest\n\n\nclass Green(unittest.TestCase):\n    def test_it(self):\n        self.assertTrue(1)\n"
DOUBLED = (
    "import unittest\n\nfrom calc import double\n\n\nclass DoubleTest(unittest.TestCase):\n    def test_double(self):\n"
    "        self.assertEqual(double(3), 6)\n        self.assertEqual(double(0, 5), 0)\n\n"
    "    def test_negative(self):\n"
    "        with self.assertRaises(ValueError):\n            double(-1)\n"
)
PROJECT = {"calc.py": CALC, "tests/__init__.py": "", "tests/test_green.py": GREEN}


def bench_of(subject: ChangeUnderTest) -> tuple[GateContext, Candidate]:
    """Return the bench of a subject, and the good candidate for its one function."""
    made = prepare(subject, run_in_tree, GenerationBudget())
    assert isinstance(made, tuple), made
    context, (unit,) = made
    return context, Candidate(unit, "tests/test_double.py", DOUBLED)


def old_python() -> Path | None:
    """Return a Python 3.8 that starts, if the machine has one."""
    for command in ("python3.8", "python3.9"):
        try:
            told = subprocess.run([command, "-c", "import sys; print(sys.executable)"], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return Path(told.stdout.decode().strip())
    return None


@pytest.mark.parametrize("which", ["bare", "old"])
def test_other_interpreters_give_the_same_evidence(which: str, tmp_path: Path) -> None:
    """Without coverage.py, without pytest, on Python 3.8: lines are counted and mutants die all the same."""
    if which == "bare":
        venv.create(tmp_path / "venv", symlinks=True)
        python: Path | None = tmp_path / "venv" / "bin" / "python"
    else:
        python = old_python()
    if python is None:
        pytest.skip("this machine has no Python 3.8 or 3.9")
    context, candidate = bench_of(staged(tmp_path, PROJECT, python=python))
    shown = judge(candidate, context)
    assert isinstance(shown, Evidence), shown
    assert shown.covered == (3, 3)
    assert shown.killed
    killed, made = shown.killed
    assert made >= 6
    assert killed >= made - 2  # `<` for `<=` cannot be told apart by 0, and nobody reads the message
    measured = context.head.run(HarnessRun(cover=(candidate.unit.path,)))
    assert measured.collector == "settrace" if which == "bare" else measured.python.startswith("3.")


def test_a_default_is_mutated_at_import(tmp_path: Path) -> None:
    """A mutant of the signature is imported in a process of its own, and told apart by a test that relies on it."""
    context, candidate = bench_of(staged(tmp_path, PROJECT))
    careless = DOUBLED.replace("double(3)", "double(3, 2)")
    both = [judge(replace(candidate, code=code), context) for code in (DOUBLED, careless)]
    kills = [one.killed for one in both if isinstance(one, Evidence)]
    assert len(kills) == 2, both
    careful, other = kills
    assert careful
    assert other
    assert careful[1] == other[1]
    assert careful[0] == other[0] + 1


def test_new_names_are_no_evidence_on_base(tmp_path: Path) -> None:
    """A test of something new fails on base by an error, not by its assertion: that proves nothing."""
    base = {**PROJECT, "calc.py": "def double(n):\n    return n\n"}
    context, candidate = bench_of(staged(tmp_path, PROJECT, base))
    fails = DOUBLED.replace("        self.assertEqual(double(3), 6)\n", "")
    shown = judge(replace(candidate, code=fails.replace("double(0, 5), 0", "double(3, times=2), 6")), context)
    assert isinstance(shown, Evidence), shown
    assert shown.fails_on_base  # `test_negative` fails there by its own assertion
    only_new = (
        "import unittest\n\nfrom calc import double\n\n\nclass DoubleTest(unittest.TestCase):\n"
        "    def test_double(self):\n        self.assertGreater(double(3, times=2), -1)\n"
    )
    outcome = judge(replace(candidate, code=only_new), context)  # too weak for the mutants, so only base could keep it
    assert isinstance(outcome, GateFailure), outcome
    assert outcome.gate is Gate.KILLS


def test_a_copy_that_is_installed_elsewhere_is_noticed(tmp_path: Path) -> None:
    """A suite that imports another copy of the changed file proves nothing about this one, and the user is told."""
    away = tmp_path / "away" / "acme"
    away.mkdir(parents=True)
    (away / "__init__.py").write_text("", encoding="utf-8")
    (away / "calc.py").write_text(CALC, encoding="utf-8")
    inserted = f"import sys\n\nsys.path.insert(0, {str(tmp_path / 'away')!r})\n"
    test = f"{inserted}\nimport acme.calc\n\n\ndef test_it():\n    assert 1\n"
    head = {"acme/__init__.py": "", "acme/calc.py": CALC, "tests/test_it.py": test}
    made = prepare(staged(tmp_path, head, command=QUICK), run_in_tree, GenerationBudget())
    assert not isinstance(made, tuple)
    assert "another copy of `acme/calc.py`" in made.reason


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"{", "cannot be read"),
        (b"[]", "cannot be read"),
        (b'{"ended": true, "tests": 7}', "cannot be read"),
        (b'{"ended": true, "tests": [{"id": "a", "outcome": "passed"}]}', "forged"),
        (b'{"ended": true, "nonce": "other"}', "forged"),
        (b'{"ended": false, "exit": 0, "nonce": "right"}', "before all tests were counted"),
        (b"\xff" * 1000, "cannot be read"),
    ],
)
def test_a_forged_or_broken_report_is_no_report(data: bytes, problem: str) -> None:
    """Bytes from the sandbox become a report that is not green, never an exception."""
    report = read_report(SandboxResult(0, "", {REPORT: data}, 1.0, 1.0), "right")
    assert problem in report.problem
    assert not report.green


def test_a_report_written_over_the_harness_is_seen(tmp_path: Path) -> None:
    """A run whose report was replaced after the harness wrote it does not pass."""

    def forging(order: SandboxCommand) -> SandboxResult:
        ran = run_in_tree(order)
        if "test_double" not in order.argv[-1]:
            return ran
        told = json.loads(ran.results[REPORT]) | {"nonce": "guessed"}
        return replace(ran, results={REPORT: json.dumps(told).encode()})

    made = prepare(staged(tmp_path, PROJECT), forging, GenerationBudget())
    assert isinstance(made, tuple)
    outcome = judge(Candidate(made[1][0], "tests/test_double.py", DOUBLED), made[0])
    assert isinstance(outcome, GateFailure)
    assert outcome.gate is Gate.COLLECTS
    assert "forged" in outcome.reason


def test_a_test_that_changes_the_repository_ends_it_all(tmp_path: Path) -> None:
    """Where nothing keeps the tree read-only, a changed file is noticed and no later run is believed."""
    context, candidate = bench_of(staged(tmp_path, PROJECT))
    evil = DOUBLED.replace(
        "        self.assertEqual(double(3), 6)\n",
        "        self.assertEqual(double(3), 6)\n        import calc\n        open(calc.__file__, mode='a').close()\n"
        "        here = calc.__file__\n        with open(here, 'a') as file:\n            file.write('# more')\n",
    )
    with pytest.raises(TreeChanged):
        judge(replace(candidate, code=evil), context)


def test_an_interpreter_in_an_environment_needs_both_installations() -> None:
    """The environment's folder and that of the Python behind it are both readable in a run."""
    folders = interpreter_folders(project_python())
    assert project_python().resolve().parent in folders
    assert Path(os.__file__).parent.is_relative_to(next(one for one in folders if one.name == "lib" and one.is_dir()))
    environment = project_python().parents[1]
    assert any(environment in (one, one.parent) for one in folders)


def test_a_link_in_a_home_folder_does_not_show_the_home(tmp_path: Path) -> None:
    """Of a folder that merely holds a link to the interpreter, or a copy of it, only programs are shown."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(project_python().resolve())
    folders = interpreter_folders(tmp_path / "bin" / "python")
    assert tmp_path not in folders
    assert tmp_path / "bin" in folders


def judged(tmp_path: Path, test: str) -> dict[str, tuple[str, float, float]]:
    """Return outcome, seconds and tests' seconds of the canaries and the mutants of `double`, by their ids."""
    results = judged_with_all(tmp_path, test)
    return {name: (one.outcome, one.seconds, one.tests_seconds) for name, one in results.items()}


def judged_with_all(tmp_path: Path, test: str) -> dict[str, MutantResult]:
    """Return the results of the canaries and the mutants of `double`, by their ids."""
    context, candidate = bench_of(staged(tmp_path, PROJECT, command=QUICK))
    (context.head.tree / candidate.path).write_text(test, encoding="utf-8")
    noop, raising = canaries(candidate.unit)
    asked = (replace(noop, id=GREEN_CANARY), noop, raising, *mutants(candidate.unit, most=9))
    wanted = HarnessRun(paths=(candidate.path,), mutants=tuple((one, None) for one in asked if one.swaps))
    report = context.head.run(wanted)
    assert not report.problem
    return {one.id: one for one in report.mutants}


def test_a_mutant_tells_what_its_tests_took(tmp_path: Path) -> None:
    """Of a mutant's seconds those of its tests are told apart, set-up and teardown included."""
    slow = (
        "import time\n\nimport pytest\n\nfrom calc import double\n\n\n@pytest.fixture\ndef waited():\n"
        "    time.sleep(0.02)\n    yield\n    time.sleep(0.01)\n\n\n"
        "def test_double(waited):\n    assert double(3) == 6\n"
    )
    told = judged(tmp_path, slow)
    assert {outcome for outcome, _, _ in told.values()} == {"survived", "killed"}
    for outcome, seconds, tests in told.values():
        assert outcome != "timeout"
        assert 0.03 <= tests <= seconds


def test_a_mutant_tells_its_processor_time(tmp_path: Path) -> None:
    """Work of its tests counts, and waiting does not."""
    head = "import time\n\nfrom calc import double\n\n\ndef test_double():\n"
    end = "    assert double(3) == 6\n"
    works = "    until = time.process_time() + 0.3\n    while time.process_time() < until:\n        pass\n"
    for name in ("busy", "idle"):
        (tmp_path / name).mkdir()
    busy = judged_with_all(tmp_path / "busy", f"{head}{works}{end}")["green"]
    idle = judged_with_all(tmp_path / "idle", f"{head}    time.sleep(1)\n{end}")["green"]
    assert 0.3 <= busy.cpu_seconds < 0.6
    assert 0 < idle.cpu_seconds < 0.3
    assert idle.seconds > 1


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        ("os.closerange(3, 256)", "killed"),
        ("os.fork() or (time.sleep(3), os._exit(0))", "killed"),
        ("os.fork() and os._exit(7) or (time.sleep(3), os._exit(0))", "odd"),
    ],
)
def test_what_a_mutant_leaves_or_closes_changes_no_verdict(ends: str, outcome: str, tmp_path: Path) -> None:
    """A fork that dies, closes every descriptor or leaves processes is judged by how it ended, and at once."""
    test = (
        "import os\nimport time\nfrom calc import double\n\n\ndef test_double():\n"
        f"    if double(3) != 6:\n        {ends}\n    assert double(3) == 6\n"
    )
    told = judged(tmp_path, test)
    assert told["green"][0] == told["no-op"][0] == "survived"
    (changed,) = (one for name, one in told.items() if name.endswith(":/"))
    assert changed[0] == outcome
    assert changed[1] < 1.5, "the verdict waited for a process that the test left"


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        ("pytest.fail('no', pytrace=False)", "killed"),
        ("request.addfinalizer(lambda: 1 / 0)", "killed"),
        ("pytest.exit('no')", "odd"),
        ("pytest.skip('no')", "survived"),
    ],
)
def test_how_a_test_fails_decides_on_its_mutant(ends: str, outcome: str, tmp_path: Path) -> None:
    """Pytest's own `fail` and a failing teardown kill; a skip does not, and an end of the session says nothing."""
    test = f"import pytest\nfrom calc import double\n\n\ndef test_double(request):\n    double(3) == 6 or {ends}\n"
    told = judged(tmp_path, test)
    assert [told[name][0] for name in ("green", "no-op", "raise")] == ["survived", "survived", "killed"]
    assert {one[0] for name, one in told.items() if name.endswith((":/", ":None"))} == {outcome}
