"""Real packages of which a function counts as new, with a test for each. `proving.py` measures and recounts on them.

An sdist is downloaded with pip, and unpacked without some of its tests, so that something is left to notice.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.testgen.evidence import ChangeUnderTest
from reviewer.testgen.python.gates.own_share import without_tests

PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")

STRONG = """from __future__ import annotations

import pytest

from humanize.lists import natural_list


@pytest.mark.parametrize(
    ("items", "expected"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c"), ([1, 2, 3, 4], "1, 2, 3 and 4")],
)
def test_natural_list(items: list[object], expected: str) -> None:
    assert natural_list(items) == expected
"""

WEAK = """from __future__ import annotations

from humanize.lists import natural_list


def test_natural_list() -> None:
    assert natural_list(["a"])
    assert natural_list(["a", "b"])
    assert natural_list(["a", "b", "c"])
"""

PARTITION = """from toolz.itertoolz import partition_all


def test_partition_all_keeps_the_rest():
    assert list(partition_all(2, [1, 2, 3, 4])) == [(1, 2), (3, 4)]
    assert list(partition_all(3, [1, 2, 3, 4])) == [(1, 2, 3), (4,)]
    assert list(partition_all(3, iter([1, 2, 3, 4, 5]))) == [(1, 2, 3), (4, 5)]
    assert list(partition_all(2, [])) == []
"""

ORDINAL = """import inflection


def test_ordinals_of_teens_and_others():
    assert [inflection.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, -1)] == [
        "st", "nd", "rd", "th", "th", "th", "th", "st", "st"
    ]
"""


@dataclass(frozen=True, slots=True)
class RealPackage:
    """A package by its requirement, with a function that counts as new, a test for it, and its suite's command.

    `without` are files of tests that are taken out, or tests (`file::test`), so that something is left to notice.
    """

    requirement: str
    path: str
    unit: str
    test: str
    code: str
    command: str
    source: str = ""
    without: tuple[str, ...] = ()

    @property
    def suite(self) -> tuple[str, ...]:
        """The words of the command after pytest."""
        return tuple(self.command.split()[3:])


#: humanize's benchmarks need plugins that come with no release.
HUMANIZE = RealPackage(
    "humanize==4.17.0", "src/humanize/lists.py", "natural_list", "tests/test_lists_strong.py", STRONG,
    "python -m pytest --ignore=tests/test_benchmarks.py tests src", "src", ("tests/test_lists.py",),
)  # fmt: skip
TOOLZ = RealPackage(
    "toolz==1.0.0", "toolz/itertoolz.py", "partition_all", "toolz/tests/test_partition_rest.py", PARTITION,
    "python -m pytest toolz/tests/test_itertoolz.py toolz/tests/test_functoolz.py", "",
    ("toolz/tests/test_itertoolz.py::test_partition_all",),
)  # fmt: skip
INFLECTION = RealPackage(
    "inflection==0.5.1", "inflection/__init__.py", "ordinal", "test_ordinals.py", ORDINAL,
    "python -m pytest test_inflection.py", "",
    ("test_inflection.py::test_ordinal", "test_inflection.py::test_ordinalize"),
)  # fmt: skip
PACKAGES = (HUMANIZE, TOOLZ, INFLECTION)


def unpacked(place: Path, package: RealPackage) -> ChangeUnderTest:
    """Unpack the package, as if one of its modules were new, without some of its tests, and make its environment."""
    python = place / "venv" / "bin" / "python"
    _run(sys.executable, "-m", "venv", str(place / "venv"))
    _run(str(python), *PIP, "install", "pytest>=9", "coverage", "freezegun")
    _run(
        sys.executable, *PIP, "download", "--no-deps", "--no-binary", ":all:", "--dest", str(place), package.requirement
    )
    (archive,) = place.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    name = package.requirement.partition("=")[0]
    (tree,) = (one for one in place.iterdir() if one.name.startswith(f"{name}-") and one.is_dir())
    for gone in package.without:
        file, _, test = gone.partition("::")
        text = without_tests((tree / file).read_text(encoding="utf-8"), {test}) if test else ""
        (tree / file).write_text(text, encoding="utf-8") if test else (tree / file).unlink()
    rows = (tree / package.path).read_text(encoding="utf-8").split("\n")
    added = "".join(f"+{row}\n" for row in rows[:-1])
    diff = f"diff --git a/{package.path} b/{package.path}\nnew file mode 100644\n--- /dev/null\n+++ b/{package.path}\n"
    change = Change(parse_diff(f"{diff}@@ -0,0 +1,{len(rows) - 1} @@\n{added}"))
    return ChangeUnderTest(change, tree, tree, python, command=package.command)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
