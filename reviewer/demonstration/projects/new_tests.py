"""Choose the path of a new test of a finding in a language other than Python. Reads only the staged tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from reviewer.demonstration.runs import ClaimedPlace
from reviewer.languages.allowed_tests import refused_place
from reviewer.testgen.languages.test_runners import Project, Toolchain
from reviewer.testgen.working_tree import folder_of


def new_test_path(project: Project, tree: Path, test_files: Sequence[str], place: ClaimedPlace) -> str:
    """Return an unused path that the gates accept, named like the nearest test, else as the language does it.

    `test_files` are the project's tests, the nearest first. Empty if there is no such path.
    """
    row = project.row
    words = "_".join(filter(None, [PurePosixPath(place.path).stem, place.unit, "claim"]))
    stem = re.sub(r"[^A-Za-z0-9_]+", "_", words).strip("_")[:100]
    usual = project.outside(row.new_tests_in)
    folders = [PurePosixPath(path).parent for path in (*test_files[:20], f"{usual}/x")]
    if row.language == "go":
        folders = [PurePosixPath(place.path).parent]
    near = next(iter(test_files), "")
    paths = (
        (folder / name).as_posix()
        for folder in dict.fromkeys(folders)
        for number in ("", *range(2, 20))
        for name in _names(row, f"{stem}{number}", near, PurePosixPath(place.path).suffix)
    )
    return next((path for path in paths if refused_place(path, partial(folder_of, tree)) is None), "")


def _names(row: Toolchain, stem: str, near: str, ending: str) -> tuple[str, ...]:
    """Return how a new test file can be called: like the nearest one, or as the language does it."""
    if row.language == "java":
        return (f"{''.join(part.title() for part in stem.split('_'))}Test.java",)
    if row.language == "javascript":
        return tuple(f"{stem.lower()}{end}" for end in ("".join(PurePosixPath(near).suffixes), f".test{ending}") if end)
    return (f"{stem.lower()}{row.new_test_ending}",)
