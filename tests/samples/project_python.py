"""The Python of sample projects: an environment with pytest alone, as a project has it that installs nothing of ours.

Half the time of a run in our own environment goes to plugins of pytest that no sample uses.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


@cache
def project_python() -> Path:
    """Return the interpreter of the environment, which is made once a process and removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="sample-python-"))
    folder.chmod(0o755)  # the sandbox runs as another user
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    base = Path(sys.executable).resolve()
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
    (folder / "bin").mkdir()
    for name in ("python", "python3", version):
        (folder / "bin" / name).symlink_to(base)
    for part in _with_requirements("pytest"):
        _place(part, packages)
    return folder / "bin" / "python"


def _with_requirements(name: str) -> list[Distribution]:
    """Return the package and all that it needs on this machine."""
    found: dict[str, Distribution] = {}
    wanted = [name]
    while wanted:
        one = wanted.pop()
        if one in found:
            continue
        found[one] = distribution(one)
        needs = (Requirement(text) for text in found[one].requires or ())
        wanted += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return list(found.values())


def _place(part: Distribution, packages: Path) -> None:
    """Put the package there with what was compiled of it."""
    for name in {file.parts[0] for file in part.files or ()} - {"..", "__pycache__"}:  # ".." leads to programs in bin/
        source = Path(str(part.locate_file(name)))
        if source.is_dir():
            shutil.copytree(source, packages / name, copy_function=_link)
        else:
            _link(str(source), str(packages / name))


def _link(source: str, place: str) -> None:
    try:
        os.link(source, place)
    except OSError:  # another disk
        shutil.copy2(source, place)
