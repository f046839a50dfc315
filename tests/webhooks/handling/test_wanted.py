"""Which pull requests are reviewed without being asked: by their titles and labels."""

from __future__ import annotations

import pytest

from tests.fakes.github import World
from tests.fixtures.scenarios import carry_out, model
from webhooks.handling.handle import JobEnding


def never(_: object) -> list[object]:
    raise AssertionError("the model was asked")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("skip_title: [wip, 'discount codes']", "the title holds 'discount codes'"),
        ("labels: review me", "it has none of the labels review me"),
        ("labels: ['!no review']", "it has the label 'no review'"),
        ("labels: [frontend, '!no review']", "it has the label 'no review'"),
    ],
)
def test_unwanted(github: World, text: str, reason: str) -> None:
    """The check run says why; `/review` has it reviewed all the same."""
    github.label(github.pull, "No Review", by="alice")
    github.label(github.pull, "Frontend", by="alice")
    github.push_to_base(github.repo, {".github/reviewer.yml": f"review:\n  {text}\n"})
    pushed = github.push(github.pull, {"x.py": "x = 1\n"})
    assert carry_out(github, pushed, never).reason == reason  # type: ignore[arg-type]
    github.expect_check("neutral")
    outcome = carry_out(github, github.comment(github.pull, "/review", by="alice"), model())
    assert outcome.state is JobEnding.REVIEWED
    github.forgive()


def test_wanted_and_the_headline(github: World) -> None:
    """Labels match whatever their case; the headline tells how many files of all were reviewed."""
    github.label(github.pull, "Frontend", by="alice")
    github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  labels: [frontend]\n  exclude: ['*.md']\n"})
    pushed = github.push(github.pull, {f"docs/{n}.md": "x\n" for n in range(60)})
    assert carry_out(github, pushed, model()).state is JobEnding.REVIEWED
    body = github.expect_comment("of 66 files reviewed").body
    assert " files: " in body
    assert " and 11 more" in body
    github.forgive()


def test_labels_that_cannot_be_read_stop_the_review(github: World) -> None:
    """They narrow what is reviewed, so nothing is reviewed until they are mended."""
    github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  labels: {a: b}\n"})
    outcome = carry_out(github, github.push(github.pull, {"x.py": "x = 1\n"}), never)  # type: ignore[arg-type]
    assert outcome.state is JobEnding.FAILED
    github.expect_check("failure")
