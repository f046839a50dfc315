"""The client against the double of the service: replies, errors and the bill of one call."""

import logging
import ssl
from decimal import Decimal

import pytest

from reviewer.errors import SettingsError
from reviewer.llm.client import Client
from reviewer.llm.error_mapping import NoSuchModel
from reviewer.llm.errors import (
    BadKey,
    BrokenReply,
    ModelError,
    ModelUnavailable,
    NoCredit,
    PromptTooLong,
    RequestRefused,
    SlowDown,
)
from reviewer.llm.messages import Message, Prompt, Reply, Task
from reviewer.llm.models import Price
from reviewer.llm.usage import Usage
from tests.fakes.model import (
    KEY,
    Answer,
    FakeModel,
    Reset,
    base_resp,
    error,
    fenced,
    in_prose,
    openai_error,
    page,
    thinks,
)

JSON = '{"summary": "naïve — 代码 \u2028 ok", "findings": []}'


@pytest.fixture
def client(model):
    """Return a client of the double that tries once."""
    with Client(key=model.key, base_url=model.base_url, max_attempts=1, trailer_timeout=0.1) as one:
        yield one


def prompt(text="the diff", task=Task.FINDINGS, **more):
    """Return a prompt for a task."""
    return Prompt(task, (Message("system", "Be kind."), Message("user", f"# Task: {task}\n{text}")), **more)


def failure(client, *, one=None):
    """Return the error that a call ends with."""
    with pytest.raises(ModelError) as raised:
        client.complete(one or prompt())
    return raised.value


@pytest.mark.parametrize(
    "answer",
    [
        Answer(JSON),
        Answer(JSON, piece=1),
        Answer(JSON, oddities=True),
        Answer(JSON, newline="\r\n"),
        Answer(JSON, newline="\r"),
        Answer(JSON, comments=3),
        Answer(JSON, done=False),
        Answer(JSON, usage=None),
        Answer(JSON, done=False, usage=None, hang=True),
        Answer(JSON, done=False, usage=None, unterminated=True),
        Answer(JSON, whole_message=True),
        Answer(JSON, stream=False, content_type="application/json"),
        Answer(JSON, stream=False, content_type="text/event-stream"),
        Answer(JSON, content_type="application/octet-stream"),
        Answer(JSON, thinking="Let me see.\nDone."),
        Answer(JSON, thinking="Let me see.\nDone.", thinking_field="reasoning"),
        Answer(JSON, thinking="Let me see.\nDone.", thinking_field="reasoning_details", cumulative=True),
        Answer(JSON, thinking="Let me see.", stream=False, content_type="application/json"),
        Answer(thinks(JSON), piece=3),
        Answer(thinks(JSON, form="unopened"), piece=3),
        Answer(thinks(JSON, form="twice"), piece=5),
        Answer(thinks(JSON, form="inline"), piece=5),
        Answer(thinks(JSON), stream=False, content_type="application/json"),
    ],
)
def test_the_answer_is_read_in_every_form(model, client, answer):
    """However the service delivers it, the reply is the answer without its thinking, and its raw text is kept."""
    model.script("findings", answer)
    reply = client.complete(prompt())
    assert reply.text == JSON
    assert reply.raw == answer.text
    assert (reply.finish_reason, reply.model) == ("stop", "MiniMax-M2.1")
    assert [attempt.outcome for attempt in reply.attempts] == ["ok"]


@pytest.mark.parametrize("text", [fenced(JSON), in_prose(fenced(JSON)), in_prose(JSON)])
def test_fences_and_prose_are_left_to_the_reader(model, client, text):
    """The client takes thinking out and nothing else: what the answer means is not its business."""
    model.script("findings", thinks(text))
    assert client.complete(prompt()).text == text


def test_the_request_carries_key_and_clean_messages(model, client):
    """The key is the bearer, the messages come as they are but for what cannot be seen."""
    model.script("verify", "{}")
    client.complete(prompt("a\u200bb\x00\tc\r\n\udce9", Task.VERIFY))
    (call,) = model.calls
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.messages == (("system", "Be kind."), ("user", "# Task: verify\nab\tc\r\n\ufffd"))
    assert (call.body["max_tokens"], call.body["temperature"]) == (16_384, 0.2)


def test_a_repair_turn_sends_the_raw_answer_back(model, client):
    """The assistant's message of a repair turn is the one that came, thinking included."""
    model.script("findings", thinks("not JSON"), JSON)
    first = client.complete(prompt())
    again = prompt().followed_by(
        Message("assistant", first.raw), Message("user", "# Task: findings\nOnly JSON, please.")
    )
    assert client.complete(again).text == JSON
    assert [role for role, _ in model.calls[1].messages] == ["system", "user", "assistant", "user"]
    assert model.calls[1].messages[2][1] == thinks("not JSON")


