"""The table of test runners: the files by which each is recognised, and the command that runs one test file.

Reads only names and manifests of the staged tree and runs nothing. A file that no row knows gives None.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, Field, ValidationError

from reviewer.testgen.languages import test_reports
from reviewer.testgen.working_tree import inside

#: The largest manifest that is read, in bytes.
_MOST_MANIFEST = 1 << 20
#: The programs that run the tests of a language, found on the PATH; each may be in its own folder.
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "javascript": ("node",),
    "go": ("go",),
    "rust": ("cargo", "rustc"),
    "ruby": ("ruby", "bundle", "rspec"),
    "java": ("mvn", "java"),
}
#: The suffixes of the files of a language.
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "javascript": (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"),
    "go": (".go",),
    "rust": (".rs",),
    "ruby": (".rb",),
    "java": (".java",),
}


#: Takes a test file and the results folder, and returns the words of a command.
Command = Callable[[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Toolchain:
    """One row of the table.

    `command` takes the test file, relative to the project, and the results folder; `first` is the command for the first
    run of a file, with coverage and the runner's own checks, where it differs. `report` is a pattern for the files in
    that folder that `reads` parses; empty if the report is standard output. `coverage` is the coverage file in that
    folder; empty if none is measured. `copied`: the runner writes into its project, so each sandbox gets its own copy;
    `reports_in` is the folder of the reports in that copy; empty for the results folder.

    `by_hand` is how a person runs one test file: `{file}` is the file, `{folder}` its folder, `{stem}` its bare name.
    `starts_fast`: it starts in about a second, so that a file can be run many times. The first test of a project goes
    into the folder `new_tests_in`, and its name ends with `new_test_ending`.
    """

    name: str
    language: str
    command: Command
    reads: test_reports.Reads
    report: str = ""
    coverage: str = ""
    copied: bool = False
    reports_in: str = ""
    first: Command | None = None
    starts_fast: bool = False
    new_tests_in: str = "test"
    new_test_ending: str = ""
    by_hand: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Project:
    """A part of a repository with a test runner: its row, and its folder (relative, empty for the root)."""

    row: Toolchain
    folder: str

    def holds(self, path: str) -> bool:
        """Whether the file is in the project's folder and language."""
        return path.endswith(SUFFIXES[self.row.language]) and path.startswith(self.folder and f"{self.folder}/")

    def within(self, path: str) -> str:
        """Return a path of the repository relative to the project."""
        return path.removeprefix(self.folder and f"{self.folder}/")

    def outside(self, path: str) -> str:
        """Return a path of the project relative to the repository."""
        return f"{self.folder}/{path}" if self.folder else path


class _Package(BaseModel):
    scripts: Mapping[str, str] = Field(default_factory=dict)
    dev: Mapping[str, str] = Field(default_factory=dict, alias="devDependencies")
    needs: Mapping[str, str] = Field(default_factory=dict, alias="dependencies")


def _node(file: str, results: str) -> tuple[str, ...]:
    """Follow https://nodejs.org/docs/latest-v20.x/api/test.html#test-reporters ."""
    return ("node", "--test", "--test-reporter=junit", f"--test-reporter-destination={results}/junit.xml", file)


def _node_covered(file: str, results: str) -> tuple[str, ...]:
    """Follow https://nodejs.org/docs/latest-v20.x/api/test.html#collecting-code-coverage ."""
    coverage = ("--test-reporter=lcov", f"--test-reporter-destination={results}/lcov.info")
    return ("node", "--experimental-test-coverage", *_node(file, results)[1:-1], *coverage, file)


def _vitest(file: str, results: str) -> tuple[str, ...]:
    """Follow https://vitest.dev/guide/cli ."""
    report = ("--reporter=json", f"--outputFile={results}/tests.json")
    return ("node_modules/.bin/vitest", "run", file, "--sequence.shuffle.tests", "--cache=false", *report)


def _vitest_covered(file: str, results: str) -> tuple[str, ...]:
    """Follow https://vitest.dev/config/coverage ; needs one of its two packages."""
    coverage = ("--coverage.enabled", "--coverage.reporter=lcovonly", f"--coverage.reportsDirectory={results}/cover")
    return (*_vitest(file, results), *coverage)


def _jest(file: str, results: str) -> tuple[str, ...]:
    """Follow https://jestjs.io/docs/cli ."""
    report = ("--json", f"--outputFile={results}/tests.json", "--cacheDirectory=/tmp/jest")
    return ("node_modules/.bin/jest", "--ci", "--randomize", *report, "--runTestsByPath", file)


def _jest_covered(file: str, results: str) -> tuple[str, ...]:
    """Follow https://jestjs.io/docs/cli#--coverageboolean ."""
    coverage = ("--coverage", "--coverageReporters=lcovonly", f"--coverageDirectory={results}")
    return (*_jest(file, results)[:-2], *coverage, "--runTestsByPath", file)


def _go(file: str, _results: str) -> tuple[str, ...]:
    """Follow https://pkg.go.dev/cmd/go#hdr-Test_packages . Vet reads the whole standard library without its cache."""
    package = f"./{PurePosixPath(file).parent}"
    return ("go", "test", "-json", "-count=1", "-shuffle=on", "-vet=off", package)


def _go_covered(file: str, results: str) -> tuple[str, ...]:
    """With the checks of vet that `go test` makes by default."""
    plain = (word for word in _go(file, results) if word != "-vet=off")
    return (*list(plain)[:-1], f"-coverprofile={results}/cover.out", f"./{PurePosixPath(file).parent}")


def _cargo(file: str, _results: str) -> tuple[str, ...]:
    return ("cargo", "test", "--offline", "--test", PurePosixPath(file).stem, "--", "--format", "pretty")


