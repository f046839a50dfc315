"""Measure the cost of an installation: the packages of the Action and the command line, the first command in a clone.

Downloads everything anew (pip's cache is left aside), as on a runner that has never seen the packages. The size is that
of all files in site-packages, compiled modules included, without pip and setuptools, which come with Python.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import fresh_clone
from bench.table import show
from tests.paths import ROOT

LOCK = ROOT / "requirements" / "base.txt"
WITH_PYTHON = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth")
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir")


@dataclass(frozen=True, slots=True)
class Installed:
    """A fresh environment with the base packages, and the seconds that it took."""

    directory: Path
    venv_seconds: float
    pip_seconds: float

    @property
    def python(self) -> str:
        """The environment's interpreter."""
        return str(self.directory / "bin" / "python")


@contextmanager
def base_installed() -> Iterator[Installed]:
    """Install the base packages afresh; gone at the end."""
    with tempfile.TemporaryDirectory() as directory:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        made = time.perf_counter()
        subprocess.run([f"{directory}/bin/python", *PIP, *_wanted()], check=True)
        yield Installed(Path(directory), made - start, time.perf_counter() - made)


def main() -> None:
    """Print the tables."""
    with base_installed() as installed:
        (packages,) = installed.directory.glob("lib/python*/site-packages")
        ours = [entry for entry in packages.iterdir() if not entry.name.startswith(WITH_PYTHON)]
        size = sum(_size(entry) for entry in ours)
        count = sum(entry.suffix == ".dist-info" for entry in ours)
    source = LOCK.relative_to(ROOT) if LOCK.exists() else "pyproject.toml"
    seconds = (installed.venv_seconds, installed.pip_seconds, installed.venv_seconds + installed.pip_seconds)
    row = [source, count, *(f"{one:.1f}" for one in seconds), f"{size / 1e6:.1f}"]
    head = ["from", "packages", "venv s", "pip s", "total s", "site-packages MB"]
    show("Installation: a fresh environment with the base packages (aim: 20 s, 70 MB)", head, [row])
    fresh_clone.main()


def _wanted() -> list[str]:
    """Return what pip is to install: the lock, whole and unresolved, or else what the project asks for."""
    if LOCK.exists():
        return ["--no-deps", "--require-hashes", "--requirement", str(LOCK)]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


def _size(entry: Path) -> int:
    files = entry.rglob("*") if entry.is_dir() else [entry]
    return sum(file.lstat().st_size for file in files if file.is_file())
