"""The documentation lists the settings as the classes have them."""

from __future__ import annotations

from reviewer.output.settings_page import settings_table, with_table
from tests.paths import ROOT


def test_the_page_is_up_to_date():
    """`make schema` writes it; every setting has a sentence that says what it means."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert with_table(page) == page
    assert "|  |" not in settings_table()
    assert "| `budget.per_review_usd` | Most that one review may cost | `2` |" in settings_table()
