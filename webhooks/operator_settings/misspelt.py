"""Find variables that were meant for the App and do nothing: misspelt names, a wrong address. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from urllib.parse import urlsplit

_RULES = [f"REVIEWER_{rule}_{kind}" for rule in ("ALLOW", "DENY") for kind in ("OWNERS", "REPOSITORIES", "MODELS")]

#: Every variable that begins with REVIEWER_ and is read somewhere.
KNOWN = frozenset(
    {
        "REVIEWER_ARBITER",
        "REVIEWER_CALLS_PER_MINUTE",
        "REVIEWER_COMMANDS",
        "REVIEWER_DATA_DIR",
        "REVIEWER_FAIL_LEVEL",
        "REVIEWER_FALLBACK_MODELS",
        "REVIEWER_FORKS",
        "REVIEWER_KEEP_DAYS",
        "REVIEWER_LONG_TESTS",
        "REVIEWER_MAX_USD_PER_MONTH",
        "REVIEWER_MAX_USD_PER_PERSON",
        "REVIEWER_MAX_USD_PER_PULL",
        "REVIEWER_MAX_USD_PER_REPOSITORY",
        "REVIEWER_MISSED_MINUTES",
        "REVIEWER_MISSED_PULLS",
        "REVIEWER_MODEL",
        "REVIEWER_OPERATOR_FILE",
        "REVIEWER_OPERATOR_TOKEN",
        "REVIEWER_PARALLEL_CALLS",
        "REVIEWER_PRICES",
        "REVIEWER_PROCESS",
        "REVIEWER_RESULTS",
        "REVIEWER_LOG_FORMAT",
        "REVIEWER_ROLE",
        "REVIEWER_SETUP_TOKEN",
        "REVIEWER_TESTS",
        "REVIEWER_TESTS_PYTHON",
        "REVIEWER_TEST_POSTGRES",
        *_RULES,
    }
)

_SHORTEST_TOKEN = 16


def doubtful_variables(environ: Mapping[str, str]) -> list[str]:
    """Return what is likely a mistake, each in a sentence that says what to do."""
    found = []
    for name in sorted(environ):
        if name.startswith("REVIEWER_") and name not in KNOWN:
            words = {known.removeprefix("REVIEWER_"): known for known in sorted(KNOWN)}
            near = difflib.get_close_matches(name.removeprefix("REVIEWER_"), list(words), n=1, cutoff=0.7)
            found.append(f"{name} is not a setting{f': is {words[near[0]]} meant?' if near else '; it has no effect.'}")
    if doubt := _doubtful_address(environ.get("GITHUB_API_URL", "").strip()):
        found.append(doubt)
    token = environ.get("REVIEWER_OPERATOR_TOKEN", "").strip()
    if 0 < len(token) < _SHORTEST_TOKEN:
        found.append("REVIEWER_OPERATOR_TOKEN is short enough to be guessed: take 16 characters or more.")
    return found


def _doubtful_address(url: str) -> str:
    try:
        parts = urlsplit(url.rstrip("/"))
        host = parts.hostname or ""
    except ValueError:
        return ""
    if not host or host == "api.github.com" or (host.startswith("api.") and host.endswith(".ghe.com")):
        return ""
    if host == "github.com":
        return (
            f"GITHUB_API_URL is {url}, which is GitHub's page and not its API: unset it, or set https://api.github.com."
        )
    if not parts.path.endswith("/api/v3"):
        return f"GITHUB_API_URL is {url} without /api/v3: an Enterprise Server's API is at https://HOST/api/v3."
    return ""
