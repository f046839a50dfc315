"""The model's key in the forms in which people and tools put it into a variable."""

from __future__ import annotations

import base64

import pytest

from reviewer.errors import SettingsError
from reviewer.llm.client_settings import read_client_settings, read_key, unquoted

KEYS = ["sk-0123456789abcdefABCDEF", "ra_live_0123456789-abcdef.XYZ", "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln", "0" * 40]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS = {
    "as it is": "{}",
    "a line end": "{}\n",
    "a Windows line end": "{}\r\n",
    "a line end written out": "{}\\n",
    "a Windows line end written out": "{}\\r\\n",
    "blanks": "  {}\t",
    "double quotes": '"{}"',
    "single quotes": "'{}'",
    "back-ticks": "`{}`",
    "quotes and a line end": '"{}"\n',
    "a line end in quotes": '"{}\n"',
    "a line end written out in quotes": '"{}\\n"',
    "quotes in quotes": "'\"{}\"'",
    "a byte order mark": "\ufeff{}",
    "a scheme": "Bearer {}",
    "a header": "Authorization: Bearer {}",
    "its own name": "RUNAPI_KEY={}",
    "its own name in quotes": 'RUNAPI_KEY="{}"',
    "an export": "export RUNAPI_KEY={}",
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("form", FORMS)
def test_the_same_key_in_every_form(form: str, key: str) -> None:
    """Plain, and in base64: of the key alone, or with the line end that `echo` adds."""
    value = FORMS[form]
    assert read_client_settings({"RUNAPI_KEY": value.format(key)}).key == key
    for encoded in (b64(key), b64(key + "\n")):
        assert read_client_settings({"RUNAPI_KEY": value.format(encoded)}).key == key


@pytest.mark.parametrize(
    "key",
    ["abcdefghijklmnopqrstuvwx", "QUJDREVGR0g=", "c2hvcnQ=", "AAAA" * 10, "k", "0123456789abcdef" * 2],
)
def test_a_key_that_only_looks_like_base64_is_left_alone(key: str) -> None:
    """What it would decode to is no key."""
    assert read_key("RUNAPI_KEY", key) == key


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("sk-one sk-two", "white space"),
        ("sk-one\nsk-two", "white space"),
        ("sk-\u00e4", "not ASCII"),
        ("sk-\u2026", "not ASCII"),
        ("sk\u200b-1", "not ASCII"),
        ("sk-\x00", "cannot be seen"),
        ("sk-\x1b[0m", "cannot be seen"),
    ],
)
def test_what_no_key_holds_is_refused(value: str, words: str) -> None:
    """It could not be sent in a header; the message names the variable, not the value."""
    with pytest.raises(SettingsError, match=words) as caught:
        read_client_settings({"RUNAPI_KEY": value, "RUNAPI_BASE_URL": "nonsense"})
    first, second = sorted(str(caught.value).splitlines())
    assert first.startswith("RUNAPI_BASE_URL")
    assert second.startswith("RUNAPI_KEY")
    assert "sk" not in str(caught.value)


def test_quotes_around_the_other_variables() -> None:
    """`docker --env-file` keeps them."""
    quoted = {
        "RUNAPI_BASE_URL": '"http://127.0.0.1:9/v1"',
        "REVIEWER_MODEL": "'M'",
        "REVIEWER_FALLBACK_MODELS": '"a, b"',
    }
    settings = read_client_settings(quoted)
    assert (settings.base_url, settings.model, settings.fallback_models) == ("http://127.0.0.1:9/v1", "M", ("a", "b"))
    assert unquoted('""') == ""


@pytest.mark.parametrize(
    "url", ["https://bob:hunter22@runapi.ai/v1", "https://bob@runapi.ai", "runapi://b:hunter22@x/v1"]
)
def test_a_password_in_the_address_is_refused_and_not_shown(url: str) -> None:
    """It would be sent in the place of the key, and the address is shown before each review."""
    with pytest.raises(SettingsError, match="RUNAPI_BASE_URL") as caught:
        read_client_settings({"RUNAPI_BASE_URL": url})
    assert "hunter22" not in str(caught.value)
