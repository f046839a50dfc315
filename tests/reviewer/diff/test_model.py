"""What git prints becomes the model of a diff: names, hunks, line ends, modes, binary files, links, submodules."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from reviewer.diff.model import FileStatus, Hunk, Line, Side
from reviewer.diff.parser import MAX_HUNKS, parse_diff
from tests.fixtures.git_repo import Repo
from tests.reviewer.diff.diffs import between, lines, only

NAMES = [
    "plain.py",
    "with space.py",
    "two  spaces and a tail ",
    "x b/x",
    "a b/a b/a",
    " b/ b",
    "b/x",
    "a/b/a",
    "ünïcode/文件.txt",
    'quo"te',
    "back\\slash",
    "tab\there",
    "new\nline",
    "\a\b\x0b\x0c\r\x1b\x7f",
    "not utf-8 \udcff\udce9",
    "--- a/x",
    "rename to y",
    "/dev/null"[1:],
    "a => b",
    "x and b/x differ",
]


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ([], {}),
        ([], {"core_quotePath": "false"}),
        ([], {"diff_mnemonicPrefix": "true"}),
        ([], {"diff_noprefix": "true"}),
        (["-R"], {}),
        (["--src-prefix=before/", "--dst-prefix=after/"], {}),
    ],
    ids=["default", "raw", "mnemonic", "no-prefix", "reversed", "own-prefix"],
)
def test_every_name_survives(repo: Repo, options: list[str], settings: dict[str, Any]) -> None:
    """Whatever a file is called and however git writes the name: changed, added, removed, moved or binary."""
    written = {name: f"{number} of the names\n".encode() for number, name in enumerate(NAMES)}
    binary = {name: b"\0" + text for name, text in written.items()}
    moved = {f"{name} 2": text for name, text in written.items()}
    reverse = "-R" in options

    def seen(old: dict[str, bytes], new: dict[str, bytes]) -> set[tuple[str, str, FileStatus, bool]]:
        files = between(repo, *((new, old) if reverse else (old, new)), "-M100%", *options, **settings).files
        return {(file.path, file.old_path, file.status, file.binary) for file in files}

    changed = {name: text + b"more\n" for name, text in written.items()}
    assert seen(written, changed) == {(name, name, FileStatus.MODIFIED, False) for name in NAMES}
    assert seen(binary, changed) == {(name, name, FileStatus.MODIFIED, True) for name in NAMES}
    assert seen({}, written) == {(name, name, FileStatus.ADDED, False) for name in NAMES}
    assert seen(written, {}) == {(name, name, FileStatus.REMOVED, False) for name in NAMES}
    assert seen({}, binary) == {(name, name, FileStatus.ADDED, True) for name in NAMES}
    assert seen(written, moved) == {(f"{name} 2", name, FileStatus.RENAMED, False) for name in NAMES}


def test_hunks_carry_both_numbers(repo: Repo) -> None:
    """Lines are numbered on both sides, and the section heading is kept."""
    old = b"def f():\n" + b"".join(b"    line%d\n" % n for n in range(2, 10))
    new = old.replace(b"line7\n", b"seven\n    and a half\n")
    file = only(between(repo, {"x.py": old}, {"x.py": new}, "-U1"))
    assert file.hunks == (
        Hunk(
            old_start=6,
            old_count=3,
            new_start=6,
            new_count=4,
            section="def f():",
            lines=(
                Line(" ", 6, 6, "    line6"),
                Line("-", 7, None, "    line7"),
                Line("+", None, 7, "    seven"),
                Line("+", None, 8, "    and a half"),
                Line(" ", 8, 9, "    line8"),
            ),
        ),
    )
    assert (file.old_mode, file.new_mode, file.status) == ("100644", "100644", FileStatus.MODIFIED)


def test_counts_default_to_one(repo: Repo) -> None:
    """`@@ -1 +1 @@` is a hunk of one line on each side."""
    diff = between(repo, {"x": b"a\n"}, {"x": b"b\n"})
    hunk = only(diff).hunks[0]
    assert (hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count) == (1, 1, 1, 1)
    assert diff.anchor("x", 1)
    assert diff.anchor("x", 1, side=Side.LEFT)


@pytest.mark.parametrize(
    "odd",
    [
        b"a\r",
        b"\r",
        b"a\rb",
        b"a\x0cb",
        b"\x0b",
        "a\u0085b".encode(),
        "a\u2028b\u2029c".encode(),
        b"a\0b",
        b"\x1c\x1d\x1e",
    ],
    ids=repr,
)
def test_only_a_newline_ends_a_line(repo: Repo, odd: bytes) -> None:
    """Carriage returns, form feeds and the separators of Unicode stay inside their line and move no number."""
    file = only(between(repo, {"x": b"1\n" + odd + b"\n3\n"}, {"x": b"1\n" + odd + b"\nthree\n"}, "--text"))
    assert [(line.kind, line.old, line.new, line.text) for line in file.hunks[0].lines] == [
        (" ", 1, 1, "1"),
        (" ", 2, 2, odd.decode()),
        ("-", 3, None, "3"),
        ("+", None, 3, "three"),
    ]


def test_bytes_that_are_not_utf8_are_kept(repo: Repo) -> None:
    """A Latin-1 line comes back byte for byte."""
    file = only(between(repo, {}, {"x": b"caf\xe9 \xff\n"}))
    assert os.fsencode(file.hunks[0].lines[0].text) == b"caf\xe9 \xff"


def test_missing_newline_is_marked_and_counts_nothing(repo: Repo) -> None:
    """The marker belongs to the line before it, on either side, and does not advance a number."""
    old, new = {"x": b"1\n2"}, {"x": b"1\n2\n3"}
    assert [(line.kind, line.old, line.new, line.newline) for line in only(between(repo, old, new)).hunks[0].lines] == [
        (" ", 1, 1, True),
        ("-", 2, None, False),
        ("+", None, 2, True),
        ("+", None, 3, False),
    ]


def test_the_marker_is_known_in_any_language() -> None:
    """Only the backslash of the marker counts, in the middle of a file's hunks too."""
    file = only(parse_diff(lines("@@ -1 +1 @@\n-a\n\\ Kein Zeilenumbruch am Dateiende.\n+b\n\\ 文件尾没有换行符\n")))
    assert [(line.kind, line.newline) for line in file.hunks[0].lines] == [("-", False), ("+", False)]


