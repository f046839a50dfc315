"""Where a comment may stand, and what a diff of any size costs."""

from __future__ import annotations

import copy
import pickle
import time
import tracemalloc
from dataclasses import FrozenInstanceError, replace

import pytest

from reviewer.diff.model import Anchor, FileStatus, Side
from reviewer.diff.parser import FilePatch, diff_from_files, parse_diff
from reviewer.errors import DiffError
from tests.fixtures.git_repo import Repo
from tests.reviewer.diff.diffs import between, lines, only

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


@pytest.mark.slow  # computes for a second
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
