"""Error envelopes become the right typed errors, with words that help."""

import json
from datetime import UTC, datetime

import pytest

from reviewer.llm.error_mapping import (
    NoSuchModel,
    RequestDescription,
    ServiceFault,
    UnsupportedField,
    explain,
    fault_in,
    fault_of,
)
from reviewer.llm.errors import (
    BadKey,
    ModelError,
    ModelUnavailable,
    NoCredit,
    PromptTooLong,
    RequestRefused,
    SlowDown,
    retry_after,
)
from reviewer.llm.models import LISTED

ASKED = RequestDescription("runapi.ai", "MiniMax-M2.1", ("stream_options", "top_p", "temperature", "max_tokens"))

CODES = [
    (1000, ModelUnavailable),
    (1001, ModelUnavailable),
    (1002, SlowDown),
    (1004, BadKey),
    (1008, NoCredit),
    (1013, ModelUnavailable),
    (1024, ModelUnavailable),
    (1026, RequestRefused),
    (1027, RequestRefused),
    (1033, ModelUnavailable),
    (1039, SlowDown),
    (1041, SlowDown),
    (1042, RequestRefused),
    (2013, RequestRefused),
    (2045, SlowDown),
    (2049, BadKey),
    (2056, NoCredit),
    (2061, NoSuchModel),
    (9999, ModelUnavailable),
]


def explained(fault: ServiceFault | None) -> ModelError:
    assert fault is not None
    return explain(fault, ASKED)


@pytest.mark.parametrize(("code", "kind"), CODES)
@pytest.mark.parametrize("as_text", [False, True])
def test_a_code_under_http_200_decides(code, kind, as_text):
    """MiniMax's code in `base_resp` decides, as a number or as text, and is never taken for an HTTP status."""
    value = {"choices": None, "base_resp": {"status_code": str(code) if as_text else code, "status_msg": "no"}}
    assert type(explained(fault_in(value))) is kind


@pytest.mark.parametrize(("code", "kind"), CODES[:-1])
@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_code_in_the_message_comes_before_the_status(code, kind, status):
    """The code at the end of the message decides, whatever the HTTP status around it."""
    body = {"type": "error", "error": {"type": "api_error", "message": f"no ({code})", "http_code": str(status)}}
    assert type(explain(fault_of(status, json.dumps(body).encode()), ASKED)) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, RequestRefused),
        (400, RequestRefused),
        (401, BadKey),
        (402, NoCredit),
        (403, BadKey),
        (404, RequestRefused),
        (405, RequestRefused),
        (408, ModelUnavailable),
        (409, RequestRefused),
        (413, PromptTooLong),
        (422, RequestRefused),
        (425, ModelUnavailable),
        (429, SlowDown),
        *[(status, ModelUnavailable) for status in (500, 501, 502, 503, 504, 520, 522, 524)],
        (529, SlowDown),
    ],
)
@pytest.mark.parametrize("body", [{"message": "no"}, {"error": "no"}, {"errors": ["no"]}, {"detail": "no"}, "no", None])
def test_without_a_code_the_status_decides(status, kind, body):
    """Every status leads to its error, in every form of body, and the message quotes the service."""
    error = explain(fault_of(status, json.dumps(body).encode()), ASKED)
    assert type(error) is kind
    assert ("no" if body else "null") in str(error)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"message": "invalid params, context window exceeds limit (2013)"}, PromptTooLong),
        (400, {"message": "This model's maximum context length is 9 tokens, max_tokens 5"}, PromptTooLong),
        (400, {"message": "too big", "code": "context_length_exceeded"}, PromptTooLong),
        (400, {"message": "invalid params, unknown model 'minimax-m9' (2013)"}, NoSuchModel),
        (404, {"message": "The model `x` does not exist", "code": "model_not_found"}, NoSuchModel),
        (404, {"message": "model x not found"}, NoSuchModel),
        (400, {"message": "your plan does not include it (2061)"}, NoSuchModel),
        (429, {"message": "You exceeded your quota", "code": "insufficient_quota"}, NoCredit),
        (403, {"message": "insufficient balance"}, NoCredit),
        (500, {"message": "insufficient balance (1008)"}, NoCredit),
        (200, {"message": "high load", "type": "overloaded_error", "http_code": "529"}, SlowDown),
        (200, {"message": "slow down", "code": 429}, SlowDown),
        (200, {"message": "upstream", "code": 502}, ModelUnavailable),
        (200, {"message": "bad key", "code": 401}, BadKey),
        (200, "something", ModelUnavailable),
        (401, {"message": "no", "type": "invalid_request_error", "code": "invalid_api_key"}, BadKey),
        (400, {"message": "no", "code": "content_policy_violation"}, RequestRefused),
    ],
)
def test_words_and_kinds_tell_client_faults_apart(status, error, kind):
    """Where codes and statuses are shared, the words, the kind or the inner status decide."""
    assert type(explained(fault_in({"error": error}, status))) is kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"code": 401, "msg": "invalid token"}, BadKey),
        ({"code": "429", "message": "slow"}, SlowDown),
        ({"code": "Arrearage", "message": "insufficient balance"}, NoCredit),
        ({"success": False, "message": "nothing"}, ModelUnavailable),
    ],
)
def test_a_message_with_a_code_instead_of_an_answer(body, kind):
    """Gateways report their errors under HTTP 200, in an envelope of their own, whole or in a stream."""
    assert type(explained(fault_in(body))) is kind
    assert fault_in({**body, "choices": []}) is None


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("prompt tokens exceeds limit", PromptTooLong),
        ("Range of input length should be [1, 30720]", PromptTooLong),
        ("Budget has been exceeded! Current cost: 10", NoCredit),
        ("MiniMax-M9 is not a valid model ID", NoSuchModel),
        ("litellm.BadRequestError: LLM Provider NOT provided. You passed model=m", NoSuchModel),
        ("the parameter max_tokens exceeded its range", RequestRefused),
    ],
)
def test_words_of_other_gateways(message, kind):
    """What stands behind RUNAPI_BASE_URL may be a gateway with words of its own."""
    assert type(explain(fault_of(400, json.dumps({"message": message}).encode()), RequestDescription("h", "m"))) is kind


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("unknown field stream_options (2013)", "stream_options"),
        ("include_usage is not supported", "stream_options"),
        ("top_p must not be set", "top_p"),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model, use max_completion_tokens",
            "max_tokens",
        ),
        ("temperature out of range", "temperature"),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_field_is_named(message, field, status):
    """A refusal that names an optional field of the request says which one can be left out."""
    error = explain(fault_of(status, json.dumps({"error": {"message": message}}).encode()), ASKED)
    assert isinstance(error, UnsupportedField)
    assert error.field == field


