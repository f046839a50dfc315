"""The diff of real git, of its relatives, and of GitHub, against the files that it was made from."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import time
import tracemalloc
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from reviewer.diff.model import Anchor, Diff, FileDiff, FileStatus, Hunk, Line, Side
from reviewer.diff.parser import FilePatch, diff_from_files, parse_diff
from reviewer.errors import DiffError
from tests.fixtures.git_repo import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.create(tmp_path / "repo")


def between(repo: Repo, old: dict[str, bytes], new: dict[str, bytes], *options: str, **settings: str) -> Diff:
    """Return what real git says about two trees, parsed."""
    first, second = repo.import_trees(old, new)
    dotted = {name.replace("_", "."): value for name, value in settings.items()}
    return parse_diff(repo.git("diff", *options, first, second, settings=dotted))


def only(diff: Diff) -> FileDiff:
    (file,) = diff.files
    return file


def lines(text: str) -> str:
    """Return a diff of one file `x` from hunks alone."""
    return f"--- a/x\n+++ b/x\n{text}"


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


@pytest.mark.slow
def test_plain_diff_u(tmp_path: Path) -> None:
    """`diff -ruN` has no git header: names, timestamps, added, removed and binary files are read all the same."""
    for side, files in {
        "old tree": {"changed b.txt": b"1\n", "gone.txt": b"1\n", "x.bin": b"\0a"},
        "new tree": {"changed b.txt": b"2\n", "born.txt": b"1\n", "x.bin": b"\0b"},
    }.items():
        (tmp_path / side).mkdir()
        for name, content in files.items():
            (tmp_path / side / name).write_bytes(content)
    done = subprocess.run(
        ["diff", "-ruN", "old tree", "new tree"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        env={"LC_ALL": "C", "PATH": os.defpath},
    )
    diff = parse_diff(done.stdout)
    assert {f.path: (f.old_path, f.status, f.binary) for f in diff.files} == {
        "changed b.txt": ("changed b.txt", FileStatus.MODIFIED, False),
        "gone.txt": ("gone.txt", FileStatus.REMOVED, False),
        "born.txt": ("born.txt", FileStatus.ADDED, False),
        "x.bin": ("x.bin", FileStatus.MODIFIED, True),
    }


#: File lines of which neither names a file.
NAMELESS = [
    *(("", ""), ("-", "-"), ("/dev/stdin", "-"), ("/dev/fd/63", "/dev/fd/62")),
    ("/proc/self/fd/11", "/proc/self/fd/12"),
    *(("/dev/fd/63\t2024-05-01 10:00:00", "/dev/fd/62\t2024-05-01 10:00:00"), ("a/", "b/"), ("/dev/null", "/dev/null")),
    *(("a/dev/fd/63", "b/dev/fd/62"), ("/dev/null", "-"), ("/dev/fd/63", "/dev/null"), ("a/-", "b/dev/stdin")),
    ("/proc/1234/fd/pipe:[567]", "/proc/1234/fd/pipe:[568]"),
]  # fmt: skip

#: Headers of a change of src/x.py, as programs and people write them.
NAMED = [
    *(f"--- {old}\n+++ {new}\n" for old, new in (
        ("src/x.py", "src/x.py"), ("a/src/x.py", "b/src/x.py"), ("old/src/x.py", "new/src/x.py"),
        ("./src/x.py", "./src/x.py"), ("./old/src/x.py", "./new/src/x.py"), ("../old/src/x.py", "../new/src/x.py"),
        ("/tmp/before/src/x.py", "/home/me/after/src/x.py"), ("p-1.0/src/x.py", "p-1.1/src/x.py"),
        ("src/x.py.orig", "src/x.py"), ("src/x.py~", "src/x.py"), ("src/x.py.bak", "src/x.py"),
        ("-", "src/x.py"), ("src/x.py", "-"), ("/dev/stdin", "src/x.py"), ("src/x.py", "/dev/stdin"),
        ("/dev/fd/63", "src/x.py"), ("src/x.py", "/dev/fd/63"), ("", "b/src/x.py"), ("a/src/x.py", "b/-"),
        ("/proc/self/fd/11", "./src/x.py"), ("a/dev/fd/63", "b/src/x.py"), ("a/-", "b/src/x.py"),
        ("src/x.py 2024-05-01 10:00:00", "src/x.py 2024-05-02 10:00:00"),
        ("src/x.py  2024-05-01 10:00:00.123456789 +0200", "src/x.py  2024-05-02T10:00:00.123 +0200"),
        ("src/x.py (revision 12)", "src/x.py (working copy)"), ("src/x.py\t(revision 12)", "src/x.py\t(nonexistent)"),
        ('"a/src/x.py"', '"b/src/x.py"'), ('"src/x.py"\t2024-05-01', '"src/x.py"\t2024-05-02'),
        ("i/src/x.py", "w/src/x.py"), ("c/src/x.py", "i/src/x.py"), ("o/src/x.py", "w/src/x.py"),
        ("1/src/x.py", "2/src/x.py"), ("c/src/x.py", "w/src/x.py"),
    )),
    *(f"diff --git {old} {new}\nindex 1..2 100644\n--- {old}\n+++ {new}\n" for old, new in (
        ("src/x.py", "src/x.py"), ("a/src/x.py", "b/src/x.py"), ("i/src/x.py", "w/src/x.py"),
        ("1/src/x.py", "2/src/x.py"), ("base/src/x.py", "head/src/x.py"), ("a/src/x.py", "b/-"), ("a/-", "b/src/x.py"),
        ('"a/src/x.py"', '"b/src/x.py"'),
    )),
    "diff -u src/x.py.orig src/x.py\n--- src/x.py.orig\n+++ src/x.py\n",
]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "path", "status"),
    [
        ("--- x.py\n+++ x.py\n", "x.py", FileStatus.MODIFIED),
        ("--- x.py.orig\t2024-05-01 10:00:00\n+++ x.py\t2024-05-01 10:00:01\n", "x.py", FileStatus.MODIFIED),
        ("--- a/old.py\n+++ b/new.py\n", "new.py", FileStatus.MODIFIED),
        ("--- /dev/null\t1970-01-01\n+++ b/x.py\n", "x.py", FileStatus.ADDED),
        ("--- a/x.py\n+++ /dev/null\n", "x.py", FileStatus.REMOVED),
        ("Index: x.py\n=======\n--- x.py\t(revision 1)\n+++ x.py\t(working copy)\n", "x.py", FileStatus.MODIFIED),
        ("diff -r 0123456789ab x.py\n--- a/x.py\tMon Jan 01\n+++ b/x.py\tMon Jan 02\n", "x.py", FileStatus.MODIFIED),
        ("diff --git a/x.py b/x.py\n--- a/x.py\r\n+++ b/x.py\r\n", "x.py", FileStatus.MODIFIED),
        (
            "diff --git a/x.py b/x.py\r\nnew file mode 100644\r\n--- /dev/null\r\n+++ b/x.py\r\n",
            "x.py",
            FileStatus.ADDED,
        ),
        ('--- "a/\\303\\274 \\t\\"x"\t2024\n+++ "b/\\303\\274 \\t\\"x"\t2024\n', 'ü \t"x', FileStatus.MODIFIED),
        ("\ufeffdiff --git a/x b/x\n--- a/x\n+++ b/x\n", "x", FileStatus.MODIFIED),
        ("diff --git a/x b/x\nindex 1..2 100644\n--- i/x\n+++ w/x\n", "x", FileStatus.MODIFIED),
        *((header, "src/x.py", FileStatus.MODIFIED) for header in NAMED),
        ("--- /dev/fd/63\t1970-01-01 00:00:00 +0000\n+++ src/x.py\t2024-05-01\n", "src/x.py", FileStatus.ADDED),
        ("--- x.py 1970-01-01 01:00:00.000000000 +0100\n+++ x.py 2024-05-01 10:00:00\n", "x.py", FileStatus.ADDED),
        ("--- /dev/null\n+++ ./src/x.py\n", "src/x.py", FileStatus.ADDED),
        ("--- /dev/null\n+++ src/x.py\n", "src/x.py", FileStatus.ADDED),
        ("--- /dev/null\n+++ data/lib/x.py\n", "data/lib/x.py", FileStatus.ADDED),
        ("--- abc/x.py\n+++ /dev/null\n", "abc/x.py", FileStatus.REMOVED),
        ("diff --git x.py x.py\nnew file mode 100644\n--- /dev/null\n+++ x.py\n", "x.py", FileStatus.ADDED),
        ("diff --git a/x.py a/x.py\nnew file mode 100644\n--- /dev/null\n+++ a/x.py\n", "a/x.py", FileStatus.ADDED),
        ("diff --git i/x.py w/x.py\nnew file mode 100644\n--- /dev/null\n+++ w/x.py\n", "x.py", FileStatus.ADDED),
        (
            "diff --git w/x.py w/x.py\ndeleted file mode 1\n--- w/x.py\n+++ /dev/null\n",
            "w/x.py",
            FileStatus.REMOVED,
        ),
        ("diff --git x y\nrename from x\nrename to y\n--- x\n+++ y\n", "y", FileStatus.RENAMED),
        ("diff --git a/x a/y\nrename from a/x\nrename to a/y\n--- a/x\n+++ a/y\n", "a/y", FileStatus.RENAMED),
        ("--- a/-\n+++ b/-\n", "-", FileStatus.MODIFIED),
        ("diff --git a/- b/-\n--- a/-\n+++ b/-\n", "-", FileStatus.MODIFIED),
        ("--- at 2024-05-01 10:00\t\n+++ at 2024-05-01 10:00\t\n", "at 2024-05-01 10:00", FileStatus.MODIFIED),
    ],
)
def test_headers_of_other_tools(header: str, path: str, status: FileStatus) -> None:
    """The headers of diff, svn, hg and of converted files give the name without prefix, timestamp or line end."""
    body = {FileStatus.ADDED: "@@ -0,0 +1 @@\n+b\n", FileStatus.REMOVED: "@@ -1 +0,0 @@\n-a\n"}
    file = only(parse_diff(header + body.get(status, "@@ -1 +1 @@\n-a\n+b\n")))
    assert (file.path, file.status) == (path, status)


def test_no_index_names_two_files(repo: Repo) -> None:
    """`git diff --no-index OLD NEW` compares two names without a rename: the new one is reviewed."""
    repo.write("old one.py", "1\n")
    repo.write("new one.py", "2\n")
    file = only(parse_diff(repo.git("diff", "--no-index", "old one.py", "new one.py", ok=(1,))))
    assert (file.path, file.status, len(file.hunks)) == ("new one.py", FileStatus.MODIFIED, 1)
    repo.write("old one.py", b"\0")
    file = only(parse_diff(repo.git("diff", "--no-index", "old one.py", "new one.py", ok=(1,))))
    assert (file.path, file.binary) == ("new one.py", True)


def test_format_patch_mail(repo: Repo) -> None:
    """A mail from `git format-patch` has headers, a diffstat and a signature that belong to no hunk."""
    repo.write("x", "1\n2\n")
    repo.commit("first")
    repo.write("x", "1\ntwo\n")
    repo.write("y", "")
    repo.commit("second\n\n--- not a file\n+++ not a file either\nrename to nothing\nBinary files are bad\n")
    diff = parse_diff(repo.git("format-patch", "--stdout", "-1"))
    assert [(f.path, f.status) for f in diff.files] == [("x", FileStatus.MODIFIED), ("y", FileStatus.ADDED)]
    assert [line.text for line in diff.files[0].hunks[0].lines] == ["1", "2", "two"]


def test_prose_after_a_file_without_hunks_adds_nothing_to_it(repo: Repo) -> None:
    """The message of the next commit is no header of the file before it, even when it uses git's words."""
    repo.write("x", "1\n")
    repo.commit("first")
    repo.git("mv", "x", "y")
    repo.commit("second")
    repo.write("z", "1\n")
    repo.commit("third\n\nrename to somewhere\ndeleted file mode 100644\n")
    diff = parse_diff(repo.git("format-patch", "--stdout", "-2"))
    assert [(f.path, f.status) for f in diff.files] == [("y", FileStatus.RENAMED), ("z", FileStatus.ADDED)]


