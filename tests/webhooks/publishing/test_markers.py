"""The markers: what older releases wrote is read, what was damaged is no marker, and explanations are kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fixtures.factories import finding, small_diff
from webhooks.publishing.bodies.inline_comments import comment_text
from webhooks.publishing.ledger import entry_of
from webhooks.publishing.markers.finding import finding_marker, fixed_marker, read_finding, read_fixed
from webhooks.publishing.markers.ledger_entries import entry_to_json
from webhooks.publishing.markers.replies import marker_of_tests_comment, marker_of_tests_pull, read_tests_comment
from webhooks.publishing.markers.summary import (
    Ledger,
    marked_test,
    read_shown_tests,
    read_summary_head,
    shown_test,
    summary_markers,
)
from webhooks.publishing.markers.syntax import Marker, pack
from webhooks.publishing.summary import earlier_tests

SHA = "a" * 40
FOLD = "<details>\n<summary>Suggested test: <code>test_a.py</code> (not run)</summary>\n\nx\n\n</details>"


def test_the_explanation_comes_from_the_marker() -> None:
    """Whatever the comment shows around it: a suggestion, a note, an edit."""
    one = finding(body="First.\n\n```suggestion\nnot ours\n```", suggestion="fixed()")
    body = comment_text(one, replace(entry_of(one, small_diff(), inline=True), sha="abcdef1"))
    read = read_finding(body.replace("First.", "Edited."))
    assert read is not None
    assert read.explanation == one.body


def test_an_old_comment_still_has_its_explanation() -> None:
    """Markers without one: the text of the comment up to the suggestion."""
    entry = entry_of(finding(), small_diff(), inline=True)
    data = {name: value for name, value in entry_to_json(entry, is_whole=True).items() if name != "e"}
    marker = f"<!-- reviewer:finding f1 at={entry.place} v1={pack(data)} -->"
    read = read_finding(f"🔴 **error** (bug): T\n\nBecause.\n\n```suggestion\nx\n```\n\n{marker}")
    assert read == replace(entry, explanation="Because.")


def test_a_damaged_finding_is_still_known() -> None:
    """By its fingerprint and its title, wherever the marker was cut."""
    marker = finding_marker(entry_of(finding(), small_diff(), inline=True))
    for cut in (marker[:60], marker[:-4], marker[:-1]):
        read = read_finding(f"🔴 **error** (bug): Boom\n\nText.\n\n{cut}", "a.py", 3)
        assert read is not None, cut
        assert read.fingerprint == "f1"
    assert read_finding("<!-- reviewer:finding") is None


def test_two_kinds_of_comments_with_tests() -> None:
    """A comment on code and a stacked pull request have names of their own; the old name of the first is read."""
    place = "0123456789abcdef"
    assert read_tests_comment(f"x\n{marker_of_tests_comment(place)}") == place
    assert read_tests_comment(f"x\n<!-- reviewer:tests at={place} -->\n") == place
    assert read_tests_comment(marker_of_tests_pull(7, "0" * 32)) == ""
    assert read_tests_comment("<!-- reviewer:tests for=7 job=00 -->") == ""


def test_the_head_of_a_summary() -> None:
    """Only of a whole first line."""
    assert read_summary_head(summary_markers(Ledger(SHA)) + "text") == SHA
    assert read_summary_head(f"> <!-- reviewer:summary head={SHA} -->") == ""
    assert read_summary_head(f"<!-- reviewer:summary -->\nhead={SHA}") == ""
    assert read_fixed(f"Fixed.\n\n{fixed_marker(SHA)}") == SHA


@pytest.mark.parametrize("path", ["test_a.py", "test_b.py"])
def test_suggested_tests_are_kept_or_replaced(path: str) -> None:
    """By the path of their file, in markers of this release and of older ones."""
    old = f"<!-- reviewer:test of=1234 size={len(FOLD)} -->\n{FOLD}"
    new = marked_test(shown_test(FOLD, "1234", "test_a.py"))
    replacement = shown_test(FOLD.replace("test_a.py", path), "9999", path)
    for summary in (old, new):
        kept, dropped = earlier_tests(f"Text\n\n{summary}\n\nmore", [replacement], {"a.py": "1234"})
        assert ([test.markdown for test in kept], dropped) == ([] if path == "test_a.py" else [FOLD], 0)
        assert earlier_tests(summary, [], {"a.py": "other"}) == ([], 1)


def test_what_a_shown_test_holds_is_no_marker() -> None:
    """Its length is told before it."""
    inner = FOLD.replace("\nx\n", f"\n<!-- reviewer:test of=1 size={len(FOLD)} -->\n{FOLD}\n")
    assert [test.markdown for test in read_shown_tests(marked_test(shown_test(inner, "1", "a")))] == [inner]


def test_versions() -> None:
    """Version 1 is written without a number; a newer version than ours is not guessed at."""
    assert Marker("x").write("a", b="c") == "<!-- reviewer:x a b=c -->"
    second = Marker("x", version=2)
    assert second.write() == "<!-- reviewer:x v=2 -->"
    for line, version in (("<!-- reviewer:x -->", 1), ("<!-- reviewer:x v=2 a=b -->", 2)):
        fields = second.read(line)
        assert fields is not None
        assert fields.version == version
    assert second.read("<!-- reviewer:x v=3 -->") is None
    assert second.read("<!-- reviewer:xy -->") is None
    assert second.read("<!-- reviewer:x --> more") is None
