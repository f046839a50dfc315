"""The environment of the server and the Action, as one frozen value.

Promises: everything that is missing or wrong is said at once, each with what to set; secrets do not show in `repr`.
Reads the mapping that it is given and, where the private key is given as a path, that file; nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from reviewer.errors import SettingsError
from reviewer.llm.models import parse_prices

DEFAULT_BASE_URL = "https://runapi.ai/v1"
DEFAULT_MODEL = "MiniMax-M2.1"
DEFAULT_API_URL = "https://api.github.com"
DEFAULT_DATA_DIR = "./data"

#: MiniMax allows 200 to 500 requests a minute and slows down above about ten at once.
DEFAULT_PARALLEL_CALLS, DEFAULT_CALLS_PER_MINUTE = 10, 180
DEFAULT_KEEP_DAYS = 30

#: Minutes between two looks at the deliveries that failed, and how many heads without a review a start may review.
DEFAULT_MISSED_MINUTES, DEFAULT_MISSED_PULLS = 5, 20

#: The file of the embedded store in the data directory.
STORE_FILE = "reviewer.sqlite3"


class Role(StrEnum):
    """What a process does: take deliveries in, carry jobs out, or both."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"

    @property
    def accepts(self) -> bool:
        """Whether it takes deliveries."""
        return self is not Role.WORKER

    @property
    def works(self) -> bool:
        """Whether it carries out jobs."""
        return self is not Role.WEB


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment says. `database_url` is always set; it is a secret since it may hold a password.

    `webhook_secrets` are several while one is rotated. `private_key` is PEM text. `prices` is the text of
    REVIEWER_PRICES, for whoever knows models. `parallel_calls` and `calls_per_minute` hold for all processes on one
    store together, since one API key has one allowance; `keep_days` is how long ended jobs are kept.
    """

    role: Role
    database_url: SecretStr
    data_dir: Path
    base_url: str = DEFAULT_BASE_URL
    model: str = DEFAULT_MODEL
    fallback_models: tuple[str, ...] = ()
    prices: str = ""
    api_url: str = DEFAULT_API_URL
    runapi_key: SecretStr | None = None
    app_id: str | None = None
    private_key: SecretStr | None = None
    webhook_secrets: tuple[SecretStr, ...] = ()
    github_token: SecretStr | None = None
    parallel_calls: int = DEFAULT_PARALLEL_CALLS
    calls_per_minute: int = DEFAULT_CALLS_PER_MINUTE
    keep_days: int = DEFAULT_KEEP_DAYS
    missed_minutes: int = DEFAULT_MISSED_MINUTES
    missed_pulls: int = DEFAULT_MISSED_PULLS


#: Variable -> what to do when it is missing.
_TO_ACCEPT = {
    "GITHUB_WEBHOOK_SECRET": "set it to the App's webhook secret; without it anybody could send deliveries",
}
_TO_WORK = {
    "RUNAPI_KEY": "set it to your RunAPI key (https://runapi.ai)",
    "GITHUB_APP_ID": "set it to the App's id or client id",
    "GITHUB_APP_PRIVATE_KEY": "set it to the App's private key, as PEM text or as the path of the .pem file",
}


def read_environment(values: Mapping[str, str], *, role: Role | None = None, strict: bool = True) -> Environment:
    """Return the environment in those variables; empty ones count as missing.

    `role` overrides REVIEWER_ROLE. `strict` asks for everything that the role needs to run as an App; the Action and
    the operator's commands need less. Raises SettingsError with one line for each variable that is missing or wrong.
    """
    problems: list[str] = []
    given = {name: value.strip() for name, value in values.items() if value.strip()}
    role = role or _role(given, problems)
    data_dir = Path(given.get("REVIEWER_DATA_DIR", DEFAULT_DATA_DIR))
    environment = Environment(
        role=role,
        database_url=SecretStr(_database_url(given, data_dir, problems)),
        data_dir=data_dir,
        base_url=_url(given, "RUNAPI_BASE_URL", DEFAULT_BASE_URL, problems),
        model=given.get("REVIEWER_MODEL", DEFAULT_MODEL),
        fallback_models=_names(given.get("REVIEWER_FALLBACK_MODELS", "")),
        prices=_prices(given, problems),
        api_url=_url(given, "GITHUB_API_URL", DEFAULT_API_URL, problems),
        runapi_key=_secret(given.get("RUNAPI_KEY")),
        app_id=given.get("GITHUB_APP_ID"),
        private_key=_secret(_private_key(given, problems)),
        webhook_secrets=tuple(SecretStr(secret) for secret in given.get("GITHUB_WEBHOOK_SECRET", "").split()),
        github_token=_secret(given.get("GITHUB_TOKEN")),
        parallel_calls=_count(given, "REVIEWER_PARALLEL_CALLS", DEFAULT_PARALLEL_CALLS, problems),
        calls_per_minute=_count(given, "REVIEWER_CALLS_PER_MINUTE", DEFAULT_CALLS_PER_MINUTE, problems),
        keep_days=_count(given, "REVIEWER_KEEP_DAYS", DEFAULT_KEEP_DAYS, problems),
        missed_minutes=_count(given, "REVIEWER_MISSED_MINUTES", DEFAULT_MISSED_MINUTES, problems, least=0),
        missed_pulls=_count(given, "REVIEWER_MISSED_PULLS", DEFAULT_MISSED_PULLS, problems, least=0),
    )
    needed = {**(_TO_ACCEPT if role.accepts else {}), **(_TO_WORK if role.works else {})} if strict else {}
    problems += [f"{name} is missing: {remedy}" for name, remedy in needed.items() if name not in given]
    if problems:
        raise SettingsError("\n".join(problems))
    return environment


def _role(given: Mapping[str, str], problems: list[str]) -> Role:
    text = given.get("REVIEWER_ROLE", Role.ALL.value)
    try:
        return Role(text)
    except ValueError:
        problems.append(f"REVIEWER_ROLE is {text!r}: set it to {', '.join(Role)}")
        return Role.ALL


def _count(given: Mapping[str, str], name: str, default: int, problems: list[str], *, least: int = 1) -> int:
    text = given.get(name, str(default))
    if text.isascii() and text.isdecimal() and least <= int(text) < 1_000_000:
        return int(text)
    problems.append(f"{name} is {text!r}: set it to a whole number from {least}, such as {default}")
    return default


def _url(given: Mapping[str, str], name: str, default: str, problems: list[str]) -> str:
    text = given.get(name, default).rstrip("/")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        problems.append(f"{name} is not a URL: set it to one such as {default}")
    return text


def _database_url(given: Mapping[str, str], data_dir: Path, problems: list[str]) -> str:
    text = given.get("DATABASE_URL", f"sqlite:///{data_dir / STORE_FILE}")
    scheme, _, rest = text.partition("://")
    # `postgres://` is what hosters write; libraries want `postgresql://`.
    scheme = "postgresql" if scheme == "postgres" else scheme
    usable = rest.startswith("/") and len(rest) > 1 if scheme == "sqlite" else scheme == "postgresql" and bool(rest)
    if not usable:
        problems.append("DATABASE_URL cannot be used: set it to sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME")
    return f"{scheme}://{rest}"


def _private_key(given: Mapping[str, str], problems: list[str]) -> str | None:
    """Return the PEM text, whether given with line ends, with them written as escapes, or as the path of a file."""
    text = given.get("GITHUB_APP_PRIVATE_KEY")
    if text is None:
        return None
    if "-----BEGIN" not in text:
        try:
            text = Path(text).read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            problems.append(f"GITHUB_APP_PRIVATE_KEY is neither PEM text nor a file that can be read ({reason})")
            return None
    text = text.replace("\\n", "\n").strip() + "\n"
    if "PRIVATE KEY-----" not in text or "-----END" not in text:
        problems.append("GITHUB_APP_PRIVATE_KEY holds no private key: use the .pem file that GitHub generated")
    return text


def is_rsa_key(text: str) -> bool:
    """Whether GitHub's kind of key can be made of it, which is what signs as the App (RS256)."""
    from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415 - only a server has a key
    from jwt.exceptions import InvalidKeyError  # noqa: PLC0415

    try:
        RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(text)
    except (ValueError, TypeError, InvalidKeyError):
        return False
    return True


def _prices(given: Mapping[str, str], problems: list[str]) -> str:
    text = given.get("REVIEWER_PRICES", "")
    try:
        parse_prices(text)
    except SettingsError as error:
        problems.append(f"REVIEWER_PRICES: {error}")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _secret(text: str | None) -> SecretStr | None:
    return None if text is None else SecretStr(text)
