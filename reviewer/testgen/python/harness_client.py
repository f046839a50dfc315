"""Orders for the harness, and its reports back: the one place that knows how tests are run in Python.

Promises: every path that a run is told is relative to the tree. The harness finds the tree by its own working folder,
so the same order holds where a sandbox shows the tree elsewhere and where it runs in the tree itself. Effects only
through `execute`.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reviewer.sandbox.api import SandboxCommand, SandboxLimits, SandboxRunner
from reviewer.testgen.python.harness_report import HarnessReport, read_report
from reviewer.testgen.python.mutants import Mutant
from reviewer.testgen.python.test_command import CommandPlan

#: Where the harness's scripts lie.
HARNESS = Path(__file__).resolve().parents[1] / "harness"

#: A mutant may take this long, or three times what the unharmed tests take; and no fork takes longer than the last.
LEAST_SECONDS, MOST_SECONDS = 2.0, 30.0

_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "TZ": "UTC", "COVERAGE_CORE": "ctrace"}


@dataclass(frozen=True, slots=True)
class HarnessRun:
    """One run. `paths` are test files or folders of the tree, none for all that the repository's command selects.

    `cover` are the files to measure, `overlay` a mutant that is imported, `mutants` those that are swapped in, each
    with the names of the tests to run (None: all).
    """

    paths: tuple[str, ...] = ()
    cover: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    reverse: bool = False
    repeat: int = 1
    overlay: Mutant | None = None
    mutants: tuple[tuple[Mutant, tuple[str, ...] | None], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class HarnessClient:
    """What runs tests: of one tree, on one interpreter, by one plan."""

    execute: SandboxRunner
    tree: Path
    shown_at: Path
    python: Path
    plan: CommandPlan

    def on(self, tree: Path) -> HarnessClient:
        """Return the same for another tree."""
        return replace(self, tree=tree)

    def run(self, wanted: HarnessRun) -> HarnessReport:
        """Run and return what was reported. Raises ReviewerError when nothing can be run here at all."""
        nonce = secrets.token_hex(16)
        job = self._job(wanted) | {"nonce": nonce}
        order = SandboxCommand(
            argv=(str(self.python), "-B", str(HARNESS / "run.py"), json.dumps(job)),
            tree=self.tree,
            shown_at=self.shown_at,
            cwd=self.plan.cwd,
            environment={**_ENVIRONMENT, **dict(self.plan.environment), **wanted.environment},
            read_only=(HARNESS, *interpreter_folders(self.python)),
            limits=SandboxLimits(seconds=wanted.seconds),
        )
        return read_report(self.execute(order), nonce)

    def _job(self, wanted: HarnessRun) -> dict[str, Any]:
        return {
            "framework": self.plan.framework,
            "arguments": list(self.plan.arguments),
            "cwd": self.plan.cwd,
            "roots": list(self.plan.roots),
            "paths": list(wanted.paths or self.plan.selection),
            "files": list(wanted.watch or wanted.cover),
            "cover": bool(wanted.cover),
            "reverse": wanted.reverse,
            "repeat": wanted.repeat,
            "overlay": None if wanted.overlay is None else _written(wanted.overlay, None),
            "mutants": [_written(mutant, tests) for mutant, tests in wanted.mutants],
            "seconds": min(MOST_SECONDS, wanted.seconds),
            "least_seconds": LEAST_SECONDS,
        }


def _written(mutant: Mutant, tests: Sequence[str] | None) -> dict[str, Any]:
    """Return the mutant as the harness reads it; `after` None runs the tests on the code as it is."""
    name = mutant.unit.name.rpartition(".")[2]
    return {
        "id": mutant.id,
        "path": mutant.unit.path,
        "function": name,
        "firsts": list(mutant.unit.firsts),
        "start": mutant.start,
        "end": mutant.end,
        "before": mutant.before,
        "after": None if mutant.id == "green" else mutant.after,
        "tests": None if tests is None else list(tests),
    }


def interpreter_folders(python: Path) -> tuple[Path, ...]:
    """Return the folders that an interpreter needs to be readable: its own, and those of the Python it was made from.

    An environment (it has a `pyvenv.cfg`) is needed whole. Of any other prefix only programs and libraries are: a link
    in `~/bin` must not show a run the whole home folder.
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
    return tuple(dict.fromkeys(folders))


def _homes(config: Path) -> list[str]:
    """Return where the Python of an environment stands, by its `home` key: an environment may be made of copies."""
    rows = config.read_text(encoding="utf-8", errors="replace").split("\n")
    keys = (row.partition("=") for row in rows)
    return [value.strip() for key, _, value in keys if key.strip() == "home"]
