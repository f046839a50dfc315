r"""Changes in which an editor rewrote the line ends: what is left of them, and that its numbers are the files' own."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewer.diff.line_endings import ignore_line_ending_changes
from reviewer.diff.model import Diff, FileDiff
from reviewer.diff.parser import parse_diff
from reviewer.domain.settings import ReviewSettings
from reviewer.tasks.planning.chunks import chunk
from reviewer.tasks.planning.file_filter import select

LINES = [f"line {number}" for number in range(1, 41)]


def changed(before: list[str], after: list[str], *, context: int = 3) -> Diff:
    """Return the diff from one list of lines to the other, as git writes it."""
    rows = list(difflib.unified_diff(before, after, "a/a.sh", "b/a.sh", lineterm="", n=context))
    return parse_diff("\n".join(rows) + "\n") if rows else Diff()


def ended(lines: list[str], end: str) -> list[str]:
    """Return the lines with that before their line break."""
    return [line + end for line in lines]


def applied(before: list[str], file: FileDiff) -> list[str]:
    """Return the old lines with the change made to them, by the numbers of its lines."""
    gone = {line.old for hunk in file.hunks for line in hunk.lines if line.kind == "-"}
    kept = iter([line for number, line in enumerate(before, 1) if number not in gone])
    came = {line.new: line.text.removesuffix("\r") for hunk in file.hunks for line in hunk.lines if line.kind == "+"}
    return [
        came[number] if number in came else next(kept) for number in range(1, len(before) - len(gone) + len(came) + 1)
    ]


@pytest.mark.parametrize(("old", "new"), [("", "\r"), ("\r", "")])
def test_three_lines_of_forty_are_left(old: str, new: str) -> None:
    """Between two real changes far apart lies nothing; each has its context and its own numbers."""
    after = [*LINES[:9], "line ten", *LINES[10:30], "more", *LINES[30:]]
    file = ignore_line_ending_changes(changed(ended(LINES, old), ended(after, new)).files[0])
    rows = [[f"{line.old} {line.new} {line.kind}{line.text.strip()}" for line in hunk.lines] for hunk in file.hunks]
    assert rows[0][2:6] == ["9 9  line 9", "10 None -line 10", "None 10 +line ten", "11 11  line 11"]
    assert "None 31 +more" in rows[1]
    assert [(hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count) for hunk in file.hunks] == [
        (7, 7, 7, 7),
        (28, 6, 28, 7),
    ]


def test_a_file_of_which_nothing_else_changed_is_named_and_not_paid_for() -> None:
    """It is skipped with that reason, and no prompt is made of it."""
    files, skipped = select(changed(LINES, ended(LINES, "\r")), ReviewSettings())
    assert [one.reason for one in skipped] == ["only its line ends changed"]
    assert chunk(files) == ((), ())


@pytest.mark.parametrize(("old", "new"), [("", "\r"), ("\r", "")])
def test_edits_of_a_long_file_are_left(old: str, new: str) -> None:
    """Also where many lines are alike, lines move, and one stands twice: what is left makes the new file of the old."""
    before = [row for number in range(300) for row in (f"def f{number}():", "    return 1", "", "}")]
    edited = [*before[:400], "    more = 2", *before[400:700], *before[706:900], before[1], *before[900:]]
    after = [*edited[:1000], *edited[1040:1100], *edited[1000:1040], *edited[1100:]]
    file = ignore_line_ending_changes(changed(ended(before, old), ended(after, new), context=0).files[0])
    assert [line.removesuffix("\r") for line in applied(ended(before, old), file)] == [
        line.removesuffix("\r") for line in after
    ]
    assert sum(line.kind != " " for hunk in file.hunks for line in hunk.lines) == 1 + 6 + 1 + 2 * 40


@pytest.mark.parametrize("end", ["", "\r"])
def test_a_change_that_keeps_its_line_ends_is_left_alone(end: str) -> None:
    """Of either kind: the file is returned as it is."""
    file = changed(ended(LINES, end), ended([*LINES[:3], "new", *LINES[5:]], end)).files[0]
    assert ignore_line_ending_changes(file) is file


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["", "a", "b", "c", "}"]), max_size=30),
    st.lists(st.sampled_from(["", "a", "b", "c", "}"]), max_size=30),
    st.integers(0, 3),
)
@pytest.mark.slow  # computes for a second
def test_what_is_left_makes_the_new_file_of_the_old(before: list[str], after: list[str], context: int) -> None:
    """For all texts: applied by their numbers, the lines that are left give the new text."""
    for old, new in (("", "\r"), ("\r", "")):
        for file in changed(ended(before, old), ended(after, new), context=context).files:
            left = ignore_line_ending_changes(file)
            assert applied(before, left) == after
            for hunk in left.hunks:
                olds = [line.old for line in hunk.lines if line.old is not None]
                news = [line.new for line in hunk.lines if line.new is not None]
                assert (hunk.old_count, hunk.new_count) == (len(olds), len(news))
                assert olds == list(range(hunk.old_start, hunk.old_start + len(olds))) or not olds
                assert news == list(range(hunk.new_start, hunk.new_start + len(news))) or not news
