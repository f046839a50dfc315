"""Diffs: every place that is offered for a comment is one, and a quote is found where it stands."""

from __future__ import annotations

from hypothesis import strategies as st

from reviewer.diff.model import Diff, Side
from reviewer.diff.parser import FilePatch, diff_from_files, parse_diff
from reviewer.errors import DiffError
from reviewer.tasks.planning.chunks import chunk
from reviewer.tasks.verification.anchoring import LocatedQuote, locate
from reviewer.tasks.verification.quoting.path_names import resolve_path
from tests.fuzz.campaign import Target
from tests.fuzz.texts import edited, explain_itself, text

_PIECES = (
    *(
        "diff --git a/x.py b/x.py\n",
        "--- a/x.py\n",
        "+++ b/x.py\n",
        "--- /dev/null\n",
        "+++ /dev/null\n",
        "--- ",
        "+++ ",
    ),
    *(
        "@@ -1 +1 @@\n",
        "@@ -1,2 +1,3 @@ def f():\n",
        "@@ -0,0 +1 @@\n",
        "@@ -1 +0,0 @@\n",
        "@@@ -1 -1 +1 @@@\n",
        "@@ -",
    ),
    *(
        "@@ -99999999999999999999 +1 @@\n",
        "rename from x\n",
        "rename to y\n",
        "copy from x\n",
        "new file mode 100644\n",
    ),
    *("deleted file mode 120000\n", "index 0..1 160000\n", "Binary files a/x and b/x differ\n", "GIT binary patch\n"),
    *(
        "Subproject commit 1\n",
        "Submodule x 0..1:\n",
        "\\ No newline at end of file\n",
        "From 0\n",
        "\n+a",
        "\n-b",
        "\n c",
    ),
    *(
        '"a/\\303\\274"',
        '"a/\\',
        "a/b/a/b",
        " b/",
        "\n+\r",
        "\n \n",
        "similarity index 9%\n",
        "old mode 1\n",
        "-- \n2.1\n",
    ),
)
_VALID = (
    (
        "diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,4 @@\n a\n-b\n+c\n+d\n e\n"
        "@@ -9 +10,2 @@\n x = 1\n+y = 2\n"
    ),
    "diff --git a/o b/n\nsimilarity index 90%\nrename from o\nrename to n\n--- a/o\n+++ b/n\n@@ -1 +1 @@\n-a\n+b\n",
    "diff --git a/n.py b/n.py\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,2 @@\n+a\n+b\n",
    "diff --git a/g b/g\ndeleted file mode 100644\n--- a/g\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n\\ No newline\n",
    (
        'diff --git "a/\\303\\274" "b/\\303\\274"\nold mode 100644\nnew mode 100755\n'
        "diff --git a/b.png b/b.png\nindex 1..2 100644\nBinary files a/b.png and b/b.png differ\n"
    ),
    "--- x.orig\t2026-01-01\n+++ x\t2026-01-01\n@@ -1,2 +1,2 @@\n-a\n+b\n c\n",
)
TEXTS = st.one_of(edited(_VALID, *_PIECES), edited(_VALID, *_PIECES), text(*_PIECES))


def check_diff(source: str) -> None:
    """Check that a text is a diff whose lines have anchors, or an error that says what to pass instead."""
    for read in (parse_diff, lambda text: diff_from_files([FilePatch("a.py", "modified", text, 1)])):
        try:
            diff = read(source)
        except DiffError as error:
            explain_itself(error)
        else:
            _check_anchors(diff)


def _check_anchors(diff: Diff) -> None:
    assert len({file.path for file in diff.files}) == len(diff.files)
    for file in diff.files:
        for hunk in file.hunks:
            new = [line.new for line in hunk.lines if line.kind in "+ "]
            assert new == list(range(hunk.new_start, hunk.new_start + len(new)))
            for line in hunk.lines:
                number, side = (line.old, Side.LEFT) if line.kind == "-" else (line.new, Side.RIGHT)
                assert number is not None
                assert diff.anchor(file.path, number, side=side) is not None
                assert "\n" not in line.text
        assert diff.anchor(file.path, 0) is None
        assert diff.anchor(file.path, 10**9) is None
    parts, skipped = chunk(diff.files)
    assert {path for part in parts for path in part.paths} | {item.path for item in skipped} == {
        file.path for file in diff.files
    }


_QUOTES = st.tuples(
    st.one_of(edited(_VALID[:2], "\n+a", "\n-b", "\n c", "\x1b", "\r"), st.sampled_from(_VALID)),
    st.one_of(
        st.sampled_from(["a", "b", "c\nd", "a\nc\nd\ne", "x = 1\ny = 2", "y = 2"]), text("a", "b", "c", "\n", most=6)
    ),
    st.one_of(st.none(), st.integers(-1, 20)),
    st.sampled_from(["x.py", "n", "a/x.py", "./x.py", "g", "", "/"]),
)


def check_quote(value: tuple[str, str, int | None, str]) -> None:
    """Check that a quote that is found stands in the diff, at a place where GitHub accepts a comment."""
    source, quote, line, path = value
    try:
        diff = parse_diff(source)
    except DiffError:
        return
    path = resolve_path(diff, path) or path
    found = locate(diff, path, quote, line)
    if not isinstance(found, LocatedQuote):
        assert found.reason
        return
    anchor = found.anchor
    assert diff.anchor(anchor.path, anchor.line, anchor.start_line, anchor.side) == anchor
    assert found.lines
    file = diff.file(path)
    assert file is not None
    assert all(any(line in hunk.lines for hunk in file.hunks) for line in found.lines)


def read_quote(quote: str) -> object:
    """Look for the text in a diff that consists of it."""
    lines = quote.split("\n")
    body = "".join(f"+{line}\n" for line in lines)
    return locate(parse_diff(f"--- a/x\n+++ b/x\n@@ -0,0 +1,{len(lines)} @@\n{body}"), "x", quote, 1)


CHANGES = (
    Target("diff", TEXTS, check_diff, parse_diff, typed=(DiffError,)),
    Target("quote", _QUOTES, check_quote, read_quote, lambda value: value[1], (DiffError,)),
)