def test_reported_usage_is_the_bill(model, client):
    """Tokens come from the service, and cost what the model costs."""
    model.script("findings", Answer(JSON, usage=(30_000, 8_000)))
    reply = client.complete(prompt())
    (attempt,) = reply.attempts
    assert (attempt.prompt_tokens, attempt.completion_tokens, attempt.estimated) == (30_000, 8_000, False)
    assert attempt.cost_usd == Decimal("0.0093")
    assert reply.usage == Usage(1, 30_000, 8_000, Decimal("0.0093"))


def test_a_reply_without_usage_is_estimated(model, client):
    """A reply whose usage is not reported is billed by its bytes, thinking included, and marked as ours."""
    model.script("findings", Answer("b" * 300, thinking="a" * 600, usage=None))
    (attempt,) = client.complete(prompt("c" * 3000)).attempts
    assert attempt.estimated
    assert attempt.completion_tokens == 300
    assert 1000 <= attempt.prompt_tokens <= 1020
    assert attempt.cost_usd == (attempt.prompt_tokens * Decimal("0.15") + 300 * Decimal("0.60")) / 1_000_000


def test_the_served_model_is_told(model, client):
    """The reply names the model that the service says it served; the bill names the one that was asked for."""
    model.script("findings", Answer(JSON, served="MiniMax-M2.1-0711"))
    reply = client.complete(prompt())
    assert reply.model == "MiniMax-M2.1-0711"
    assert reply.attempts[0].model == "MiniMax-M2.1"


@pytest.mark.slow
def test_an_unlisted_model_is_passed_through_with_one_warning(caplog):
    """An id that RunAPI does not list is sent as it is; its price is unknown unless the user gives one."""
    with FakeModel(models=("Other-1",)) as model:
        model.script("findings", *[Answer(JSON, usage=(10, 10))] * 3)
        with Client(key=KEY, base_url=model.base_url, model="Other-1") as client, caplog.at_level(logging.WARNING):
            costs = [client.complete(prompt()).usage.cost_usd for _ in range(2)]
        warnings = [record.getMessage().split()[:2] for record in caplog.records]
        prices = {"Other-1": Price(Decimal(1), Decimal(2))}
        with Client(key=KEY, base_url=model.base_url, model="Other-1", prices=prices) as client:
            costs.append(client.complete(prompt()).usage.cost_usd)
    assert costs == [None, None, Decimal("0.00003")]
    assert warnings == [["model_not_listed", "model=Other-1"]]


ENDINGS = [
    (base_resp(1008, "insufficient balance"), NoCredit),
    (base_resp(1004, "login fail"), BadKey),
    (base_resp(1002, "rate limit"), SlowDown),
    (base_resp(1000, "unknown error"), ModelUnavailable),
    (base_resp(1027, "output new_sensitive"), RequestRefused),
    (error(400, "invalid params, context window exceeds limit (2013)"), PromptTooLong),
    (error(400, "your plan does not support the model (2061)"), NoSuchModel),
    (error(401, "invalid key (2049)", "authorized_error"), BadKey),
    (error(500, "insufficient balance (1008)"), NoCredit),
    (error(529, "server cluster is under high load", "overloaded_error"), SlowDown),
    (error(520, "unknown error, 999 (1000)"), ModelUnavailable),
    (openai_error(402, "Insufficient credits"), NoCredit),
    (openai_error(429, "Too many requests"), SlowDown),
    (openai_error(400, "nope"), RequestRefused),
    (page(200), ModelUnavailable),
    (page(502), ModelUnavailable),
    (page(524, "A timeout occurred"), ModelUnavailable),
    (page(403, "Attention Required!"), RequestRefused),
    (Reset(), ModelUnavailable),
    (Answer("half an answer", cut=6), ModelUnavailable),
    (Answer(JSON, finish=None), ModelUnavailable),
    (Answer(JSON, finish=None, done=False), ModelUnavailable),
    (Answer(JSON, last={"error": {"message": "overloaded", "http_code": "529"}}), SlowDown),
    (Answer(JSON, last={"base_resp": {"status_code": 1008, "status_msg": "broke"}, "choices": None}), NoCredit),
    (Answer(JSON, last="no JSON at all"), ModelUnavailable),
    (Answer("", finish=None, usage=None, done=False, comments=5), ModelUnavailable),
    (Answer(JSON, finish="content_filter"), RequestRefused),
    (Answer("<minimax:tool_call>\n<invoke>"), BrokenReply),
    (Answer(thinks("", form="whole")), BrokenReply),
    (Answer(thinks(JSON, form="unclosed")), BrokenReply),
    (Answer("", thinking="all thinking", finish="length"), BrokenReply),
    (Answer("", usage=None), ModelUnavailable),
]


