"""Edits of a fix: applied exactly or not at all, to code only, and written as a patch that git applies."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reviewer.demonstration.fixes.edits import Fix, apply_edits, fixes_together
from reviewer.demonstration.replies import read_edits
from reviewer.demonstration.runs import Edit
from reviewer.domain.demonstrations import FixedFile, FixGate, StoppedDemonstration
from reviewer.tasks.conversation.json_replies import Unreadable

FILES = {
    "a.py": "def f(x):\n    return x\n\n\ndef g(x):\n    return x + 1\n",
    "dos.py": "def f(x):\r\n    return x\r\n",
    "last.py": "X = 1",
    "tests/test_a.py": "def test_a():\n    pass\n",
}


def applied(*edits: Edit) -> Fix | StoppedDemonstration:
    return apply_edits(edits, FILES.get)


def after(path: str, quote: str, new: str) -> str:
    fix = applied(Edit(path, quote, new))
    assert isinstance(fix, Fix), fix
    return fix.changed[path]


def test_a_quote_is_replaced_where_it_stands_once() -> None:
    assert after("a.py", "    return x + 1", "    return x + 2") == FILES["a.py"].replace("x + 1", "x + 2")
    assert after("dos.py", "def f(x):\n    return x", "def f(x):\n    return -x") == "def f(x):\r\n    return -x\r\n"
    assert after("last.py", "X = 1", "X = 2") == "X = 2"


def test_a_quote_without_its_indentation_is_shifted() -> None:
    """A model that leaves out the common indentation means the same lines."""
    assert after("a.py", "return x + 1", "return x + 2").endswith("    return x + 2\n")
    shifted = {"c.py": "class A:\n    def f(self):\n        return 1\n"}
    fix = apply_edits([Edit("c.py", "def f(self):\n    return 1", "def f(self):\n    return 2")], shifted.get)
    assert isinstance(fix, Fix), fix
    assert fix.changed["c.py"] == shifted["c.py"].replace("return 1", "return 2")


@pytest.mark.parametrize(
    ("edit", "gate"),
    [
        (Edit("a.py", "return x", "return 2"), FixGate.APPLIES),  # twice
        (Edit("a.py", "nothing of it", "x"), FixGate.APPLIES),
        (Edit("a.py", "", "x"), FixGate.APPLIES),
        (Edit("none.py", "x", "y"), FixGate.APPLIES),
        (Edit("a.py", "return x + 1", "return x + 1"), FixGate.APPLIES),
        (Edit("a.py", "    return x + 1", "    return (x"), FixGate.PARSES),
        (Edit("a.py", "    return x + 1", "    # ... existing code ..."), FixGate.POLICY),
        (Edit("a.py", "    return x + 1", "    return '[redacted: a key]'"), FixGate.POLICY),
        (Edit("tests/test_a.py", "pass", "assert True"), FixGate.POLICY),
        (Edit("conftest.py", "", "x = 1"), FixGate.POLICY),
        (Edit(".github/workflows/ci.yml", "", "on: push"), FixGate.POLICY),
        (Edit("../a.py", "", "x = 1"), FixGate.POLICY),
        (Edit("/etc/a.py", "", "x = 1"), FixGate.POLICY),
        (Edit("README.md", "", "x"), FixGate.POLICY),
    ],
)
def test_what_does_not_hold_is_stopped(edit: Edit, gate: FixGate) -> None:
    stopped = applied(edit)
    assert isinstance(stopped, StoppedDemonstration)
    assert stopped.gate is gate, stopped


def test_no_edit_is_no_fix() -> None:
    stopped = applied()
    assert isinstance(stopped, StoppedDemonstration)
    assert stopped.gate is FixGate.OFFERED


@pytest.mark.slow
def test_a_patch_applies_with_git(tmp_path: Path) -> None:
    """Changes, new files, names with spaces and files without a newline at the end."""
    files = {**FILES, "a b.py": "A = 1\n"}
    edits = [
        Edit("a.py", "    return x + 1", "    return x + 2"),
        Edit("last.py", "X = 1", "X = 2"),
        Edit("dos.py", "    return x", "    return -x"),
        Edit("a b.py", "A = 1", "A = 2"),
        Edit("new/n.py", "", "N = 1"),
    ]
    fix = apply_edits(edits, files.get)
    assert isinstance(fix, Fix)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    (tmp_path / "fix.patch").write_bytes(fix.patch.encode())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "fix.patch"], cwd=tmp_path, check=True)
    assert {path: (tmp_path / path).read_bytes().decode() for path in fix.changed} == fix.changed


def test_two_fixes_of_one_file_are_joined_unless_they_touch() -> None:
    before = "a\nb\nc\nd\ne\n"

    def fixed(text: str) -> tuple[FixedFile, ...]:
        return (FixedFile("x.py", before, text),)

    joined = fixes_together(fixed("A\nb\nc\nd\ne\n"), fixed("a\nb\nc\nd\nE\nF\n"))
    assert joined is not None
    assert joined[0].after == "A\nb\nc\nd\nE\nF\n"
    assert fixes_together(fixed("A\nb\nc\nd\ne\n"), fixed("a\nB\nc\nd\ne\n")) is None
    assert fixes_together(fixed("A\nb\nc\nd\ne\n"), fixed("B\nb\nc\nd\ne\n")) is None


def test_a_reply_is_read_whole_or_not_at_all() -> None:
    good = '{"edits": [{"path": "./a.py", "quote": ["x", "y"], "replacement": "z"}]}'
    assert read_edits(f"Here it is:\n```json\n{good}\n```") == (Edit("a.py", "x\ny", "z"),)
    assert read_edits('{"edits": []}') == ()
    for bad in ('{"edits": [{"quote": "x"}]}', '{"edits": 3}', "no idea", '{"edits": [{"path": "a.py", "quote": 3}]}'):
        with pytest.raises(Unreadable):
            read_edits(bad)
