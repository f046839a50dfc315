"""Start the harness to run Python tests, and return its report.

All paths in a job are relative to the tree. The harness finds the tree by its own working folder, so the same job works
in a sandbox that shows the tree at another path and in the tree itself. Effects only through `execute`.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reviewer.errors import NoSandbox
from reviewer.sandbox.api import SandboxCommand, SandboxLimits, SandboxRunner
from reviewer.sandbox.bubblewrap import SYSTEM_FOLDERS
from reviewer.testgen.evidence import CodeUnit
from reviewer.testgen.python.harness_report import HarnessReport, read_report
from reviewer.testgen.python.mutants import GREEN, Mutant
from reviewer.testgen.python.test_command import CommandPlan

#: The folder of the harness's scripts.
HARNESS = Path(__file__).resolve().parents[1] / "harness"

#: Limits for one mutant: at least the first, else three times the tests' own time; a fork never runs longer than the
#: second.
LEAST_SECONDS, MOST_SECONDS = 2.0, 30.0

_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "TZ": "UTC", "COVERAGE_CORE": "ctrace"}


@dataclass(frozen=True, slots=True)
class HarnessRun:
    """One run of tests. `paths` are test files or folders of the tree; empty: what the repository's command selects.

    `cover` are the files to measure, `overlay` is a mutant to import, `mutants` are those to swap in, each with the
    names of the tests to run (None: all), until one fails or (`every`) all of them. `observe` are units whose calls are
    recorded. `shuffle` is the seed of a random order, `clock` the seconds by which the wall clock is moved.
    """

    paths: tuple[str, ...] = ()
    cover: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    reverse: bool = False
    shuffle: int = 0
    clock: float = 0.0
    repeat: int = 1
    overlay: Mutant | None = None
    mutants: tuple[tuple[Mutant, tuple[str, ...] | None], ...] = ()
    every: bool = False
    observe: tuple[CodeUnit, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class HarnessClient:
    """Runs the tests of one tree, with one interpreter and one plan."""

    execute: SandboxRunner
    tree: Path
    shown_at: Path
    python: Path
    plan: CommandPlan

    def on(self, tree: Path) -> HarnessClient:
        """Return the same client for another tree."""
        return replace(self, tree=tree)

    def run(self, run: HarnessRun) -> HarnessReport:
        """Run tests and return the report. Raises ReviewerError if nothing can be run here."""
        nonce = secrets.token_hex(16)
        job = self._job(run) | {"nonce": nonce}
        command = SandboxCommand(
            argv=(str(self.python), "-B", str(HARNESS / "run.py"), json.dumps(job)),
            tree=self.tree,
            shown_at=self.shown_at,
            cwd=self.plan.cwd,
            environment={**_ENVIRONMENT, **dict(self.plan.environment), **run.environment},
            read_only=(HARNESS, *interpreter_folders(self.python, self.shown_at)),
            limits=SandboxLimits(seconds=run.seconds),
        )
        return read_report(self.execute(command), nonce)

    def _job(self, run: HarnessRun) -> dict[str, Any]:
        return {
            "framework": self.plan.framework,
            "arguments": list(self.plan.arguments),
            "cwd": self.plan.cwd,
            "roots": list(self.plan.roots),
            "paths": list(run.paths or self.plan.selection),
            "files": list(run.watch or run.cover),
            "cover": bool(run.cover),
            "reverse": run.reverse,
            "shuffle": run.shuffle,
            "clock": run.clock,
            "every": run.every,
            "observe": [[unit.path, list(unit.firsts)] for unit in run.observe],
            "repeat": run.repeat,
            "overlay": None if run.overlay is None else _written(run.overlay, None),
            "mutants": [_written(mutant, tests) for mutant, tests in run.mutants],
            "seconds": min(MOST_SECONDS, run.seconds),
            "least_seconds": LEAST_SECONDS,
        }


def _written(mutant: Mutant, tests: Sequence[str] | None) -> dict[str, Any]:
    """Return the mutant in the harness's form; with `after` None the tests run on the unchanged code."""
    name = mutant.unit.name.rpartition(".")[2]
    return {
        "id": mutant.id,
        "path": mutant.unit.path,
        "function": name,
        "firsts": list(mutant.unit.firsts),
        "start": mutant.start,
        "end": mutant.end,
        "before": mutant.before,
        "after": None if mutant.id == GREEN else mutant.after,
        "tests": None if tests is None else list(tests),
    }


def interpreter_folders(python: Path, checkout: Path | None = None) -> tuple[Path, ...]:
    """Return the folders that an interpreter must be able to read: its own, and those of the Python it was made from.

    A virtual environment (it has a `pyvenv.cfg`) is needed whole. Of another prefix only programs and libraries are
    needed: a link in `~/bin` must not show the whole home folder. An environment inside the checkout may come with the
    change, so beside the checkout it can show installed Pythons only. Raises NoSandbox for anything else.
    """
    folders: list[Path] = []
    waiting, seen = [python.absolute()], set[Path]()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        prefix = place.parent.parent
        if (prefix / "pyvenv.cfg").is_file():
            folders.append(prefix)
            waiting += [Path(home) / place.name for home in _homes(prefix / "pyvenv.cfg")]
        if place.is_symlink():
            folders.append(place.parent)
            waiting.append(Path(os.path.normpath(place.parent / place.readlink())))
        else:
            folders += [prefix / name for name in ("bin", "lib", "lib64") if (prefix / name).is_dir()]
    if checkout is not None and python.absolute().is_relative_to(checkout):
        for folder in folders:
            if not _may_be_named(folder.resolve(), checkout.resolve()):
                named = f"{folder} (a link to {folder.resolve()})" if folder.is_symlink() else str(folder)
                raise NoSandbox(
                    f"The environment in the checkout ({python}) names {named}, which is not part of an installed "
                    "Python, so it is not shown to untrusted code. If the environment is yours, name it by its own "
                    "path outside the checkout with --python (the Action's input `tests-python`)."
                )
    return tuple(dict.fromkeys(folders))


def _may_be_named(folder: Path, checkout: Path) -> bool:
    """Return whether an environment of the checkout may show this folder, given without symlinks."""
    if folder.is_relative_to(checkout) or any(folder.is_relative_to(system) for system in SYSTEM_FOLDERS):
        return True
    if folder.name == "bin" and any(_is_installed(link.resolve().parent.parent) for link in folder.glob("python3*")):
        return True
    return folder.name in ("bin", "lib", "lib64") and _is_installed(folder.parent)


def _is_installed(prefix: Path) -> bool:
    """Return whether a Python is installed there, with its standard library, and not just an environment of one."""
    return any(prefix.glob("lib*/python3*/os.py")) and any(prefix.glob("bin/python3*"))


def _homes(config: Path) -> list[str]:
    """Return the folder of an environment's Python by its `home` key, because an environment may contain copies."""
    rows = config.read_text(encoding="utf-8", errors="replace").split("\n")
    keys = (row.partition("=") for row in rows)
    return [value.strip() for key, _, value in keys if key.strip() == "home"]
