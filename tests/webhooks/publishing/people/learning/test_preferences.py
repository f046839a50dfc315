"""What is learned from dismissals: kinds, preferences, and the edit of a settings file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reviewer.domain.findings import Category, Preference
from reviewer.domain.settings import parse_settings
from reviewer.domain.severity import Severity
from webhooks.publishing.people.learning.dismissed import DismissedFinding
from webhooks.publishing.people.learning.preferences import MOST_PREFERENCES, kinds_of, preferences_of
from webhooks.publishing.people.learning.settings_edit import with_instruction

BASE = DismissedFinding(
    1, "f", "src/a.py", Category.BUG, Severity.WARNING, "Missing check for an empty list", "mona", "callers check",
    "https://github.test/o/r/pull/1#discussion_r1",
)  # fmt: skip
SENTENCE = 'Do not report bug findings such as "A: #1" in src/: \'tis fine.'


def test_few_speak_for_their_files_and_enough_for_their_folder():
    """Two dismissals of a kind are two preferences; with a third one there is one, for the folder that holds all."""
    second = replace(BASE, path="src/x/b.py", title="No check for an empty list here", why="")
    third = replace(
        BASE, path="src/x/c.py", severity=Severity.ERROR, title="Empty list: missing check", why="new reason"
    )
    assert [(one.place, one.count) for one in preferences_of([BASE, second])] == [("src/a.py", 1), ("src/x/b.py", 1)]
    (kind,) = kinds_of([BASE, second, third])
    (preference,) = kind.preferences()
    assert (preference.place, preference.count, preference.severity) == ("src/", 3, Severity.ERROR)
    assert preference.why == "new reason"
    assert kind.key == kinds_of([BASE])[0].key


def test_other_categories_and_titles_are_other_kinds():
    """What only shares its file is not of the kind."""
    others = [replace(BASE, category=Category.SECURITY), replace(BASE, title="Password is written to the log")]
    assert len(kinds_of([BASE, *others])) == 3


def test_paths_at_the_top_speak_for_every_file():
    """Three dismissals without a common folder hold everywhere; three in one file only there."""
    spread = [replace(BASE, path=path) for path in ("a.py", "src/b.py", "lib/c.py")]
    (everywhere,) = preferences_of(spread)
    assert everywhere.place == ""
    assert everywhere.holds_for("any/where.py")
    (file,) = preferences_of([BASE, BASE, BASE])
    assert (file.place, file.holds_for("src/a.py"), file.holds_for("src/a.pyx")) == ("src/a.py", True, False)


def test_a_folder_is_not_a_beginning_of_a_name():
    """`src/` does not hold `srcs/a.py`, and a file is no folder."""
    preference = Preference(Category.BUG, "src/", ("t",), Severity.INFO)
    assert preference.holds_for("src/deep/a.py")
    assert not preference.holds_for("srcs/a.py")


def test_there_is_an_end_to_them():
    """However much was dismissed, so many are kept, those of the most dismissals first."""
    many = [replace(BASE, title=f"word{n}a word{n}b word{n}c", path=f"p{n}.py") for n in range(MOST_PREFERENCES + 20)]
    found = preferences_of([*many, many[-1]])
    assert len(found) == MOST_PREFERENCES
    assert found[0].count == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "tests:\n  suggest: false\n",
        "review:\n",
        "review:  # ours\n    max_comments: 3\n",
        "review:\n  max_comments: 3\n\n\ntests:\n  suggest: false\n",
        "review:\n  instructions: Be kind.\n  max_comments: 3\n",
        "review:\n  instructions: 'Be: kind.'  # really\n",
        'review:\n  instructions: "Be\\nkind."\n',
        "review:\n  instructions: |\n    Be kind.\n\n    Be brief.\n\n  max_comments: 3\n",
        "review:\n  instructions: >-\n    Be kind\n    and brief.\n",
        "review:\n  instructions: Be kind\n    and brief.\n  max_comments: 3\n",
        "review:\n  # no text\n  instructions: |\ntests:\n  suggest: false",
        "review:\n  path_instructions:\n    - path: '*.py'\n      instructions: x\n",
    ],
)
def test_a_sentence_is_added_and_nothing_else_changes(text):
    """In whatever way the file is written: all other settings and all comments stay, and nothing is wrong with it."""
    before, problems = parse_settings(text, "x.yml")
    edited = with_instruction(text, SENTENCE)
    assert edited is not None
    after, new_problems = parse_settings(edited, "x.yml")
    assert new_problems == problems
    assert after.review.instructions.split() == [*before.review.instructions.split(), *SENTENCE.split()]
    assert after.model_copy(update={"review": before.review}) == before
    same = {"instructions": before.review.instructions}
    assert after.review.model_copy(update=same) == before.review
    lost = [line for line in text.split("\n") if line.strip() and line not in edited.split("\n")]
    assert not [line for line in lost if "instructions" not in line and "and brief" not in line]
    assert with_instruction(edited, SENTENCE) is None


@pytest.mark.parametrize(
    "text",
    [
        "review: {max_comments: 3}\n",
        "{review: {max_comments: 3}}\n",
        "'review':\n  max_comments: 3\n",
        "review: &a\n  max_comments: 3\nother: *a\n",
        "review:\n  instructions: [a, b]\n",
        "review:\n  instructions: |2\n     indented\n",
        "review:\n\tmax_comments: 3\n",
        "- a list\n",
        "review: text\n",
        "review:\n  max_comments: 3\nreview:\n  max_comments: 4\n",
    ],
)
def test_where_it_is_not_safe_nothing_is_edited(text):
    """Flow style, anchors, a text that is no mapping, YAML that cannot be read."""
    assert with_instruction(text, SENTENCE) is None
