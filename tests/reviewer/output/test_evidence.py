"""Evidence of runs in each form: the badge, the command, the failing lines, the fix; and nothing that steers a page."""

from __future__ import annotations

import json
from dataclasses import replace

from reviewer.domain.demonstrations import (
    Demonstration,
    DemonstrationGate,
    FindingEvidence,
    FixDemonstration,
    FixedFile,
    FixGate,
    StoppedDemonstration,
)
from reviewer.domain.findings import Finding, Review
from reviewer.output.html import to_html
from reviewer.output.json import to_json
from reviewer.output.markdown import to_markdown
from reviewer.output.sarif import to_sarif
from reviewer.output.text import to_text
from tests.fixtures.factories import small_diff
from tests.reviewer.output.test_forms import full_review

HOSTILE = "assert 1 == 2\n<!-- reviewer:summary --> </details> @everyone ghp_" + "a1B2" * 9 + "\x1b[31m"
SHOWN = Demonstration(
    path="tests/test_claim.py", code="def test_it():\n    assert f() == 2\n",
    command="python -m pytest tests/test_claim.py", failure=HOSTILE, runs=3, worked_before=True, reason="promised",
)  # fmt: skip
FIX = FixDemonstration((FixedFile("a.py", "x\n", "y\n"),), "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n+y\n", tests=214)


def review_with(evidence: FindingEvidence) -> tuple[Review, Finding]:
    first, *others = full_review().findings
    finding = replace(first, evidence=evidence)
    return replace(full_review(), findings=(finding, *others)), finding


def test_each_form_shows_what_was_demonstrated() -> None:
    """Terminal, Markdown and page show the same; JSON and SARIF hold it as data. Secrets are hidden in all of them."""
    review, _ = review_with(FindingEvidence(SHOWN, FIX))
    diff = small_diff()
    text, page = to_text(review, colour=False, source=diff), to_html(review, diff)
    markdown, data = to_markdown(review, diff), json.loads(to_json(review))["findings"][0]["evidence"]
    for shown in (text, markdown, page):
        assert "fails in 3 of 3 runs; worked before this change" in shown
        assert "fixes it; 214 tests still pass" in shown
        assert "python -m pytest tests/test_claim.py" in shown
        assert "ghp_a1B2" not in shown
    assert "\x1b" not in text
    assert "<!-- reviewer" not in page
    assert data["fix"] == {
        "line": "fixes it; 214 tests still pass", "patch": FIX.patch, "tests": 214, "limit": None, "paths": ["a.py"],
        "one_click": False,
    }  # fmt: skip
    assert data["worked_before"] is True
    result = json.loads(to_sarif(review, diff))["runs"][0]["results"][0]
    assert result["properties"]["evidence"] == data


def test_each_form_names_the_gate_that_stopped_it() -> None:
    stopped = StoppedDemonstration(DemonstrationGate.COLLECTS, "No module named `shop`.")
    broken = StoppedDemonstration(FixGate.KEEPS, "It breaks `test_a`, which passed before.")
    review, _ = review_with(FindingEvidence(stopped=stopped, fix_stopped=broken))
    for shown in (to_text(review, colour=False, source=small_diff()), to_html(review, small_diff())):
        assert "Not demonstrated (collects): No module named `shop`." in shown
        assert "The suggestion was run: It breaks `test_a`, which passed before." in shown
    assert json.loads(to_json(review))["findings"][0]["evidence"]["stopped"]["gate"] == "collects"


def test_the_line_is_true_to_the_digit() -> None:
    """One test passes, several pass, none was run, and what was not counted is said."""
    assert replace(FIX, tests=1).line == "fixes it; 1 test still passes"
    assert replace(FIX, tests=0).line == "fixes it; no other test was run"
    assert replace(FIX, limit="2 failed before and are not counted").line.endswith(
        "214 tests still pass (2 failed before and are not counted)"
    )
    assert SHOWN.line == "fails in 3 of 3 runs; worked before this change"
