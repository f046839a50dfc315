"""The models: their context window and price, and estimates of the tokens of a text.

A price that is not published is None, never a guess. Never makes a call.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from reviewer.errors import SettingsError
from reviewer.llm.defaults import DEFAULT_MODEL

_MILLION = Decimal(1_000_000)

# A prompt that may fill more than this part of the window is not sent: the estimate below is not a tokenizer.
_USABLE = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens: `prompt` for tokens sent, `completion` for tokens written, thinking included.

    `cached` is for tokens of the prompt that the service read from its cache; None: it is not known, so they count in
    full.
    """

    prompt: Decimal
    completion: Decimal
    cached: Decimal | None = None

    def cost_usd(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> Decimal:
        """Return the exact cost of a call in USD; `cached_tokens` are a part of `prompt_tokens`."""
        cached = self.prompt if self.cached is None else self.cached
        sent = self.prompt * (prompt_tokens - cached_tokens) + cached * cached_tokens
        return (sent + self.completion * completion_tokens) / _MILLION


@dataclass(frozen=True, slots=True)
class Model:
    """One model id as the service spells it.

    `window` is the context in tokens, prompt and reply together. `reply_limit` is the largest `max_tokens` to send.
    `price` is None if it is not known. `listed` says whether RunAPI lists the id.
    """

    id: str
    window: int
    reply_limit: int
    price: Price | None
    listed: bool = True

    def fits(self, text: str, max_tokens: int) -> bool:
        """Whether a prompt with that text and a reply of `max_tokens` certainly fit the window."""
        return most_tokens(text) + max_tokens <= self.window * _USABLE

    def cost_usd(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> Decimal | None:
        """Return the cost of a call in USD, None if the price is not known."""
        return None if self.price is None else self.price.cost_usd(prompt_tokens, completion_tokens, cached_tokens)


def _flat(per_thousand: str) -> Price:
    """Return the price of a model for which RunAPI lists one figure per 1,000 tokens, sent or written."""
    per_million = Decimal(per_thousand) * 1000
    return Price(per_million, per_million)


# RunAPI lists 200K of context for the M2 family; MiniMax documents 204,800, hosts of the open weights expose 196,608.
# 65,536 is the reply limit that MiniMax recommends for it (131,072 for M3); not all hosts accept higher ones.
_M2_WINDOW, _M2_REPLY = 200_000, 65_536

#: What RunAPI lists at https://runapi.ai/models, by id.
LISTED: Mapping[str, Model] = MappingProxyType(
    {
        model.id: model
        for model in (
            Model("MiniMax-M2.1", _M2_WINDOW, _M2_REPLY, Price(Decimal("0.15"), Decimal("0.60"))),
            Model("MiniMax-M2", _M2_WINDOW, _M2_REPLY, _flat("0.010")),
            Model("MiniMax-M2.5", _M2_WINDOW, _M2_REPLY, _flat("0.010")),
            Model("MiniMax-M2.5-highspeed", _M2_WINDOW, _M2_REPLY, _flat("0.020")),
            Model("MiniMax-M2.7", _M2_WINDOW, _M2_REPLY, _flat("0.010")),
            Model("MiniMax-M2.7-highspeed", _M2_WINDOW, _M2_REPLY, _flat("0.020")),
            Model("MiniMax-M3", 1_000_000, 131_072, _flat("0.010")),
        )
    }
)

# For ids that are not listed: small enough for every current model.
_UNLISTED_WINDOW, _UNLISTED_REPLY = 128_000, 16_384

#: The user has set no prices.
NO_PRICES: Mapping[str, Price] = MappingProxyType({})


def model_named(model_id: str, prices: Mapping[str, Price] = NO_PRICES) -> Model:
    """Return the model with that id. `prices` are the user's own and take precedence over the list."""
    model = LISTED.get(model_id) or Model(model_id, _UNLISTED_WINDOW, _UNLISTED_REPLY, None, listed=False)
    return replace(model, price=prices[model_id]) if model_id in prices else model


def parse_prices(text: str) -> dict[str, Price]:
    """Parse `REVIEWER_PRICES`: `MODEL=IN/OUT,MODEL=IN:CACHED/OUT`, USD per million tokens; a blank text has no prices.

    Raises SettingsError, naming the entry and what to write instead.
    """
    prices: dict[str, Price] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        # Ids may contain a slash (`vendor/model`), so the prices are the text after the last `=`.
        model_id, equals, figures = (part.strip() for part in entry.rpartition("="))
        sent, slash, written = figures.partition("/")
        sent, colon, cached = sent.partition(":")
        if not (model_id and equals and slash):
            raise _bad_price(entry, "it is not MODEL=IN/OUT")
        if model_id in prices:
            raise _bad_price(entry, f"{model_id} has two prices")
        prices[model_id] = Price(_usd(sent, entry), _usd(written, entry), _usd(cached, entry) if colon else None)
    return prices


def _usd(figure: str, entry: str) -> Decimal:
    try:
        value = Decimal(figure.strip())
    except InvalidOperation:
        raise _bad_price(entry, f"{figure.strip()!r} is not a number") from None
    if not value.is_finite() or value < 0:
        raise _bad_price(entry, f"{figure.strip()!r} is not a price")
    return value


def _bad_price(entry: str, why: str) -> SettingsError:
    return SettingsError(
        f"REVIEWER_PRICES cannot be read at {entry!r}: {why}. "
        f"Write USD per million tokens in and out for each model, for example {DEFAULT_MODEL}=0.15/0.60,Other=1/2"
    )


def planned_tokens(text: str) -> int:
    """Estimate the tokens of a text for planning and budgets: a third of its UTF-8 bytes, rounded up.

    MiniMax's vocabulary is not on PyPI. Code measures 3.2 to 4.6 bytes a token, prose 3.6, so this errs upwards.
    """
    return math.ceil(_utf8_bytes(text) / 3)


def most_tokens(text: str) -> int:
    """Estimate the tokens of a dense text, to decide whether it may be sent at all: 2.5 bytes each, rounded up."""
    return math.ceil(_utf8_bytes(text) / 2.5)


def _utf8_bytes(text: str) -> int:
    # Lines that are not UTF-8 carry lone surrogates, which a plain encode refuses.
    return len(text.encode("utf-8", "surrogatepass"))
