"""Run every test file of the shipped sample that was kept 60 more times, each in a fresh process: none may be flaky.

The tests are suggested by the scripts of the sample and judged with the product's own limits. What is kept is then run
by its plain runner, without the harness: with random hash seeds, orders, time zones and locales. All kept files of a
language run in the same process, in a random order; where one fails, each is run alone with the same numbers.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from bench.table import show
from reviewer.testgen.evidence import Candidate, Evidence, GeneratedTests, GenerationBudget
from reviewer.testgen.python.gates.run_gates import judge
from reviewer.testgen.python.generate import prepare
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.generated_units import PROJECTS, generate_python_units, generate_units
from tests.samples.stages import SAMPLE, staged_sample
from tests.samples.units import UNITS

RUNS, AT_ONCE = 60, 2
ZONES = ("UTC", "XYZ-13:45", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu")
LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8", "de_DE.UTF-8")

#: Makes the command that runs test files once, from the files and a random number.
Runner = Callable[[Sequence[str], int], Sequence[str]]


def main() -> None:
    """Print for each language how many kept files failed in a later run."""
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, kept in (("python", _python_units), ("python, its own project", _python_files)):
            place = Path(folder) / name
            place.mkdir()
            rows.append(_row(name, place / "head", kept(place), _pytest))
        for language, runner in (("typescript", _vitest), ("go", _go)):
            if why := PROJECTS[language].lacks():
                rows.append([language, 0, 0, 0, why])
                continue
            place = Path(folder) / language
            place.mkdir()
            result = generate_units(language, place, replace(GenerationBudget(), seconds=3_000))
            if not isinstance(result, GeneratedTests):
                rows.append([language, 0, 0, 0, str(result)])
                continue
            tests = {test.path: test.code for test in result.tests if not test.reproduces}
            rows.append(_row(language, place / "head", tests, runner))
    head = ["sample", "kept files", "runs of each", "runs that failed", "files that failed"]
    show(f"Kept tests of the shipped sample, run {RUNS} times later in fresh processes (aim: none fails)", head, rows)


def _python_units(folder: Path) -> Mapping[str, str]:
    budget = replace(GenerationBudget(), units=len(UNITS["python"]), seconds=3_000)
    result = generate_python_units(folder, budget)
    assert isinstance(result, GeneratedTests), result
    return {test.path: test.code for test in result.tests if not test.reproduces}


def _python_files(folder: Path) -> Mapping[str, str]:
    """Judge the test files of `tests/samples/proving`, and return those that are kept."""
    ready = prepare(staged_sample(folder), run_in_tree, GenerationBudget(units=99))
    assert isinstance(ready, tuple), ready
    bench, units = ready
    by_name = {f"{Path(unit.path).stem}.{unit.name}": unit for unit in units}
    kept: dict[str, str] = {}
    for file in sorted(SAMPLE.glob("*/*.py")):
        if file.parent.name not in ("good", "bad"):
            continue
        text = file.read_text(encoding="utf-8")
        unit = text.partition("\n")[0].removeprefix("# ").partition(": ")[0]
        path = f"tests/test_{file.stem}_proposed.py"
        outcome = judge(Candidate(by_name[unit], path, text), bench)
        if isinstance(outcome, Evidence):
            kept[path] = outcome.code or text
    return kept


def _row(name: str, tree: Path, kept: Mapping[str, str], runner: Runner) -> list[object]:
    """Write the kept files into the tree and run each as often as it takes."""
    for path, code in kept.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(code, encoding="utf-8")
    chance = random.Random()
    seeds = [chance.randrange(1, 1 << 31) for _ in range(RUNS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        passed = list(pool.map(lambda seed: _passes(tree, runner, sorted(kept), seed), seeds))
    failed = [seed for seed, is_green in zip(seeds, passed, strict=True) if not is_green]
    flaky = Counter(path for seed in failed for path in kept if not _passes(tree, runner, [path], seed))
    named = [f"{path}: {count}" for path, count in flaky.items()]
    return [name, len(kept), RUNS, len(failed), "; ".join(named) or ("together only" if failed else "none")]


def _passes(tree: Path, runner: Runner, paths: Sequence[str], seed: int) -> bool:
    mixed = random.Random(seed).sample(paths, len(paths))
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(seed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TZ": ZONES[seed % len(ZONES)],
        "LC_ALL": LOCALES[seed % len(LOCALES)],
        "GOFLAGS": "-mod=mod",
        "PYTHONPATH": str(tree / "src"),  # one of the projects has this layout, and is installed nowhere
    }
    done = subprocess.run(runner(mixed, seed), cwd=tree, env=environment, capture_output=True, check=False, timeout=300)
    return done.returncode == 0


def _pytest(paths: Sequence[str], seed: int) -> Sequence[str]:
    """Return pytest's command, with the tests of the file in a random order."""
    shuffled = (
        "import random, sys, pytest\n"
        "class Shuffle:\n"
        "    def pytest_collection_modifyitems(self, items):\n"
        f"        random.Random({seed}).shuffle(items)\n"
        "sys.exit(pytest.main(sys.argv[1:], plugins=[Shuffle()]))\n"
    )
    return (sys.executable, "-c", shuffled, "-q", "-p", "no:cacheprovider", *paths)


def _vitest(paths: Sequence[str], seed: int) -> Sequence[str]:
    return ("node_modules/.bin/vitest", "run", *paths, "--sequence.shuffle.tests", f"--sequence.seed={seed}")


def _go(paths: Sequence[str], seed: int) -> Sequence[str]:
    """Return the command for the package of the files: Go runs packages, not files."""
    del paths
    return (shutil.which("go") or "go", "test", "-count=1", f"-shuffle={seed}", "./...")
