"""The ledger as values: what is a dismissal, what marks keep and survive, which files count as changed."""

from __future__ import annotations

import base64
import time
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewer.diff.model import Side
from reviewer.diff.parser import parse_diff
from reviewer.domain.findings import Category
from reviewer.domain.severity import Severity
from reviewer.tasks.verification.similarity import similar_titles
from tests.fixtures.factories import finding, small_diff
from webhooks.publishing.incremental import changed_blobs, changed_files, digests, file_digest
from webhooks.publishing.ledger import PostedState, Thread, current_ledger, entry_of, outstanding, settle
from webhooks.publishing.markers.finding import finding_marker, read_finding
from webhooks.publishing.markers.ledger_entries import FindingStatus, LedgerEntry
from webhooks.publishing.markers.summary import MAX_LEDGER, Ledger, read_ledger, summary_markers, without_markers
from webhooks.publishing.people.dismissals import is_dismissal


def entry(number: int = 1, **changes: object) -> LedgerEntry:
    """Return an open entry."""
    values: dict[str, object] = {
        "fingerprint": f"{number:016x}", "place": f"{number:016x}", "code": f"{number:012x}", "path": "src/app.py",
        "side": Side.RIGHT, "line": number, "lines": 1, "severity": Severity.ERROR, "category": Category.BUG,
        "title": f"Finding number {number}", "around": f"{number:012x}", "comment_id": number,
    }  # fmt: skip
    return LedgerEntry(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["won't fix", "Won\u2019t fix.", "This is intended", "False positive: see the caller.", "not a bug", "by design!",
     "/dismiss", "> you said\n\nThat is intentional.", "wontfix, see above"],
)  # fmt: skip
def test_people_turn_findings_down(text: str) -> None:
    """The usual words, in short statements."""
    assert is_dismissal(text)


@pytest.mark.parametrize(
    "text",
    ["", "Thanks, fixed!", "Is this intended?", "That is not intended.", "It isn't intentional", "unintended, will fix",
     "> not a bug\n\nIt is one.", "won't fix " + "x" * 500, "never intended", "subintended"],
)  # fmt: skip
def test_other_replies_do_not(text: str) -> None:
    """Thanks, questions, denials, quotes and essays leave a finding open."""
    assert not is_dismissal(text)


def test_a_hostile_reply_costs_no_time() -> None:
    """Sixty thousand characters of near misses are judged at once."""
    start = time.thread_time()
    for text in ("not intended " * 5000, "un" * 30_000, "> " * 30_000, "\n" * 60_000, "not intended " * 30):
        is_dismissal(text)
    assert time.thread_time() - start < 0.5


texts = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(deadline=None)
@given(texts, texts, st.sampled_from(Side), st.sampled_from(Severity), st.sampled_from(FindingStatus))
def test_what_is_written_is_read_back(
    title: str, path: str, side: Side, severity: Severity, status: FindingStatus
) -> None:
    """Whatever stands in title and path, marks and ledger give back what was put in."""
    one = entry(title=title, path=path, side=side, severity=severity, status=status, inline=bool(path), sha="ab" * 20)
    ledger = Ledger("c" * 40, "d" * 40, "o/r#1@x", digests(small_diff().files), (one,))
    assert read_ledger(summary_markers(ledger) + "text") == ledger
    assert without_markers(summary_markers(ledger) + "text\n") == "text"
    body = f"Title\n\n{finding_marker(replace(one, quote=title))}"
    assert read_finding(body) == replace(one, quote=title, status=FindingStatus.OPEN)
    assert "-->" not in finding_marker(one)[:-3]


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_no_ledger(text: str) -> None:
    """Damaged and made-up marks are no memory, and never an error."""
    assert read_ledger(f"<!-- reviewer:summary head=x -->\n<!-- reviewer:ledger v1={text} -->\n") is None
    read_finding(f"<!-- reviewer:finding ab at=cd v1={text} -->")


@pytest.mark.slow  # computes for a second
def test_a_mark_that_unpacks_to_too_much_is_none() -> None:
    """A bomb of a hundred megabytes is not unpacked."""
    bomb = base64.b64encode(zlib.compress(b" " * 100_000_000)).decode()
    start = time.thread_time()
    assert read_ledger(f"<!-- reviewer:summary head=x -->\n<!-- reviewer:ledger v1={bomb} -->\n") is None
    assert time.thread_time() - start < 1


