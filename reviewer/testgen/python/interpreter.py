"""Find the Python that runs the repository's tests, before anything untrusted is run.

Returns the program itself, not a shim script that finds it, because a sandbox shows only the program's own folders.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from reviewer.git.command import search_path

#: The time limit in seconds for a shim to report its interpreter.
MAX_SECONDS = 30.0

#: The variables that a shim needs; no keys or tokens.
_SHIM_VARIABLES = re.compile(r"PATH|HOME|LANG|LC_\w+|TMPDIR|(?:PYENV|ASDF|MISE)_\w+")
_PRINT_EXECUTABLE = "import sys; print(sys.executable)"


def python_of(root: Path, environ: Mapping[str, str], choice: str = "") -> Path:
    """Return the interpreter that runs the repository's tests.

    In this order: the user's choice; the virtual environment in the checkout; the active one; the first Python on the
    PATH outside the reviewer's own environment, which lacks the repository's packages.
    """
    if choice:
        return _resolve_shim(Path(shutil.which(choice, path=search_path(root, environ)) or choice), root, environ)
    active = environ.get("VIRTUAL_ENV", "")
    folders = [root / ".venv", root / "venv", *([Path(active)] if active else [])]
    for folder in folders:
        if os.access(folder / "bin" / "python", os.X_OK):
            return folder / "bin" / "python"
    own = Path(sys.prefix, "bin").resolve() if sys.prefix != sys.base_prefix else None
    path = search_path(root, environ).split(os.pathsep)
    others = os.pathsep.join(folder for folder in path if not folder or Path(folder).resolve() != own)
    found = shutil.which("python", path=others) or shutil.which("python3", path=others)
    return _resolve_shim(Path(found or "python3"), root, environ)


def _resolve_shim(found: Path, root: Path, environ: Mapping[str, str]) -> Path:
    """Return the interpreter behind a shim of pyenv, asdf or mise, by running the shim in the checkout.

    Shims choose an interpreter by the current folder. They are scripts, or links to the tool that made them.
    """
    if not _is_shim(found):
        return found
    try:
        done = subprocess.run(  # noqa: S603 - from the person's own PATH; runs nothing of the checkout
            [found, "-I", "-c", _PRINT_EXECUTABLE],
            cwd=root,
            env={name: value for name, value in environ.items() if _SHIM_VARIABLES.fullmatch(name)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return found  # a later step reports that it cannot be run
    answer = os.fsdecode(done.stdout).strip()
    return Path(answer) if done.returncode == 0 and os.access(answer, os.X_OK) else found


def _is_shim(found: Path) -> bool:
    try:
        with found.open("rb") as file:
            script = file.read(2) == b"#!"
    except OSError:
        return False
    return script or not found.resolve().name.startswith(("python", "pypy"))
