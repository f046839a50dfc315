"""The layout holds: one name for one class, short modules and functions, small folders, no circles."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.paths import ROOT

MAX_ENTRIES = 15
MAX_MODULE_LINES = 300
#: Tests of one subject are read together, and a double is one thing: their modules may be longer than the product's.
MAX_TEST_MODULE_LINES = 500
MAX_FUNCTION_LINES = 40

#: Folder -> why it may hold more entries than others.
LARGE_FOLDERS = {
    "docs": "one page for each task, side by side, as GitHub shows and links them",
    ".": "GitHub, pip, Docker and gunicorn look for their files at the top",
    "evals": "one folder for each case, all alike",
    "tests/samples/proving/bad": "one test file for each reason to refuse it, read beside each other",
}
#: Module -> why it may be longer than others.
LONG_MODULES: dict[str, str] = {}
#: Function -> why it may be longer than others.
LONG_FUNCTIONS = {
    "app.py:_work": "the composition root: what a worker is built of, in order",
    "reviewer/testgen/harness/inner.py:main": "a script without imports of ours, on Python 3.8",
    "webhooks/queue/store/database.py:_sqlite_engine": "SQLite's settings with the reason of each",
}
#: Package -> why no contract divides it into floors.
NO_CONTRACT = {
    "reviewer.testgen.harness": "scripts that find each other beside them, on the interpreter of the code under test",
}

#: What Python and `make` leave behind; .gitignore has them too.
_GENERATED = {"__pycache__"}
_GENERATED_AT_THE_TOP = {"build", "dist", "data", "demo.html"}


#: The product's modules: path from the top, and syntax tree.
Modules = dict[str, ast.Module]


@pytest.fixture(scope="module")
def modules() -> Modules:
    packages = ("reviewer", "webhooks", "minimax_reviewer")
    paths = [*(path for package in packages for path in ROOT.glob(f"{package}/**/*.py")), ROOT / "app.py"]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}


def test_no_public_class_name_stands_twice(modules: Modules) -> None:
    """Whoever searches for a class finds one."""
    places = defaultdict(list)
    for path, tree in modules.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path)
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_folders_are_small() -> None:
    """`ls` of any folder fits on a screen."""
    large = {}
    for folder, inner, files in os.walk(ROOT):
        left_out = _GENERATED | (_GENERATED_AT_THE_TOP if Path(folder) == ROOT else set())
        inner[:] = [name for name in inner if not name.startswith(".") and name not in left_out]
        count = len(inner) + sum(not name.startswith(".") and name not in left_out for name in files)
        if count > MAX_ENTRIES:
            large[Path(folder).relative_to(ROOT).as_posix()] = count
    assert {folder: count for folder, count in large.items() if folder not in LARGE_FOLDERS} == {}
    assert LARGE_FOLDERS.keys() - large.keys() == set()  # exceptions that nothing needs


def test_modules_are_short(modules: Modules) -> None:
    """A module is read in one sitting."""
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in modules}
    long = {path: lines for path, lines in lengths.items() if lines > MAX_MODULE_LINES}
    assert {path: lines for path, lines in long.items() if path not in LONG_MODULES} == {}
    assert LONG_MODULES.keys() - long.keys() == set()


def test_modules_of_tests_are_not_long() -> None:
    """Those of tests and measurements have a limit of their own."""
    paths = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("bench/**/*.py")]
    lines = {path.relative_to(ROOT).as_posix(): path.read_bytes().count(b"\n") for path in paths}
    assert {path: count for path, count in lines.items() if count > MAX_TEST_MODULE_LINES} == {}


def test_functions_are_short(modules: Modules) -> None:
    """A function fits on a screen."""
    long = {}
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    long[f"{path}:{node.name}"] = lines
    assert {name: lines for name, lines in long.items() if name not in LONG_FUNCTIONS} == {}
    assert LONG_FUNCTIONS.keys() - long.keys() == set()


def test_each_folder_says_what_it_is_for(modules: Modules) -> None:
    """Its `__init__.py` is a sentence or a few, and no code: importing a folder loads nothing."""
    with_code, silent = {}, []
    for path, tree in modules.items():
        if path.endswith("/__init__.py"):
            code = [ast.unparse(node) for node in tree.body[1:]]
            with_code[path] = [line for line in code if not line.startswith("__version__ = ")]
            silent += [] if ast.get_docstring(tree) else [path]
    assert len(with_code) > 50
    assert {path: code for path, code in with_code.items() if code} == {}
    assert silent == []


def test_each_folder_has_its_contract() -> None:
    """`make lint` knows a floor for every module of every folder, and refuses a module that stands on none."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    held = {container for each in contracts if each.get("exhaustive") for container in each["containers"]}
    packages = [path.parent for name in ("reviewer", "webhooks") for path in (ROOT / name).rglob("__init__.py")]
    names = {".".join(package.relative_to(ROOT).parts) for package in packages}
    assert names - held - NO_CONTRACT.keys() == set()


