"""Estimate what a review costs before it is made. Pure."""

from __future__ import annotations

from decimal import Decimal

from reviewer.llm.models import Model

#: A thousand tokens of diff are read by the finder, the falsifier and the test writer, with instructions around them.
_READ_PER_THOUSAND = 4_500

#: ... and are answered, thinking included, with about so many tokens in all.
_WRITTEN_PER_THOUSAND = 2_500


def cost_per_thousand(model: Model) -> Decimal | None:
    """Return the dollars that a thousand tokens of diff are likely to cost in all calls; None: price unknown."""
    return model.cost_usd(_READ_PER_THOUSAND, _WRITTEN_PER_THOUSAND)
