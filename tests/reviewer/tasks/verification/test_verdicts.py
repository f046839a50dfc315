"""What verdicts make of a claim."""

from __future__ import annotations

import pytest

from reviewer.domain.findings import Category, Finding, Rejected
from reviewer.domain.severity import Confidence, Severity
from reviewer.tasks.conversation.replies import RawVerdict
from reviewer.tasks.verification.verdicts import apply_verdicts, is_confirmed
from tests.fixtures.factories import finding


def said(verdict: str, **more: object) -> RawVerdict:
    return RawVerdict.model_validate({"id": 1, "verdict": verdict, **more})


@pytest.mark.parametrize("reason", ["", "r", "Confirmed.", "`mean([])` divides by zero in line 3."])
def test_a_plain_confirmation_is_believed(reason: str) -> None:
    """All but the verdict is optional: models leave fields out, and that is no reason to lose a defect."""
    assert is_confirmed(said("confirmed", reason=reason))
    assert is_confirmed(said("confirmed", reason=reason, case=None, severity=None, refuted_if=None))


@pytest.mark.parametrize("case", ["", " ", "none", "N/A", "-"])
def test_an_empty_case_is_no_confirmation(case: str) -> None:
    """Whoever is asked for the failing case and leaves it empty has none; of a refactoring none is asked."""
    assert not is_confirmed(said("confirmed", case=case, reason="It fails."))
    assert is_confirmed(said("confirmed", case=case, reason="It does the same."), Category.REFACTORING)


@pytest.mark.parametrize(
    "reason",
    [
        "The list might be empty.",
        "It could potentially overflow.",
        "It fails if `items` is not checked elsewhere.",
        "It raises unless None is ruled out by the caller.",
        "Whether the lock is held is not shown here.",
        "Possibly a race.",
    ],
)
def test_hedging_is_no_confirmation_unless_there_is_a_case(reason: str) -> None:
    """Words that leave it open say `uncertain`; a concrete case outweighs them."""
    assert not is_confirmed(said("confirmed", reason=reason))
    assert is_confirmed(said("confirmed", reason=reason, case="mean([])"))


def test_one_judge_decides_alone() -> None:
    """Confirmed is sure, refuted is dropped, anything else is doubtful."""
    claim = finding(confidence=Confidence.LOW)
    sure = apply_verdicts(claim, [said("confirmed")])
    assert isinstance(sure, Finding)
    assert sure.confidence is Confidence.HIGH
    dropped = apply_verdicts(claim, [said("refuted", reason="checked in line 2")])
    assert dropped == Rejected("refuted", claim.anchor.path, claim.title, "checked in line 2")
    for doubtful in ([said("uncertain")], [None], [], [said("perhaps")]):
        left = apply_verdicts(claim, doubtful)
        assert isinstance(left, Finding)
        assert left.confidence is Confidence.LOW


def test_two_judges_must_agree() -> None:
    """Both confirm: sure. Both refute: dropped. They differ: doubtful. One is missing: less sure."""
    claim = finding(confidence=Confidence.LOW)
    yes, no, open_ = said("confirmed"), said("refuted"), said("uncertain")
    levels = {(yes, yes): Confidence.HIGH, (yes, no): Confidence.LOW, (no, yes): Confidence.LOW,
              (yes, open_): Confidence.LOW, (yes, None): Confidence.MEDIUM, (None, yes): Confidence.MEDIUM}  # fmt: skip
    for verdicts, confidence in levels.items():
        left = apply_verdicts(claim, verdicts)
        assert isinstance(left, Finding)
        assert left.confidence is confidence, verdicts
    assert isinstance(apply_verdicts(claim, [no, no]), Rejected)
    assert isinstance(apply_verdicts(claim, [no, None]), Rejected)


def test_a_verdict_lowers_the_severity_and_never_raises_it() -> None:
    """The least that anybody who confirms says of it holds."""
    claim = finding(severity=Severity.WARNING)
    for word, expected in (("info", "info"), ("minor", "info"), ("error", "warning"), ("dunno", "warning")):
        left = apply_verdicts(claim, [said("confirmed", severity=word), said("confirmed")])
        assert isinstance(left, Finding)
        assert left.severity.value == expected


def test_long_reasons_cost_no_time() -> None:
    """A hostile reason is looked at only at its front."""
    assert is_confirmed(said("confirmed", reason="if " * 500_000))