@pytest.mark.parametrize(("answer", "kind"), ENDINGS)
def test_every_failure_is_typed_and_billed(model, client, answer, kind):
    """Each way to fail ends in the right error, with one attempt on the bill that names it."""
    model.script("findings", answer)
    found = failure(client)
    assert type(found) is kind
    assert [attempt.outcome for attempt in found.attempts] == [kind.kind]
    assert KEY not in f"{found} {found!r}"


@pytest.mark.parametrize(
    "answer",
    [base_resp(1000, "no"), page(502), Reset(), Answer("half an answer", cut=6), Answer(JSON, last={"error": "no"})],
)
def test_a_failed_generation_costs_nothing(model, client, answer):
    """RunAPI does not charge what failed, so neither does the bill."""
    model.script("findings", answer)
    (attempt,) = failure(client).attempts
    assert (attempt.cost_usd, attempt.prompt_tokens, attempt.completion_tokens) == (Decimal(0), 0, 0)
    assert not attempt.estimated


@pytest.mark.parametrize("answer", [Answer("", finish="length", usage=(1000, 9000)), Answer("", usage=(1000, 9000))])
def test_a_finished_answer_of_no_use_is_charged(model, client, answer):
    """A generation that the service finished is paid for, whether or not it is of use."""
    model.script("findings", answer)
    (attempt,) = failure(client).attempts
    assert attempt.cost_usd == Decimal("0.00555")


def test_errors_name_the_request(model, client):
    """The request id that support will ask for is in the message."""
    model.script("findings", error(500, "broken"))
    assert "request double-1" in str(failure(client))


def test_without_a_key_nothing_is_sent(model):
    """A missing key is an error that names the variable, before any request."""
    for key in ("", "  \n"):
        found = failure(Client(key=key, base_url=model.base_url))
        assert type(found) is BadKey
        assert "Set RUNAPI_KEY" in str(found)
        assert found.attempts == ()
    assert model.calls == []


@pytest.mark.parametrize("key", ["sk-secret\x07", "sk-secret\nX: y", "sk-sécret", "sk secret"])
def test_a_mangled_key_is_not_quoted(model, key):
    """A key that no header can hold is refused without repeating it."""
    found = failure(Client(key=key, base_url=model.base_url))
    assert type(found) is BadKey
    assert "secret" not in f"{found} {found.__cause__} {found.__context__}"


def test_white_space_around_the_key_is_no_part_of_it(model):
    """The newline that a secret often ends with does no harm."""
    model.script("findings", JSON)
    with Client(key=f" {KEY}\n", base_url=model.base_url) as client:
        assert client.complete(prompt()).text == JSON


def test_a_key_that_the_service_repeats_is_taken_out(model, caplog):
    """The key appears in no message, repr or log, even if the service quotes it."""
    with caplog.at_level(logging.DEBUG), Client(key="sk-wrong-key", base_url=model.base_url) as client:
        found = failure(client)
    assert type(found) is BadKey
    assert "***" in str(found)
    assert "sk-wrong-key" not in f"{found} {found!r} {client!r} {caplog.text}"


def test_an_unknown_model_is_named_with_those_that_are_known(model):
    """Who mistypes a model reads which one was meant and which there are."""
    with Client(key=KEY, base_url=model.base_url, model="MiniMax-M9") as client:
        found = failure(client)
    assert type(found) is NoSuchModel
    assert "MiniMax-M9" in str(found)
    assert "MiniMax-M2.1" in str(found)


@pytest.mark.slow
def test_a_host_that_cannot_be_reached_is_named():
    """A refused connection names the host and what to check."""
    with FakeModel() as gone:
        base_url = gone.base_url
    with Client(key=KEY, base_url=base_url, max_attempts=1) as client:
        found = failure(client)
    assert type(found) is ModelUnavailable
    assert "Cannot reach 127.0.0.1" in str(found)
    assert KEY not in str(found)


@pytest.mark.parametrize("base_url", ["", "runapi.ai/v1", "ftp://runapi.ai", "https://"])
def test_a_base_url_that_is_none_is_a_settings_error(base_url):
    """A base URL without scheme or host is the user's to correct."""
    with Client(key=KEY, base_url=base_url) as client, pytest.raises(SettingsError, match="RUNAPI_BASE_URL"):
        client.complete(prompt())


