"""Run test files with the test runners of other languages, and read the results. Effects only through `execute`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from reviewer.git.command import search_path
from reviewer.sandbox.api import SandboxCommand, SandboxLimits, SandboxResult, SandboxRunner
from reviewer.testgen.languages.coverage import LineCoverage, go_profile, lcov
from reviewer.testgen.languages.test_reports import ReportedTest
from reviewer.testgen.languages.test_runners import PROGRAMS, Command, Project
from reviewer.testgen.working_tree import text_of

#: Folders of the person's home with modules that a run needs and cannot fetch. They are shown read-only. Not the
#: folders around them, because those contain tokens.
_CACHES = ("go/pkg/mod", ".cache/go-build", ".cargo/registry", ".rustup", ".m2/repository", ".gem/ruby", ".rbenv")
#: Install prefixes in a person's home that contain more than programs.
_HOMELY = ("", ".local", ".cargo")
#: Settings that the system's test runners need to start.
_SYSTEM = ("/etc/maven",)

_GO_TEST = re.compile(r"^func (Test\w{1,200})\(", re.MULTILINE)

_ENVIRONMENT = {
    "CI": "1", "NO_COLOR": "1",
    "GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local",
    "CARGO_NET_OFFLINE": "true", "CARGO_TERM_COLOR": "never",
    "BUNDLE_FROZEN": "true", "BUNDLE_DISABLE_VERSION_CHECK": "true",
}  # fmt: skip

_AS_USUAL: Mapping[str, str] = {}

#: Bytes of a report and of a coverage file: to read one takes up to sixteen times as much memory.
LARGEST_REPORT = 32 << 20

#: The file with what a repeated run printed, in its results folder.
_OUTPUT = "printed"

#: Makes a writable copy of the tree in the run's own home. Folders of installed packages are large and only read, so
#: they are replaced by folders of links.
_COPY = """
mkdir "$HOME/project"
tar --exclude=node_modules --exclude=target --exclude=.gradle -cf - . | tar -xf - -C "$HOME/project"
find . -name node_modules -prune | while read -r one; do
  mkdir -p "$HOME/project/$one"
  for entry in "$PWD/$one"/* "$PWD/$one"/.bin; do ln -s "$entry" "$HOME/project/$one/"; done
done
cd "$HOME/project"
"""

#: Links earlier builds, so that they are not repeated in every run, unless there are too many files. Cargo writes into
#: its small files, so those are copied; its lock and its incremental builds are left out.
_BUILT_BY_CARGO = """
find "$OLDPWD" -path '*/target/CACHEDIR.TAG' | while read -r tag; do
  from="${tag%/CACHEDIR.TAG}"; to="$HOME/project/${from#"$OLDPWD"/}"
  [ "$(find "$from" -type f | head -n 20001 | wc -l)" -le 20000 ] || continue
  mkdir -p "${to%/*}" && cp -rs "$from" "$to"
  find "$to" -name .cargo-lock -delete; rm -rf "$to"/*/incremental
  (cd "$from" && find . -type f -size -64k ! -name .cargo-lock ! -path './*/incremental/*' -print0 |
    tar --null -T - -cf -) | tar -xf - -C "$to"
done
"""
_BUILT_BY_GO = """
if [ -d {kept} ] && [ "$(find {kept} -type f | head -n 20001 | wc -l)" -le 20000 ]; then
  mkdir -p "$GOCACHE" && cp -rs {kept}/. "$GOCACHE" && rm -f "$GOCACHE"/*.txt
fi
"""


@dataclass(frozen=True, slots=True)
class FileRun:
    """The result of running a test file. `measured` are the lines by file; None if they were not measured."""

    outcomes: tuple[ReportedTest, ...]
    measured: Mapping[str, LineCoverage] | None
    output: str

    @property
    def is_green(self) -> bool:
        """Whether there was a test, and all tests passed."""
        return bool(self.outcomes) and all(test.verdict == "passed" for test in self.outcomes)

    def is_green_but_for(self, red: frozenset[str]) -> bool:
        """Whether there was a test, and all that failed are among those."""
        others = [test for test in self.outcomes if test.id not in red]
        return bool(self.outcomes) and all(test.verdict != "failed" for test in others)

    @property
    def failed(self) -> frozenset[str]:
        """The tests that failed."""
        return frozenset(test.id for test in self.outcomes if test.verdict == "failed")

    @property
    def asserted(self) -> bool:
        """Whether a test failed, and all failures are by assertions, not by crashes."""
        failed = [test for test in self.outcomes if test.verdict == "failed"]
        return bool(failed) and all(test.asserted for test in failed)


@dataclass(frozen=True, slots=True)
class ProjectRunner:
    """Runs test files of one project in one tree. Paths are relative to the tree."""

    execute: SandboxRunner
    project: Project
    tree: Path
    shown_at: Path
    home: Path
    seconds: float = 120.0

    def on(self, tree: Path) -> ProjectRunner:
        """Return the same runner for another tree."""
        return replace(self, tree=tree)

    def run(self, file: str) -> FileRun:
        """Run one test file, with coverage where it can be measured. Raises ReviewerError if nothing can run here."""
        ran = self._execute(self._script(file, self.project.row.first or self.project.row.command), self.seconds)
        return self._read(ran.results, ran.output)

    def run_again(self, file: str, environments: Sequence[Mapping[str, str]] = (_AS_USUAL,)) -> list[FileRun]:
        """Run it once for each set of variables, in new processes of one sandbox, without coverage.

        What was compiled for the first run serves the others. Raises ReviewerError if nothing can be run here.
        """
        ran = self._execute(self._repeated(file, environments), self.seconds * len(environments))
        runs = []
        for number in range(len(environments)):
            own = {
                name[len(place) :]: data for name, data in ran.results.items() if name.startswith(place := f"{number}/")
            }
            output = own.pop(_OUTPUT, b"").decode("utf-8", "replace")
            runs.append(self._read(own, output or ran.output))
        return runs

    def _execute(self, script: str, seconds: float) -> SandboxResult:
        return self.execute(
            SandboxCommand(
                argv=("/bin/sh", "-c", script),
                tree=self.tree,
                shown_at=self.shown_at,
                environment={**_ENVIRONMENT, **self._homes()},
                read_only=self._folders(),
                limits=SandboxLimits(seconds=seconds, processes=512),
            )
        )

    def _read(self, results: Mapping[str, bytes], output: str) -> FileRun:
        row = self.project.row
        small = {name: data for name, data in results.items() if len(data) <= LARGEST_REPORT}
        if row.report:
            reports = [data for name, data in sorted(small.items()) if fnmatch(name, row.report)]
        else:
            reports = [output.encode("utf-8", "replace")]
        try:
            outcomes = tuple(test for report in reports for test in row.reads(report))
        except ValueError:
            outcomes = ()
        data = small.get(row.coverage) if row.coverage else None
        return FileRun(outcomes, None if data is None else self._measured(data), output)

    def _measured(self, data: bytes) -> Mapping[str, LineCoverage]:
        if self.project.row.language == "go":
            manifest = text_of(self.tree, self.project.outside("go.mod")) or ""
            rows = (line.removeprefix("module ").strip() for line in manifest.split("\n") if line[:7] == "module ")
            found = go_profile(data, next(rows, ""))
        else:
            found = lcov(data, [str(self.tree / self.project.folder), str(self.shown_at / self.project.folder)])
        return {self.project.outside(path): lines for path, lines in found.items()}

    def _homes(self) -> Mapping[str, str]:
        """Return variables that point programs to the person's home, because HOME is another folder inside."""
        return {
            "RUSTUP_HOME": str(self.home / ".rustup"),
            "MAVEN_OPTS": f"-Duser.home={self.home}",
            # Runs are too short for the JVM's second compiler.
            "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "GOMODCACHE": str(self.home / "go/pkg/mod"),
        }

    def _script(self, file: str, command: Command) -> str:
        """Return a shell script that runs the file, because home and results are only known inside."""
        return "\n".join([*self._preparation(), *self._command(file, command)])

    def _repeated(self, file: str, environments: Sequence[Mapping[str, str]]) -> str:
        """Return a shell script that runs the file for each set of variables, with a results folder for each."""
        lines = [*self._preparation(), 'all="$REVIEWER_RESULTS"']
        words, *after = self._command(file, self.project.row.command)
        limit = f"timeout {self.seconds:.0f} " if len(environments) > 1 else ""
        for number, environment in enumerate(environments):
            lines += [f'export REVIEWER_RESULTS="$all/{number}"', 'mkdir -p "$REVIEWER_RESULTS"']
            variables = "".join(f"{name}={shlex.quote(value)} " for name, value in environment.items())
            lines += [f'env {variables}{limit}{words} > "$REVIEWER_RESULTS/{_OUTPUT}" 2>&1', *after]
        return "\n".join(lines)

    def _preparation(self) -> list[str]:
        row, folder = self.project.row, self.project.folder
        folders = dict.fromkeys(shlex.quote(str(program.parent)) for program in self._programs())
        lines = [f'export GOCACHE="$HOME/go-cache" CARGO_HOME="$HOME/cargo" PATH={":".join(folders)}:"$PATH"']
        lines += [_COPY.strip()] if row.copied else []
        lines += [self._registry(), _BUILT_BY_CARGO.strip()] if row.language == "rust" else []
        if row.language == "go":
            lines += [_BUILT_BY_GO.strip().format(kept=shlex.quote(str(self.home / ".cache/go-build")))]
        return lines + ([f"cd {shlex.quote(folder)}"] if folder else [])

    def _command(self, file: str, command: Command) -> list[str]:
        """Return the line that runs the file, and the one that fetches its reports, if they are elsewhere."""
        row = self.project.row
        place = "\x00"
        words = list(command(self.project.within(file), place))
        if row.language == "go":
            # Go runs packages, not files: leave out the other tests of the package.
            names = _GO_TEST.findall(text_of(self.tree, file) or "")
            words[-1:] = ["-run", f"^({'|'.join(names) or 'none'})$", words[-1]]
        words[0] = self._program(words[0])
        line = " ".join(shlex.quote(word).replace(place, "'\"$REVIEWER_RESULTS\"'") for word in words)
        return [line, *([f'cp {row.reports_in}/{row.report} "$REVIEWER_RESULTS/"'] if row.reports_in else [])]

    def _program(self, name: str) -> str:
        """Return the program; one from node_modules may be in a folder above the project, if packages are hoisted."""
        if "/" not in name:
            return name
        above = ["", *("../" * depth for depth in range(1, len(Path(self.project.folder).parts) + 1))]
        return next((up + name for up in above if (self.tree / self.project.folder / (up + name)).exists()), name)

    def _registry(self) -> str:
        kept = shlex.quote(str(self.home / ".cargo" / "registry"))
        return f'mkdir -p "$HOME/cargo" && if [ -d {kept} ]; then ln -s {kept} "$HOME/cargo/registry"; fi'

    def _folders(self) -> tuple[Path, ...]:
        """Return the folders that the runner needs beside the system's own folders."""
        found = [self.home / name for name in _CACHES if (self.home / name).is_dir()]
        found += [Path(name) for name in _SYSTEM if Path(name).is_dir()]
        found += self._prefixes()
        return tuple(dict.fromkeys(found))

    def _prefixes(self) -> Iterator[Path]:
        """Yield the folders in which the runner's programs are installed."""
        homely = {self.home / name for name in _HOMELY}
        for program in self._programs():
            for place in (program, program.resolve()):
                prefix = place.parent.parent
                if prefix in homely:
                    yield place.parent
                elif prefix not in (Path("/"), Path("/usr")):
                    yield prefix

    def _programs(self) -> list[Path]:
        path = search_path(self.shown_at, os.environ)  # no program of the checkout
        found = (shutil.which(name, path=path) for name in PROGRAMS[self.project.row.language])
        return [Path(path) for path in found if path is not None]
