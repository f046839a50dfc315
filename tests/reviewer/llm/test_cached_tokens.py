"""What a service says of its cache is read, in each form, and believed only where it can be true."""

from __future__ import annotations

import pytest

from reviewer.llm.usage import Attempt, Usage, attempt_from_json, attempt_to_json, reported_cached_tokens
from reviewer.output.wording import usage_text

SENT = {"prompt_tokens": 100, "completion_tokens": 5}


@pytest.mark.parametrize(
    ("more", "tokens"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 64}}, 64),
        ({"cached_tokens": 64}, 64),
        ({"prompt_cache_hit_tokens": 100}, 100),
        ({"prompt_tokens_details": None, "cached_tokens": 101}, 0),
        ({"cached_tokens": -1}, 0),
        ({"cached_tokens": True}, 0),
        ({"cached_tokens": "64"}, 0),
        ({}, 0),
    ],
)
def test_cached_tokens_are_read(more: dict[str, object], tokens: int) -> None:
    """Never more than the prompt has."""
    assert reported_cached_tokens({**SENT, **more}) == tokens


def test_the_bill_shows_them() -> None:
    """Summed over the calls, also after a checkpoint; nothing is shown where nothing was cached."""
    attempt = Attempt("M", "ok", 100, 5, cached_tokens=64)
    assert attempt_from_json(attempt_to_json(attempt)) == attempt
    older = {name: value for name, value in attempt_to_json(attempt).items() if name != "cached_tokens"}
    assert attempt_from_json(older).cached_tokens == 0
    assert "200 prompt (128 of them cached) and" in usage_text(Usage.of([attempt, attempt]), ["M"])
    assert "100 prompt and" in usage_text(Usage.of([Attempt("M", "ok", 100, 5)]), ["M"])