def test_code_may_speak_of_missing_newlines(repo: Repo) -> None:
    r"""Code whose text is the marker's, with or without its backslash, is code."""
    text = b"No newline at end of file\n\\ No newline at end of file\n+++ b/x\n"
    file = only(between(repo, {}, {"x": text}))
    assert [line.text for line in file.hunks[0].lines] == text.decode().splitlines()
    assert [line.new for line in file.hunks[0].lines] == [1, 2, 3]
    assert all(line.newline for line in file.hunks[0].lines)


def test_code_may_look_like_a_diff(repo: Repo) -> None:
    """Headers of a diff as contents of a file open no file and end no hunk."""
    text = b"-- a/x\n++ b/x\ndiff --git a/y b/y\n@@ -1 +1 @@\n--- a/z\n+++ b/z\n@@@ -1 -1 +1 @@@\nrename to y\n"
    for old, new in (({"x": text, "y": b""}, {"y": b"1\n"}), ({"y": b""}, {"x": text, "y": b"1\n"})):
        diff = between(repo, old, new)
        assert [file.path for file in diff.files] == ["x", "y"]
        assert [line.text for line in diff.files[0].hunks[0].lines] == text.decode().splitlines()


def test_context_without_its_space_is_context(repo: Repo) -> None:
    """An empty context line may have lost its space to an editor, or to diff.suppressBlankEmpty, with CRLF too."""
    old, new = {"x": b"\n\r\na\n\n"}, {"x": b"\n\r\nb\n\n"}
    kept, stripped = (only(between(repo, old, new, diff_suppressBlankEmpty=value)) for value in ("false", "true"))
    assert kept.hunks == stripped.hunks
    assert [line.text for line in stripped.hunks[0].lines] == ["", "\r", "a", "b", ""]


def test_mode_rename_copy_and_empty_files(repo: Repo) -> None:
    """Files without hunks say what happened to them."""
    text = b"".join(b"%d\n" % n for n in range(20))
    repo.write("mode.sh", "true\n")
    repo.write("both.sh", "true\n")
    repo.write("old name", text)
    repo.write("source", text.replace(b"7", b"x"))
    repo.write("emptied", "1\n")
    repo.commit()
    repo.git("update-index", "--chmod=+x", "mode.sh")
    repo.write("both.sh", "false\n")
    (repo.path / "both.sh").chmod(0o755)
    (repo.path / "mode.sh").chmod(0o755)
    repo.git("mv", "old name", "new name")
    repo.write("copied", text.replace(b"7", b"x") + b"more\n")
    repo.write("empty", "")
    repo.write("emptied", "")
    repo.commit()
    diff = parse_diff(repo.git("diff", "-M", "-C", "--find-copies-harder", "HEAD~1", "HEAD"))
    assert {f.path: (f.status, f.old_path, len(f.hunks), f.old_mode, f.new_mode, f.missing) for f in diff.files} == {
        "mode.sh": (FileStatus.MODE, "mode.sh", 0, "100644", "100755", False),
        "both.sh": (FileStatus.MODIFIED, "both.sh", 1, "100644", "100755", False),
        "new name": (FileStatus.RENAMED, "old name", 0, None, None, False),
        "copied": (FileStatus.COPIED, "source", 1, "100644", "100644", False),
        "empty": (FileStatus.ADDED, "empty", 0, None, "100644", False),
        "emptied": (FileStatus.MODIFIED, "emptied", 1, "100644", "100644", False),
    }
    gone = parse_diff(repo.git("diff", "HEAD", "HEAD~1", "--", "empty"))
    assert (only(gone).status, only(gone).old_mode, only(gone).new_mode) == (FileStatus.REMOVED, "100644", None)


