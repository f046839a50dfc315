"""Which interpreter runs the tests: with real environments, shims and programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from reviewer.testgen.python.interpreter import python_of

pytestmark = pytest.mark.slow

REAL = Path(sys.executable).resolve()


def script(place: Path, text: str) -> Path:
    """Write a program and return it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)
    return place


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    """Make a shim as pyenv does: a script that chooses by the folder it is called in, and is told no key."""
    text = f'test -z "$RUNAPI_KEY" || exit 3\ntest -f .python-version || exit 4\nexec {REAL} "$@"'
    return script(tmp_path / "shims" / "python", text)


def test_a_shim_is_asked_in_the_checkout_what_it_stands_for(shim: Path, tmp_path: Path) -> None:
    """Found on the PATH or asked for by name: the interpreter itself comes out, without our variables going in."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".python-version").write_text("3\n")
    environ = {"PATH": str(shim.parent), "RUNAPI_KEY": "secret"}
    for wanted in ("", "python", str(shim)):
        assert python_of(tmp_path / "work", environ, wanted).resolve() == REAL


def test_a_shim_that_fails_is_named_itself(shim: Path, tmp_path: Path) -> None:
    """No version for this folder: what is run next says so with the path that the person knows."""
    (tmp_path / "work").mkdir()
    assert python_of(tmp_path / "work", {"PATH": str(shim.parent)}) == shim


def test_a_link_to_a_tool_is_a_shim_too(tmp_path: Path) -> None:
    """As mise has it: `python` is a link to the tool, which looks at the name it is called by."""
    tool = script(tmp_path / "tool", f'exec {REAL} "$@"')
    (tmp_path / "shims").mkdir()
    (tmp_path / "shims" / "python3").symlink_to(tool)
    (tmp_path / "work").mkdir()
    assert python_of(tmp_path / "work", {"PATH": str(tmp_path / "shims")}).resolve() == REAL


def test_the_environment_in_the_checkout_comes_first(shim: Path, tmp_path: Path) -> None:
    """Then the active one, then the PATH; a program that is one is not asked."""
    environ = {"PATH": str(shim.parent), "VIRTUAL_ENV": str(tmp_path / "active")}
    (tmp_path / "active" / "bin").mkdir(parents=True)
    (tmp_path / "active" / "bin" / "python").symlink_to(REAL)
    assert python_of(tmp_path, environ) == tmp_path / "active" / "bin" / "python"
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(REAL)
    assert python_of(tmp_path, environ) == tmp_path / ".venv" / "bin" / "python"
    assert python_of(tmp_path, {"PATH": os.defpath}, str(REAL)) == REAL
