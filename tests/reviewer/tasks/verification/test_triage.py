"""Each defect once, the worst first, and a stable identity."""

from __future__ import annotations

from dataclasses import replace

from reviewer.diff.parser import parse_diff
from reviewer.domain.findings import Category, Finding, Preference
from reviewer.domain.settings import ReviewSettings
from reviewer.domain.severity import Confidence, Severity
from reviewer.tasks.verification.fingerprints import fingerprint, place_digest
from reviewer.tasks.verification.triage import deduplicate, triage, unwanted_note, without_unwanted

DIFF = parse_diff(b"--- a/a.py\n+++ b/a.py\n@@ -0,0 +1,9 @@\n" + b"".join(b"+line%d\n" % n for n in range(1, 10)))


def finding(line: int, title: str = "Wrong", **more: object) -> Finding:
    """Return a finding at that line."""
    anchor = DIFF.anchor("a.py", line)
    assert anchor is not None
    quote = f"line{line}"
    made = Finding(
        anchor, Severity.WARNING, Category.BUG, title, "", quote, Confidence.HIGH,
        fingerprint("a.py", Category.BUG, quote, title),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def test_fingerprints_ignore_numbers_space_and_case() -> None:
    """A rebase, a reindent and a differently punctuated title leave the identity alone; other code does not."""
    one = fingerprint("a.py", Category.BUG, "    x = 1", "Off by one!")
    assert one == fingerprint("a.py", Category.BUG, "\tx  =  1", "off by one")
    assert one != fingerprint("a.py", Category.BUG, "x = 2", "Off by one!")
    assert one != fingerprint("b.py", Category.BUG, "x = 1", "Off by one!")
    assert place_digest("a.py", " x = 1") == place_digest("a.py", "x = 1 ") != place_digest("b.py", "x = 1")


def test_one_defect_is_kept_once() -> None:
    """Same place and category, or the same words on overlapping lines, are one; the worse one stays."""
    worse = finding(3, "List index out of range", severity=Severity.ERROR)
    kept, rejected = deduplicate([finding(3, "Index error on the list"), worse, finding(4, "List index out of range")])
    assert [(one.anchor.line, one.severity) for one in kept] == [(3, Severity.ERROR), (4, Severity.WARNING)]
    assert [one.reason for one in rejected] == ["duplicate"]
    both, _ = deduplicate([finding(3, "Leaks the handle"), finding(3, "Query injection", category=Category.SECURITY)])
    assert len(both) == 2


def test_of_two_that_say_the_same_the_remedy_is_kept() -> None:
    """The milder one takes the place and severity of the other; nothing is lost where it is about something else."""
    worse = finding(3, "Buffer overflow when the name is long", severity=Severity.ERROR)
    mild = finding(3, "Overflow of the buffer by a long name", advice="copy(name, 9)", category=Category.SECURITY)
    kept, rejected = deduplicate([worse, mild])
    assert [(one.title, one.severity, one.advice) for one in kept] == [(mild.title, Severity.ERROR, "copy(name, 9)")]
    assert [one.title for one in rejected] == [worse.title]
    other = finding(3, "A typing error in the message", advice="x")
    assert [one.title for one in deduplicate([worse, other])[0]] == [worse.title]
    sure = [replace(worse, confidence=Confidence.HIGH), replace(mild, confidence=Confidence.LOW)]
    assert [one.title for one in deduplicate(sure)[0]] == [worse.title]


def test_equal_code_at_two_places_stays_two_findings() -> None:
    """The second gets an identity of its own, so that neither hides the other."""
    same = {"quote": "x", "fingerprint": "0123456789abcdef"}
    kept, _ = deduplicate([finding(2, **same), finding(7, **same)])
    assert [one.fingerprint for one in kept] == ["0123456789abcdef", "0123456789abcdef-2"]


def test_the_line_is_drawn_by_severity_confidence_and_caps() -> None:
    """What falls under the line is kept there, in order."""
    settings = ReviewSettings(severity=Severity.WARNING, max_comments=2, max_refactorings=0)
    result = triage(
        [
            finding(1, "a b c"),
            finding(2, "d e f", severity=Severity.INFO),
            finding(3, "g h i", confidence=Confidence.LOW, severity=Severity.ERROR),
            finding(4, "j k l", severity=Severity.ERROR),
            finding(5, "m n o"),
            finding(6, "p q r", category=Category.REFACTORING),
        ],
        settings,
    )
    assert [one.anchor.line for one in result.findings] == [4, 1]
    assert [one.anchor.line for one in result.below] == [3, 5, 2, 6]


def unwanted(**more: object) -> Preference:
    return replace(Preference(Category.BUG, "a.py", ("The list may be empty",), Severity.WARNING), **more)  # type: ignore[arg-type]


def test_the_finders_number_holds_back_only_within_bounds() -> None:
    """A number counts for its preference's files, category and severity; another number, or none that is known, not."""
    wrong = finding(1, "An empty input is not caught", preference=2)
    preferences = [unwanted(place="b.py"), unwanted()]
    kept, stopped = without_unwanted([wrong], preferences)
    assert (kept, [one.reason for one in stopped]) == ([], ["not wanted"])
    assert "The list may be empty" in stopped[0].detail
    for bounds in ({"place": "b.py"}, {"category": Category.SECURITY}, {"severity": Severity.INFO}):
        assert without_unwanted([wrong], [unwanted(place="b.py"), unwanted(**bounds)])[0] == [wrong]
    for number in (0, 1, 3, -1, 10**8):
        assert without_unwanted([replace(wrong, preference=number)], preferences)[0] != []


def test_a_title_that_says_the_same_holds_back_without_a_number() -> None:
    """Also one in other words; and what is held back is counted in a note."""
    same = [finding(1, "List may be empty here"), finding(2, "The list may be empty")]
    kept, stopped = without_unwanted([*same, finding(3, "Password is logged")], [unwanted()])
    assert [one.title for one in kept] == ["Password is logged"]
    assert unwanted_note(stopped)[0].startswith("2 findings are not shown")
    assert unwanted_note(stopped[:1])[0].startswith("1 finding is not shown")
    assert unwanted_note(()) == []
