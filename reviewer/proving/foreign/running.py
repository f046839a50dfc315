"""Orders for the test runners of other languages, and what came of them. Effects only through `execute`."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reviewer.proving.foreign.measured import go_profile, lcov
from reviewer.proving.foreign.outcomes import Outcome
from reviewer.proving.foreign.toolchains import Toolchain
from reviewer.proving.orders import Execute, Limits, Order
from reviewer.proving.staged import text_of

#: Where modules are kept that a run needs and cannot fetch: shown as they are, to be read only.
_CACHES = ("go/pkg/mod", ".cargo/registry", ".rustup")

_GO_TEST = re.compile(r"^func (Test\w{1,200})\(", re.MULTILINE)

_ENVIRONMENT = {
    "CI": "1", "NO_COLOR": "1", "GOCACHE": "/tmp/go-cache",  # noqa: S108 - the run has a /tmp of its own
    "GOPROXY": "off", "GOFLAGS": "-mod=mod",
    "GOTOOLCHAIN": "local", "CARGO_NET_OFFLINE": "true",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Came:
    """What came of running a test file. `hits` are the lines that ran, by file; None where that was not measured."""

    outcomes: tuple[Outcome, ...]
    hits: Mapping[str, frozenset[int]] | None
    output: str

    @property
    def is_green(self) -> bool:
        """Whether something was tested, and all of it passed."""
        return bool(self.outcomes) and all(one.verdict == "passed" for one in self.outcomes)

    @property
    def asserted(self) -> bool:
        """Whether something failed by an assertion, and nothing by a crash."""
        failed = [one for one in self.outcomes if one.verdict == "failed"]
        return bool(failed) and all(one.asserted for one in failed)


@dataclass(frozen=True, slots=True)
class Bench:
    """What runs test files: of one tree, by one row of the table."""

    execute: Execute
    row: Toolchain
    tree: Path
    shown_at: Path
    home: Path
    seconds: float = 120.0

    def on(self, tree: Path) -> Bench:
        """Return the same for another tree."""
        return replace(self, tree=tree)

    def run(self, file: str) -> Came:
        """Run one test file. Raises ReviewerError when nothing can be run here at all."""
        ran = self.execute(
            Order(
                argv=("/bin/sh", "-c", self._script(file)),
                tree=self.tree,
                shown_at=self.shown_at,
                environment=_ENVIRONMENT,
                read_only=self._folders(),
                limits=Limits(seconds=self.seconds),
            )
        )
        report = ran.results.get(self.row.report, b"") if self.row.report else ran.output.encode("utf-8", "replace")
        try:
            outcomes = self.row.reads(report)
        except ValueError:
            outcomes = ()
        measured = ran.results.get(self.row.coverage) if self.row.coverage else None
        return Came(outcomes, None if measured is None else self._hits(measured), ran.output)

    def _hits(self, measured: bytes) -> Mapping[str, frozenset[int]]:
        if self.row.language != "go":
            return lcov(measured, str(self.shown_at))
        module = next(
            (line[7:].strip() for line in (text_of(self.tree, "go.mod") or "").split("\n") if line[:7] == "module "), ""
        )
        return go_profile(measured, module)

    def _script(self, file: str) -> str:
        """Return the command for a shell, as only inside is it known where results go."""
        place = "\x00"
        words = list(self.row.command(file, place))
        words[0] = shutil.which(words[0]) or words[0]
        if self.row.language == "go":
            # Go runs packages, not files: other tests of the package must not speak for this one.
            names = _GO_TEST.findall(text_of(self.tree, file) or "")
            words[-1:] = ["-run", f"^({'|'.join(names) or 'none'})$", words[-1]]
        quoted = (shlex.quote(word).replace(place, "'\"$REVIEWER_RESULTS\"'") for word in words)
        return "exec " + " ".join(quoted)

    def _folders(self) -> tuple[Path, ...]:
        """Return what of the machine the runner needs beside the system's own folders."""
        program = shutil.which(self.row.command("x", "x")[0])
        found = [self.home / name for name in _CACHES if (self.home / name).is_dir()]
        if program is not None:
            found += [Path(program).resolve().parent.parent, Path(program).parent.parent]
        system = (Path("/"), Path("/usr"))
        return tuple(dict.fromkeys(one for one in found if one not in system))
