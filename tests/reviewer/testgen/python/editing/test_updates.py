"""Tests whose expectation a change alters: updated and proven, or named as broken, or set apart; with a real pytest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.tasks.conversation.layout import task_line
from reviewer.testgen.evidence import ChangeUnderTest, Gate, GateFailure, GeneratedTests, GenerationBudget
from reviewer.testgen.merge import patch_of
from reviewer.testgen.python.editing.updates import edited
from reviewer.testgen.python.generate import generate_python_tests
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.stages import QUICK, diff_of, staged

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

BASE = '''def fee(days):
    """Two weeks are free, then it is 5; negative days are an error."""
    if days < 0:
        raise ValueError(days)
    return 0 if days < 14 else 5
'''
HEAD = BASE.replace("then it is 5", "then it is 7").replace("else 5", "else 7")

OLD = """import pytest

from fees import fee


def test_free():
    assert fee(3) == 0


def test_fee():  # beyond two weeks
    days = 40
    expected = 5
    # A comment that stays.
    assert fee(days) == expected


def test_negative():
    with pytest.raises(ValueError):
        fee(-1)
"""
NEW = OLD.replace("expected = 5", "expected = 7")
FUNCTION = OLD[OLD.index("def test_fee") : OLD.index("\n\n\ndef test_negative")] + "\n"
UPDATED = FUNCTION.replace("expected = 5", "expected = 7")
TEST = ("tests/test_a.py", "test_fee")


class Script:
    """A model that suggests no test, judges old expectations, and answers with updates by file and test."""

    def __init__(self, verdicts: Sequence[str], updates: dict[tuple[str, str], str] | None = None) -> None:
        self.verdicts = verdicts
        self.updates = updates or {}
        self.prompts: list[Prompt] = []

    def __call__(self, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        self.prompts += prompts
        return [Reply(self._answer(prompt)) for prompt in prompts]

    def _answer(self, prompt: Prompt) -> str:
        if prompt.task is Task.VERIFY:
            rows = [{"id": at, "verdict": word, "reason": "the docstring"} for at, word in enumerate(self.verdicts, 1)]
            return json.dumps({"verdicts": rows})
        if task_line(prompt) == "# Task: tests (update)":
            files = [
                f'<test path="{path}" covers="{name}">\n{code}</test>' for (path, name), code in self.updates.items()
            ]
            return "\n".join(files) or "NONE"
        return "NONE"

    @property
    def asked(self) -> list[str]:
        """The calls for existing tests, by their task."""
        return [line for line in map(task_line, self.prompts) if line != "# Task: tests"]


VERIFY, UPDATE = "# Task: verify (old expectations)", "# Task: tests (update)"


def stage(tmp_path: Path, test: str = OLD, *, head: str = HEAD, base: str = BASE, **more: str) -> ChangeUnderTest:
    """Stage the change of `fee` with a test file that the change leaves alone."""
    same = {"tests/test_a.py": test, **more}
    return staged(tmp_path, {"fees.py": head, **same}, {"fees.py": base, **same}, command=QUICK)


def generated(subject: ChangeUnderTest, script: Script, **limits: float) -> GeneratedTests:
    """Generate, and hold what is left in the tree against what was there."""
    before = diff_of(subject.head.parent / "base", subject.head)
    budget = GenerationBudget(runs=3, **limits)  # type: ignore[arg-type]
    result = generate_python_tests(subject, script, run_in_tree, salt=b"salt", budget=budget)
    assert isinstance(result, GeneratedTests), result
    assert diff_of(subject.head.parent / "base", subject.head) == before
    return result


def test_an_outdated_expectation_gets_a_proven_update(tmp_path: Path) -> None:
    """Two calls; a diff of just that line; the patch applies in a real repository, whose suite is green then."""
    script = Script(["refuted"], {TEST: UPDATED})
    subject = stage(tmp_path)
    result = generated(subject, script)
    assert script.asked == [VERIFY, UPDATE]
    (update,) = result.tests
    assert (update.status, update.path, update.code) == ("update", "tests/test_a.py", NEW)
    assert [row for row in update.patch.split("\n") if row.startswith(("+ ", "- "))] == [
        "-    expected = 5",
        "+    expected = 7",
    ]
    assert update.evidence == (
        "updates `test_fee`, whose expectation the change alters: passes in 4 of 4 runs with the change, fails without "
        "it, all else in the file ends as before. Why: the docstring"
    )
    assert not any("fails with it" in note for note in result.notes)
    subprocess.run(["git", "init", "-q"], cwd=subject.head, check=True)
    subprocess.run(["git", "apply", "-"], cwd=subject.head, input=patch_of(result.tests), text=True, check=True)
    assert (subject.head / "tests/test_a.py").read_text() == NEW


def test_the_model_sees_the_words_and_never_what_the_code_returned(tmp_path: Path) -> None:
    """The judge sees unit, documentation, title and the failing assertion; who writes the value does not see it."""
    script = Script(["refuted"], {TEST: UPDATED})
    generated(stage(tmp_path), script)
    verify, update = (next(p for p in script.prompts if task_line(p) == line) for line in (VERIFY, UPDATE))
    for prompt in (verify, update):
        assert "Grow the shop" in prompt.messages[1].content
        assert "then it is 7" in prompt.messages[1].content
        assert "assert fee(days) == expected" in prompt.messages[1].content
    assert "assert 7 == 5" in verify.messages[1].content
    assert "7 == 5" not in update.messages[1].content
    assert "the docstring" in update.messages[1].content


def test_a_test_that_the_change_breaks_is_named_and_never_updated(tmp_path: Path) -> None:
    """The second pass finds the old value right: one call, a sentence about a possible regression, no update."""
    script = Script(["confirmed"], {TEST: UPDATED})
    result = generated(stage(tmp_path), script)
    assert script.asked == [VERIFY]
    assert not result.tests
    (note,) = [note for note in result.notes if note.startswith("Your change breaks the test")]
    assert "`tests/test_a.py::test_fee`, a possible regression" in note
    assert "assert 7 == 5" in note
    assert "still right: the docstring" in note
    assert not any("has to change with it" in other for other in result.notes)


def test_what_cannot_be_decided_is_set_apart(tmp_path: Path) -> None:
    """Also where the word is no verdict: named with both possibilities."""
    for words in ("uncertain", "perhaps"):
        (tmp_path / words).mkdir()
        script = Script([words], {TEST: UPDATED})
        result = generated(stage(tmp_path / words), script)
        assert script.asked == [VERIFY]
        assert not result.tests
        assert "`tests/test_a.py::test_fee` passes without this change and fails with it" in result.notes[0]


def test_each_bad_update_is_stopped_at_its_gate(tmp_path: Path) -> None:
    """Counted with the gate and told; the tests stay set apart, and a good one of the same file is kept."""
    cases = {
        "test_input": ("assert fee(40) == 5", "assert fee(4) == 0", Gate.INPUTS, "with which input"),
        "test_value": ("assert fee(40) == 5", "assert fee(40) == 6", Gate.PASSES, "assert 7 == 6"),
        "test_bound": ("assert fee(40) < 6", "assert fee(40) < 8", Gate.ALTERED, "passes without the change"),
        "test_seed": ("assert seed(1) == 5", "assert seed(1) == {seeded}", Gate.STEADY, "flaky"),
        "test_good": ("assert fee(41) == 5", "assert fee(41) == 7", None, ""),
    }
    seeded = subprocess.check_output([sys.executable, "-c", 'print(hash("a") % 1000)'], env={"PYTHONHASHSEED": "0"})
    body = {name: f"def {name}():\n    {row[0]}\n" for name, row in cases.items()}
    code = "from fees import fee, seed\n\n\ndef test_free():\n    assert fee(3) == 0\n\n\n" + "\n\n".join(body.values())
    answers = {
        ("tests/test_a.py", name): f"def {name}():\n    {row[1]}\n".format(seeded=seeded.decode().strip())
        for name, row in cases.items()
    }
    more = "\n\ndef seed(n):\n    return {}\n"
    head, base = HEAD + more.format('hash("a") % 1000'), BASE + more.format("5")
    result = generated(stage(tmp_path, code, head=head, base=base), Script(["refuted"] * 5, answers))
    stopped = {found.path.rpartition("::")[2]: found.stopped for found in result.left_out}
    assert {name: found.gate for name, found in stopped.items()} == {
        name: gate for name, (_, _, gate, _) in cases.items() if gate
    }
    for name, found in stopped.items():
        assert cases[name][3] in found.reason
        assert any(f"::{name}` is not shown" in note and cases[name][3] in note for note in result.notes)
        assert f"`tests/test_a.py::{name}`" in result.notes[0] or "and 1 more pass" in result.notes[0]
    (update,) = result.tests
    assert update.code == code.replace(*cases["test_good"][:2])


BAD: list[tuple[str, str, str]] = [
    ("another test", NEW.replace("fee(3) == 0", "fee(4) == 0"), "changes more than `test_fee`"),
    ("two tests", UPDATED + "\n\ndef test_free():\n    assert fee(3) == 0\n", "changes more"),
    ("the input", FUNCTION.replace("days = 40", "days = 4").replace("= 5", "= 0"), "with which input"),
    ("no assertion", FUNCTION.replace("    assert fee(days) == expected\n", ""), "takes an assertion out"),
    ("the unit", HEAD.replace("else 7", "else 5"), "leaves no test `test_fee`"),
    ("a double", UPDATED.replace("days = 40", "fee = lambda days: 7\n    days = 40"), "what `test_fee` does"),
    ("always true", UPDATED.replace("assert fee(days) == expected", "assert True"), "looks at no result"),
    ("weaker", UPDATED.replace("== expected", "!= 5"), "weakens"),
    ("weaker still", UPDATED.replace("fee(days) == expected", "fee(days) is not None"), "weakens"),
    ("true of much", UPDATED.replace("assert fee(days) == expected", "assert fee(days)"), "weakens"),
    ("any error", FUNCTION.replace("assert fee(days) == expected", "with pytest.raises(Exception):\n        fee(days)"),
     "weakens"),
    ("roughly", FUNCTION.replace("= 5", "= pytest.approx(6, abs=3)"), "weakens"),
    ("itself", UPDATED.replace("== expected", "== fee(days)"), "compared with another result"),
    ("itself, kept", UPDATED.replace("expected = 7", "expected = fee(days)"), "compared with another result"),
    ("any value", "from unittest.mock import ANY\n" + OLD.replace("= 5", "= ANY"), "changes more"),
    ("a mark", "@pytest.mark.xfail\n" + FUNCTION, "called or marked"),
    ("an early end", UPDATED.replace("    days = 40", "    return\n    days = 40"), "what `test_fee` does"),
    ("under a condition", UPDATED.replace("    assert", "    if days < 9:\n        assert"), "takes an assertion out"),
    ("another name", UPDATED.replace("test_fee", "test_fees"), "leaves no test `test_fee`"),
    ("nothing", FUNCTION, "changes nothing"),
    ("no code", "def test_fee(:\n", "cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "reason"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_only_what_is_expected_may_change(answer: str, reason: str) -> None:
    """Everything else is found on the syntax tree, before anything is run."""
    stopped = edited(OLD, "test_fee", answer)
    assert isinstance(stopped, GateFailure), stopped
    assert stopped.gate is Gate.INPUTS
    assert reason in stopped.reason


TABLE = '@pytest.mark.parametrize(("days", "price"), [(3, 0), (40, 5)])\ndef test_fee(days, price):\n'
INPUTS: list[tuple[str, str, str, str]] = [
    ("a table's input", TABLE + "    assert fee(days) == price\n", "(40, 5)", "(4, 0)"),
    ("a table's row", TABLE + "    assert fee(days) == price\n", ", (40, 5)", ""),
    ("a shared column", TABLE + "    assert fee(days + price) == price\n", "(40, 5)", "(40, 7)"),
    ("a loop's input", "def test_fee():\n    for a, b in [(40, 5)]:\n        assert fee(a) == b\n",
     "(40, 5)", "(4, 0)"),
    ("the set-up", "def test_fee():\n    bag = Bag()\n    bag.add(1)\n    assert bag.sum() == 5\n", "add(1)", "add(2)"),
    ("a changed variable", "def test_fee():\n    n = 1\n    n += 1\n    assert fee(n) == 5\n", "n = 1", "n = 2"),
    ("a list's item", "def test_fee():\n    n = [1]\n    n[0] = 2\n    assert fee(n) == 5\n", "= 2", "= 3"),
    ("the input on the right", "def test_fee():\n    assert 5 == fee(40)\n", "fee(40)", "fee(4)"),
    ("a module's state", "def test_fee():\n    global N\n    N = 1\n    assert fee(2) == 5\n", "N = 1", "N = 2"),
    ("a double's answer", "def test_fee(monkeypatch):\n    monkeypatch.setattr(fees, 'x', 5)\n    assert fee(2) == 5\n",
     "'x', 5", "'x', 7"),
    ("an inner function", "def test_fee():\n    def call():\n        return fee(2)\n    assert call() == 5\n",
     "fee(2)", "3"),
    ("another half", "def test_fee():\n    assert fee(40) == 5 and fee(3) == 0\n", " and fee(3) == 0", ""),
    ("one of two results", "def test_fee():\n    assert fee(40) == price(40)\n", "price(40)", "price(4)"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "old", "new"), [row[1:] for row in INPUTS], ids=[row[0] for row in INPUTS])
def test_inputs_must_stay_wherever_they_stand(function: str, old: str, new: str) -> None:
    """In tables, loops, set-up, state and doubles; what cannot be compared counts as changed."""
    code = f"import pytest\n\nfrom fees import fee\n\n\n{function}"
    stopped = edited(code, "test_fee", function.replace(old, new))
    assert isinstance(stopped, GateFailure), stopped
    assert stopped.gate is Gate.INPUTS


GOOD: list[tuple[str, str, str, str]] = [
    ("a row of a table", TABLE + "    assert fee(days) == price\n", "(40, 5)", "(40, 7)"),
    ("a row of a loop", "def test_fee():\n    for a, b in [(3, 0), (40, 5)]:\n        assert fee(a) == b\n",
     "(40, 5)", "(40, 7)"),
    ("a variable", "def test_fee():\n    price = fee(40)\n    assert price == 5, price\n", "== 5", "== 7"),
    ("an exact value for a bound", "def test_fee():\n    assert fee(40) < 6\n", "< 6", "== 7"),
    ("the opposite", "def test_fee():\n    assert is_free(14)\n", "assert is", "assert not is"),
    ("a word in a text", 'def test_fee():\n    assert "five" in words(40)\n', "five", "seven"),
    ("a value on the left", "def test_fee():\n    assert 5 == fee(40)\n", "5 ==", "7 =="),
    ("in a docstring", 'def test_fee():\n    """It is 5."""\n    assert fee(40) == 5\n', "5", "7"),
    ("an exception", "def test_fee():\n    with pytest.raises(KeyError):\n        fee(-1)\n", "KeyError", "ValueError"),
    ("a method of unittest", "class TestFee(Case):\n    def test_fee(self):\n        self.assertEqual(fee(40), 5)\n",
     "5", "7"),
    ("a value becomes an error", "def test_fee():\n    assert fee(-1) == 0\n", "assert fee(-1) == 0",
     "with pytest.raises(ValueError):\n        fee(-1)"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "old", "new"), [row[1:] for row in GOOD], ids=[row[0] for row in GOOD])
def test_what_is_expected_may_stand_anywhere(function: str, old: str, new: str) -> None:
    """In a table, a loop, a variable, on either side; the file around it stays to the letter."""
    code = f"import pytest\n\nfrom fees import fee  # a comment\n\n\n{function}"
    changed = code.replace(function, function.replace(old, new))
    name = "TestFee.test_fee" if "class" in function else "test_fee"
    answer = changed if "class" in function else function.replace(old, new)
    assert edited(code, name, answer) == changed


def test_an_error_becomes_a_value_and_a_method_is_updated(tmp_path: Path) -> None:
    """Two tests of one file become one update; without the change one of them fails by the error that it expected."""
    old = OLD.replace("def test_fee():  # beyond two weeks\n", "class TestFee:\n    def test_fee(self):\n")
    body = "    days = 40\n    expected = 5\n    # A comment that stays.\n    assert fee(days) == expected\n"
    old = old.replace(body, "        assert fee(40) == 5\n")
    head = HEAD.replace("raise ValueError(days)", "return -1").replace("are an error", "give -1")
    answers = {
        ("tests/test_a.py", "TestFee.test_fee"): "def test_fee(self):\n    assert fee(40) == 7\n",
        ("tests/test_a.py", "test_negative"): "def test_negative():\n    assert fee(-1) == -1\n",
    }
    result = generated(stage(tmp_path, old, head=head), Script(["refuted", "refuted"], answers))
    (update,) = result.tests
    assert "        assert fee(40) == 7\n" in update.code
    assert "def test_negative():\n    assert fee(-1) == -1\n" in update.code
    assert "`TestFee.test_fee`" in update.evidence
    assert "`test_negative`" in update.evidence


def test_what_the_change_wrote_or_what_fails_by_an_error_is_no_old_expectation(tmp_path: Path) -> None:
    """A test that the change edited, and one that ends with an exception of the code: no question is asked."""
    edited = {"fees.py": HEAD, "tests/test_a.py": OLD.replace("expected = 5", "expected = 6 - 1")}
    subject = staged(tmp_path, edited, {"fees.py": BASE, "tests/test_a.py": OLD}, command=QUICK)
    script = Script([])
    assert not generated(subject, script).tests
    (tmp_path / "other").mkdir()
    head = HEAD.replace("else 7", "else fare(days)")
    assert not generated(stage(tmp_path / "other", head=head), script).tests
    assert not script.asked
