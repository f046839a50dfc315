"""Which issues a description closes."""

from __future__ import annotations

import pytest

from webhooks.events.linked_issues import closed_by


@pytest.mark.parametrize(
    ("description", "numbers"),
    [
        ("Fixes #12", (12,)),
        ("This closes: #7 and resolves #8.", (7, 8)),
        ("FIXED octo-org/Shop#3", (3,)),
        ("Resolved https://github.com/octo-org/shop/issues/44, closed #44", (44,)),
        ("close #1 fix #2 resolve #3 fixes #4", (1, 2, 3)),
        ("See #12. Prefixes #3. Fixes#4. fixes # 5, fixes #0, fixes #6x", ()),
        ("Fixes other/shop#12 and https://github.com/other/shop/issues/3", ()),
        ("<!-- Fixes #99 --> Fixes #5 <!-- Closes #98", (5,)),
        ("Fixes https://github.com/octo-org/shop/pull/9", ()),
        ("", ()),
    ],
)
def test_closing_words_name_issues_of_the_same_repository(description: str, numbers: tuple[int, ...]) -> None:
    """GitHub's nine words, in any case, before a number, a name with one, or an address; remarks do not count."""
    assert closed_by(description, "octo-org/shop") == numbers


@pytest.mark.parametrize("text", ["fix " * 500_000, "fixes " + "a/" * 500_000, "<!--" * 250_000, "fixes #1" * 100_000])
def test_hostile_descriptions_cost_no_time(text: str) -> None:
    """The search is linear and looks at a page of text."""
    assert len(closed_by(text, "octo-org/shop")) <= 1
