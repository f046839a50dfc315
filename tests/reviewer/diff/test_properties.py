"""Random changes against real git: what the parser says about a line is what stands in the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewer.diff.model import Diff, FileDiff, FileStatus, Side
from reviewer.diff.parser import FilePatch, diff_from_files, parse_diff
from tests.fixtures.git_repo import Repo

LINES = st.sampled_from(
    [
        b"",
        b" ",
        b"x",
        b"y",
        b"def f():",
        b"    return 1",
        b"windows\r",
        b"\r",
        b"\rlone",
        b"form\x0cfeed\x0b",
        b"\x1c\x1d\x1e",
        "\u0085\u2028\u2029".encode(),
        b"latin \xe9\xff",
        b"nul\0",
        b"-",
        b"+",
        b"-- a/x",
        b"++ b/x",
        b"--- a/x",
        b"+++ b/x",
        b"\\",
        b"\\ No newline at end of file",
        b" No newline at end of file",
        b"@@ -1 +1 @@",
        b"@@@ -1 -1 +1 @@@",
        b"diff --git a/x b/x",
        b"rename to y",
        b"GIT binary patch",
        b"Binary files a/x and b/x differ",
        b"-- ",
        b"From 0123456789012345678901234567890123456789 Mon",
    ]
) | st.binary(max_size=6).map(lambda line: line.replace(b"\n", b""))

CONTENTS = st.builds(
    lambda lines, end: b"\n".join(lines) + end, st.lists(LINES, max_size=14), st.sampled_from([b"", b"\n"])
)

NAMES = st.lists(
    st.sampled_from(
        ["a", "b", "x", " ", " b/", "a/", '"', "\\", "\t", "\n", "ü", "文", "\udcff", "'", " => ", " and "]
    ),
    min_size=1,
    max_size=6,
).map("".join)


@st.composite
def edited(draw: st.DrawFn, old: bytes) -> bytes:
    """Return the old content with a few lines replaced, removed or inserted, and perhaps another end."""
    lines = old.split(b"\n")
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(lines)))
        lines[at : at + draw(st.integers(0, 2))] = draw(st.lists(LINES, max_size=3))
    return b"\n".join(lines)


@st.composite
def trees(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return two trees whose files were changed, added, removed, moved or left alone."""
    old: dict[str, bytes] = {}
    new: dict[str, bytes] = {}
    for number, name in enumerate(draw(st.lists(NAMES, min_size=1, max_size=4))):
        # The number keeps the first directories apart, so that no name is both a file and a directory.
        path = "/".join(f"{part}{number}" for part in name.split("/"))
        content = draw(CONTENTS)
        happened = draw(st.sampled_from(["changed", "changed", "rewritten", "added", "removed", "moved"]))
        if happened != "added":
            old[path] = content
        if happened == "rewritten":
            new[path] = draw(CONTENTS)
        elif happened != "removed":
            new[f"{path}.moved" if happened == "moved" else path] = draw(edited(content))
    return old, new


OPTIONS = st.tuples(
    st.integers(0, 4).map("-U{}".format),
    st.sampled_from(["--no-renames", "-M20%", "-M20% -C20% --find-copies-harder"]),
    st.sampled_from(["--src-prefix=a/", "--no-prefix", "--src-prefix=i/ --dst-prefix=w/"]),
    st.sampled_from(["--patience", "--minimal", "--inter-hunk-context=3", "--function-context"]),
).map(lambda options: " ".join(options).split())

SETTINGS = st.fixed_dictionaries(
    {
        "core.quotePath": st.sampled_from(["true", "false"]),
        "diff.suppressBlankEmpty": st.sampled_from(["true", "false"]),
    }
)


def split(content: bytes) -> list[tuple[bytes, bool]]:
    r"""Return the lines of a file, each without its `\n` and with whether it had one."""
    *whole, last = content.split(b"\n")
    return [(line, True) for line in whole] + ([(last, False)] if last else [])


def check_hunks(file: FileDiff, old: list[tuple[bytes, bool]], new: list[tuple[bytes, bool]]) -> None:
    """Each line stands in the file where its numbers say, and between the hunks both files are equal."""
    at_old = at_new = 0
    for hunk in file.hunks:
        lines_old = [(line.old, os.fsencode(line.text), line.newline) for line in hunk.lines if line.kind != "+"]
        lines_new = [(line.new, os.fsencode(line.text), line.newline) for line in hunk.lines if line.kind != "-"]
        begin_old = hunk.old_start - bool(hunk.old_count)
        begin_new = hunk.new_start - bool(hunk.new_count)
        assert lines_old == [(n + 1, *old[n]) for n in range(begin_old, begin_old + hunk.old_count)]
        assert lines_new == [(n + 1, *new[n]) for n in range(begin_new, begin_new + hunk.new_count)]
        assert old[at_old:begin_old] == new[at_new:begin_new]
        at_old, at_new = begin_old + hunk.old_count, begin_new + hunk.new_count
    assert old[at_old:] == new[at_new:]


