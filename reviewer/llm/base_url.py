"""Check the base URL of the model's service."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from reviewer.errors import SettingsError
from reviewer.llm.defaults import DEFAULT_BASE_URL


def plain_http_warning(name: str, url: str, carries: str) -> str | None:
    """Return what to say of a URL that sends `carries` unencrypted; None for https and for this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost" or host.endswith(".localhost")
    if parts.scheme != "http" or is_local:
        return None
    return f"{name} is not encrypted: {carries} can be read on the way to {host}; set it to an https:// address"


#: The end of the address that some services show in their examples; it is added to the base.
_ENDPOINT = "/chat/completions"


def check_base_url(text: str) -> str:
    """Return the URL without slashes and the name of the endpoint at its end.

    Raises SettingsError where it is no web address.
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname not in {None, "", "http", "https"}
        usable = usable and not re.search(r"\s", text)
    except ValueError:  # such as a bracket that is not closed
        usable = False
    if not usable:
        raise SettingsError(
            f"RUNAPI_BASE_URL is {text!r}, which is not a URL: set it to one such as {DEFAULT_BASE_URL}"
        )
    return text.rstrip("/").removesuffix(_ENDPOINT).rstrip("/")
