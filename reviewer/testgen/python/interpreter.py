"""Which Python runs the repository's tests: found on the machine, before anything untrusted is run.

Promises: what is found is the program itself, not a script that looks for it: a sandbox shows only the folders of one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

#: Seconds that a shim may take to say which interpreter it stands for.
MAX_SECONDS = 30.0

#: What a shim needs to know; keys and tokens are none of it.
_TOLD = re.compile(r"PATH|HOME|LANG|LC_\w+|TMPDIR|(?:PYENV|ASDF|MISE)_\w+")
_QUESTION = "import sys; print(sys.executable)"


def python_of(root: Path, environ: Mapping[str, str], wanted: str = "") -> Path:
    """Return the interpreter that runs the repository's tests.

    What was asked for; else the environment in the checkout; else the active one; else the first on the PATH that is
    not the reviewer's own environment, which has no packages of the repository.
    """
    if wanted:
        return _behind(Path(shutil.which(wanted, path=environ.get("PATH")) or wanted), root, environ)
    active = environ.get("VIRTUAL_ENV", "")
    folders = [root / ".venv", root / "venv", *([Path(active)] if active else [])]
    for folder in folders:
        if os.access(folder / "bin" / "python", os.X_OK):
            return folder / "bin" / "python"
    own = Path(sys.prefix, "bin").resolve() if sys.prefix != sys.base_prefix else None
    path = environ.get("PATH", os.defpath).split(os.pathsep)
    others = os.pathsep.join(one for one in path if not one or Path(one).resolve() != own)
    found = shutil.which("python", path=others) or shutil.which("python3", path=others)
    return _behind(Path(found or "python3"), root, environ)


def _behind(found: Path, root: Path, environ: Mapping[str, str]) -> Path:
    """Return the interpreter that a shim of pyenv, asdf or mise stands for, by asking it in the checkout.

    Shims choose by the folder they are called in, and are scripts, or links to the tool that made them.
    """
    if not _is_shim(found):
        return found
    try:
        done = subprocess.run(  # noqa: S603 - it is on the person's own PATH, and runs nothing of the checkout
            [found, "-I", "-c", _QUESTION],
            cwd=root,
            env={name: value for name, value in environ.items() if _TOLD.fullmatch(name)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return found  # what follows tells that it cannot be run
    said = os.fsdecode(done.stdout).strip()
    return Path(said) if done.returncode == 0 and os.access(said, os.X_OK) else found


def _is_shim(found: Path) -> bool:
    try:
        with found.open("rb") as file:
            script = file.read(2) == b"#!"
    except OSError:
        return False
    return script or not found.resolve().name.startswith(("python", "pypy"))
