"""Check the base URL of the model's service, and find the proxy that the environment names for it."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

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

    Raises SettingsError where it is no web address, or holds a name: it would be sent in the place of the key.
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname not in {None, "", "http", "https"}
        usable = usable and not re.search(r"\s", text)
    except ValueError:  # such as a bracket that is not closed
        usable = False
    if not usable:
        raise SettingsError(
            f"RUNAPI_BASE_URL is {without_person(text)!r}, which is not a URL: set it to one such as {DEFAULT_BASE_URL}"
        )
    if "@" in parts.netloc:
        raise SettingsError(
            "RUNAPI_BASE_URL holds a name or a password, beside which no key can be sent: leave out what stands before "
            f"the @ in {without_person(text)}"
        )
    return text.rstrip("/").removesuffix(_ENDPOINT).rstrip("/")


def without_person(url: str) -> str:
    """Return an address as it may be shown: what stands before an `@` may be a password."""
    return f"...@{url.rpartition('@')[2]}" if "@" in url else url


def environment_proxy(base_url: str) -> str | None:
    """Return the proxy that the environment names for the service; None where it names none, or excepts the host.

    https://everything.curl.dev/usingcurl/proxies/env.html: `NO_PROXY` is a list of names, each with the hosts below it,
    and of addresses and networks, of either version. httpx refuses to start with some of them, such as `fe80::/10`.
    """
    parts, named = urlsplit(base_url), getproxies()
    proxy = (named.get(parts.scheme) or named.get("all") or "").strip().strip("\"'")
    host = parts.hostname or ""
    if not proxy or any(_excepts(entry, host) for entry in re.split(r"[,\s]+", named.get("no", ""))):
        return None
    if not named.get("no") and proxy_bypass(host):  # what macOS and Windows except
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _excepts(entry: str, host: str) -> bool:
    """Whether an entry of `NO_PROXY` means the host."""
    name = entry.strip("\"'").lower()
    if name == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        name = re.sub(r":\d{1,5}$", "", name).removeprefix("*").lstrip(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
