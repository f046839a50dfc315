"""The cost of asking the model: one `Attempt` per HTTP request, and `Usage`, their sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request to the model, successful or not.

    `outcome` is `ok` or a `ModelError.kind`. `cost_usd` is None if the model's price is not known. `estimated` marks
    figures that we estimated because the reply had no usage. `cached_tokens` are those of the prompt that the service
    read from its cache, as far as it says so.
    """

    model: str
    outcome: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    seconds: float = 0.0
    estimated: bool = False
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a review or a reply cost. `cost_usd` is None if the cost of any part is unknown.

    `cached_tokens` are the part of `prompt_tokens` that the service read from its cache.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Add two usages; an unknown cost makes the sum unknown."""
        cost = None
        if self.cost_usd is not None and other.cost_usd is not None:
            cost = self.cost_usd + other.cost_usd
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            cost,
            self.cached_tokens + other.cached_tokens,
        )

    @classmethod
    def of(cls, attempts: Sequence[Attempt]) -> Usage:
        """Sum the attempts; each counts as one call."""
        total = cls()
        for attempt in attempts:
            total += cls(1, attempt.prompt_tokens, attempt.completion_tokens, attempt.cost_usd, attempt.cached_tokens)
        return total


#: More than any model reads or writes: such a count is made up.
_MOST_TOKENS = 10**9


def reported_tokens(usage: Any) -> tuple[int, int] | None:
    """Return the tokens of prompt and completion that a service reports, None if they are missing or all zero."""
    if not isinstance(usage, dict):
        return None
    sent, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not (isinstance(sent, int) and isinstance(written, int)):
        return None
    if min(sent, written) < 0 or max(sent, written) > _MOST_TOKENS:
        return None
    return (sent, written) if sent or written else None


def reported_cached_tokens(usage: Any) -> int:
    """Return how many tokens of the prompt a service says that it read from its cache, 0 if it says nothing credible.

    In the form of OpenAI (`prompt_tokens_details`), of DeepSeek (`prompt_cache_hit_tokens`), or plainly named.
    """
    if not isinstance(usage, dict) or (reported := reported_tokens(usage)) is None:
        return 0
    details = usage.get("prompt_tokens_details")
    inner = details.get("cached_tokens") if isinstance(details, dict) else None
    for tokens in (inner, usage.get("cached_tokens"), usage.get("prompt_cache_hit_tokens")):
        if isinstance(tokens, int) and not isinstance(tokens, bool) and 0 < tokens <= reported[0]:
            return tokens
    return 0


def reported_thought_tokens(usage: Any) -> int:
    """Return the tokens of the thinking that a service reports, 0 if it does not."""
    details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    tokens = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return tokens if isinstance(tokens, int) and 0 <= tokens <= _MOST_TOKENS else 0


def attempt_to_json(attempt: Attempt) -> dict[str, Any]:
    """Return the attempt as JSON values, for a checkpoint or a ledger."""
    return {
        "model": attempt.model,
        "outcome": attempt.outcome,
        "prompt_tokens": attempt.prompt_tokens,
        "completion_tokens": attempt.completion_tokens,
        "cost_usd": None if attempt.cost_usd is None else str(attempt.cost_usd),
        "seconds": attempt.seconds,
        "estimated": attempt.estimated,
        "cached_tokens": attempt.cached_tokens,
    }


def attempt_from_json(value: dict[str, Any]) -> Attempt:
    """Return the attempt from what `attempt_to_json` returned."""
    cost = value["cost_usd"]
    return Attempt(**{**value, "cost_usd": None if cost is None else Decimal(cost)})
