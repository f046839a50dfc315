"""Choose where a new test file goes, and which existing tests show the style: those that test the same module.

A path is chosen only if the gates allow it. Reads only the staged tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath

from reviewer.languages.allowed_tests import refused_place
from reviewer.languages.paths import is_test
from reviewer.testgen.evidence import Candidate, CodeUnit
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.gates.static_gates import policy
from reviewer.testgen.python.harness_client import HarnessClient
from reviewer.testgen.working_tree import folder_of, text_of

#: The most test files whose imports are read, and the most characters of a new file's name that say what it tests.
MOST_READ, MOST_STEM = 400, 100

_IMPORT = re.compile(
    r"^[ \t]*+(?:from[ \t]++(?P<origin>[.\w]++)[ \t]++import[ \t]*+(?P<names>\([^)]{0,4000}+|[^(\n][^\n]*+)"
    r"|import[ \t]++(?P<plain>[^\n]++))",
    re.MULTILINE,
)


def nearest_tests(unit: CodeUnit, before: Baseline, client: HarnessClient) -> tuple[str, ...]:
    """Return the existing test files, the nearest first: what they import and run, then their names and folders."""
    running = set(before.test_files_of(unit, client))
    known = dict.fromkeys([*running, *before.siblings, *before.test_files])
    tests = [path for path in known if is_test(path) and path != unit.path][:MOST_READ]
    scores = {path: _score(path, unit, client, runs=path in running) for path in tests}
    return tuple(sorted(tests, key=lambda path: (-scores[path], len(path.split("/")), path)))


def new_test_path(
    unit: CodeUnit, before: Baseline, client: HarnessClient, files: frozenset[str], *, ending: str = ""
) -> str:
    """Return an unused path for a test file of the unit that the gates accept; empty if there is none.

    `ending` comes after the names of the file and the function.
    """
    words = "_".join(filter(None, [PurePosixPath(unit.path).stem, unit.name, ending]))
    stem = re.sub(r"[^A-Za-z0-9_]+", "_", words).strip("_").lower()[:MOST_STEM] or "unit"
    shapes = dict.fromkeys(["test_*.py", *(name for name in client.plan.names if "*" in name)])
    paths = (
        (folder / shape.replace("*", f"{stem}{'' if number == 1 else f'_{number}'}", 1)).as_posix()
        for folder in _folders(unit, before, client)
        for shape in shapes
        for number in range(1, 20)
    )
    return next((path for path in paths if path not in files and _is_allowed(path, client)), "")


def _folders(unit: CodeUnit, before: Baseline, client: HarnessClient) -> Iterator[PurePosixPath]:
    """Yield the folders for a new test, the best first, each once."""
    near = [PurePosixPath(path).parent for path in nearest_tests(unit, before, client)]
    yield from dict.fromkeys([*near[:20], *map(PurePosixPath, client.plan.test_roots)])


def _is_allowed(path: str, client: HarnessClient) -> bool:
    """Whether the gate of the text and that of the place accept a new file there."""
    candidate = Candidate(CodeUnit(path, "", 1, 1, (), "", frozenset()), path, "")
    refused = policy(candidate, roots=client.plan.test_roots, names=client.plan.names, taken=())
    return refused is None and refused_place(path, partial(folder_of, client.tree)) is None


def _score(path: str, unit: CodeUnit, client: HarnessClient, *, runs: bool) -> int:
    """Return how near a test file is to the unit."""
    own, here = PurePosixPath(unit.path), PurePosixPath(path)
    stem = own.parent.name if own.stem == "__init__" else own.stem
    text = text_of(client.tree, path) or ""
    score = 5 if runs else 0
    score += 6 if here.stem in (f"test_{stem}", f"{stem}_test", f"test{stem}", f"{stem}_tests") else 0
    score += _imports(module_of(unit.path, client.plan.roots), imported_modules(text, path, client.plan.roots))
    if re.search(rf"\b{re.escape(unit.name.partition('.')[0])}\b", text):
        score += 4
    shared = 0
    for mine, theirs in zip(own.parts[:-1], here.parts[:-1], strict=False):
        if mine != theirs:
            break
        shared += 1
    return 2 * (score + 2 * shared) - len(here.parts)


def _imports(module: str, imported: frozenset[str]) -> int:
    """Return how plainly a test imports a module: itself, its package, or something of its last name alone."""
    package, _, last = module.rpartition(".")
    if any(name == module or ("." in name and module.endswith(f".{name}")) for name in imported):
        return 8
    return 2 if package in imported or last in imported else 0


def module_of(path: str, roots: Sequence[str]) -> str:
    """Return the dotted name of a file's module, by the first root that contains the file."""
    for root in roots:
        prefix = f"{root}/" if root else ""
        if path.startswith(prefix):
            return path.removeprefix(prefix).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return path.removesuffix(".py").replace("/", ".")


def imported_modules(text: str, path: str, roots: Sequence[str]) -> frozenset[str]:
    """Return the dotted names that a file imports: modules, and names of modules that may be modules themselves."""
    found: set[str] = set()
    for match in _IMPORT.finditer(text):
        plain, origin = match["plain"], match["origin"]
        if plain is not None:
            found |= {part.split()[0] for part in plain.split(",") if part.split()}
            continue
        dots = len(origin) - len(origin.lstrip("."))
        above = module_of(path, roots).split(".")[:-dots] if dots else []
        module = ".".join([*above, *filter(None, [origin[dots:]])])
        names = (part.split()[0] for part in match["names"].strip("()").split(",") if part.split())
        found |= {module, *(f"{module}.{name}" for name in names)}
    return frozenset(found)
