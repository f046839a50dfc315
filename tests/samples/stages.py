"""Stages for tests of proving: two versions of a repository on disk, and the diff between them."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Mapping
from pathlib import Path

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.testgen.evidence import ChangeUnderTest
from tests.paths import SAMPLES
from tests.samples.project_python import project_python

#: Plugins that our own environment happens to have are not loaded: they cost more than the tests.
QUICK = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest"

SAMPLE = SAMPLES / "proving"


def staged_sample(folder: Path, **more: object) -> ChangeUnderTest:
    """Copy the sample's two versions into the folder."""
    for version in ("head", "base"):
        shutil.copytree(SAMPLE / version, folder / version)
    return subject_of(folder, **{"command": QUICK, **more})


def staged(
    folder: Path, head: Mapping[str, str], base: Mapping[str, str] | None = None, **more: object
) -> ChangeUnderTest:
    """Write two versions of a repository into the folder; without `base` the files of `head` are all new."""
    for version, files in (("head", head), ("base", base or {})):
        (folder / version).mkdir()
        for name, text in files.items():
            path = folder / version / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
    return subject_of(folder, **more)


def subject_of(folder: Path, **more: object) -> ChangeUnderTest:
    """Return the subject of what lies in `head` and `base` of the folder."""
    change = Change(parse_diff(diff_of(folder / "base", folder / "head")), title="Grow the shop")
    values = {"change": change, "head": folder / "head", "base": folder / "base", "python": project_python(), **more}
    return ChangeUnderTest(shown_at=folder / "head", **values)  # type: ignore[arg-type]


def diff_of(base: Path, head: Path) -> str:
    """Return the unified diff of two folders, without installed packages."""
    paths = [(root, path) for root in (base, head) for path in root.rglob("*") if path.is_file()]
    names = {path.relative_to(root).as_posix() for root, path in paths if "node_modules" not in path.parts}
    return "".join(_one(base, head, name) for name in sorted(names))


def _one(base: Path, head: Path, name: str) -> str:
    old, new = ((root / name).read_bytes().decode() if (root / name).exists() else None for root in (base, head))
    if old == new:
        return ""
    rows = difflib.unified_diff(
        (old or "").splitlines(keepends=True),
        (new or "").splitlines(keepends=True),
        f"a/{name}" if old is not None else "/dev/null",
        f"b/{name}" if new is not None else "/dev/null",
    )
    return f"diff --git a/{name} b/{name}\n" + "".join(rows)
