"""Read the App's environment variables into one frozen value, with what the Action shares with it.

Promises: everything that is missing or wrong is reported at once, each with what to set; secrets do not show in `repr`.
Reads the mapping that is passed and, where the private key is a path, that file; nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from reviewer.errors import SettingsError
from reviewer.llm.base_url import without_person
from reviewer.llm.client_settings import ClientSettings, read_client_settings, unquoted
from reviewer.llm.models import model_named
from webhooks.operator_settings.private_key import read_private_key
from webhooks.operator_settings.rules_file import read_rules

DEFAULT_API_URL = "https://api.github.com"
DEFAULT_DATA_DIR = "./data"

#: MiniMax allows 200 to 500 requests a minute and slows down above about ten at once.
DEFAULT_PARALLEL_CALLS, DEFAULT_CALLS_PER_MINUTE = 10, 180
DEFAULT_KEEP_DAYS = 30

#: Minutes between two searches for failed deliveries, and how many pull requests without a review a start may review.
DEFAULT_MISSED_MINUTES, DEFAULT_MISSED_PULLS = 5, 20

#: The values of REVIEWER_LOG_FORMAT: see `webhooks.telemetry.logs`.
LOG_FORMATS = ("text", "json")

#: The file of the embedded store in the data directory.
STORE_FILE = "reviewer.sqlite3"


class Role(StrEnum):
    """What a process does: accept deliveries, carry out jobs, or both."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"

    @property
    def accepts(self) -> bool:
        """Whether it accepts deliveries."""
        return self is not Role.WORKER

    @property
    def works(self) -> bool:
        """Whether it carries out jobs."""
        return self is not Role.WEB


@dataclass(frozen=True, slots=True)
class Environment:
    """The App's settings. `database_url` is always set; it is a secret since it may hold a password.

    `model_client` is for `Client.from_settings`. There are several `webhook_secrets` while one is rotated.
    `private_key` is PEM text. `parallel_calls` and `calls_per_minute` hold for all processes on one store together,
    since one API key has one rate limit; `keep_days` is how long ended jobs are kept. `process` is what this process
    does, where `gunicorn.conf.py` shares the role `all` between two; otherwise it is the role. `operator_token` opens
    the pages, and /metrics and the reasons of /readyz from elsewhere than this machine; `client_id` and `client_secret`
    let people sign in to the pages with GitHub.
    """

    role: Role
    database_url: SecretStr
    data_dir: Path
    model_client: ClientSettings = field(default_factory=ClientSettings)
    api_url: str = DEFAULT_API_URL
    app_id: str | None = None
    private_key: SecretStr | None = None
    webhook_secrets: tuple[SecretStr, ...] = ()
    parallel_calls: int = DEFAULT_PARALLEL_CALLS
    calls_per_minute: int = DEFAULT_CALLS_PER_MINUTE
    keep_days: int = DEFAULT_KEEP_DAYS
    missed_minutes: int = DEFAULT_MISSED_MINUTES
    missed_pulls: int = DEFAULT_MISSED_PULLS
    process: Role = Role.ALL
    operator_token: SecretStr | None = None
    client_id: str = ""
    client_secret: SecretStr | None = None


#: Variable -> what to do when it is missing.
_TO_ACCEPT = {
    "GITHUB_WEBHOOK_SECRET": "set it to the App's webhook secret; without it anybody could send webhooks",
}
_TO_WORK = {
    "RUNAPI_KEY": "set it to your RunAPI key (https://runapi.ai)",
    "GITHUB_APP_ID": "set it to the App's id or client id",
    "GITHUB_APP_PRIVATE_KEY": "set it to the App's private key, as PEM text or as the path of the .pem file",
}


def read_environment(values: Mapping[str, str], *, role: Role | None = None, strict: bool = True) -> Environment:
    """Return the settings in those variables; empty ones count as missing.

    `role` overrides REVIEWER_ROLE. `strict` asks for everything that the role needs to run as an App; the operator's
    commands need less. Raises SettingsError with one line for each variable that is missing or wrong.
    """
    problems: list[str] = []
    variables = _without_blanks(values)
    role = role or _role(variables, problems)
    data_dir = Path(variables.get("REVIEWER_DATA_DIR", DEFAULT_DATA_DIR))
    environment = Environment(
        role=role,
        process=_process(variables, role),
        database_url=SecretStr(_database_url(variables, data_dir, problems)),
        data_dir=data_dir,
        model_client=_model_client(variables, problems),
        api_url=_api_url(variables, problems),
        app_id=unquoted(variables.get("GITHUB_APP_ID", "")) or None,
        private_key=_secret(_private_key(variables, problems)),
        operator_token=_secret(variables.get("REVIEWER_OPERATOR_TOKEN")),
        client_id=unquoted(variables.get("GITHUB_APP_CLIENT_ID", "")),
        client_secret=_secret(unquoted(variables.get("GITHUB_APP_CLIENT_SECRET", "")) or None),
        webhook_secrets=_webhook_secrets(variables, problems),
        parallel_calls=_count(variables, "REVIEWER_PARALLEL_CALLS", DEFAULT_PARALLEL_CALLS, problems),
        calls_per_minute=_count(variables, "REVIEWER_CALLS_PER_MINUTE", DEFAULT_CALLS_PER_MINUTE, problems),
        keep_days=_count(variables, "REVIEWER_KEEP_DAYS", DEFAULT_KEEP_DAYS, problems),
        missed_minutes=_count(variables, "REVIEWER_MISSED_MINUTES", DEFAULT_MISSED_MINUTES, problems, least=0),
        missed_pulls=_count(variables, "REVIEWER_MISSED_PULLS", DEFAULT_MISSED_PULLS, problems, least=0),
    )
    problems += _log_problems(variables)
    if strict and role.works:
        problems += _rule_problems(variables, environment)
    needed = {**(_TO_ACCEPT if role.accepts else {}), **(_TO_WORK if role.works else {})} if strict else {}
    problems += [f"{name} is missing: {remedy}" for name, remedy in needed.items() if name not in variables]
    if problems:
        raise SettingsError("\n".join(problems))
    return environment


