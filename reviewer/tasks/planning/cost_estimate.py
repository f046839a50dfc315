"""Estimate what a review costs before it is made. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reviewer.llm.messages import Prompt
from reviewer.llm.models import Model, planned_tokens

#: Tokens read for a thousand tokens of diff, by finder, falsifier and test writer together, instructions included.
_READ_PER_THOUSAND = 4_500

#: Tokens that all of them answer, thinking included.
_WRITTEN_PER_THOUSAND = 2_500

#: Tokens that one call is likely to answer, thinking included.
_WRITTEN_PER_CALL = 2_000


def read_tokens(tokens: int) -> int:
    """Return how many tokens all calls together are likely to read for so many tokens of diff."""
    return tokens * _READ_PER_THOUSAND // 1000


def cost_per_thousand(model: Model) -> Decimal | None:
    """Return the dollars that a thousand tokens of diff are likely to cost in all calls; None: price unknown."""
    return model.cost_usd(_READ_PER_THOUSAND, _WRITTEN_PER_THOUSAND)


def cost_of_calls(models: Sequence[Model], prompts: Sequence[Prompt]) -> Decimal | None:
    """Return the dollars that the calls are likely to cost with the first model; None: a model's price is unknown."""
    if any(model.price is None for model in models):
        return None
    texts = (sum(planned_tokens(message.content) for message in prompt.messages) for prompt in prompts)
    costs = (models[0].cost_usd(tokens, min(_WRITTEN_PER_CALL, models[0].reply_limit)) for tokens in texts)
    return sum((cost for cost in costs if cost is not None), Decimal(0))
