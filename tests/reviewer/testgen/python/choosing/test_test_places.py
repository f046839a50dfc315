"""Where a new test goes, and which tests show the style: by what tests import, and only where the gates allow it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from reviewer.demonstration.projects.new_tests import new_test_path as new_test_of_other
from reviewer.demonstration.runs import ClaimedPlace
from reviewer.languages.allowed_tests import refused_place
from reviewer.testgen.evidence import Candidate, CodeUnit, NotRun
from reviewer.testgen.languages.test_runners import project_of
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.choosing.test_places import imported_modules, nearest_tests, new_test_path
from reviewer.testgen.python.gates.static_gates import policy
from reviewer.testgen.python.harness_client import HarnessClient
from reviewer.testgen.python.test_command import plan_for
from reviewer.testgen.working_tree import folder_of, python_files
from tests.reviewer.testgen.python.test_generate import Script, proven
from tests.samples.project_python import project_python
from tests.samples.stages import QUICK, staged

CODE = "def take(n):\n    return n\n"
TEST = "\n\ndef test_x():\n    assert True\n"


def write(tree: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)


def stage(tree: Path, files: Mapping[str, str], path: str) -> tuple[CodeUnit, Baseline, HarnessClient]:
    """Write the files; return the unit `take` in one of them, the existing tests, and a client that runs nothing."""
    write(tree, files)
    known = python_files(tree)
    plan = plan_for(tree, known, path, None)
    assert not isinstance(plan, NotRun)

    def never(*_: object) -> None:
        raise AssertionError

    client = HarnessClient(never, tree, tree, project_python(), plan)  # type: ignore[arg-type]
    tests = tuple(file for file in known if "test" in file)
    return CodeUnit(path, "take", 1, 2, (1,), CODE, frozenset({2})), Baseline(test_files=tests), client


def home(tree: Path, files: Mapping[str, str], path: str) -> str:
    unit, before, client = stage(tree, files, path)
    return new_test_path(unit, before, client, frozenset(python_files(tree)))


NEAREST: list[tuple[str, dict[str, str], str, str]] = [
    ("not the tests of a neighbour with that name", {
        "pkg/itertools.py": CODE,
        "pkg/sandbox/itertools.py": CODE,
        "pkg/sandbox/tests/test_itertools.py": f"from pkg.sandbox.itertools import take{TEST}",
        "pkg/tests/test_misc.py": f"from pkg.itertools import take{TEST}",
    }, "pkg/itertools.py", "pkg/tests/test_misc.py"),
    ("not what imports the standard library's module of that name", {
        "pkg/itertools.py": CODE,
        "aaa/tests/test_a.py": f"import itertools{TEST}",
        "pkg/tests/test_b.py": f"from pkg import (\n    itertools,\n    other,\n){TEST}",
    }, "pkg/itertools.py", "pkg/tests/test_b.py"),
    ("relative imports", {
        "pkg/core.py": CODE,
        "aaa/tests/test_a.py": f"from aaa.core import give{TEST}",
        "aaa/core.py": "",
        "pkg/tests/test_zz.py": f"from ..core import take{TEST}",
    }, "pkg/core.py", "pkg/tests/test_zz.py"),
    ("a module of a package with a source folder", {
        "src/pkg/core.py": CODE,
        "tests/aaa/test_a.py": f"import core{TEST}",
        "tests/unit/test_zz.py": f"import pkg.core as c{TEST}",
    }, "src/pkg/core.py", "tests/unit/test_zz.py"),
    ("the nearest of two that import it", {
        "pkg/core.py": CODE,
        "benchmarks/tests/test_core_speed.py": f"from pkg.core import take{TEST}",
        "pkg/tests/test_zz.py": f"from pkg.core import take{TEST}",
    }, "pkg/core.py", "pkg/tests/test_zz.py"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "path", "nearest"), [row[1:] for row in NEAREST], ids=[row[0] for row in NEAREST])
def test_a_test_goes_beside_those_that_import_the_module(
    files: dict[str, str], path: str, nearest: str, tmp_path: Path
) -> None:
    """They show the style as well, the first of them first; the unit itself is never an example."""
    unit, before, client = stage(tmp_path, files, path)
    found = nearest_tests(unit, before, client)
    assert found[0] == nearest
    assert path not in found
    chosen = new_test_path(unit, before, client, frozenset(files))
    assert chosen.rpartition("/")[0] == nearest.rpartition("/")[0]
    again = new_test_path(unit, before, client, frozenset({*files, chosen}), ending="")
    assert again == chosen.replace(".py", "_2.py")


def test_imports_are_read_as_python_reads_them() -> None:
    """Absolute, relative and in brackets; not in texts that only mention them."""
    text = 'import a.b, c as d\nfrom . import near\nfrom ..x.y import (z,\n  w)\n"""\nWe import nothing.\n"""\n'
    assert imported_modules(text, "src/pkg/tests/test_a.py", ("src", "")) == {
        "a.b", "c", "pkg.tests", "pkg.tests.near", "pkg.x.y", "pkg.x.y.z", "pkg.x.y.w",
    }  # fmt: skip


USES = f"from calc import take{TEST}"
INI = "[pytest]\n"
PLACES: list[tuple[str, dict[str, str], str]] = [
    ("no tests yet", {"calc.py": CODE}, "calc.py"),
    ("doctests alone", {"calc.py": f'"""\n>>> 1\n1\n"""\n{CODE}', "pytest.ini": f"{INI}addopts = --doctest-modules\n"},
     "calc.py"),
    ("load_tests", {"calc.py": f"def load_tests(loader, tests, ignore):\n    return tests\n\n\n{CODE}",
     "tests/__init__.py": ""}, "calc.py"),
    ("tests beside the code", {"calc.py": CODE, "test_calc.py": USES}, "calc.py"),
    ("a name beyond ASCII", {"größe.py": CODE, "tests/test_a.py": TEST}, "größe.py"),
    ("a very long name", {f"{'long' * 50}.py": CODE, "tests/test_a.py": TEST}, f"{'long' * 50}.py"),
    ("its own folders", {"calc.py": CODE, "pytest.ini": f"{INI}testpaths = checks tests\n", "checks/test_a.py": USES},
     "calc.py"),
    ("names of its own", {"calc.py": CODE, "pytest.ini": f"{INI}python_files = check_*.py\n", "tests/check_a.py": TEST},
     "calc.py"),
    ("tests in a folder of data", {"calc.py": CODE, "tests/fixtures/test_a.py": USES}, "calc.py"),
    ("a project in a folder", {"a/pyproject.toml": "", "a/calc.py": CODE, "b/tests/test_b.py": USES}, "a/calc.py"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "path"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_no_path_is_proposed_that_the_gates_refuse(files: dict[str, str], path: str, tmp_path: Path) -> None:
    """Whatever the layout: the gates of the text and of the place accept a file of that name there."""
    unit, before, client = stage(tmp_path, files, path)
    chosen = new_test_path(unit, before, client, frozenset(files))
    assert chosen
    roots, names = client.plan.test_roots, client.plan.names
    assert policy(Candidate(unit, chosen, TEST), roots=roots, names=names, taken=frozenset(files)) is None
    assert refused_place(chosen, partial(folder_of, tmp_path)) is None


NOWHERE = {"pytest.ini": "[pytest]\npython_files = *_check.py\n"}


@pytest.mark.slow
def test_where_no_test_may_go_none_is_asked_for(tmp_path: Path) -> None:
    """Its tests have names that the reviewer never writes: a note says so, and the model is not asked."""
    files = {"calc.py": CODE, **NOWHERE}
    assert home(tmp_path / "plain", files, "calc.py") == ""
    script = Script({})
    (tmp_path / "run").mkdir()
    result = proven(staged(tmp_path / "run", files, command=QUICK), script)
    assert not script.prompts
    assert "there is no place where a new test file could go" in result.notes[-1]


OTHERS = [
    ("go", {"go.mod": "module a\n", "a.go": "", "a_test.go": ""}, "a.go", ".", "_test.go"),
    ("rust", {"Cargo.toml": "", "src/lib.rs": ""}, "src/lib.rs", "tests", ".rs"),
    ("java", {"pom.xml": "", "src/main/java/a/A.java": "", "src/test/java/a/BTest.java": ""}, "src/main/java/a/A.java",
     "src/test/java/a", "Test.java"),
    ("rspec", {"Gemfile": "", "lib/a.rb": "", ".rspec": "", "spec/b_spec.rb": ""}, "lib/a.rb", "spec", "_spec.rb"),
    ("node", {"package.json": '{"scripts": {"test": "node --test"}}', "src/a.js": "", "test/b.test.js": ""}, "src/a.js",
     "test", ".test.js"),
    ("node, named by folder", {"package.json": '{"scripts": {"test": "node --test"}}', "src/a.js": "", "test/b.js": ""},
     "src/a.js", "test", ".test.js"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "path", "folder", "ending"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS]
)
def test_a_finding_in_another_language_gets_an_allowed_path(
    files: dict[str, str], path: str, folder: str, ending: str, tmp_path: Path
) -> None:
    """Beside the nearest test, or where the language keeps its first; a second one gets a number."""
    write(tmp_path, files)
    project = project_of(tmp_path, path)
    assert project is not None
    tests = [file for file in files if "test" in file.lower() or ("spec" in file and "/" in file)]
    place = ClaimedPlace(path, frozenset({1}), "take")
    chosen = new_test_of_other(project, tmp_path, tests, place)
    assert (Path(chosen).parent.as_posix(), chosen.endswith(ending)) == (folder, True), chosen
    assert refused_place(chosen, partial(folder_of, tmp_path)) is None
    (tmp_path / chosen).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / chosen).write_text("")
    second = new_test_of_other(project, tmp_path, tests, place)
    assert second not in ("", chosen)