def _role(variables: Mapping[str, str], problems: list[str]) -> Role:
    text = variables.get("REVIEWER_ROLE", Role.ALL.value).lower()
    try:
        return Role(text)
    except ValueError:
        problems.append(f"REVIEWER_ROLE is {text!r}: set it to {', '.join(Role)}")
        return Role.ALL


def _process(variables: Mapping[str, str], role: Role) -> Role:
    """Return what this process does; `gunicorn.conf.py` sets the variable, nobody else needs it."""
    part = variables.get("REVIEWER_PROCESS")
    return Role(part) if role is Role.ALL and part in {Role.WEB.value, Role.WORKER.value} else role


def _count(variables: Mapping[str, str], name: str, default: int, problems: list[str], *, least: int = 1) -> int:
    text = variables.get(name, str(default))
    if text.isascii() and text.isdecimal() and least <= int(text) < 1_000_000:
        return int(text)
    problems.append(f"{name} is {text!r}: set it to a whole number from {least}, such as {default}")
    return default


def read_api_url(values: Mapping[str, str]) -> str:
    """Return GITHUB_API_URL, or GitHub's own. Raises SettingsError."""
    problems: list[str] = []
    url = _api_url(_without_blanks(values), problems)
    if problems:
        raise SettingsError("\n".join(problems))
    return url


_LISTS = frozenset({"GITHUB_WEBHOOK_SECRET"})


def _without_blanks(values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that say something, without blanks and the quotes of a file for `docker --env-file`.

    Quotes within a list of secrets are taken off where the list is read.
    """
    plain = {name: value.strip() if name in _LISTS else unquoted(value) for name, value in values.items()}
    return {name: value for name, value in plain.items() if value}


def _api_url(variables: Mapping[str, str], problems: list[str]) -> str:
    text = unquoted(variables.get("GITHUB_API_URL", DEFAULT_API_URL)).rstrip("/")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable:
        shown = without_person(text)
        problems.append(f"GITHUB_API_URL is {shown!r}, which is not a URL: set it to one such as {DEFAULT_API_URL}")
    return text


def _model_client(variables: Mapping[str, str], problems: list[str]) -> ClientSettings:
    try:
        return read_client_settings(variables)
    except SettingsError as error:
        problems.append(str(error))
        return ClientSettings()


def _log_problems(variables: Mapping[str, str]) -> list[str]:
    name = variables.get("REVIEWER_LOG_FORMAT", "text").lower()
    return [] if name in LOG_FORMATS else [f"REVIEWER_LOG_FORMAT is {name!r}: set it to {' or '.join(LOG_FORMATS)}"]


def _rule_problems(variables: Mapping[str, str], environment: Environment) -> list[str]:
    """Return what is wrong with the operator's rules, by themselves or with the models that are set."""
    try:
        rules = read_rules(variables, environment.data_dir)
    except SettingsError as error:
        return [str(error)]
    client = environment.model_client
    names = (client.model, *client.fallback_models)
    problems = [
        f"the model {name} is not among those that the operator's rules allow: set another one, or allow it"
        for name in rules.refused_models(names)
    ]
    unpriced = [name for name in names if model_named(name, client.prices).price is None] if rules.has_ceiling else []
    return problems + [
        f"the price of the model {name} is not known, so no ceiling can hold: set it in REVIEWER_PRICES"
        for name in unpriced
    ]


def _database_url(variables: Mapping[str, str], data_dir: Path, problems: list[str]) -> str:
    text = variables.get("DATABASE_URL", f"sqlite:///{data_dir / STORE_FILE}")
    scheme, _, rest = text.partition("://")
    # `postgres://` is what hosters write; libraries want `postgresql://`.
    scheme = "postgresql" if scheme == "postgres" else scheme
    usable = rest.startswith("/") and len(rest) > 1 if scheme == "sqlite" else scheme == "postgresql" and bool(rest)
    if not usable:
        problems.append("DATABASE_URL cannot be used: set it to sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME")
    return f"{scheme}://{rest}"


def _private_key(variables: Mapping[str, str], problems: list[str]) -> str | None:
    text = variables.get("GITHUB_APP_PRIVATE_KEY")
    if text is None:
        return None
    try:
        return read_private_key(text)
    except SettingsError as error:
        problems.append(str(error))
        return None


def _webhook_secrets(variables: Mapping[str, str], problems: list[str]) -> tuple[SecretStr, ...]:
    """Return the secrets without the quotes that a file for `docker --env-file` leaves around them."""
    secrets = [unquoted(part) for part in unquoted(variables.get("GITHUB_WEBHOOK_SECRET", "")).split()]
    if "GITHUB_WEBHOOK_SECRET" in variables and not all(secrets or [""]):
        problems.append("GITHUB_WEBHOOK_SECRET holds only quotes: set it to the App's webhook secret")
    return tuple(SecretStr(secret) for secret in secrets if secret)


def _secret(text: str | None) -> SecretStr | None:
    return None if text is None else SecretStr(text)