def test_the_ledger_stays_within_its_room() -> None:
    """Three thousand files fit; with a thousand findings the files give way, then what is fixed, then the dismissed."""
    files = frozenset(number.to_bytes(6, "big") for number in range(10**12, 10**12 + 3000))
    fits = read_ledger(summary_markers(Ledger("a" * 40, files=files, entries=tuple(map(entry, range(1, 30))))))
    assert fits is not None
    assert fits.files == files
    statuses = (FindingStatus.FIXED, FindingStatus.DISMISSED, FindingStatus.OPEN)
    many = [entry(n, status=statuses[n % 3], title="word" * 20 + str(n * n)) for n in range(1, 1000)]
    text = summary_markers(Ledger("a" * 40, files=files, entries=tuple(many)))
    assert len(text) <= MAX_LEDGER
    kept = read_ledger(text)
    assert kept is not None
    assert kept.files is None
    kept_statuses = [entry.status for entry in kept.entries]
    assert kept_statuses[:333] == [FindingStatus.OPEN] * 333


HUNK = "--- a/a.py\n+++ b/a.py\n@@ -{0},3 +{0},4 @@ {1}\n one\n+{2}\n two\n three\n"


def test_a_change_is_known_wherever_it_stands() -> None:
    """Other line numbers and another function's name are the same change; another line or file is not."""
    (here,) = parse_diff(HUNK.format(5, "f", "new")).files
    (there,) = parse_diff(HUNK.format(50, "g", "new")).files
    (other,) = parse_diff(HUNK.format(5, "f", "newer")).files
    assert file_digest(here) == file_digest(there) != file_digest(other)
    assert changed_files(parse_diff(HUNK.format(50, "g", "new")), digests([here])).files == ()
    assert changed_files(parse_diff(HUNK.format(5, "f", "newer")), digests([here])).files == (other,)


def test_a_withheld_patch_never_counts_as_reviewed() -> None:
    """GitHub left its hunks out: nobody knows what is in it."""
    diff = parse_diff(HUNK.format(5, "f", "new"))
    missing = replace(diff.files[0], hunks=(), missing=True)
    assert file_digest(missing) is None
    assert changed_files(replace(diff, files=(missing,)), digests([missing])).files == (missing,)


def test_trees_tell_what_changed() -> None:
    """Without digests, a file of the change whose blob is the same at both heads is not read again."""
    diff = parse_diff(HUNK.format(5, "f", "new"))
    assert changed_blobs(diff, {"a.py": "1"}, {"a.py": "1"}).files == ()
    assert changed_blobs(diff, {"a.py": "1"}, {"a.py": "2"}).files == diff.files
    assert changed_blobs(diff, {}, {}).files == diff.files, "a removed file is in neither tree"


def test_an_unlike_finding_at_dismissed_words_elsewhere_is_said() -> None:
    """While the dismissed code stands as it was, an alike finding about other code is another finding."""
    diff = small_diff()
    dismissed = replace(entry_of(finding(), diff, inline=True), status=FindingStatus.DISMISSED)
    other = finding(fingerprint="f2", quote="        log(item)", title="The count is ignored")
    assert [one.fingerprint for one, _ in settle([dismissed], [other], [], diff, head="a" * 40).new] == ["f2"]
    assert settle([dismissed], [finding()], [], diff, head="a" * 40).new == ()


def test_a_finding_listed_before_is_posted_when_there_is_room() -> None:
    """Under the cap it was one line of the summary; said now, it gets its comment."""
    diff = small_diff()
    listed = entry_of(finding(), diff, inline=False)
    after = settle([listed], [finding()], [], diff, head="a" * 40)
    assert [one.fingerprint for one, _ in after.new] == ["f1"]
    assert settle([listed], [], [finding()], diff, head="a" * 40).new == ()


def test_of_two_comments_of_one_finding_the_later_counts() -> None:
    """The earlier one was resolved by us as fixed, the later one says that it is back."""
    one = entry_of(finding(fingerprint="f" * 16), small_diff(), inline=True)
    old = Thread(1, finding_marker(one), resolved_by="us", ours=True)
    new = Thread(2, finding_marker(replace(one, sha="abcdef1")), resolved_by="")
    (now,) = current_ledger(PostedState(threads=(old, new)))
    assert (now.status, now.sha, now.comment_id) == (FindingStatus.OPEN, "abcdef1", 2)


def test_only_code_that_changed_is_judged_again() -> None:
    """The same diff leaves nothing to judge; another one near the code does; what was found again needs no judge."""
    diff = small_diff()
    one = entry_of(finding(), diff, inline=True)
    assert outstanding([one], [], diff) == []
    assert outstanding([replace(one, around="000000000000")], [], diff) != []
    assert outstanding([replace(one, around="000000000000")], [finding()], diff) == []


def test_alike_titles() -> None:
    """Most words in common, not merely one."""
    assert similar_titles("Division by zero for an empty list", "Division by zero when given an empty list")
    assert not similar_titles("Division by zero", "Division of labour is unclear here")
    assert not similar_titles("", "")