def _maven(file: str, _results: str) -> tuple[str, ...]:
    """Follow https://maven.apache.org/surefire/maven-surefire-plugin/test-mojo.html ."""
    chosen = (f"-Dtest={PurePosixPath(file).stem}", "-DfailIfNoTests=false", "-Dsurefire.failIfNoSpecifiedTests=false")
    return ("mvn", "--offline", "--batch-mode", "-Dsurefire.runOrder=random", *chosen, "test")


def _rspec(file: str, results: str) -> tuple[str, ...]:
    return ("rspec", file, "--order", "rand", "--format", "json", "--out", f"{results}/tests.json")


def _minitest(file: str, _results: str) -> tuple[str, ...]:
    return ("ruby", "-Ilib", "-Itest", file, "--verbose")


def _bundled(command: Callable[[str, str], tuple[str, ...]]) -> Callable[[str, str], tuple[str, ...]]:
    return lambda file, results: ("bundle", "exec", *command(file, results))


NODE = Toolchain(
    "node:test", "javascript", _node, test_reports.junit, "junit.xml", "lcov.info",
    first=_node_covered, starts_fast=True, by_hand="node --test {file}",
)  # fmt: skip
VITEST = Toolchain(
    "vitest", "javascript", _vitest, test_reports.jest, "tests.json",
    copied=True, starts_fast=True, by_hand="npx vitest run {file}",
)  # fmt: skip
VITEST_COVERED = replace(VITEST, coverage="cover/lcov.info", first=_vitest_covered)
JEST = Toolchain(
    "jest", "javascript", _jest, test_reports.jest, "tests.json", "lcov.info",
    first=_jest_covered, starts_fast=True, by_hand="npx jest {file}",
)  # fmt: skip
GO = Toolchain(
    "go", "go", _go, test_reports.go, coverage="cover.out",
    first=_go_covered, starts_fast=True, new_test_ending="_test.go", by_hand="go test ./{folder}",
)  # fmt: skip
CARGO = Toolchain(
    "cargo", "rust", _cargo, test_reports.cargo,
    copied=True, new_tests_in="tests", new_test_ending=".rs", by_hand="cargo test --test {stem}",
)  # fmt: skip
MAVEN = Toolchain(
    "maven", "java", _maven, test_reports.junit, "TEST-*.xml",
    copied=True, reports_in="target/surefire-reports", new_tests_in="src/test/java", by_hand="mvn test -Dtest={stem}",
)  # fmt: skip
RSPEC = Toolchain(
    "rspec", "ruby", _rspec, test_reports.rspec, "tests.json",
    starts_fast=True, new_tests_in="spec", new_test_ending="_spec.rb", by_hand="rspec {file}",
)  # fmt: skip
MINITEST = Toolchain(
    "minitest", "ruby", _minitest, test_reports.minitest,
    starts_fast=True, new_test_ending="_test.rb", by_hand="ruby -Ilib -Itest {file}",
)  # fmt: skip
_NAMES = ("pytest", "unittest", *(row.name for row in (NODE, VITEST, JEST, GO, CARGO, MAVEN, RSPEC, MINITEST)))
#: The known test runners, for messages.
KNOWN = f"{', '.join(_NAMES[:-1])} and {_NAMES[-1]}"
BUNDLED = {row: replace(row, command=_bundled(row.command)) for row in (RSPEC, MINITEST)}


def project_of(tree: Path, path: str) -> Project | None:
    """Return the project that tests this file: the nearest folder above it that a row recognises."""
    language = next((name for name, ends in SUFFIXES.items() if path.endswith(ends)), "")
    for folder in _above(path):
        place = inside(tree, folder) if folder else tree
        row = _row(place, language) if place is not None else None
        if row is not None:
            return Project(row, folder)
    return None


def _above(path: str) -> Iterator[str]:
    for folder in PurePosixPath(path).parents:
        yield "" if folder == PurePosixPath() else folder.as_posix()


def _row(project: Path, language: str) -> Toolchain | None:
    """Return the row for files of the language, if this folder is the root of a project."""

    def has(name: str) -> bool:
        place = project / name
        return place.exists() and not place.is_symlink()

    if language == "javascript":
        return _javascript(project)
    if language == "ruby":
        row = RSPEC if has("spec") else MINITEST if has("test") else None
        is_root = any(map(has, ("Gemfile", "Rakefile"))) or any(project.glob("*.gemspec"))
        return (BUNDLED[row] if has("Gemfile.lock") else row) if row and is_root else None
    known = {"go": ("go.mod", GO), "rust": ("Cargo.toml", CARGO), "java": ("pom.xml", MAVEN)}
    marker, row = known.get(language, ("", None))
    return row if row is not None and has(marker) else None


def _javascript(project: Path) -> Toolchain | None:
    """Return the runner that `scripts.test` calls, else the one that is a dependency."""
    manifest = project / "package.json"
    if manifest.is_symlink() or not manifest.is_file() or manifest.stat().st_size > _MOST_MANIFEST:
        return None
    try:
        package = _Package.model_validate(json.loads(manifest.read_bytes()))
    except (ValueError, ValidationError, RecursionError):
        return None
    script = package.scripts.get("test", "").split()
    covers = {"@vitest/coverage-v8", "@vitest/coverage-istanbul"} & {*package.dev, *package.needs}
    vitest = VITEST_COVERED if covers else VITEST
    named: Sequence[tuple[str, Toolchain]] = (("vitest", vitest), ("jest", JEST), ("--test", NODE))
    called = (row for word, row in named if word in script)
    installed = (row for word, row in named if word in package.dev or word in package.needs)
    return next(called, None) or next(installed, None)
