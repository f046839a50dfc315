"""The model client's settings: what environment variables say, for the command line, the Action and the App."""

from __future__ import annotations

import pytest

from reviewer.errors import SettingsError
from reviewer.llm.base_url import check_base_url, environment_proxy
from reviewer.llm.client import Client
from reviewer.llm.client_settings import ClientSettings, read_client_settings
from reviewer.llm.defaults import DEFAULT_BASE_URL, DEFAULT_MODEL
from reviewer.llm.models import parse_prices
from reviewer.llm.streaming import StreamTimeouts, connect

FULL = {
    "RUNAPI_KEY": " key-1 ",
    "RUNAPI_BASE_URL": "https://example.org/v1/",
    "REVIEWER_MODEL": "other",
    "REVIEWER_FALLBACK_MODELS": "a, ,b",
    "REVIEWER_PRICES": "other=1/2",
}


def test_every_variable_is_read() -> None:
    """White space around values goes, and slashes at the end of the URL."""
    assert read_client_settings(FULL) == ClientSettings(
        key="key-1",
        base_url="https://example.org/v1",
        model="other",
        fallback_models=("a", "b"),
        prices=parse_prices("other=1/2"),
    )


@pytest.mark.parametrize("environ", [{}, dict.fromkeys(FULL, " ")])
def test_a_missing_or_blank_variable_has_its_default(environ: dict[str, str]) -> None:
    """Inputs of the Action that nobody set arrive as empty variables."""
    settings = read_client_settings(environ)
    assert settings == ClientSettings()
    assert (settings.key, settings.base_url, settings.model) == ("", DEFAULT_BASE_URL, DEFAULT_MODEL)


def test_all_problems_are_reported_at_once() -> None:
    """A line for each variable that is wrong."""
    with pytest.raises(SettingsError) as raised:
        read_client_settings({"RUNAPI_BASE_URL": "runapi", "REVIEWER_PRICES": "x"})
    assert [line.split()[0] for line in str(raised.value).splitlines()] == ["RUNAPI_BASE_URL", "REVIEWER_PRICES"]


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://a.example/v1/chat/completions", "https://a.example/v1"),
        ("https://a.example/v1/chat/completions/", "https://a.example/v1"),
        ("https://proxy.example/https://a.example/v1", "https://proxy.example/https://a.example/v1"),
        ("https://https://a.example/v1", None),
        ("https://a.example /v1", None),
    ],
)
def test_the_base_url_is_without_the_endpoint(written: str, url: str | None) -> None:
    """Services show the whole address in their examples; the endpoint is added again. What is no address is refused."""
    if url is None:
        with pytest.raises(SettingsError, match="RUNAPI_BASE_URL"):
            check_base_url(written)
    else:
        assert check_base_url(written) == url


@pytest.mark.parametrize("written", ["a,b", "a; b", "a b", "a\nb\n", '["a", "b"]', "'a', 'b'"])
def test_fallback_models_in_any_list(written: str) -> None:
    """Names are never joined to one that no service has."""
    assert read_client_settings({"REVIEWER_FALLBACK_MODELS": written}).fallback_models == ("a", "b")


def test_the_key_does_not_show() -> None:
    """Settings end up in tracebacks and logs."""
    assert "key-1" not in repr(read_client_settings(FULL))


def test_a_client_is_built_from_settings() -> None:
    """Everything arrives; the limit on parallel calls is the caller's."""
    settings = read_client_settings(FULL)
    with Client.from_settings(settings, max_parallel=9) as client:
        assert (client.key, client.base_url, client.model) == ("key-1", settings.base_url, "other")
        assert (client.fallback_models, client.prices, client.max_parallel) == (("a", "b"), settings.prices, 9)


@pytest.mark.parametrize("text", ["runapi.ai/v1", "ftp://runapi.ai", "https://", "http://[", ""])
def test_what_is_no_web_address_is_refused(text: str) -> None:
    """With the name of the variable and an example."""
    with pytest.raises(SettingsError, match=r"RUNAPI_BASE_URL .*such as https://"):
        check_base_url(text)


def proxies(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """Let the environment name these proxies and no others."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("excepted", "url", "used"),
    [
        ("::1,localhost,fe80::/10,10.0.0.0/8,*.local", "https://a.example/v1", True),
        ("[::1]", "https://a.example/v1", True),
        (".example", "https://a.example/v1", False),
        ("*.example", "https://a.example/v1", False),
        ("a.example:443", "https://a.example/v1", False),
        ("b.example, A.example", "https://a.example/v1", False),
        ("xample", "https://a.example/v1", True),
        ("*", "https://a.example/v1", False),
        ("10.0.0.0/8", "https://10.1.2.3/v1", False),
        ("fe80::/10", "https://[fe80::1]:8000/v1", False),
        ("", "http://a.example/v1", False),
    ],
)
def test_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch, excepted: str, url: str, used: bool) -> None:  # noqa: FBT001
    """Hosts, what lies below them, addresses and networks are excepted; no entry of the list stops the client."""
    proxies(monkeypatch, HTTPS_PROXY='"127.0.0.1:3128"', NO_PROXY=excepted)
    assert environment_proxy(url) == ("http://127.0.0.1:3128" if used else None)
    connect(url, StreamTimeouts()).close()


@pytest.mark.parametrize(
    ("proxy", "says"),
    [("socks5://127.0.0.1:1080", "SOCKS"), ("socks5h://me:s3cret@h:1", "SOCKS"), ("ftp://me:s3cret@h:1", "HTTPS_PROXY"),
     ("http://me:s3cret@h:port", "HTTPS_PROXY")],
)  # fmt: skip
def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, proxy: str, says: str) -> None:
    """The message names what to set, and not the proxy's password."""
    proxies(monkeypatch, ALL_PROXY=proxy)
    with pytest.raises(SettingsError, match=says) as raised:
        connect("http://a.example/v1", StreamTimeouts())
    assert "s3cret" not in str(raised.value)


def test_certificates_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named, where the file of an authority of one's own was moved."""
    monkeypatch.setenv("SSL_CERT_FILE", "/gone/authority.pem")
    with pytest.raises(SettingsError, match="SSL_CERT_FILE"):
        connect("https://a.example/v1", StreamTimeouts())
