"""Which replies of people turn a finding down: a table of sentences, and what may not stand beside a refusal."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.paths import ROOT
from webhooks.publishing.people.dismissals import is_dismissal

LINES = (ROOT / "tests" / "samples" / "replies.txt").read_text(encoding="utf-8").splitlines()
REPLIES = [line.split("\t", 1) for line in LINES if line and not line.startswith("#")]

REFUSALS = (
    "won't fix", "not a bug", "this is not a bug", "false positive", "it is a false positive", "FP", "intended",
    "this is intended", "works as intended", "by design", "this is by design", "on purpose", "no bug here",
)  # fmt: skip


def meant(kind: str) -> list[str]:
    """Return the replies of the table that mean that."""
    return [text.replace("\\n", "\n") for meaning, text in REPLIES if meaning == kind]


def test_the_table_is_large_enough() -> None:
    """Hundreds of sentences, of both kinds, each once."""
    assert len({text for _, text in REPLIES}) == len(REPLIES) > 400
    assert {meaning for meaning, _ in REPLIES} == {"open", "dismissed"}
    assert min(len(meant("open")), len(meant("dismissed"))) > 150


@pytest.mark.parametrize("text", meant("dismissed"))
def test_a_refusal_dismisses(text: str) -> None:
    """Short statements, in any spelling, with a reason or without."""
    assert is_dismissal(text)


@pytest.mark.parametrize("text", meant("open"))
def test_anything_else_leaves_the_finding_open(text: str) -> None:
    """Agreement, promises, reports of a repair, questions, doubt, quotes and other talk."""
    assert not is_dismissal(text)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_nothing_is_dismissed_beside_agreement_doubt_or_a_repair(refusal: str) -> None:
    """Before or after the refusal, in a sentence of its own or behind a comma."""
    others = (
        "Good catch", "You are right", "Fixed", "Fixed in 3f2a1bc", "I fixed it", "I'll fix it", "Will fix", "Done",
        "I have changed the loop", "Looking into it", "Not sure", "Maybe", "It is a bug", "This is a real bug",
        "Let me check", "On it", "Agreed", "My bad", "Added a check", "I am going to mend it", "We should fix it",
    )  # fmt: skip
    joined = [
        form for other in others for form in (f"{other}. {refusal}.", f"{refusal}, {other}", f"{refusal}; {other}!")
    ]
    assert [text for text in joined if is_dismissal(text)] == []


@pytest.mark.parametrize("refusal", ["a false positive", "intended", "by design", "on purpose", "intentional"])
def test_a_negated_refusal_is_none(refusal: str) -> None:
    """However the negation is put."""
    denials = (
        "This is not {}", "This isn't {}", "That was never {}", "It is clearly not {}", "I do not think this is {}",
        "Nobody said this is {}", "I doubt this is {}", "This can hardly be {}", "It's not as if this were {}",
        "I wouldn't call that {}", "no, it is not {}", "Not {}", "If this is {}, say so", "Is this {}?",
        "It would be nice if this was {}", "This is {}, or is it not", "Perhaps it is {}",
    )  # fmt: skip
    assert [text.format(refusal) for text in denials if is_dismissal(text.format(refusal))] == []


@pytest.mark.parametrize("refusal", REFUSALS)
def test_politeness_and_reasons_change_nothing(refusal: str) -> None:
    """What people say beside a refusal without taking anything of it back."""
    before = ("", "Thanks. ", "Hm, ", "Sorry, ", "Hello, ", "> it raises\n\n", "@minimax-reviewer: ", "🙂 ")
    after = ("", ".", "!", ": the caller holds the lock", ", the list is never empty", " (see the docs)", " 👍")
    texts = [f"{first}{refusal}{last}" for first, last in itertools.product(before, after)]
    assert [text for text in texts if not is_dismissal(text)] == []
    assert not is_dismissal(f"{refusal} {'x' * 500}"), "whoever writes that much says more"


def test_a_hostile_reply_costs_no_time() -> None:
    """The longest reply that GitHub takes, made of near misses, is read at once."""
    pieces = ("not ", "this is ", "i do not think ", "because ", "a-b-", "won't ", "will ", "i have ", "`x", '"',
              "<!--", "> ", "```\n", "\n", "no ", "is a ", "but ", "...", "'s", "x'd ", "/dismiss ")  # fmt: skip
    started = time.process_time()
    for piece, size in itertools.product(pieces, (399, 65_536)):
        is_dismissal(piece * (size // len(piece)))
    assert time.process_time() - started < 2
