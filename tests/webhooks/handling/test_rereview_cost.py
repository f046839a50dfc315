"""What a push costs: the tokens of a second review, as the model's double counts them."""

from __future__ import annotations

import pytest

from reviewer.llm.client import Client
from tests.fakes.github import default_world
from tests.fakes.model import FakeModel
from tests.fixtures.scenarios import carry_out, open_large_pull, script_large
from webhooks.handling.handle import JobOutcome

pytestmark = pytest.mark.slow


def test_a_push_of_one_file_costs_a_fifth_of_the_first_review_at_most() -> None:
    """Twenty changed files, then one of them changed again: at most 20 % of the first review's prompt tokens."""
    with default_world(strict=False) as github, FakeModel() as model:
        script_large(model)
        github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  max_comments: 10\n"})
        opened, again = open_large_pull(github)
        with Client(key=model.key, base_url=model.base_url) as client:
            first = carry_out(github, opened, client.ask)
            second = carry_out(github, again(), client.ask)
        assert (_fresh(first), _fresh(second)) == (20, 1)
        assert _tokens(first) > 20_000
        assert _tokens(second) <= 0.2 * _tokens(first)
        assert second.review is not None
        assert len(second.review.findings) == 10, "the findings of the other files stand"


def _tokens(outcome: JobOutcome) -> int:
    assert outcome.review is not None
    return outcome.review.usage.prompt_tokens


def _fresh(outcome: JobOutcome) -> int:
    assert outcome.review is not None
    return outcome.review.files_reviewed