def test_tests_lie_where_what_they_test_lies() -> None:
    """A folder of tests has the path of a folder of the product."""
    modules = [path for name in ("reviewer", "webhooks") for path in (ROOT / "tests" / name).rglob("test_*.py")]
    folders = {path.parent.relative_to(ROOT / "tests") for path in modules}
    assert len(folders) > 20
    assert [folder.as_posix() for folder in sorted(folders) if not (ROOT / folder).is_dir()] == []


def test_nothing_imports_in_a_circle(modules: Modules) -> None:
    """Neither modules nor folders beside each other import each other, inside functions included."""
    graphs: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    names = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): tree for path, tree in modules.items()
    }
    for importer, tree in names.items():
        for imported in _imported(tree, set(names)) - {importer}:
            graphs["modules"][importer].add(imported)
            here, there = importer.split("."), imported.split(".")
            shared = next((n for n, pair in enumerate(zip(here, there, strict=False)) if pair[0] != pair[1]), None)
            if shared is not None:
                graphs[".".join(here[:shared])][here[shared]].add(there[shared])
    assert sum(map(len, graphs["modules"].values())) > len(names)  # the imports were found
    for where, graph in graphs.items():
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            raise AssertionError(f"a circle in {where or 'the packages'}: {' <- '.join(error.args[1])}") from None


def _imported(tree: ast.Module, known: set[str]) -> set[str]:
    """Return the product's modules that a module imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & known or {node.module}
    return found & known


# --- expressions ----------------------------------------------------------------------------------------------------

#: Possessive and atomic groups. Python before 3.11.5, so Debian 12's, misses matches of some of them:
#: https://github.com/python/cpython/issues/106052 .
GROUP = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+|\(\?>")

#: Those that give the same on 3.11.2 as on later versions, for 20,000 random texts each: how many a module has.
TRIED = {
    "reviewer/domain/path_patterns.py": 3,
    "reviewer/languages/outline.py": 4,
    "reviewer/safety/private_keys.py": 1,
    "reviewer/safety/secret_contexts.py": 2,
    "reviewer/tasks/conversation/json_candidates.py": 1,
    "reviewer/tasks/conversation/replies.py": 1,
    "reviewer/tasks/verification/replacements/written_words.py": 3,
    "reviewer/tasks/verification/suggestions.py": 3,
    "reviewer/testgen/languages/static_gates.py": 2,
    "webhooks/events/commands.py": 1,
    "webhooks/publishing/people/dismissals.py": 1,
    "webhooks/publishing/text.py": 1,
}


def test_possessive_groups_were_tried_on_the_oldest_python() -> None:
    """A new one is written without (make its parts possessive), or tried on Python 3.11.2 and counted above."""
    modules = [path for folder in ("reviewer", "webhooks") for path in sorted((ROOT / folder).rglob("*.py"))]
    found = {path.relative_to(ROOT).as_posix(): len(GROUP.findall(path.read_text("utf-8"))) for path in modules}
    assert {path: count for path, count in found.items() if count} == TRIED
