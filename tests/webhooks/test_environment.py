"""The environment of the server and the Action."""

from pathlib import Path

import pytest

from reviewer.errors import SettingsError
from webhooks.environment import Role, read_environment

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"

APP = {
    "RUNAPI_KEY": "key-1",
    "GITHUB_APP_ID": "12345",
    "GITHUB_APP_PRIVATE_KEY": PEM,
    "GITHUB_WEBHOOK_SECRET": "hush",
}


def test_defaults():
    """An App needs four variables; the rest has defaults."""
    environment = read_environment(APP)
    assert environment.role is Role.ALL
    assert environment.model_client.model == "MiniMax-M2.1"
    assert environment.model_client.base_url == "https://runapi.ai/v1"
    assert environment.api_url == "https://api.github.com"
    assert environment.model_client.fallback_models == ()
    assert environment.data_dir == Path("data")
    assert environment.database_url.get_secret_value() == "sqlite:///data/reviewer.sqlite3"


def test_secrets_do_not_show():
    """Neither `repr` nor `str` of the environment shows a key, a secret or a password."""
    environment = read_environment(
        {**APP, "DATABASE_URL": "postgresql://u:password@db/reviewer", "GITHUB_TOKEN": "ghs_token"}
    )
    shown = repr(environment) + str(environment)
    for secret in ("key-1", "MIIE", "hush", "password", "ghs_token"):
        assert secret not in shown


def test_everything_wrong_is_said_at_once():
    """Each variable that is missing or wrong has a line of its own that says what to set."""
    with pytest.raises(SettingsError) as caught:
        read_environment({"REVIEWER_ROLE": "boss", "DATABASE_URL": "mysql://x", "RUNAPI_BASE_URL": "runapi.ai"})
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == [
        "REVIEWER_ROLE",
        "DATABASE_URL",
        "RUNAPI_BASE_URL",
        "GITHUB_WEBHOOK_SECRET",
        "RUNAPI_KEY",
        "GITHUB_APP_ID",
        "GITHUB_APP_PRIVATE_KEY",
    ]


def test_a_password_in_an_address_of_github_is_not_shown():
    """It is no part of GitHub's address, and what is wrong stands in the log."""
    with pytest.raises(SettingsError, match="GITHUB_API_URL") as caught:
        read_environment({**APP, "GITHUB_API_URL": "https://bob:hunter22@ghe/api/v3"})
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "  ", "\n\t"])
def test_an_empty_secret_is_no_secret(value):
    """The App refuses to start without a webhook secret, also where the variable is set but empty."""
    with pytest.raises(SettingsError, match="GITHUB_WEBHOOK_SECRET is missing"):
        read_environment({**APP, "GITHUB_WEBHOOK_SECRET": value})


def test_several_webhook_secrets():
    """While a secret is rotated, several stand in the variable, separated by white space."""
    environment = read_environment({**APP, "GITHUB_WEBHOOK_SECRET": "new\n old\t"})
    assert [secret.get_secret_value() for secret in environment.webhook_secrets] == ["new", "old"]


@pytest.mark.parametrize(("role", "needed"), [("web", ["GITHUB_WEBHOOK_SECRET"]), ("worker", [*APP][:3])])
def test_each_role_needs_its_part(role, needed):
    """A process that only accepts needs no keys, one that only works no webhook secret."""
    environment = read_environment({**{name: APP[name] for name in needed}, "REVIEWER_ROLE": role})
    assert environment.role == role
    for name in needed:
        with pytest.raises(SettingsError, match=name):
            read_environment({**{other: APP[other] for other in needed if other != name}, "REVIEWER_ROLE": role})


def test_operators_need_only_the_store():
    """Commands that look into the store ask for no keys."""
    environment = read_environment({"DATABASE_URL": "postgres://u:p@db/reviewer"}, strict=False)
    assert environment.database_url.get_secret_value() == "postgresql://u:p@db/reviewer"
    assert environment.model_client.key == ""


def test_private_key_as_text_escaped_or_path(tmp_path):
    """The private key is accepted as PEM text, with line ends escaped, and as the path of a file."""
    path = tmp_path / "app.pem"
    path.write_text(PEM)
    for given in (PEM, PEM.replace("\n", "\\n"), str(path)):
        key = read_environment({**APP, "GITHUB_APP_PRIVATE_KEY": given}).private_key
        assert key is not None
        assert key.get_secret_value() == PEM