@pytest.mark.parametrize("options", [[], ["--binary"], ["--binary", "--full-index"]], ids=" ".join)
def test_binary_files(repo: Repo, options: list[str]) -> None:
    """A binary file is known as one, said or encoded, and its base85 lines do not disturb the next file."""
    old = {"a b.png": bytes(range(256)), "z": b"1\n"}
    new = {"a b.png": bytes(range(255, -1, -1)) * 40, "added.png": b"\0", "z": b"2\n"}
    diff = between(repo, old, new, *options)
    assert [(f.path, f.status, f.binary, len(f.hunks), f.missing) for f in diff.files] == [
        ("a b.png", FileStatus.MODIFIED, True, 0, False),
        ("added.png", FileStatus.ADDED, True, 0, False),
        ("z", FileStatus.MODIFIED, False, 1, False),
    ]


def test_symlink_and_type_change(repo: Repo) -> None:
    """A symlink is known by its mode; a file that became one is one changed file with lines on both sides."""
    repo.write("file", "text\n")
    repo.commit()
    (repo.path / "file").unlink()
    (repo.path / "file").symlink_to("elsewhere")
    (repo.path / "link").symlink_to("there")
    repo.commit()
    diff = parse_diff(repo.git("diff", "HEAD~1", "HEAD"))
    changed, link = diff.files
    assert (changed.status, changed.old_mode, changed.new_mode) == (FileStatus.MODIFIED, "100644", "120000")
    assert changed.symlink
    assert link.symlink
    assert link.hunks[0].lines == (Line("+", None, 1, "there", newline=False),)
    assert diff.anchor("file", 1, side=Side.LEFT)
    assert diff.anchor("file", 1, side=Side.RIGHT)


@pytest.mark.parametrize("form", ["short", "log"])
def test_submodule(repo: Repo, tmp_path: Path, form: str) -> None:
    """A submodule is an entry of its own kind in either form; the form without hunks says that they are missing."""
    inner = Repo.create(tmp_path / "inner")
    inner.commit("first")
    allow = {"protocol.file.allow": "always"}
    repo.git("submodule", "--quiet", "add", str(inner.path), "lib dir", settings=allow)
    repo.commit()
    second = inner.commit("second")
    repo.git("-C", "lib dir", "fetch", "-q", settings=allow)
    repo.git("-C", "lib dir", "checkout", "-q", second)
    repo.commit()
    file = only(parse_diff(repo.git("diff", f"--submodule={form}", "HEAD~1", "HEAD")))
    assert (file.path, file.submodule, file.status) == ("lib dir", True, FileStatus.MODIFIED)
    assert file.missing == (form == "log")
    added = parse_diff(repo.git("diff", f"--submodule={form}", "HEAD~1", "HEAD~1", "-R"))
    assert added.files == ()
    born = parse_diff(repo.git("show", f"--submodule={form}", "HEAD~1")).file("lib dir")
    assert born
    assert (born.status, born.old_mode, born.new_mode) == (FileStatus.ADDED, None, "160000")


def test_withheld_hunks_are_missing(repo: Repo) -> None:
    """A deletion whose text git was told to leave out is missing, unlike the deletion of an empty file."""
    diff = between(repo, {"empty": b"", "full": b"1\n"}, {}, "--irreversible-delete")
    assert {f.path: (f.status, f.missing) for f in diff.files} == {
        "empty": (FileStatus.REMOVED, False),
        "full": (FileStatus.REMOVED, True),
    }


def test_hunks_that_no_review_reads_are_left_out() -> None:
    """A file's hunks over the limit are counted and left out; those at the limit, and of other files, stay."""

    def added(path: str, length: int) -> str:
        head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
        hunk = f"@@ -0,0 +1,{length // 1_000 - 1} @@\n"
        lines = f"+{'x' * 998}\n" * (length // 1_000 - 2)
        return head + hunk + lines + f"+{'y' * (length - len(hunk) - len(lines) - 2)}\n"

    large, limit, small = parse_diff(added("a", MAX_HUNKS + 1) + added("b", MAX_HUNKS) + added("c", 10_000)).files
    assert (large.hunks, large.missing, large.left_out) == ((), True, MAX_HUNKS + 1)
    assert [(len(file.hunks), file.missing, file.left_out) for file in (limit, small)] == [(1, False, 0)] * 2