def test_a_wrong_path_points_at_the_base_url(model):
    """A base URL without its version leads to a 404, and the message says what is usual."""
    with Client(key=KEY, base_url=model.base_url.removesuffix("/v1")) as client:
        assert "usually ends in /v1" in str(failure(client))


def test_a_slash_behind_the_base_url_is_no_harm(model):
    """A base URL may end in a slash."""
    model.script("findings", JSON)
    with Client(key=KEY, base_url=model.base_url + "/") as client:
        assert client.complete(prompt()).text == JSON


def test_a_prompt_that_cannot_fit_is_not_sent(model, client):
    """A prompt over the window fails at once, costs nothing and is not sent."""
    found = failure(client, one=prompt("x" * 600_000))
    assert type(found) is PromptTooLong
    assert found.attempts == ()
    assert model.calls == []


@pytest.mark.slow
@pytest.mark.parametrize("field", ["stream_options", "top_p", "temperature"])
def test_a_refused_field_is_dropped_once_and_remembered(field):
    """A field that the service does not know costs one extra request in the client's life."""
    with FakeModel(refuses=(field,)) as model:
        model.script("findings", JSON, JSON)
        with Client(key=KEY, base_url=model.base_url, max_attempts=1) as client:
            first, second = client.complete(prompt()), client.complete(prompt())
    assert [attempt.outcome for attempt in first.attempts] == ["refused", "ok"]
    assert first.attempts[0].cost_usd == 0
    assert [attempt.outcome for attempt in second.attempts] == ["ok"]
    assert all(field not in call.body for call in model.calls)


@pytest.mark.slow
def test_the_limit_is_renamed_before_it_is_dropped():
    """A service that knows only the newer name of the limit gets that; one that knows neither gets none."""
    with FakeModel(refuses=("max_tokens",)) as model:
        model.script("findings", JSON)
        with Client(key=KEY, base_url=model.base_url) as client:
            client.complete(prompt())
    assert model.calls[0].body["max_completion_tokens"] == 16_384
    with FakeModel(refuses=("max_tokens", "max_completion_tokens")) as model:
        model.script("findings", JSON)
        with Client(key=KEY, base_url=model.base_url) as client:
            assert len(client.complete(prompt()).attempts) == 3
    assert not model.calls[0].body.keys() & {"max_tokens", "max_completion_tokens"}


def test_the_models_are_listed(model, client):
    """The ids that the service lists are returned; a wrong key is a typed error."""
    assert client.models() == list(model.models)
    with Client(key="sk-wrong", base_url=model.base_url) as wrong, pytest.raises(BadKey):
        wrong.models()
    with Client(key=KEY, base_url=model.base_url + "/nowhere") as wrong, pytest.raises(RequestRefused, match="/v1"):
        wrong.models()


def test_connections_are_used_again(model, client):
    """One after another, calls share a connection, also after one that failed."""
    model.script("findings", JSON, error(500, "no"), JSON)
    client.complete(prompt())
    failure(client)
    client.complete(prompt())
    assert model.connected == 1


def test_plain_http_loads_no_certificates(model, monkeypatch):
    """Over plain HTTP the certificates of the machine are not read: that would cost a tenth of a second."""
    loaded = []
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *args, **_: loaded.append(args))
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *args, **_: loaded.append(args))
    model.script("findings", JSON)
    with Client(key=KEY, base_url=model.base_url) as client:
        client.complete(prompt())
    assert loaded == []
    with Client(key=KEY, base_url="https://127.0.0.1:1/v1", max_attempts=1) as client:
        failure(client)
    assert loaded != []


def test_a_closed_client_asks_nobody(model):
    """After `close`, a call fails at once instead of hanging."""
    client = Client(key=KEY, base_url=model.base_url)
    client.close()
    found = failure(client)
    assert type(found) is ModelUnavailable
    assert "closed" in str(found)


@pytest.mark.slow
def test_a_proxy_of_the_environment_is_used(monkeypatch):
    """Requests go through the proxy that the environment names: a client behind one works without settings."""
    with FakeModel() as model:
        monkeypatch.setenv("http_proxy", model.base_url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with Client(key=KEY, base_url="http://model.invalid/v1", max_attempts=1) as client:
            found = failure(client)
    # The double is no proxy and does not know an absolute URL: that it was asked is the point.
    assert isinstance(found, RequestRefused)
    assert "model.invalid" in str(found)


def test_ask_returns_what_complete_would_raise(model, client):
    """A batch of one, or of none, is answered like any other: by replies and errors as values."""
    model.script("findings", JSON, error(500, "no"))
    answers = [*client.ask([prompt()]), *client.ask([prompt()]), *client.ask([])]
    assert [type(one) for one in answers] == [Reply, ModelUnavailable]
