"""Estimate what a review costs before it is made. Pure."""

from __future__ import annotations

from decimal import Decimal

from reviewer.llm.models import Model

#: Tokens read for a thousand tokens of diff, by finder, falsifier and test writer together, instructions included.
_READ_PER_THOUSAND = 4_500

#: Tokens that all of them answer, thinking included.
_WRITTEN_PER_THOUSAND = 2_500


def read_tokens(tokens: int) -> int:
    """Return how many tokens all calls together are likely to read for so many tokens of diff."""
    return tokens * _READ_PER_THOUSAND // 1000


def cost_per_thousand(model: Model) -> Decimal | None:
    """Return the dollars that a thousand tokens of diff are likely to cost in all calls; None: price unknown."""
    return model.cost_usd(_READ_PER_THOUSAND, _WRITTEN_PER_THOUSAND)
