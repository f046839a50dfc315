"""The table of output formats, as the command line uses it."""

from __future__ import annotations

import pytest

from reviewer.domain.findings import Review
from reviewer.output.formats import FORMATS, Layout
from tests.fixtures.factories import finding, small_diff

REVIEW = Review(summary="Adds a loop.", findings=(finding(title="Needless"),), files_reviewed=1)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_a_finding(name: str) -> None:
    """Each row renders, and ends with a newline."""
    text = FORMATS[name].render(REVIEW, small_diff(), Layout())
    assert "Needless" in text
    assert text.endswith("\n")


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.for_people])
def test_formats_for_people_take_a_title(name: str) -> None:
    """The title replaces the headline."""
    text = FORMATS[name].render(REVIEW, small_diff(), Layout(title="Two tests"))
    assert "Two tests" in text
    assert "1 finding " not in text


def test_colours_are_for_terminals() -> None:
    """Only the text has them, and only on request."""
    coloured = {
        name for name, form in FORMATS.items() if "\x1b" in form.render(REVIEW, small_diff(), Layout(colour=True))
    }
    assert coloured == {"text"}
    assert "\x1b" not in FORMATS["text"].render(REVIEW, small_diff(), Layout())