def test_a_refused_field_is_found_where_validators_put_it():
    """The place of a field in `param` or in FastAPI's `loc` is enough."""
    by_param = fault_of(400, b'{"error": {"message": "bad value", "param": "top_p"}}')
    by_location = fault_of(422, b'{"detail": [{"loc": ["body", "top_p"], "msg": "extra"}]}')
    errors = explain(by_param, ASKED), explain(by_location, ASKED)
    assert [error.field for error in errors if isinstance(error, UnsupportedField)] == ["top_p", "top_p"]


def test_a_field_that_was_not_sent_is_not_the_reason():
    """A refusal that names a field we did not send is a plain refusal: leaving it out would change nothing."""
    fault = fault_of(400, b'{"error": {"message": "top_p is required"}}')
    assert type(explain(fault, RequestDescription("runapi.ai", "m", ("temperature",)))) is RequestRefused


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (fault_of(401, b"{}"), ["RUNAPI_KEY", "runapi.ai"]),
        (fault_of(402, b"{}"), ["credit", "Top it up"]),
        (fault_of(400, b'{"message": "unknown model"}'), ["MiniMax-M2.1", "REVIEWER_MODEL", *LISTED]),
        (fault_of(404, b"{}"), ["RUNAPI_BASE_URL", "/v1"]),
        (fault_of(503, b"<html><title>Down\n for now</title></html>"), ["HTTP 503", "Down for now", "later"]),
        (fault_of(403, b"<html><title>Blocked</title></html>"), ["firewall", "Blocked"]),
        (fault_of(403, b"error code: 1020"), ["firewall", "1020"]),
        (fault_of(200, b"<!doctype html><title>Console</title>"), ["a web page", "RUNAPI_BASE_URL", "/v1", "Console"]),
        (
            fault_of(200, b'{"base_resp": {"status_code": 1026, "status_msg": "new_sensitive"}}'),
            ["It was not reviewed"],
        ),
        (fault_of(500, b""), ["an empty answer"]),
    ],
)
def test_messages_say_what_to_do(fault, says):
    """A person reads whose fault it is, what the service said, and what to do next."""
    message = str(explain(fault, ASKED))
    assert [word for word in says if word not in message] == []


def test_a_long_message_is_cut_and_stays_on_one_line():
    """A service cannot fill a log or draw on a terminal with its error."""
    fault = fault_of(500, json.dumps({"message": "a\n\x1b[31m" * 1000}).encode())
    assert len(fault.message) <= 300
    assert fault.message.isprintable()


@pytest.mark.parametrize(
    "value",
    [
        {"choices": []},
        {"base_resp": {"status_code": 0, "status_msg": ""}},
        {"base_resp": None, "error": None},
        [],
        None,
    ],
)
def test_an_answer_is_no_fault(value):
    """A body without an error is not taken for one, with or without `base_resp`."""
    assert fault_in(value) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers, seconds):
    """The wait that a server asks for is understood in each form, and nonsense is no wait."""
    assert retry_after(headers, datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)) == seconds
