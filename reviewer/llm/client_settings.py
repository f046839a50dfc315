"""Read the settings of the model client from environment variables: key, base URL, model, fallbacks and prices.

The command line, the Action and the App all read them here and then call `Client.from_settings`. Imports no HTTP
library, so that a process that only accepts deliveries need not load one. A missing key is not an error here: each
entry has its own words for it, since a person sets it in a shell, a workflow or a service.

A file for `docker --env-file` keeps quotes, a secret store adds a line end, Kubernetes shows its secrets in base64.
What can be nothing else is taken off; what cannot be a key is refused with what to do, and its value is not shown.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from reviewer.errors import SettingsError
from reviewer.llm.base_url import check_base_url
from reviewer.llm.defaults import DEFAULT_BASE_URL, DEFAULT_MODEL
from reviewer.llm.models import Price, parse_prices

#: A key: what may stand in a header without quotes. Bounded, since a key is one line of text.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=:@-]{16,4096}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{20,8192}={0,2}")
_PREFIX = r"(?:export +)?{name} *= *|(?:authorization: *)?bearer +"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """What a model client needs. `key` is empty where RUNAPI_KEY is not set; it does not show in `repr`."""

    key: str = field(default="", repr=False)
    base_url: str = DEFAULT_BASE_URL
    model: str = DEFAULT_MODEL
    fallback_models: tuple[str, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)


def read_client_settings(environ: Mapping[str, str]) -> ClientSettings:
    """Read RUNAPI_KEY, RUNAPI_BASE_URL, REVIEWER_MODEL, REVIEWER_FALLBACK_MODELS and REVIEWER_PRICES.

    A blank variable counts as missing, and a missing one has its default. Quotes around a value are taken off. Raises
    one SettingsError with a line for each variable that is wrong.
    """
    names = ("RUNAPI_KEY", "RUNAPI_BASE_URL", "REVIEWER_MODEL", "REVIEWER_FALLBACK_MODELS", "REVIEWER_PRICES")
    values = {name: text for name in names if (text := unquoted(environ.get(name, "")))}
    problems: list[str] = []
    key = ""
    base_url = DEFAULT_BASE_URL
    prices: Mapping[str, Price] = {}
    try:
        base_url = check_base_url(values.get("RUNAPI_BASE_URL", DEFAULT_BASE_URL))
    except SettingsError as error:
        problems.append(str(error))
    try:
        key = read_key("RUNAPI_KEY", values.get("RUNAPI_KEY", ""))
    except SettingsError as error:
        problems.append(str(error))
    try:
        prices = parse_prices(values.get("REVIEWER_PRICES", ""))
    except SettingsError as error:
        problems.append(str(error))
    if problems:
        raise SettingsError("\n".join(problems))
    # No model's name holds these; a list is also written in lines, or as JSON.
    fallbacks = re.split(r"[,;\s\[\]\"']+", values.get("REVIEWER_FALLBACK_MODELS", ""))
    return ClientSettings(
        key=key,
        base_url=base_url,
        model=values.get("REVIEWER_MODEL", DEFAULT_MODEL),
        fallback_models=tuple(name for name in fallbacks if name),
        prices=prices,
    )


def unquoted(value: str) -> str:
    r"""Return the value without blanks, quotes around it, a byte order mark, and line ends written as `\n`."""
    before = None
    while before != value:
        before = value
        value = value.strip().strip("\ufeff\u200b")
        while value.endswith(("\\n", "\\r")):
            value = value[:-2]
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
            value = value[1:-1]
    return value


def read_key(name: str, value: str) -> str:
    """Return the key in the variable of that name. Raises SettingsError where it cannot be a key."""
    key = unquoted(value)
    if prefix := re.match(_PREFIX.format(name=re.escape(name)), key, re.IGNORECASE):
        key = unquoted(key[prefix.end() :])
    if wrong := next((character for character in key if not "!" <= character <= "~"), ""):
        what = "white space" if wrong.isspace() else "a character that is not ASCII or cannot be seen"
        raise SettingsError(f"{name} holds {what}, which no key does: set it to the key alone, on one line")
    if _BASE64.fullmatch(key) and len(key) % 4 == 0:
        decoded = base64.b64decode(key).decode("ascii", "replace").rstrip("\r\n")
        # A key of random letters decodes to bytes that are no text.
        if _TOKEN.fullmatch(decoded):
            return decoded
    return key
