"""A click gives the true file, or there is nothing to click: true edits of many files, and ways of spoiling them."""

from __future__ import annotations

import random

import pytest

from reviewer.tasks.verification.suggestions import ProvenSuggestion, prove_suggestion
from tests.reviewer.tasks.verification.clicked_files import FILES
from tests.reviewer.tasks.verification.spoilings import spoilt
from tests.reviewer.tasks.verification.true_edits import Edit, clicked, true_edits


def after_click(edit: Edit, suggestion: str) -> str | None:
    """Return the file after a click on what is offered; None if nothing is."""
    head, place = FILES[edit.path], edit.located()
    result = prove_suggestion(place, suggestion, head)
    return clicked(head, place, result.text) if isinstance(result, ProvenSuggestion) else None


@pytest.mark.parametrize("path", FILES)
def test_a_click_on_a_true_edit_gives_the_true_file(path: str) -> None:
    """No sound suggestion is lost, and none is changed."""
    edits = list(true_edits(path, random.Random(path), 15))
    assert len(edits) >= 8
    assert [edit for edit in edits if after_click(edit, "\n".join(edit.new)) != edit.after] == []


@pytest.mark.parametrize("path", FILES)
@pytest.mark.slow
def test_a_click_on_a_spoilt_suggestion_gives_the_true_file_or_is_not_offered(path: str) -> None:
    """What can be mended is mended; what cannot is advice. Some of each file's are mended."""
    chance = random.Random(path)
    wrong, mended = [], 0
    for edit in true_edits(path, chance, 8):
        for kind, suggestion in spoilt(edit, chance):
            result = after_click(edit, suggestion)
            if result is None:
                continue
            mended += result == edit.after
            if result != edit.after:
                wrong.append((kind, edit, suggestion))
    assert wrong == []
    assert mended > 20


def test_there_are_enough_neighbours() -> None:
    """The generated suggestions stay many."""
    count = 0
    for path in FILES:
        chance = random.Random(path)
        count += sum(len(list(spoilt(edit, chance))) for edit in true_edits(path, chance, 3))
    assert count > 1_500