def check_anchors(diff: Diff, file: FileDiff, size: int) -> None:
    """Every place of a hunk has its anchor by the rules, and no other place has one."""
    right = [set(range(hunk.new_start, hunk.new_start + hunk.new_count)) for hunk in file.hunks]
    left = [{line.old for line in hunk.lines if line.kind == "-"} for hunk in file.hunks]
    for side, hunks in ((Side.RIGHT, right), (Side.LEFT, left)):
        for line in range(-1, size + 3):
            anchor = diff.anchor(file.path, line, side=side)
            assert (anchor is not None) == any(line in hunk for hunk in hunks)
            assert anchor is None or (anchor.path, anchor.side, anchor.line) == (file.path, side, line)
            for start in range(-1, size + 3):
                together = any(start in hunk and line in hunk for hunk in hunks)
                assert (diff.anchor(file.path, line, start, side) is not None) == (start <= line and together)


def as_github_sends_it(file: FileDiff) -> FilePatch:
    """Write a file's hunks back as the `patch` of GitHub's list of files: no header, no newline at the end."""
    text = [
        f"@@ -{hunk.old_start},{hunk.old_count} +{hunk.new_start},{hunk.new_count} @@ {hunk.section}\n"
        + "".join(f"{line.kind}{line.text}\n" + "\\ No newline\n" * (not line.newline) for line in hunk.lines)
        for hunk in file.hunks
    ]
    changes = sum(line.kind != " " for hunk in file.hunks for line in hunk.lines)
    return FilePatch(file.path, file.status, "".join(text).removesuffix("\n") or None, changes, file.old_path)


@pytest.fixture(scope="module")
def difference(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """One repository for all examples: a function from two trees and options to what git prints."""
    repo = Repo.create(tmp_path_factory.mktemp("property"))

    def run(old: dict[str, bytes], new: dict[str, bytes], options: list[str], values: dict[str, str]) -> bytes:
        return repo.git("diff", "--text", *options, *repo.import_trees(old, new), settings=values)

    return run


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(pair=trees(), options=OPTIONS, values=SETTINGS)
def test_the_parser_agrees_with_the_files(
    difference: Callable[..., bytes],
    pair: tuple[dict[str, bytes], dict[str, bytes]],
    options: list[str],
    values: dict[str, str],
) -> None:
    """For any change, name and option: names, statuses, lines, numbers and anchors are those of the two trees."""
    old, new = pair
    diff = parse_diff(difference(old, new, options, values))
    moved = {file.old_path for file in diff.files if file.status is FileStatus.RENAMED}
    assert {file.path for file in diff.files} | moved == {
        path for path in old | new if old.get(path) != new.get(path)
    } | {file.path for file in diff.files if file.status is FileStatus.COPIED}
    for file in diff.files:
        assert (file.status is FileStatus.ADDED) == (file.old_path not in old)
        assert (file.status is FileStatus.REMOVED) == (file.path not in new)
        lines = split(old.get(file.old_path, b"")), split(new.get(file.path, b""))
        check_hunks(file, *lines)
        check_anchors(diff, file, max(map(len, lines)))
    listed = diff_from_files([as_github_sends_it(file) for file in diff.files])
    assert [(file.path, file.old_path, file.status, file.hunks) for file in listed.files] == [
        (file.path, file.old_path, file.status, file.hunks) for file in diff.files
    ]


@pytest.mark.slow
def test_the_imported_trees_are_what_was_asked_for(tmp_path: Path) -> None:
    """The double-quoted names of the test's own importer reach git as the bytes that were meant."""
    repo = Repo.create(tmp_path)
    names = ['a "b"\t', "ü/\udcff", "new\nline"]
    (commit,) = repo.import_trees(dict.fromkeys(names, b"1\n"))
    listed = repo.git("ls-tree", "-r", "-z", "--name-only", commit).split(b"\0")[:-1]
    assert sorted(listed) == sorted(map(os.fsencode, names))
