"""Sandboxes for tests: every way that this machine has, and what it takes to try to break out of one."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from reviewer.proving.confinement import Ground, Rung
from reviewer.proving.grounds import grounds
from reviewer.proving.orders import Limits, Order, Ran
from reviewer.proving.sandbox import held_on, run
from reviewer.proving.selftest import Held

ROOT = Path(__file__).resolve().parents[1]
#: Where the copy of a checkout is shown inside.
SHOWN = Path("/home/ada/project")
_ORDINARY = 61_000  # a user id for tests of what an ordinary user can do
_LIMITS = Limits(seconds=20, memory_bytes=512 << 20, processes=64, output_bytes=1 << 18, file_bytes=4 << 20)

#: Each attempt says on a line of its own that it was made, and what came of it: the positive evidence.
_PRELUDE = """
import ctypes, errno, os, signal, socket, struct, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def of_libc(name, *arguments):
    done = getattr(libc, name)(*arguments)
    if done < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return done
def call(number, *arguments):
    return of_libc("syscall", number, *arguments)
def tried(name, act, *arguments):
    try:
        result = act(*arguments)
    except OSError as error:
        result = errno.errorcode.get(error.errno, type(error).__name__)
        print(f"<{name}> refused {result}", flush=True)
    else:
        print(f"<{name}> done {result!r}", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """A sandbox with a checkout in it. Its folder can be read by anybody."""

    ground: Ground
    folder: Path

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    def run(self, *argv: str, canary: str = "", environment: Mapping[str, str] = {}, **limits: float) -> Ran:
        order = Order(
            argv=argv,
            tree=self.tree,
            shown_at=SHOWN,
            environment=environment,
            read_only=(self.ground.python_home,),
            limits=dataclasses.replace(_LIMITS, **limits),
        )
        return run(order, self.ground, canary=canary)

    def python(self, code: str, *arguments: str, canary: str = "", **limits: float) -> Ran:
        python = str(self.ground.python)
        return self.run(python, "-I", "-S", "-B", "-c", _PRELUDE + code, *arguments, canary=canary, **limits)

    def attempts(self, code: str, *arguments: str, canary: str = "", **limits: float) -> dict[str, str]:
        """Run the code to its end inside, and return what came of each attempt."""
        ran = self.python(code, *arguments, canary=canary, **limits)
        assert ran.exit_code == 0, ran
        return outcomes(ran.output)


def outcomes(output: str) -> dict[str, str]:
    return dict(re.findall(r"^<(.+?)> (.*)$", output, re.MULTILINE))


def outside(code: str, *arguments: str) -> dict[str, str]:
    """Return what comes of the attempts where nothing holds them: in a child of ours."""
    command = [sys.executable, "-I", "-S", "-c", _PRELUDE + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return outcomes(done.stdout)


@contextmanager
def cell(rung: Rung) -> Iterator[Cell]:
    """Give a cell of that kind. Skips where the machine cannot make one; in CI, root always can."""
    folder = Path(tempfile.mkdtemp(prefix="reviewer-cell-"))
    folder.chmod(0o755)
    try:
        ground = _ground(rung, folder)
        if isinstance(ground, str):
            if rung is Rung.ROOT and os.environ.get("CI") == "true" and os.geteuid() == 0:
                pytest.fail(ground)
            pytest.skip(ground)
        (folder / "tree").mkdir()
        (folder / "tree").chmod(0o755)
        yield Cell(ground, folder)
    finally:
        shutil.rmtree(folder)


def _ground(rung: Rung, folder: Path) -> Ground | str:
    """Return the ground for a rung, or why there is none. Root steps down to an ordinary user for the other one."""
    found = list(grounds())
    reasons = [one for one in found if isinstance(one, str)]
    if rung is Rung.USER and os.geteuid() == 0:
        grown = [_as_ordinary(one, folder) for one in found if isinstance(one, Ground)]
    else:
        grown = [one for one in found if isinstance(one, Ground) and one.rung is rung]
    for ground in grown:
        tested = held_on(ground)
        if isinstance(tested, Held):
            return ground
        reasons += tested
    return f"no sandbox made by {rung.value} here: {'; '.join(reasons) or 'not root, and no sudo without a password'}"


def _as_ordinary(ground: Ground, folder: Path) -> Ground:
    """Return the ground of a user without rights, with code and an interpreter that such a user can read."""
    code = folder / "code"
    shutil.copytree(ROOT / "reviewer", code / "reviewer", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["chmod", "-R", "a+rX", str(code)], check=True)
    down = ("/usr/bin/setpriv", f"--reuid={_ORDINARY}", f"--regid={_ORDINARY}", "--clear-groups")
    python, home = ground.python, ground.python_home
    if subprocess.run(
        [*down, "/usr/bin/env", str(python), "-I", "-c", ""], capture_output=True, check=False
    ).returncode:
        python, home = Path("/usr/bin/python3"), Path("/usr")
    return dataclasses.replace(ground, rung=Rung.USER, prefix=down, python=python, python_home=home, code=code)


def living(mark: str) -> list[int]:
    """Return the processes of this machine with that text in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found
