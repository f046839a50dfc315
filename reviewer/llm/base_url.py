"""Check the base URL of the model's service."""

from __future__ import annotations

from urllib.parse import urlsplit

from reviewer.errors import SettingsError
from reviewer.llm.defaults import DEFAULT_BASE_URL


def check_base_url(text: str) -> str:
    """Return the URL without slashes at its end. Raises SettingsError where it is no web address."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:  # such as a bracket that is not closed
        usable = False
    if not usable:
        raise SettingsError(
            f"RUNAPI_BASE_URL is {text!r}, which is not a URL: set it to one such as {DEFAULT_BASE_URL}"
        )
    return text.rstrip("/")
