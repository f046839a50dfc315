"""requirements/install.sh, with a stand-in for Python: what it installs when, and when there is nothing to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Stands where Python stands: makes an environment that holds a copy of itself, and writes down what it is to install.
#: Without pip of its own while the file `no-pip` exists.
PYTHON = """#!/usr/bin/env bash
case "$*" in
    *"-m venv"*) rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo "venv ${*:3}" >>calls ;;
    *"-m pip"*--version) [ ! -e no-pip ] ;;
    *"-m pip"*install*) [ ! -e offline ] || exit 1; echo "install ${*: -1}" >>calls ;;
esac
"""


PIP = "pip==1 \\\n    --hash=sha256:0\n"


class Clone:
    """A folder with the locks and the script, and the stand-in for Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "requirements").mkdir()
        shutil.copy(ROOT / "requirements" / "install.sh", folder / "requirements")
        for name in ("base", "server", "demo"):
            self.lock(name, "1")
        self.lock("dev", f"1\n{PIP}")
        self.python = folder / "python3"
        self.python.write_text(PYTHON, encoding="utf-8")
        self.python.chmod(0o755)

    def lock(self, name: str, text: str) -> None:
        """Write a lock."""
        (self.folder / "requirements" / f"{name}.txt").write_text(f"{name} {text}\n", encoding="utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script, from another folder."""
        command = [str(self.folder / "requirements" / "install.sh"), *arguments]
        env = os.environ | {"PYTHON": str(self.python)}
        return subprocess.run(command, cwd="/", env=env, capture_output=True, text=True, timeout=60, check=False)

    def calls(self, *arguments: str) -> list[str]:
        """Run the script and return what it did with Python."""
        log = self.folder / "calls"
        log.unlink(missing_ok=True)
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Return a fresh clone."""
    return Clone(tmp_path)


NEW = ["venv --clear --without-pip .venv", "install .venv/pip.txt"]


def test_environment_grows_by_need(clone: Clone) -> None:
    """A command adds what it lacks; what the environment holds already is not installed again."""
    assert clone.calls("server") == [*NEW, "install requirements/server.txt"]
    assert clone.calls("server") == []
    assert clone.calls("demo") == ["install requirements/demo.txt"]
    assert clone.calls() == ["install requirements/dev.txt"]
    assert [clone.calls("server"), clone.calls("demo"), clone.calls("dev")] == [[], [], []]


def test_new_lock_renews_what_was_there(clone: Clone) -> None:
    """When the lock in use changes, the environment is made anew and loses nothing: its largest set is installed."""
    clone.calls("dev")
    clone.lock("server", "2")
    assert clone.calls("server") == []
    clone.lock("dev", f"2\n{PIP}")
    assert clone.calls("server") == [*NEW, "install requirements/dev.txt"]
    assert clone.calls("demo") == []


def test_half_an_installation_is_none(clone: Clone) -> None:
    """Where pip failed, the next run begins again; what was whole before stays usable."""
    (clone.folder / "offline").touch()
    assert clone.run("server").returncode != 0
    (clone.folder / "offline").unlink()
    assert clone.calls("server") == [*NEW, "install requirements/server.txt"]
    (clone.folder / "offline").touch()
    assert clone.run("demo").returncode != 0
    assert clone.calls("server") == []


def test_broken_interpreter_is_replaced(clone: Clone) -> None:
    """An environment whose Python is gone, as after an upgrade of the system, is made anew."""
    clone.calls("demo")
    (clone.folder / ".venv" / "bin" / "python").unlink()
    assert clone.calls("server") == [*NEW, "install requirements/demo.txt"]


def test_python_without_pip_puts_pip_into_the_environment(clone: Clone) -> None:
    """Where the interpreter has no pip, the environment gets one."""
    (clone.folder / "no-pip").touch()
    assert clone.calls("server") == ["venv --clear .venv", *NEW[1:], "install requirements/server.txt"]


def test_pip_is_the_locked_one(clone: Clone) -> None:
    """The packages are installed by the pip that the development lock names, with its hash."""
    clone.lock("dev", f"1\n{PIP}pip-tools==2 \\\n    --hash=sha256:1\n")
    clone.calls("server")
    assert (clone.folder / ".venv" / "pip.txt").read_text(encoding="utf-8") == PIP


def test_unknown_set_is_refused(clone: Clone) -> None:
    """A misspelt name says which there are."""
    done = clone.run("serve")
    assert done.returncode == 1
    assert "server demo dev" in done.stderr
