"""From the model's finding to what is posted: how its quote was found decides whether a click is offered."""

from __future__ import annotations

import json

import pytest

from reviewer.domain.change import Change
from reviewer.domain.findings import Finding, QuoteMatch, Review
from reviewer.output.json import to_json
from reviewer.output.text import to_text
from reviewer.tasks.conversation.replies import read_findings
from reviewer.tasks.verification.candidates import candidates, with_proofs
from tests.reviewer.tasks.verification.test_quote_neighbours import added

CODE = "def check(limit):\n    if limit < 3:\n        return limit\n    raise ValueError(limit)\n"


def placed(text: str, quote: str, suggestion: str, line: int = 2, path: str = "a.py") -> Finding:
    """Return the finding that a reply with this quote and suggestion becomes."""
    item = {"path": "a.py", "line": line, "quote": quote, "title": "wrong limit", "suggestion": suggestion}
    change = Change(added({path: text}))
    findings, rejected = candidates(change, [read_findings(json.dumps({"findings": [item]}))])
    assert rejected == ()
    return with_proofs(change, findings)[0]


def test_an_exact_quote_gets_its_click() -> None:
    """As before."""
    finding = placed(CODE, "    if limit < 3:", "    if limit < 4:")
    assert (finding.match, finding.suggestion, finding.why_advice) == (QuoteMatch.EXACT, "    if limit < 4:", "")


@pytest.mark.parametrize(
    ("quote", "suggestion", "match", "advice"),
    [
        ("    if limit &lt; 3:", "    if limit &lt;= 3:", QuoteMatch.DECODED, "    if limit <= 3:"),
        (
            "    if limit < 3:\\n        return limit",
            "    if x:\\n        y",
            QuoteMatch.DECODED,
            "    if x:\n        y",
        ),
        ("limit < 3", "limit <= 3", QuoteMatch.PART, "limit <= 3"),
        ("    if limit < 3:\n        return 7", "    if limit <= 3:", QuoteMatch.ONE_LINE, "    if limit <= 3:"),
    ],
)
def test_a_quote_that_is_not_its_lines_gets_advice(quote: str, suggestion: str, match: QuoteMatch, advice: str) -> None:
    """What was escaped once too often is shown as it was meant; what is a part of a line is no whole line."""
    finding = placed(CODE, quote, suggestion)
    assert (finding.match, finding.suggestion, finding.advice) == (match, None, advice)
    assert finding.why_advice


ARGUMENTS = "pay(\n    total(\n        cart,\n    ),\n    now(),\n)\n"


@pytest.mark.parametrize(
    ("quote", "suggestion", "expected"),
    [
        (
            "    total(\n        cart,\n    )",
            "    total(\n        basket,\n    )",
            "    total(\n        basket,\n    ),",
        ),
        (
            "    total(\n        cart,\n    )",
            "    total(\n        basket,\n    ),",
            "    total(\n        basket,\n    ),",
        ),
        # Behind a comment, the comma would be a part of it.
        ("    total(\n        cart,\n    )", "    total(basket)  # ours", None),
        # A fence may belong to the document.
        ("    total(\n        cart,\n    )", "```python\n    total(basket)\n```", None),
    ],
)
def test_the_comma_that_quote_and_remedy_lack_is_added(quote: str, suggestion: str, expected: str | None) -> None:
    """Models copy an expression without the comma or semicolon behind it, and write its remedy so too."""
    finding = placed(ARGUMENTS, quote, suggestion, line=4)
    assert finding.suggestion == expected
    assert finding.match is (QuoteMatch.PART if expected is None else QuoteMatch.TIDIED)


def test_windows_line_ends_get_their_click() -> None:
    """The last line's end is the block's own."""
    finding = placed(CODE.replace("\n", "\r\n"), "    if limit < 3:", "    if limit < 4:")
    assert finding.suggestion == "    if limit < 4:\r"


def test_the_outputs_say_how_and_why() -> None:
    """JSON holds how the quote was found and why there is no click; a mark for a secret warns whoever copies it."""
    finding = placed(CODE, "    if limit < 3:", "    if limit < [redacted: password]:")
    review = Review("", findings=(finding,))
    shown = json.loads(to_json(review))["findings"][0]
    assert (shown["quote_match"], shown["suggestion"]) == ("exact", None)
    assert "stands for" in shown["why_advice"]
    assert "was hidden from the model" in " ".join(to_text(review, colour=False, source=added({"a.py": CODE})).split())


@pytest.mark.parametrize(
    ("path", "line", "title", "claim", "kept"),
    [
        ("go.mod", "\ta.b/chroma v2.23.1", "Version v2.23.1 of chroma could not be verified", "", False),
        ("a.tf", '  version = ">= 5.83"', "AWS provider", "Version 5.83 of the provider does not exist.", False),
        ("ci.yml", "  - uses: actions/checkout@v6", "`actions/checkout@v6` is a non-existent version", "", False),
        ("Dockerfile", "FROM python:3.99", "The tag `3.99` has not been released", "", False),
        ("Dockerfile", "FROM python:3.12", "The image is 3.12, but setup.py asks for 3.13", "", True),
        ("ci.yml", "  run: make tag", "The tag does not exist when the job runs twice", "", True),
        ("a.py", "    if version < 1.2:", "A version that does not exist raises KeyError", "", True),
    ],
)
def test_no_version_is_said_not_to_exist(path: str, line: str, title: str, claim: str, *, kept: bool) -> None:
    """Models know no version that is younger than they are. What contradicts itself in the repository is a finding."""
    item = {"path": path, "line": 1, "quote": line, "title": title, "claim": claim}
    change = Change(added({path: f"{line}\n"}))
    findings, rejected = candidates(change, [read_findings(json.dumps({"findings": [item]}))])
    assert bool(findings) is kept
    assert [one.reason for one in rejected] == ([] if kept else ["cannot be known"])