def test_several_commits(repo: Repo) -> None:
    """Commits that touch different files are one diff; a file named by two commits is refused, with the way out."""
    repo.write("x", "1\n")
    repo.commit("first")
    repo.write("y", "1\n")
    repo.commit("second")
    apart = parse_diff(repo.git("log", "-p"))
    assert [f.path for f in apart.files] == ["y", "x"]
    repo.git("mv", "y", "z")
    repo.commit("third")
    for command in (["log", "-p", "-2"], ["format-patch", "--stdout", "-2"]):
        with pytest.raises(DiffError, match=r"changed twice.*git diff BASE\.\.\.HEAD"):
            parse_diff(repo.git(*command))
    patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
    with pytest.raises(DiffError, match="x is changed twice"):
        parse_diff(patch * 2)


def test_removed_and_added_again_is_not_a_type_change(repo: Repo) -> None:
    """A log without commit lines that removes a file and adds it is refused: its newest commit stands first."""
    repo.write("x", "1\n")
    repo.commit()
    (repo.path / "x").unlink()
    repo.commit()
    with pytest.raises(DiffError, match="x is changed twice"):
        parse_diff(repo.git("log", "-p", "--format="))


def test_merges_are_refused(repo: Repo) -> None:
    """The combined diff of a conflict has lines of two parents: the message names the command to use instead."""
    repo.write("x", "1\n")
    repo.commit()
    repo.git("checkout", "-q", "-b", "other")
    repo.write("x", "2\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("x", "3\n")
    repo.commit()
    repo.git("merge", "-q", "other", ok=(1,))
    for command in (["diff"], ["diff", "--cc"]):
        with pytest.raises(DiffError, match=r"combined diff.*git diff MERGE\^1 MERGE"):
            parse_diff(repo.git(*command))
    repo.write("x", "4\n")
    repo.commit("merged")
    for option in ("--cc", "-c"):
        with pytest.raises(DiffError, match="combined diff"):
            parse_diff(repo.git("show", option))


@pytest.mark.parametrize("data", [b"", "", b"\n", b"  \n\n", b"\xef\xbb\xbf"], ids=repr)
def test_empty_input_is_an_empty_diff(data: bytes | str) -> None:
    """No change is no error."""
    assert parse_diff(data) == Diff()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello\n", "not a unified diff. Pass the output of git diff"),
        (b"--- a/x\n+++ b/x\n", "not a unified diff"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a unified diff"),
        (b"\x1b[1mdiff --git a/x b/x\x1b[m\n", "--no-color"),
        ("diff --git a/x b/x\n".encode("utf-16"), "--output=FILE"),
        (b"@@ -1 +1 @@\n-a\n+b\n", "Line 1 .*has no file header.* is not known"),
        (b"Here it is:\n\n@@ -1 +1 @@\n-a\n+b\n", "Line 3 .*has no file header"),
        (b"```diff\n@@ -1 +1 @@\n-a\n+b\n```\n", "Line 2 .*has no file header"),
        (b"src/x.py\n@@ -1 +1 @@\n-a\n+b\n", "Line 2 .*has no file header"),
        (b"index 1..2 100644\n@@ -1 +1 @@\n-a\n+b\n", "Line 2 .*has no file header"),
        (b"--- a/x\n@@ -1 +1 @@\n-a\n+b\n", "Line 2 .*has no file header"),
        (b"+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "Line 2 .*has no file header"),
        (b"==== //depot/x#1 - /home/u/x ====\n@@ -1 +1 @@\n-a\n+b\n", "Line 2 .*has no file header"),
        *(
            (f"--- {old}\n+++ {new}\n@@ -1 +1 @@\n-a\n+b\n".encode(), "Line 1 .*name cannot be read.*--label a/PATH")
            for old, new in NAMELESS
        ),
        (
            b"diff --git a/dev/fd/63 b/dev/fd/62\n--- a/dev/fd/63\n+++ b/dev/fd/62\n@@ -1 +1 @@\n-a\n+b\n",
            "cannot be read",
        ),
        (
            b"*** x.py\t2024\n--- x.py\t2024\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n",
            "use diff -u instead of -c",
        ),
        (b"1c1\n< a\n---\n> b\n", "without names: use diff -u"),
        (b"3,4d2\n< a\n< b\n", "without names: use diff -u"),
        (b" src/x.py | 2 +-\n 1 file changed\n", "leave --stat"),
        (b":100644 100644 1 2 M\tx.py\n", "leave --stat, --raw"),
        (b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n", "Line 6 .*cut off"),
        (b"--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n+b\n+c\n", "Line 6 .*more than the hunk's header"),
        (b"--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\ndiff --git a/y b/y\n", "Line 5 .*counts more lines"),
        (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n\\ No newline\n-a\n+b\n", "Line 4 .*more than the hunk's header"),
        (b"--- a/x\n+++ b/x\n@@ -1 +0 @@\n-a\n+b\n", "Line 3 .*line 0"),
        (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n@@ -9,1 @@\n", "Line 6 .*cannot be read"),
        (b"diff --git nonsense\nindex 1..2\n", "Line 1 .*name cannot be read"),
        (b"diff --git" + b" a/x" * 9999 + b"\nindex 1..2\n", "Line 1 .*name cannot be read"),
    ],
)
def test_what_is_no_diff_is_refused_with_advice(data: bytes, message: str) -> None:
    """Bytes that are no diff, or a damaged one, raise DiffError with the line and what to pass."""
    with pytest.raises(DiffError, match=message):
        parse_diff(data)


def test_a_hunk_without_lines_is_no_hunk() -> None:
    """Some tools write `@@ -0,0 +0,0 @@` for an empty file."""
    assert only(parse_diff(lines("@@ -0,0 +0,0 @@\n"))).hunks == ()


def test_a_zero_hunk_takes_no_marker() -> None:
    """A marker with no line before it, in a hunk that counts none, is damage."""
    with pytest.raises(DiffError, match="Line 4"):
        parse_diff(lines("@@ -0,0 +0,0 @@\n\\ No newline at end of file\n"))


def test_text_input_equals_bytes(repo: Repo) -> None:
    """A diff that was decoded by somebody else is read the same."""
    first, second = repo.import_trees({"ü": b"1\r\n\x0c\n"}, {"ü": b"2\r\n\xe2\x80\xa8\n"})
    data = repo.git("diff", first, second)
    assert parse_diff(data.decode()) == parse_diff(data)


HUNKS = """@@ -1,4 +1,5 @@ def f():
 one
-two
-three
+2
+3
+3.5
 four
@@ -20,3 +21,2 @@
 twenty
-twenty-one
 twenty-two
"""


@pytest.mark.parametrize(
    ("side", "start", "line", "accepted"),
    [
        (Side.RIGHT, None, 1, True),
        (Side.RIGHT, None, 4, True),
        (Side.RIGHT, None, 5, True),
        (Side.RIGHT, None, 6, False),
        (Side.RIGHT, None, 0, False),
        (Side.RIGHT, None, -1, False),
        (Side.RIGHT, 1, 5, True),
        (Side.RIGHT, 5, 1, False),
        (Side.RIGHT, 5, 21, False),
        (Side.RIGHT, 6, 21, False),
        (Side.RIGHT, 0, 1, False),
        (Side.RIGHT, 21, 22, True),
        (Side.LEFT, None, 1, False),
        (Side.LEFT, None, 2, True),
        (Side.LEFT, None, 4, False),
        (Side.LEFT, None, 21, True),
        (Side.LEFT, 2, 3, True),
        (Side.LEFT, 1, 3, False),
        (Side.LEFT, 2, 4, False),
        (Side.LEFT, 3, 21, False),
    ],
)
def test_anchor_rules(side: Side, start: int | None, line: int, accepted: bool) -> None:  # noqa: FBT001
    """RIGHT takes added and context lines, LEFT removed ones; a range goes forward and stays in one hunk."""
    anchor = parse_diff(lines(HUNKS)).anchor("x", line, start, side)
    assert (anchor is not None) == accepted
    if anchor:
        assert (anchor.path, anchor.side, anchor.line, anchor.start_line) == ("x", side, line, start)


def test_a_range_of_one_line_is_one_line() -> None:
    """GitHub refuses `start_line == line`, so the anchor has no start."""
    diff = parse_diff(lines(HUNKS))
    assert diff.anchor("x", 2, 2) == diff.anchor("x", 2)
    assert diff.anchor("x", 2, 2, Side.LEFT) == diff.anchor("x", 2, side=Side.LEFT)


def test_a_renamed_file_is_anchored_by_its_new_name(repo: Repo) -> None:
    """GitHub knows a renamed file by its new name on both sides."""
    text = b"".join(b"%d\n" % n for n in range(1, 20))
    diff = between(repo, {"old": text}, {"new": text.replace(b"5\n", b"five\n", 1)}, "-M")
    assert diff.anchor("new", 5, side=Side.LEFT)
    assert diff.anchor("new", 5)
    assert diff.anchor("old", 5, side=Side.LEFT) is None
    assert diff.file("new") is diff.files[0]
    assert diff.file("old") is None


def test_anchors_cannot_be_forged() -> None:
    """Neither the class nor a changed copy makes an anchor; what a diff made is a plain frozen value."""
    diff = parse_diff(lines(HUNKS))
    anchor = diff.anchor("x", 2)
    assert anchor
    with pytest.raises(TypeError, match=r"Only Diff\.anchor"):
        Anchor("x", Side.RIGHT, 2)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Only Diff\.anchor"):
        replace(anchor, line=600)
    with pytest.raises(FrozenInstanceError):
        anchor.line = 600  # type: ignore[misc]
    assert not hasattr(anchor, "__dict__")
    assert repr(anchor) == "Anchor(path='x', side=<Side.RIGHT: 'RIGHT'>, line=2, start_line=None)"
    assert len({anchor, diff.anchor("x", 2), diff.anchor("x", 3)}) == 2
    assert copy.deepcopy(anchor) == anchor
    assert pickle.loads(pickle.dumps(anchor)) == anchor


def test_lookups_do_not_change_a_diff() -> None:
    """A diff that was asked equals, hashes and prints like one that was not, and survives pickling."""
    asked, fresh = parse_diff(lines(HUNKS)), parse_diff(lines(HUNKS))
    asked.anchor("x", 1)
    assert (asked, hash(asked), repr(asked)) == (fresh, hash(fresh), repr(fresh))
    assert "_built" not in repr(asked)
    assert pickle.loads(pickle.dumps(asked)) == fresh


def test_githubs_files() -> None:
    """GitHub's entries give the same hunks as the diff, and say when a patch is missing."""
    entries = [
        FilePatch("x", "modified", HUNKS.removesuffix("\n"), 7),
        FilePatch("new", "renamed", None, 0, "old"),
        FilePatch("moved", "renamed", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b", 2, "from"),
        FilePatch("copy", "copied", None, 0, "x"),
        FilePatch("large", "modified", None, 9000),
        FilePatch("image.png", "modified", None, 0),
        FilePatch("gone", "removed", "@@ -1 +0,0 @@\n-a", 1),
        FilePatch("born", "added", "@@ -0,0 +1 @@\n+a", 1),
        FilePatch("script", "changed", None, 0),
        FilePatch("same", "unchanged", None, 0),
        FilePatch("cut", "modified", "@@ -1,9 +1,9 @@\n-a", 9),
        FilePatch("odd", "modified", "Binary files differ", 0),
        FilePatch("future", "a status of next year", "@@ -1 +1 @@\n-a\n+b", 2, "ignored"),
    ]
    diff = diff_from_files(entries)
    assert {f.path: (f.old_path, f.status, len(f.hunks), f.missing) for f in diff.files} == {
        "x": ("x", FileStatus.MODIFIED, 2, False),
        "new": ("old", FileStatus.RENAMED, 0, False),
        "moved": ("from", FileStatus.RENAMED, 1, False),
        "copy": ("x", FileStatus.COPIED, 0, False),
        "large": ("large", FileStatus.MODIFIED, 0, True),
        "image.png": ("image.png", FileStatus.MODIFIED, 0, False),
        "gone": ("gone", FileStatus.REMOVED, 1, False),
        "born": ("born", FileStatus.ADDED, 1, False),
        "script": ("script", FileStatus.MODE, 0, False),
        "same": ("same", FileStatus.MODE, 0, False),
        "cut": ("cut", FileStatus.MODIFIED, 0, True),
        "odd": ("odd", FileStatus.MODIFIED, 0, True),
        "future": ("future", FileStatus.MODIFIED, 1, False),
    }
    assert diff.files[0].hunks == only(parse_diff(lines(HUNKS))).hunks
    assert diff.files[2].hunks[0].lines[0].newline is False
    assert diff.anchor("gone", 1, side=Side.LEFT)


def test_githubs_list_may_repeat_an_entry_but_not_contradict_itself() -> None:
    """An entry that slid onto the next page counts once; two versions of a file mean that the head moved."""
    entry = FilePatch("x", "modified", "@@ -1 +1 @@\n-a\n+b", 2)
    assert diff_from_files([entry, entry]) == diff_from_files([entry])
    with pytest.raises(DiffError, match="the head moved"):
        diff_from_files([entry, replace(entry, patch="@@ -1 +1 @@\n-a\n+c")])


def large(files: int, lines_each: int) -> bytes:
    body = "".join(f" context {n}\n-removed {n}\n+added {n}\n" for n in range(lines_each // 3))
    count = lines_each // 3 * 2
    return "".join(
        f"diff --git a/f{n} b/f{n}\nindex 1..2 100644\n--- a/f{n}\n+++ b/f{n}\n@@ -1,{count} +1,{count} @@\n{body}"
        for n in range(files)
    ).encode()


def test_a_pull_request_at_githubs_limits_is_fast() -> None:
    """300 files with 20,000 lines in all parse, and 20,000 anchors are found, in well under a second each."""
    data = large(300, 66)
    started = time.process_time()
    diff = parse_diff(data)
    parsed = time.process_time()
    found = sum(diff.anchor(f"f{n}", line) is not None for n in range(300) for line in range(1, 60))
    assert found == 300 * 44
    assert parsed - started < 1
    assert time.process_time() - parsed < 1


def test_memory_grows_with_the_input_only() -> None:
    """Four times the lines take about four times the memory, lookups included."""
    peaks = []
    for count in (3_000, 12_000):
        data = large(1, count)
        tracemalloc.start()
        parse_diff(data).anchor("f0", 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 5 * peaks[0]
