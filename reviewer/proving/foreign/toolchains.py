"""The runner table: by which files a language's test runner is known, and the command that runs one file of tests.

Promises: reads only names and manifests of the staged tree; runs nothing. A project
that no row knows is None, to be told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, Field, ValidationError

from reviewer.proving.foreign import outcomes

#: Largest manifest that is read.
_MOST_MANIFEST = 1 << 20
#: The endings of the files of a language.
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "javascript": (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"),
    "go": (".go",),
    "rust": (".rs",),
    "ruby": (".rb",),
    "java": (".java",),
}


@dataclass(frozen=True, slots=True)
class Toolchain:
    """One row of the table.

    `command` takes the test file, relative to the project, and the results folder; `report` is the file in
    that folder which `reads` understands, empty where the report is standard output. `coverage` is the file in it that
    holds coverage, empty where none is measured.
    """

    name: str
    language: str
    command: Callable[[str, str], tuple[str, ...]]
    reads: outcomes.Reads
    report: str = ""
    coverage: str = ""


class _Package(BaseModel):
    scripts: Mapping[str, str] = Field(default_factory=dict)
    dev: Mapping[str, str] = Field(default_factory=dict, alias="devDependencies")
    needs: Mapping[str, str] = Field(default_factory=dict, alias="dependencies")


def _node(file: str, results: str) -> tuple[str, ...]:
    """Follow https://nodejs.org/docs/latest-v20.x/api/test.html#test-reporters ."""
    reporters = ("--test-reporter=junit", f"--test-reporter-destination={results}/junit.xml")
    coverage = ("--test-reporter=lcov", f"--test-reporter-destination={results}/lcov.info")
    return ("node", "--test", "--experimental-test-coverage", *reporters, *coverage, file)


def _vitest(file: str, results: str) -> tuple[str, ...]:
    shuffled = ("--sequence.shuffle", "--no-cache", "--reporter=json", f"--outputFile={results}/tests.json")
    return ("node_modules/.bin/vitest", "run", file, *shuffled)


def _jest(file: str, results: str) -> tuple[str, ...]:
    coverage = ("--coverage", "--coverageReporters=lcovonly", f"--coverageDirectory={results}")
    report = ("--json", f"--outputFile={results}/tests.json", "--cacheDirectory=/tmp/jest")
    return ("node_modules/.bin/jest", "--ci", *report, *coverage, "--runTestsByPath", file)


def _go(file: str, results: str) -> tuple[str, ...]:
    package = f"./{PurePosixPath(file).parent}"
    return ("go", "test", "-json", "-count=1", "-shuffle=on", f"-coverprofile={results}/cover.out", package)


def _cargo(file: str, _results: str) -> tuple[str, ...]:
    # The run's own empty /tmp: the tree is read-only there.
    return ("cargo", "test", "--offline", "--target-dir", "/tmp/target", "--test", PurePosixPath(file).stem)  # noqa: S108


def _rspec(file: str, results: str) -> tuple[str, ...]:
    return ("bundle", "exec", "rspec", file, "--order", "rand", "--format", "json", "--out", f"{results}/tests.json")


NODE = Toolchain("node:test", "javascript", _node, outcomes.junit, "junit.xml", "lcov.info")
VITEST = Toolchain("vitest", "javascript", _vitest, outcomes.jest, "tests.json")
JEST = Toolchain("jest", "javascript", _jest, outcomes.jest, "tests.json", "lcov.info")
GO = Toolchain("go", "go", _go, outcomes.go, coverage="cover.out")
CARGO = Toolchain("cargo", "rust", _cargo, outcomes.cargo)
RSPEC = Toolchain("rspec", "ruby", _rspec, outcomes.rspec, "tests.json")


def toolchain_for(project: Path, path: str) -> Toolchain | None:
    """Return the row for a file of the project in this folder; None where no runner is known for it."""
    language = next((name for name, ends in SUFFIXES.items() if path.endswith(ends)), "")
    if language == "javascript":
        return _javascript(project)
    if language == "go" and (project / "go.mod").is_file():
        return GO
    if language == "rust" and (project / "Cargo.toml").is_file():
        return CARGO
    if language == "ruby" and (project / "Gemfile").is_file() and (project / "spec").is_dir():
        return RSPEC
    return None


def _javascript(project: Path) -> Toolchain | None:
    """Return what `scripts.test` calls, else the one of the two that is a dependency."""
    manifest = project / "package.json"
    if manifest.is_symlink() or not manifest.is_file() or manifest.stat().st_size > _MOST_MANIFEST:
        return None
    try:
        package = _Package.model_validate(json.loads(manifest.read_bytes()))
    except (ValueError, ValidationError, RecursionError):
        return None
    script = package.scripts.get("test", "").split()
    named: Sequence[tuple[str, Toolchain]] = (("vitest", VITEST), ("jest", JEST), ("--test", NODE))
    called = (row for word, row in named if word in script)
    installed = (row for word, row in named if word in package.dev or word in package.needs)
    return next(called, None) or next(installed, None)
