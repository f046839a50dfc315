"""Choose where a new test file goes, and which existing tests show the style: those that test the same module.

A path is chosen only if the gates allow it. Reads only the staged tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath

from reviewer.languages.allowed_tests import refused_place
from reviewer.languages.paths import is_test
from reviewer.testgen.evidence import CodeUnit
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.harness_client import HarnessClient
from reviewer.testgen.working_tree import folder_of, text_of

#: The most test files whose imports are read.
MOST_READ = 400


def nearest_tests(unit: CodeUnit, before: Baseline, client: HarnessClient) -> tuple[str, ...]:
    """Return the existing test files, the nearest first: what they import and run, then their names and folders."""
    running = set(before.test_files_of(unit, client))
    known = dict.fromkeys([*running, *before.siblings, *before.test_files])
    tests = [path for path in known if is_test(path) and path != unit.path][:MOST_READ]
    scores = {path: _score(path, unit, client, runs=path in running) for path in tests}
    return tuple(sorted(tests, key=lambda path: (-scores[path], len(path.split("/")), path)))


def new_test_path(unit: CodeUnit, before: Baseline, client: HarnessClient, files: frozenset[str]) -> str:
    """Return an unused path for a test file of the unit that the gates accept."""
    plan = client.plan
    stem = re.sub(r"\W+", "_", f"{PurePosixPath(unit.path).stem}_{unit.name}").strip("_").lower()
    patterns = () if plan.collects("test_x.py") else (pattern for pattern in plan.names if "*" in pattern)
    shape = next(iter(patterns), "test_*.py")
    paths = [
        (folder / shape.replace("*", f"{stem}{'' if number == 1 else f'_{number}'}", 1)).as_posix()
        for folder in _folders(unit, before, client)
        for number in range(1, 20)
    ]
    free = [path for path in paths if path not in files]
    allowed = (path for path in free if _is_allowed(path, client))
    return next(allowed, free[0] if free else paths[-1])


def _folders(unit: CodeUnit, before: Baseline, client: HarnessClient) -> Iterator[PurePosixPath]:
    """Yield the folders for a new test, the best first, each once."""
    near = [PurePosixPath(path).parent for path in nearest_tests(unit, before, client)]
    yield from dict.fromkeys([*near[:20], *map(PurePosixPath, client.plan.test_roots)])


def _is_allowed(path: str, client: HarnessClient) -> bool:
    roots = client.plan.test_roots
    in_root = any(path.startswith(f"{root}/") if root != "." else "/" not in path for root in roots)
    return in_root and refused_place(path, partial(folder_of, client.tree)) is None


def _score(path: str, unit: CodeUnit, client: HarnessClient, *, runs: bool) -> int:
    """Return how near a test file is to the unit."""
    own, here = PurePosixPath(unit.path), PurePosixPath(path)
    stem = own.parent.name if own.stem == "__init__" else own.stem
    text = text_of(client.tree, path) or ""
    score = 5 if runs else 0
    score += 6 if here.stem in (f"test_{stem}", f"{stem}_test", f"test{stem}", f"{stem}_tests") else 0
    if re.search(rf"^[ \t]*+(?:from|import)\b[^\n]*\b{re.escape(stem)}\b", text, re.MULTILINE):
        score += 8
    if re.search(rf"\b{re.escape(unit.name.partition('.')[0])}\b", text):
        score += 4
    shared = 0
    for mine, theirs in zip(own.parts[:-1], here.parts[:-1], strict=False):
        if mine != theirs:
            break
        shared += 1
    return 2 * (score + 2 * shared) - len(here.parts)
