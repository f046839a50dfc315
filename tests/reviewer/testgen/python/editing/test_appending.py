"""Tests that proved something, tried at the end of a test file of the change."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reviewer.domain.findings import TestSuggestion
from reviewer.testgen.evidence import GeneratedTests, GenerationBudget
from reviewer.testgen.merge import patch_of
from reviewer.testgen.python.editing.appending import appended
from reviewer.testgen.python.generate import generate_python_tests
from tests.fixtures.run_unconfined import run_in_tree
from tests.reviewer.testgen.python.test_generate import SALT, Script
from tests.samples.project_python import project_python
from tests.samples.stages import QUICK, staged, subject_of

CALC = '''def double(n):
    """Return twice the number, and nothing for less than nothing."""
    if n < 0:
        return 0
    return 2 * n


def half(n):
    """Return half of the number, and nothing for less than nothing."""
    if n < 0:
        return 0
    return n / 2
'''
THERE = "from calc import double, half\n\n\ndef test_both():\n    assert callable(double) == callable(half)\n"
DOUBLE = """\"\"\"Tests of double.\"\"\"

from calc import double


def test_double():
    assert double(3) == 6
    assert double(0) == 0
    assert double(-1) == 0
    assert double(1) == 2
"""
HALF = DOUBLE.replace("double", "half").replace("== 6", "== 1.5").replace("== 2", "== 0.5")


def proven(head: Path, script: Script, **more: object) -> GeneratedTests:
    """Prove what stands in the folder, where tests may be put at the end of others."""
    subject = subject_of(head.parent, **{"command": QUICK, "appends": True, **more})
    result = generate_python_tests(subject, script, run_in_tree, salt=SALT, budget=GenerationBudget(mutants=4))
    assert isinstance(result, GeneratedTests), result
    assert script.used_up(), script.tests
    return result


def stage(folder: Path, **files: str) -> Path:
    """Stage `calc.py` and a test file, both new in the change, or the files given; return the folder of the head."""
    staged(folder, {"calc.py": CALC, **(files or {"tests/test_calc.py": THERE})})
    return folder / "head"


def applied(head: Path, patch: str, folder: Path) -> Path:
    """Return a copy of the head with git's own reading of the patch applied."""
    subprocess.run(["cp", "-r", str(head), str(folder)], check=True)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch.encode(), check=True)
    return folder


@pytest.mark.slow
def test_tests_are_put_at_the_end_of_a_file_that_the_change_touches(tmp_path: Path) -> None:
    """Each below the one before it: as a patch they make one file, which passes; nothing stays changed."""
    head = stage(tmp_path)
    before = (head / "tests/test_calc.py").read_bytes()
    result = proven(head, Script({"double": [DOUBLE], "half": [HALF]}))
    first, second = (test.appendix for test in result.tests)
    assert first is not None
    assert second is not None
    assert (
        (first.anchor.path, first.anchor.line) == (second.anchor.path, second.anchor.line) == ("tests/test_calc.py", 5)
    )
    assert first.above.split("\n")[-1] == THERE.split("\n")[-2]
    assert first.code.startswith("\n\ndef test_double():")
    assert "import" not in first.code + second.code
    assert (head / "tests/test_calc.py").read_bytes() == before

    grown = applied(head, patch_of(result.tests), tmp_path / "grown")
    text = (grown / "tests/test_calc.py").read_text(encoding="utf-8")
    assert text.startswith(THERE)
    assert text.count("def test_") == 3
    assert "\n\n\n\n" not in text
    run = subprocess.run(
        [str(project_python()), "-m", "pytest", "-q"], cwd=grown, capture_output=True, text=True, check=False
    )
    assert "3 passed" in run.stdout


@pytest.mark.slow
def test_classes_of_unittest_are_put_there_too(tmp_path: Path) -> None:
    """A class comes whole, below the others."""
    head, case = "import unittest\n\nfrom calc import double\n\n\n", "(unittest.TestCase):\n    def test_it(self):\n"
    there = f"{head}class There{case}        self.assertTrue(double)\n"
    checks = "".join(f"        self.assertEqual(double({n}), {max(2 * n, 0)})\n" for n in (3, 0, -1, 1))
    stage(tmp_path, **{"tests/__init__.py": "", "tests/test_calc.py": there})
    script = Script({"double": [f"{head}class Double{case}{checks}"]})
    (kept,) = proven(tmp_path / "head", script, command="python -m unittest").tests
    assert kept.appendix is not None
    assert kept.appendix.code == f"\n\nclass Double{case}{checks}".rstrip("\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("there", "more"),
    [
        (THERE.replace("double, half", "half").replace("callable(double)", "True"), {}),
        (f"import pytest\n{THERE}\n\n@pytest.fixture(autouse=True)\ndef strict():\n    yield\n", {}),
        (f"{THERE}\n\ndef test_double():\n    assert double(1) == 2\n", {}),
        (THERE.replace("\n", "\r\n"), {}),
        (THERE.removesuffix("\n"), {}),
        (THERE, {"appends": False}),
    ],
    ids=["imports-less", "has-rules", "has-the-name", "other-line-ends", "no-end-of-line", "not-wanted"],
)  # fmt: skip
def test_what_does_not_fit_stays_a_file_of_its_own(there: str, more: dict[str, object], tmp_path: Path) -> None:
    """Where it could mean something else there, or could not be applied, the suggestion is a new file."""
    head = stage(tmp_path, **{"tests/test_calc.py": there})
    result = proven(head, Script({"double": [DOUBLE]}), **more)
    (kept,) = result.tests
    assert kept.appendix is None
    assert patch_of(result.tests).startswith("diff --git a/tests/test_calc_double.py")


