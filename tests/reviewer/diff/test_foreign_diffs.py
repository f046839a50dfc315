"""Diffs of other tools, mails and lists of files, and what is no diff."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reviewer.diff.model import Diff, FileStatus
from reviewer.diff.parser import parse_diff
from reviewer.errors import DiffError
from tests.fixtures.git_repo import Repo
from tests.reviewer.diff.diffs import lines, only


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
    with pytest.raises(DiffError, match="is changed twice") as caught:
        parse_diff(patch.replace("b/x", r'"b/\n\033[2Jx"').replace("a/x", r'"a/\n\033[2Jx"') * 2)
    assert str(caught.value).isprintable()


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