@pytest.mark.parametrize("given", ["/no/such/key.pem", "MIIEpAIBAAKCAQEA", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_what_is_no_private_key_is_refused(given):
    """A path that leads nowhere and a PEM of something else are said at the start, without showing the value."""
    with pytest.raises(SettingsError, match="GITHUB_APP_PRIVATE_KEY") as caught:
        read_environment({**APP, "GITHUB_APP_PRIVATE_KEY": given})
    assert "MIIE" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "reviewer.db", "postgresql://", "mysql://u@h/d", "sqlite+x:///a", "://"]
)
def test_a_store_that_cannot_be_is_refused(url):
    """A DATABASE_URL that is neither SQLite with a path nor Postgres is refused, without showing it."""
    with pytest.raises(SettingsError, match="DATABASE_URL cannot be used"):
        read_environment({**APP, "DATABASE_URL": url})


def test_names_and_urls_are_tidied():
    """Lists are split at commas, blank names dropped, and a slash at the end of a URL taken off."""
    environment = read_environment(
        {**APP, "REVIEWER_FALLBACK_MODELS": " MiniMax-M2 ,, MiniMax-M3,", "GITHUB_API_URL": "https://ghe/api/v3/"}
    )
    assert environment.model_client.fallback_models == ("MiniMax-M2", "MiniMax-M3")
    assert environment.api_url == "https://ghe/api/v3"


def test_the_limits_of_a_store():
    """How much is asked of the model, and how long jobs are kept, is set by whole numbers; anything else is refused."""
    environment = read_environment({**APP, "REVIEWER_PARALLEL_CALLS": "4", "REVIEWER_KEEP_DAYS": "7"})
    assert (environment.parallel_calls, environment.calls_per_minute, environment.keep_days) == (4, 180, 7)
    for wrong in ("0", "-1", "many", "1.5", "\u0664", "9999999"):
        with pytest.raises(SettingsError, match="REVIEWER_CALLS_PER_MINUTE is"):
            read_environment({**APP, "REVIEWER_CALLS_PER_MINUTE": wrong})


def test_looking_for_what_was_missed_can_be_turned_off():
    """Both are on by default; 0 turns either off."""
    assert (read_environment(APP).missed_minutes, read_environment(APP).missed_pulls) == (5, 20)
    off = read_environment({**APP, "REVIEWER_MISSED_MINUTES": "0", "REVIEWER_MISSED_PULLS": "0"})
    assert (off.missed_minutes, off.missed_pulls) == (0, 0)
    with pytest.raises(SettingsError, match="REVIEWER_MISSED_PULLS is '-1': set it to a whole number from 0"):
        read_environment({**APP, "REVIEWER_MISSED_PULLS": "-1"})


def test_quotes_around_any_value_are_taken_off():
    """As that file keeps them; and a role may be written in capitals."""
    quoted = {"DATABASE_URL": '"postgresql://u:p@h/d"', "REVIEWER_ROLE": "'Worker'", "REVIEWER_KEEP_DAYS": '"7"'}
    environment = read_environment({**APP, **quoted})
    assert environment.database_url.get_secret_value() == "postgresql://u:p@h/d"
    assert (environment.role, environment.keep_days) == (Role.WORKER, 7)


@pytest.mark.parametrize("text", ["\"new\" 'old'", '"new old"', "'new\n old'", "new\told\\n"])
def test_quotes_around_secrets_are_taken_off(text):
    """A file for `docker --env-file` keeps them, and no signature would match."""
    environment = read_environment({**APP, "GITHUB_WEBHOOK_SECRET": text})
    assert [secret.get_secret_value() for secret in environment.webhook_secrets] == ["new", "old"]
    with pytest.raises(SettingsError, match="only quotes"):
        read_environment({**APP, "GITHUB_WEBHOOK_SECRET": '""'})


def test_rules_of_the_operator_are_checked_at_the_start(tmp_path):
    """Amounts that are none, a model that is not allowed, and a ceiling that no price can hold: all said at once."""
    base = {**APP, "REVIEWER_DATA_DIR": str(tmp_path)}
    read_environment({**base, "REVIEWER_MAX_USD_PER_MONTH": "50"})
    with pytest.raises(SettingsError, match="REVIEWER_MAX_USD_PER_MONTH: 'ten' is not an amount"):
        read_environment({**base, "REVIEWER_MAX_USD_PER_MONTH": "ten"})
    values = {**base, "REVIEWER_MODEL": "Other", "REVIEWER_MAX_USD_PER_PULL": "1", "REVIEWER_DENY_MODELS": "other"}
    with pytest.raises(SettingsError) as caught:
        read_environment(values)
    assert "the model Other is not among those" in str(caught.value)
    assert "the price of the model Other is not known" in str(caught.value)
    read_environment({**values, "REVIEWER_DENY_MODELS": "", "REVIEWER_PRICES": "Other=1/2"})
    read_environment({**values, "REVIEWER_ROLE": "web"})
