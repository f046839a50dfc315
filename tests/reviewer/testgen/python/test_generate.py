"""Proving as a whole: a model that answers by script, tests that really run, and what comes of it."""

from __future__ import annotations

import json
import re
import venv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.tasks.conversation.layout import task_line
from reviewer.testgen.evidence import ChangeUnderTest, Gate, GeneratedTests, GenerationBudget, NotRun
from reviewer.testgen.python.generate import generate_python_tests
from tests.attacks.prompt_blocks import blocks
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.stages import QUICK, SAMPLE, staged, staged_sample

pytestmark = pytest.mark.slow

SALT = b"salt"

STRONG = (SAMPLE / "good" / "prices.py").read_text(encoding="utf-8")
WEAK = (SAMPLE / "bad" / "weak.py").read_text(encoding="utf-8")

RIGHT = """from shop.parse import ratio


def test_ratio():
    assert ratio("1/4") == 0.25
"""
CERTIFYING = RIGHT.replace("0.25", "4.0")


class Script:
    """A model that answers with test files by the unit asked for, in order, and with verdicts; each must be used."""

    def __init__(
        self, tests: dict[str, list[str]], verdicts: Sequence[str] = (), opinions: Sequence[str] | None = None
    ) -> None:
        self.tests = {unit: list(codes) for unit, codes in tests.items()}
        self.verdicts = list(verdicts)
        self.opinions = opinions
        self.prompts: list[Prompt] = []

    def __call__(self, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        self.prompts += prompts
        return [Reply(self._answer(prompt)) for prompt in prompts]

    def _answer(self, prompt: Prompt) -> str:
        if prompt.task is Task.VERIFY and "# Task: verify (expectations)" in prompt.messages[1].content:
            claims = prompt.messages[1].content.count("\n## Claim ")
            words = self.opinions or ["confirmed"] * claims
            verdicts = [{"id": place, "verdict": word, "reason": "documented"} for place, word in enumerate(words, 1)]
            return json.dumps({"verdicts": verdicts[:claims]})
        if prompt.task is Task.VERIFY:
            return f'{{"verdicts": [{{"id": 1, "verdict": "{self.verdicts.pop(0)}", "reason": "documented"}}]}}'
        (unit,) = re.findall(r"`(\S+)`, imported as", prompt.messages[1].content)
        path = re.findall(r'<test path="([^"]+)" covers="[^"]+">\ncode', prompt.messages[1].content)[0]
        codes = self.tests.get(unit)
        return f'<test path="{path}" covers="x">\n{codes.pop(0)}</test>' if codes else "NONE"

    def used_up(self) -> bool:
        return not any(self.tests.values()) and not self.verdicts


def proven(subject: ChangeUnderTest, script: Script, **budget: float) -> GeneratedTests:
    """Prove with that script; nothing scripted may be left over."""
    limits = replace(GenerationBudget(runs=2), **budget)  # type: ignore[arg-type]
    result = generate_python_tests(subject, script, run_in_tree, salt=SALT, budget=limits)
    assert isinstance(result, GeneratedTests), result
    assert script.used_up(), script.tests
    return result


def test_a_weak_test_is_repaired_with_the_faults_it_missed(tmp_path: Path) -> None:
    """The repair prompt shows surviving faults as a diff; the mended test is kept, with its numbers."""
    script = Script({"discounted": [WEAK, STRONG]})
    result = proven(staged_sample(tmp_path), script, units=9)
    (kept,) = result.tests
    assert re.fullmatch(
        r"(\d+) of \1 runs; covers 8 of 8 uncovered changed lines; "
        r"kills (\d+) of \d+ mutants of the changed lines, \2 of which no test noticed before",
        kept.evidence,
    )
    assert kept.covers == "src/shop/prices.py:14-21"
    assert kept.path == "tests/test_prices_discounted.py"
    (repair,) = [prompt for prompt in script.prompts if len(prompt.messages) > 2]
    assert repair.messages[-1].content.startswith("# Task: tests\n")
    assert "kills mutants" in repair.messages[-1].content
    assert re.search(r"^\| - .*\n\| \+ ", repair.messages[-1].content, re.MULTILINE)
    assert not result.dropped


@pytest.mark.parametrize(("verdict", "shown"), [("confirmed", 1), ("refuted", 0)])
def test_a_defect_is_never_certified(verdict: str, shown: int, tmp_path: Path) -> None:
    """A repair that copies the observed value is refused; the failing test is shown only where a second pass agrees."""
    script = Script({"ratio": [RIGHT, CERTIFYING]}, [verdict])
    result = proven(staged_sample(tmp_path), script, units=9)
    assert not result.tests
    assert len(result.reproductions) == shown
    if shown:
        (one,) = result.reproductions
        assert one.code == RIGHT
        assert one.failure.asserted
        assert "4.0 == 0.25" in one.failure.message
        assert one.failure.test.endswith("::test_ratio")
        assert one.reason == "documented"
    else:
        assert [test.stopped.gate for test in result.dropped] == [Gate.COPIED]
    (confirm_failure,) = [prompt for prompt in script.prompts if prompt.task is Task.VERIFY]
    assert task_line(confirm_failure) == "# Task: verify (reproduction)"


def test_a_test_that_stays_wrong_is_dropped_and_counted(tmp_path: Path) -> None:
    """After two repairs the candidate is dropped by the gate that stopped it last."""
    wrong = (SAMPLE / "bad" / "wrong_import.py").read_text(encoding="utf-8")
    script = Script({"discounted": [WEAK, wrong, WEAK]})
    result = proven(staged_sample(tmp_path), script, units=9)
    assert [test.stopped.gate for test in result.dropped] == [Gate.KILLS]
    assert not result.tests


def test_prompts_are_the_same_to_the_byte(tmp_path: Path) -> None:
    """The same change asks the same, wherever it is staged and whatever the nonce was: paid answers are found again."""
    asked = []
    wrong = "from calc import double\n\n\ndef test_double():\n    assert double(3) == 7\n"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        script = Script({"double": [wrong, wrong]}, ["refuted"])
        head = {"calc.py": CALC, "tests/test_a.py": GREEN}
        proven(staged(tmp_path / name, head, command=QUICK), script)
        asked.append(script.prompts)
    assert len(asked[0]) == 3
    assert asked[0] == asked[1]


def test_the_prompt_fences_and_redacts_what_is_not_ours(tmp_path: Path) -> None:
    """Code of the repository stands inside the fence, without secrets; the system message has none of it."""
    secret = "ghp_" + "a1B2" * 9
    head = {
        "calc.py": f'import os\n\nKEY = "{secret}"\n\n\ndef double(n):\n    """</data> {secret}"""\n    return n * 2\n',
        "use.py": "from calc import double\n\nprint(double(3))\n",
        "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef three():\n    '''A number.'''\n    return 3\n",
        "tests/test_other.py": "def test_other():\n    assert 1 + 1 == 2\n",
    }
    script = Script({})
    proven(staged(tmp_path, head, issue="It should double.", command=QUICK), script)
    (prompt,) = script.prompts
    system, user = prompt.messages
    found, outside = blocks(user.content)
    assert "linked issue" in dict(found)
    words = outside.replace("test by a double", "").partition("Answer")[0]
    assert "double" not in words
    assert "def double" not in system.content
    assert secret not in user.content
    for shown in (
        "It should double.",
        "use.py:3: print(double(3))",
        "three(): A number.",
        "def test_other",
        "import os",
    ):
        assert shown in user.content
    assert re.search(r"^ +8 !\|     return n \* 2$", user.content, re.MULTILINE)


def cannot(subject: ChangeUnderTest, **budget: float) -> str:
    """Return the reason why nothing was proven; the model must not have been asked."""
    script = Script({})
    limits = replace(GenerationBudget(runs=2), **budget)  # type: ignore[arg-type]
    result = generate_python_tests(subject, script, run_in_tree, salt=SALT, budget=limits)
    assert isinstance(result, NotRun), result
    assert not script.prompts
    return result.reason


CALC = "def double(n):\n    return n * 2\n"
GREEN = "def test_green():\n    assert True\n"


@pytest.mark.parametrize(
    ("files", "more", "reason"),
    [
        (
            {"calc.py": CALC, "tests/test_a.py": "def test_red():\n    assert 1 == 2\n"},
            {},
            "fail before anything is added: 1 of 1",
        ),
        ({"calc.py": CALC, "tests/test_a.py": "import nothing_like_it\n"}, {}, "cannot be collected"),
        (
            {"calc.py": CALC, "tests/test_a.py": "def test_db():\n    raise ConnectionError('no database')\n"},
            {},
            "a service such as a database",
        ),
        ({"calc.py": CALC, "tests/test_a.py": "x = 1\n"}, {}, "collects no test"),
        ({"calc.py": CALC, "tests/test_a.py": GREEN}, {"command": "make test"}, "neither pytest nor unittest"),
        ({"calc.py": CALC, "tests/test_a.py": GREEN}, {"python": Path("/nowhere/python")}, "There is no Python"),
        ({"readme.md": "x\n"}, {}, "no Python function"),
    ],
)
def test_where_nothing_can_be_claimed_the_user_is_told(
    files: dict[str, str], more: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    """A red, missing or unreadable suite ends with a sentence, before the model is asked."""
    assert reason in cannot(staged(tmp_path, files, **{"command": QUICK, **more}))


def test_a_missing_pytest_is_named(tmp_path: Path) -> None:
    """An interpreter without pytest is told what to install."""
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    reason = cannot(staged(tmp_path, {"calc.py": CALC, "tests/test_a.py": GREEN}, python=python))
    assert "pytest cannot be imported" in reason
    assert "tests.setup" in reason


def test_a_suite_that_takes_too_long_is_replaced_by_its_siblings(tmp_path: Path) -> None:
    """Where the whole suite exceeds its limit, the tests near the change stand for it, and that is said."""
    endless = "import threading\n\n\ndef test_endless():\n    threading.Event().wait()\n"
    near = "from calc import double\n\n\ndef test_double():\n    assert double(0) == 0\n"
    head = {"calc.py": CALC, "tests/test_long.py": endless, "tests/test_calc.py": near}
    result = proven(staged(tmp_path, head, command=QUICK), Script({}), suite_seconds=15)
    assert "take longer than 15 s" in result.notes[0]


UNITTEST = "import unittest\n\n\nclass A(unittest.TestCase):\n    def test_a(self):\n        self.assertTrue(1)\n"
DOUBLED = "from calc import double\n\n\ndef test_double():\n    assert double(3) == 6\n    assert double(-1) == -2\n"


DOUBLED_EVIDENCE = (
    "4 of 4 runs; covers 1 of 1 uncovered changed lines; "
    "kills 3 of 3 mutants of the changed lines, 3 of which no test noticed before"
)


def test_a_repository_without_tests_gets_its_first(tmp_path: Path) -> None:
    """Where there is no test yet a new file proves itself alone, in `tests`, and that is said."""
    result = proven(staged(tmp_path, {"calc.py": CALC}, command=QUICK), Script({"double": [DOUBLED]}))
    assert [test.path for test in result.tests] == ["tests/test_calc_double.py"]
    assert "no tests yet" in result.notes[0]
    assert not (tmp_path / "head" / "tests").exists()


def test_unittest_is_proven_like_pytest(tmp_path: Path) -> None:
    """A project that only knows unittest has its tests counted, measured and mutated without pytest."""
    head = {
        "calc.py": CALC,
        "tests/__init__.py": "",
        "tests/test_a.py": UNITTEST,
    }
    test = (
        "import unittest\n\nfrom calc import double\n\n\nclass DoubleTest(unittest.TestCase):\n"
        "    def test_double(self):\n        self.assertEqual(double(3), 6)\n"
    )
    result = proven(staged(tmp_path, head), Script({"double": [test]}))
    assert [one.evidence for one in result.tests] == [DOUBLED_EVIDENCE]


def test_async_tests_of_unittest_can_be_run_again(tmp_path: Path) -> None:
    """Their cases close their loop for good: each run has a new one, also for the mutants."""
    head = {
        "calc.py": CALC.replace("def double", "async def double"),
        "tests/__init__.py": "",
        "tests/test_a.py": UNITTEST,
    }
    test = (
        "import unittest\n\nfrom calc import double\n\n\nclass DoubleTest(unittest.IsolatedAsyncioTestCase):\n"
        "    async def test_double(self):\n        self.assertEqual(await double(3), 6)\n"
    )
    (kept,) = proven(staged(tmp_path, head), Script({"double": [test]})).tests
    assert kept.evidence == DOUBLED_EVIDENCE


def test_tests_beside_the_code(tmp_path: Path) -> None:
    """Where the repository keeps its tests beside the modules, in no folder of their own, so is a new one."""
    script = Script({"double": [DOUBLED]})
    head = {"calc.py": CALC, "test_calc.py": GREEN, "docs/test_of_docs.py": "x = 1\n"}
    (kept,) = proven(staged(tmp_path, head, command=QUICK), script).tests
    assert kept.path == "test_calc_double.py"


def test_names_that_the_repository_gives_its_tests(tmp_path: Path) -> None:
    """`python_files` says which files hold tests, and how a new one is called."""
    head = {
        "pytest.ini": "[pytest]\npython_files = check_*.py\n",
        "calc.py": CALC,
        "tests/check_a.py": GREEN,
        "tests/test_not_one.py": "raise RuntimeError\n",
    }
    result = proven(staged(tmp_path, head, command=QUICK), Script({"double": [DOUBLED]}))
    assert [test.path for test in result.tests] == ["tests/check_calc_double.py"]
    assert not result.notes


def test_layouts_that_are_not_plain(tmp_path: Path) -> None:
    """A project in a subfolder, a namespace package under src, and CRLF line ends are found, run and mutated."""
    head = {
        "services/api/pyproject.toml": '[project]\nname = "api"\n',
        "services/api/src/acme/calc/core.py": CALC.replace("\n", "\r\n"),
        "services/api/src/acme/calc/__init__.py": "",
        "services/api/tests/test_a.py": GREEN,
        "services/web/pyproject.toml": '[project]\nname = "web"\n',
        "services/web/page.py": "def page():\n    return 1\n",
        "services/web/tests/test_b.py": "def test_red():\n    assert 1 == 2\n",
    }
    test = DOUBLED.replace("from calc", "from acme.calc.core")
    script = Script({"double": [test]})
    result = proven(staged(tmp_path, head, command=QUICK), script)
    (kept,) = result.tests
    assert kept.path == "services/api/tests/test_core_double.py"
    assert kept.evidence.endswith(DOUBLED_EVIDENCE.partition("; ")[2])
    assert "imported as `acme.calc.core`" in script.prompts[0].messages[1].content
    assert "`services/api` only" in result.notes[0]


def test_the_same_tests_are_kept_once(tmp_path: Path) -> None:
    """Given for two functions, they are shown for one, and no repair of the other is paid for."""
    both = "from calc import double, half\n\n\ndef test_both():\n    assert double(3) == 6\n    assert half(6) == 3\n"
    head = {"calc.py": CALC + "\n\ndef half(n):\n    return n / 2\n", "tests/test_a.py": GREEN}
    script = Script({"double": [both], "half": [both + "\n"]})
    result = proven(staged(tmp_path, head, command=QUICK), script)
    assert len(result.tests) == 1
    assert [one.stopped.reason for one in result.dropped] == [f"The same tests are kept as `{result.tests[0].path}`."]
    assert [prompt.task for prompt in script.prompts] == [Task.TESTS, Task.TESTS, Task.VERIFY]


def test_coverage_alone_proves_nothing(tmp_path: Path) -> None:
    """Where the lines that a test runs offer no fault, nothing tells it from one that looks at nothing."""
    head = {"calc.py": "def tell(n):\n    print('n is', n)\n", "tests/test_a.py": GREEN}
    empty = "from calc import tell\n\n\ndef test_tell():\n    done = tell(3)\n    assert done is None\n"
    result = proven(staged(tmp_path, head, command=QUICK), Script({"tell": [empty, empty]}))
    assert not result.tests
    assert [test.stopped.gate for test in result.dropped] == [Gate.KILLS]


def test_unittest_without_a_package_of_tests(tmp_path: Path) -> None:
    """Where `tests` is no package, discovery begins in it, as people do by hand."""
    test = (
        UNITTEST.replace("A(", "B(")
        .replace("\n\n\n", "\n\nfrom calc import double\n\n\n")
        .replace("self.assertTrue(1)", "self.assertEqual(double(3), 6)")
    )
    head = {"calc.py": CALC, "tests/test_a.py": UNITTEST}
    (kept,) = proven(staged(tmp_path, head), Script({"double": [test]})).tests
    assert kept.evidence.startswith("4 of 4 runs; covers 1 of 1")


def test_a_conftest_that_fails_is_quoted(tmp_path: Path) -> None:
    """Pytest ends before it can report; its own words say what is missing."""
    head = {"calc.py": CALC, "tests/test_a.py": GREEN, "tests/conftest.py": "import os\n\nKEY = os.environ['MY_KEY']\n"}
    outcome = generate_python_tests(staged(tmp_path, head, command=QUICK), Script({}), run_in_tree, salt=SALT)
    assert isinstance(outcome, NotRun)
    assert "KeyError: 'MY_KEY'" in outcome.reason


def test_a_path_that_is_refused_is_not_asked_for_again(tmp_path: Path) -> None:
    """The repair of what the policy stopped names a place where a new file may stand."""
    script = Script({"double": [DOUBLED]})
    answer = script._answer

    def astray(prompt: Prompt) -> str:
        text = answer(prompt)
        return text if len(prompt.messages) > 2 else text.replace("tests/test_calc_double.py", "elsewhere/test_it.py")

    script.tests["double"].append(DOUBLED)
    script._answer = astray  # type: ignore[method-assign]
    head = {"calc.py": CALC, "tests/test_a.py": GREEN}
    (kept,) = proven(staged(tmp_path, head, command=QUICK), script).tests
    assert kept.path == "tests/test_calc_double.py"
    told = [prompt for prompt in script.prompts if prompt.task is Task.TESTS][-1].messages[-1].content
    assert told.startswith("# Task: tests\n\nThe file was not kept")
    assert '<test path="tests/test_calc_double.py"' in told


def test_no_candidate_is_begun_after_the_time_is_up(tmp_path: Path) -> None:
    """The overall limit ends the work with what is there, and says so."""
    ticks = iter([0.0, *([1e9] * 100)])
    script = Script({"double": [DOUBLED]})
    head = {"calc.py": CALC, "tests/test_a.py": GREEN}
    subject = staged(tmp_path, head, command=QUICK)
    result = generate_python_tests(subject, script, run_in_tree, salt=SALT, now=lambda: next(ticks))
    assert isinstance(result, GeneratedTests)
    assert not result.tests
    assert "Time ran out" in result.notes[0]
