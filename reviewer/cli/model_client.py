"""Build the model client of a command from the environment, with its price."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from reviewer.cli.console import say
from reviewer.llm.base_url import plain_http_warning
from reviewer.llm.client import Client
from reviewer.llm.client_settings import read_client_settings
from reviewer.llm.errors import BadKey, ModelError
from reviewer.llm.models import model_named
from reviewer.tasks.planning.cost_estimate import cost_per_thousand


def open_client(
    model: str | None, *, needs_key: bool = True, on_wait: Callable[[ModelError, float], object] | None = None
) -> Client:
    """Return the client that the environment describes, or the same for another model. Raises BadKey without a key."""
    settings = read_client_settings(os.environ)
    if needs_key and not settings.key:
        raise BadKey(
            "No key. Set RUNAPI_KEY to your RunAPI key (https://runapi.ai), for example: export RUNAPI_KEY=..."
        )
    if warning := plain_http_warning("RUNAPI_BASE_URL", settings.base_url, "RUNAPI_KEY and code"):
        say(f"warning: {warning}")
    return Client.from_settings(replace(settings, model=model) if model else settings, on_wait=on_wait)


def cost_of(client: Client) -> Decimal | None:
    """Return the estimated dollars for a thousand tokens of diff, None if the model's price is not known."""
    return cost_per_thousand(model_named(client.model, client.prices))