@pytest.mark.slow
def test_what_fails_there_stays_a_file_of_its_own(tmp_path: Path) -> None:
    """A test that comes after one of the file that disturbs it is not put there."""
    noisy = f"import state\n{THERE}\n\ndef test_seen():\n    state.SEEN.append(1)\n    assert state.SEEN == [1]\n"
    disturbed = DOUBLE.replace("from calc", "import state\nfrom calc").replace(
        "assert double(0) == 0", "assert double(len(state.SEEN)) == 0"
    )
    assert appended(noisy, disturbed) is not None
    head = stage(tmp_path, **{"tests/test_calc.py": noisy, "state.py": "SEEN = []\n"})
    (kept,) = proven(head, Script({"double": [disturbed]})).tests
    assert kept.appendix is None
    assert (head / "tests/test_calc.py").read_text(encoding="utf-8") == noisy


@pytest.mark.slow
def test_a_file_of_which_the_end_is_not_in_the_diff_is_left_alone(tmp_path: Path) -> None:
    """GitHub takes no suggestion there."""
    long = THERE.replace("\n\n\n", "\n# first\n\n") + "".join(
        f"\n\ndef test_{n}():\n    assert {n} == {n}\n" for n in range(9)
    )
    staged(
        tmp_path,
        {"calc.py": CALC, "tests/test_calc.py": long},
        {"calc.py": "", "tests/test_calc.py": long.replace("# first", "# 1st")},
    )
    result = proven(tmp_path / "head", Script({"double": [DOUBLE]}))
    (kept,) = result.tests
    assert kept.appendix is None


@pytest.mark.slow
def test_the_model_is_told_what_would_fit(tmp_path: Path) -> None:
    """The prompt names the files of the change and shows them; without any it says nothing."""
    told = []
    for name, appends in (("one", True), ("two", False)):
        (tmp_path / name).mkdir()
        script = Script({})
        proven(stage(tmp_path / name), script, appends=appends)
        told.append(script.prompts[0].messages[1].content)
    assert "The change touches `tests/test_calc.py`." in told[0]
    assert "The change touches" not in told[1]


@pytest.mark.parametrize(
    ("there", "code", "fits"),
    [
        ("import pytest\nfrom a import b", "from a import b\ndef test_b(): assert b() == 1", True),
        ("from a import b", "from a import b as c\ndef test_b(): assert c() == 1", False),
        ("from a import b", "from .a import b\ndef test_b(): assert b() == 1", False),
        ("import os.path", "import os\ndef test_b(): assert os.sep == '/'", False),
        ("from a import b\nlimit = 3", "from a import b\nlimit = 4\ndef test_b(): assert b() == limit", False),
        ("from a import b\ndef item(): return 1", "from a import b\ndef test_b(item): assert b(item) == 1", False),
        ("from a import b\nlen = 3", "from a import b\ndef test_b(): assert b() == 1", False),
        ("from a import b\nif __name__ == '__main__':\n    b()", "from a import b\ndef test_b(): assert b()", False),
        ("from a import b\npytestmark = []", "from a import b\ndef test_b(): assert b()", False),
        ("from a import b", "from a import b\nX = 1\nfrom a import b\ndef test_b(): assert b()", False),
        ("from a import b", "def test_b(): assert 1 + 1 == 2", False),
        ("from a import (", "from a import b\ndef test_b(): assert b()", False),
    ],
)
def test_only_what_means_the_same_there_fits(there: str, code: str, fits: bool) -> None:  # noqa: FBT001
    """The same names from the same places, and none of the file's own."""
    assert (appended(there, code) is not None) == fits


def test_comments_and_decorators_come_along() -> None:
    """All below the imports is taken as it is; what stands above them is not."""
    tests = """# The cases.
CASES = [1]


@pytest.mark.parametrize("n", CASES)
def test_n(n):
    assert n == 1
"""
    code = f'# A licence.\n"""About."""\n\nimport pytest\n\n{tests}'
    assert appended("import pytest\n\n\ndef test_a():\n    pass\n", code) == f"\n\n{tests}"


def test_a_patch_has_new_files_and_grown_ones() -> None:
    """Without an appendix a suggestion is a new file."""
    assert patch_of([TestSuggestion("t/test_a.py", "a.py:1", "x\n", "5 of 5 runs")]).startswith(
        "diff --git a/t/test_a.py"
    )
