"""Secrets that a change adds: reported without the model, without their value, once each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Category, Review
from reviewer.domain.settings import Settings
from reviewer.domain.severity import Confidence, Severity
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.output.formats import FORMATS, Layout
from reviewer.tasks.review import ReviewOptions, review
from reviewer.tasks.verification.added_secrets import MOST_SEARCHES, MOST_SECRETS, added_secrets

TOKEN = "ghp_" + "a1B2c3D4e" * 4
KEY = [
    "-----BEGIN RSA PRIVATE KEY-----",
    *("MIIEow" + "a1B2c3D4" * 7 + "Zz" for _ in range(4)),
    "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==",
    "-----END RSA PRIVATE KEY-----",
]


def change_of(*lines: str, path: str = "src/app.py") -> Change:
    """Return a change of a file of one line, by those lines with their marks."""
    old = sum(not line.startswith("+") for line in lines)
    new = sum(not line.startswith("-") for line in lines)
    body = "".join(f"{line}\n" for line in lines)
    return Change(parse_diff(f"--- a/{path}\n+++ b/{path}\n@@ -1,{old} +1,{new} @@\n{body}"))


def reviewed(change: Change, *found: dict[str, object]) -> tuple[Review, list[Prompt]]:
    """Review the change with a model that reports those findings and confirms all of them."""
    prompts: list[Prompt] = []

    def ask(batch: Sequence[Prompt]) -> list[Reply | ModelError]:
        prompts.extend(batch)
        verdicts = [{"id": n, "verdict": "confirmed", "reason": "r", "case": "c"} for n in range(1, 9)]
        replies = {
            Task.FINDINGS: json.dumps({"summary": "s", "findings": found}),
            Task.VERIFY: json.dumps({"verdicts": verdicts}),
        }
        return [Reply(replies[prompt.task]) for prompt in batch]

    options = ReviewOptions(tests=False, refactorings=False)
    return review(change, Settings(), ask, salt=b"s", options=options), prompts


def test_an_added_secret_is_a_finding_without_a_call_and_without_its_value() -> None:
    """Severity error, on its line, sure, with advice; the falsifier is not asked; no output shows the value."""
    change = change_of(" import os", f'+TOKEN = "{TOKEN}"', " run()")
    done, prompts = reviewed(change)
    (finding,) = done.findings
    assert finding.title == "A secret is added: github token"
    assert (finding.anchor.path, finding.anchor.line, finding.anchor.start_line) == ("src/app.py", 2, None)
    assert (finding.severity, finding.category) == (Severity.ERROR, Category.SECURITY)
    assert finding.confidence is Confidence.HIGH
    assert "Revoke" in finding.body
    assert finding.suggestion is finding.advice is None
    assert [prompt.task for prompt in prompts] == [Task.FINDINGS]
    assert not any(TOKEN[:8] in message.content for prompt in prompts for message in prompt.messages)
    for form in FORMATS.values():
        assert TOKEN[:8] not in form.render(done, change.diff, Layout(title="t", colour=False))


def test_a_private_key_is_one_finding() -> None:
    """However many lines it has."""
    done, _ = reviewed(change_of(" x", *(f"+{line}" for line in KEY)))
    (finding,) = done.findings
    assert finding.title == "A secret is added: private key"
    assert finding.anchor.start_line == 3
    assert finding.anchor.line == 7


@pytest.mark.parametrize(
    "lines",
    [
        (f'-TOKEN = "{TOKEN}"', f"+TOKEN = '{TOKEN}'  # moved"),
        (f' TOKEN = "{TOKEN}"', "+x = 1"),
        (f'-TOKEN = "{TOKEN}"', "+x = 1"),
        ("+TOKEN = 'your-token-here'", " x"),
        ("+TOKEN = os.environ['GITHUB_TOKEN']", " x"),
        ('+password = "changeme"', " x"),
        ("+  value: aB3dE5gH7jK9mN1pQ", " x"),
    ],
)
def test_what_is_not_added_or_no_secret_is_no_finding(lines: tuple[str, ...]) -> None:
    """Secrets that were there before, that go, and placeholders."""
    done, _ = reviewed(change_of(*lines))
    assert done.findings == ()


def test_what_the_model_says_of_it_is_not_said_again() -> None:
    """Findings about the secret on its line are dropped and counted; another defect of that line stays."""
    change = change_of(" import os", f'+run(user, "{TOKEN}")', " run()")
    quote = 'run(user, "[redacted: github token]")'
    place = {"path": "src/app.py", "line": 2, "quote": quote, "severity": "error", "body": "b"}
    same = {**place, "category": "maintainability", "title": "Hard-coded credential in the call"}
    vague = {**place, "category": "security", "title": "Anybody may read it"}
    other = {**place, "category": "bug", "title": "The user may be None"}
    done, prompts = reviewed(change, same, vague, other)
    assert [finding.title for finding in (*done.findings, *done.below)] == [
        "A secret is added: github token",
        "The user may be None",
    ]
    assert [rejected.reason for rejected in done.rejected] == ["duplicate", "duplicate"]
    verify = "".join(prompt.messages[1].content for prompt in prompts if prompt.task is Task.VERIFY)
    assert "The user may be None" in verify
    assert "Hard-coded" not in verify


def test_a_thousand_secrets_are_not_a_thousand_comments() -> None:
    """The first are reported; a note says how many more there are."""
    lines = [f'+T{n} = "ghp_{n:036d}"'.replace("000000", "a1B2c3") for n in range(1000)]
    change = change_of(" x", *lines)
    found = added_secrets(change.diff, change.diff.files)
    assert len(found.findings) == MOST_SECRETS
    assert found.notes == (
        f"Secrets are added in {1000 - MOST_SECRETS} more places; the first {MOST_SECRETS} are reported.",
    )


def test_many_secrets_that_move_are_no_findings() -> None:
    """Also where more move than are looked for in all that is removed: those were secrets there, too."""
    lines = [f'"ghp_{n:036d}"'.replace("000000", "a1B2c3") for n in range(2 * MOST_SEARCHES)]
    change = change_of(" x", *(f"-T = {line}" for line in lines), *(f"+TOKENS += {line}" for line in lines))
    assert added_secrets(change.diff, change.diff.files).findings == ()


def test_it_is_reported_also_where_nothing_else_can_be_paid_for() -> None:
    """The budget holds back model calls only."""
    change = change_of(" import os", f'+TOKEN = "{TOKEN}"', " run()")
    settings = Settings()
    budget = settings.budget.model_copy(update={"per_review_usd": Decimal(0)})
    options = ReviewOptions(cost_per_thousand=Decimal(1))

    def ask(batch: Sequence[Prompt]) -> list[Reply | ModelError]:
        raise AssertionError(batch)

    done = review(change, settings.model_copy(update={"budget": budget}), ask, salt=b"s", options=options)
    assert [finding.title for finding in done.findings] == ["A secret is added: github token"]
