"""Turn a service's error response into a `ServiceFault`, and a fault into a typed error. Pure.

There are four forms of error: MiniMax's own with an HTTP error status (its code is the `(2013)` at the end of the
message), MiniMax's `base_resp` with HTTP 200, OpenAI's, and a web page from a proxy. RunAPI may pass on any of them.

MiniMax's code decides first, then the kind of error, then the HTTP status. A code is never used as a status: 1008 (no
credit) is above 500, but must not be retried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from reviewer.llm.errors import (
    BadKey,
    ModelError,
    ModelUnavailable,
    NoCredit,
    PromptTooLong,
    RequestRefused,
    SlowDown,
)
from reviewer.llm.models import LISTED
from reviewer.safety.redaction import redact


class NoSuchModel(BadKey):
    """The model id is unknown or not in the key's plan. Stop the run, or fall back to another model."""


class UnsupportedField(RequestRefused):
    """The service does not accept the optional `field` of the request. Send the request without it."""

    field = ""


class CutOff(ModelUnavailable):
    """We stopped waiting. Unlike for a failure of the service, the answer so far may be charged."""


@dataclass(frozen=True, slots=True)
class ServiceFault:
    """An error as the service reported it: HTTP `status`, `message`, MiniMax's `code`, and the `kind` of error."""

    status: int
    message: str
    code: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class RequestDescription:
    """A request, for error messages: the service's host, the model, the optional fields that were sent."""

    host: str
    model: str = ""
    fields: Collection[str] = ()


# https://platform.minimax.io/docs/api-reference/errorcode; 2056: the plan's limit for a few hours is used up.
_CODES: Mapping[int, type[ModelError]] = {
    1000: ModelUnavailable,  # unknown error
    1001: ModelUnavailable,  # request timeout
    1002: SlowDown,  # rate limit
    1004: BadKey,
    1008: NoCredit,
    1013: ModelUnavailable,  # internal
    1024: ModelUnavailable,
    1026: RequestRefused,  # input sensitive
    1027: RequestRefused,  # output sensitive
    1033: ModelUnavailable,
    1039: SlowDown,  # tokens per minute
    1041: SlowDown,  # connections
    1042: RequestRefused,  # invisible characters
    2013: RequestRefused,  # invalid parameters; only the message says which
    2045: SlowDown,  # growth of the rate
    2049: BadKey,
    2056: NoCredit,
    2061: NoSuchModel,  # not on the plan
}
_KINDS: Mapping[str, type[ModelError]] = {
    "authorized_error": BadKey,
    "authentication_error": BadKey,
    "invalid_api_key": BadKey,
    "permission_error": BadKey,
    "rate_limit_error": SlowDown,
    "rate_limit_exceeded": SlowDown,
    "overloaded_error": SlowDown,
    "insufficient_quota": NoCredit,
    "context_length_exceeded": PromptTooLong,
    "model_not_found": NoSuchModel,
    "content_filter": RequestRefused,
    "content_policy_violation": RequestRefused,
}
_STATUSES: Mapping[int, type[ModelError]] = {
    401: BadKey,
    402: NoCredit,
    403: BadKey,
    408: ModelUnavailable,
    413: PromptTooLong,
    425: ModelUnavailable,
    429: SlowDown,
    529: SlowDown,
}
# Client errors share one code or status; these words distinguish them.
_WORDS: tuple[tuple[re.Pattern[str], type[ModelError]], ...] = (
    (
        re.compile(r"insufficient[ _](balance|credit|quota)|out of credit|budget has been exceeded", re.IGNORECASE),
        NoCredit,
    ),
    (
        re.compile(
            r"context[ _](window|length)|too many (input )?tokens|(prompt|input) (is |tokens )?too long"
            r"|tokens? exceeds?\b|input length should be|maximum (prompt|input|number of) (length|tokens)",
            re.IGNORECASE,
        ),
        PromptTooLong,
    ),
    (
        re.compile(
            r"(unknown|invalid|no such) model|model_not_found|model\b.{0,80}\b(not found|not exist|not supported)"
            r"|not a valid model|no available channels? for model|LLM Provider NOT provided",
            re.IGNORECASE,
        ),
        NoSuchModel,
    ),
)
# What happened and what to do next, for a person.
_SENTENCES: Mapping[type[ModelError], str] = {
    NoSuchModel: "{host} does not serve {model} to this key. Set REVIEWER_MODEL to a model of your plan: {listed}.",
    BadKey: "{host} refused the API key. Check RUNAPI_KEY, and that RUNAPI_BASE_URL is the service that issued it.",
    NoCredit: "The account behind RUNAPI_KEY has no credit left at {host}. Top it up, or wait for the plan to reset.",
    PromptTooLong: "The prompt does not fit the window of {model}. Review a smaller change, or choose a larger model.",
    SlowDown: "{host} limits the rate or is overloaded. Try again later, or with fewer calls at a time.",
    ModelUnavailable: "{host} failed (HTTP {status}). Try again later.",
}
_CODE_IN_MESSAGE = re.compile(r"\((\d{4})\)\s*$")
#: What Cloudflare writes instead of a page.
_EDGE = re.compile(r"error code: \d{3,4}", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,1000})</title>", re.IGNORECASE)
_MESSAGE_KEYS = ("message", "msg", "detail", "errorMessage", "error_message", "status_msg", "error_description")
_LONGEST_MESSAGE = 300
# The kind of a fault that is an HTML page: it comes from something in front of the service.
_PAGE = "page"


def fault_of(status: int, body: bytes) -> ServiceFault:
    """Return the fault in the body of a failed answer, in any form."""
    text = body.decode("utf-8", "replace").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        is_page = text.startswith("<") or _EDGE.fullmatch(text) is not None
        return ServiceFault(status, _page(text), kind=_PAGE if is_page else "")
    return fault_in(value, status) or ServiceFault(status, _squeezed(_words(value)))


def fault_in(value: Any, status: int = 200) -> ServiceFault | None:
    """Return the error in a decoded JSON value, or None if it is not an error."""
    if not isinstance(value, dict):
        return None
    base = value.get("base_resp")
    code = _number(base.get("status_code")) if isinstance(base, dict) else None
    if code:
        return ServiceFault(status, _squeezed(_words(base)) or f"code {code}", code)
    error = value.get("error") or value.get("errors")
    if error:
        return _fault_from(error[0] if isinstance(error, list) else error, status)
    if value.get("object") == "error" or value.get("type") == "error" or _is_bare_error(value):
        return _fault_from(value, status)
    return None


def _is_bare_error(value: Mapping[str, Any]) -> bool:
    """Whether a message and a code, or `success: false`, stand in the place of an answer, as gateways write errors."""
    fails = value.get("success") is False or value.get("code") not in (None, 0, "0", "", 200, "200")
    return fails and "choices" not in value and any(isinstance(value.get(key), str) for key in _MESSAGE_KEYS[:2])


def _fault_from(error: Any, status: int) -> ServiceFault:
    message = _squeezed(_words(error))
    entry = error if isinstance(error, dict) else {}
    if param := entry.get("param"):
        message = _squeezed(f"{message} [{param}]")
    suffix = _CODE_IN_MESSAGE.search(message)
    numbers = [int(suffix[1])] if suffix else []
    numbers += [number for key in ("code", "http_code", "status") if (number := _number(entry.get(key))) is not None]
    # An error inside a stream under HTTP 200 carries its status in the body.
    inner = next((number for number in numbers if 400 <= number <= 599), status)
    code = next((number for number in numbers if 1000 <= number <= 9999), None)
    kinds = [kind for key in ("code", "type") if (kind := str(entry.get(key))) in _KINDS]
    return ServiceFault(status if status >= 400 else inner, message, code, kinds[0] if kinds else "")


def _number(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _words(value: Any) -> str:
    """Return the message of an error, or the whole error as JSON if it has none."""
    if isinstance(value, dict):
        value = next((value[key] for key in _MESSAGE_KEYS if value.get(key)), value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _page(text: str) -> str:
    """Return a short description of an answer that is not JSON."""
    if not text:
        return "an empty answer"
    title = _TITLE.search(text)
    if title or text.startswith("<"):
        return f"a web page, {_squeezed(title[1]) if title else 'without title'!r}"
    return _squeezed(text)


_NOT_PLAIN = re.compile("[^ -~]")


def _squeezed(text: str) -> str:
    # The service may repeat what it was sent: secrets are replaced before the text is cut.
    shown = _NOT_PLAIN.sub(lambda match: match[0] if match[0].isprintable() else " ", text)
    line = redact(" ".join(shown.split()))[0]
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


def explain(fault: ServiceFault, request: RequestDescription, retry_after: float | None = None) -> ModelError:
    """Return the typed error for a fault; its message says what to do next. `retry_after` is in seconds."""
    kind = _class_of(fault)
    if kind in {RequestRefused, NoSuchModel} and (field := _field_named(fault, request.fields)):
        error = UnsupportedField(f"{request.host} does not accept {field}: {fault.message}.", retry_after=retry_after)
        error.field = field
        return error
    return kind(f"{_sentence(kind, fault, request)} (It said: {fault.message})", retry_after=retry_after)


def _class_of(fault: ServiceFault) -> type[ModelError]:
    by_code = _CODES.get(fault.code) if fault.code is not None else None
    if by_code is not None and by_code is not RequestRefused:
        return by_code
    if by_code is None and fault.kind in _KINDS:
        return _KINDS[fault.kind]
    if by_code is RequestRefused or (fault.status < 500 and fault.kind != _PAGE):
        by_words = next((kind for words, kind in _WORDS if words.search(fault.message)), None)
        if by_words or by_code or fault.status >= 400:
            return by_words or by_code or _STATUSES.get(fault.status, RequestRefused)
    if 300 <= fault.status < 400 or (fault.status == 403 and fault.kind == _PAGE):
        return RequestRefused
    return _STATUSES.get(fault.status, RequestRefused if 400 <= fault.status < 500 else ModelUnavailable)


def _field_named(fault: ServiceFault, fields: Collection[str]) -> str | None:
    """Return the optional field that the error message names, if the request's form was refused."""
    if fault.code not in {None, 2013} or fault.status not in {200, 400, 422}:
        return None
    aliases = {"include_usage": "stream_options"}
    named = set(re.findall(r"[a-z]+(?:_[a-z]+)*", fault.message))
    named |= {aliases[name] for name in named & aliases.keys()}
    return next((field for field in fields if field in named), None)


def _sentence(kind: type[ModelError], fault: ServiceFault, request: RequestDescription) -> str:
    """Return the sentence that says what happened and what to do."""
    sentence = _SENTENCES.get(kind, "{host} refused the request for {model} (HTTP {status}).")
    if kind is RequestRefused and (fault.status in {404, 405} or 300 <= fault.status < 400):
        sentence = "{host} has no chat completions there (HTTP {status}). RUNAPI_BASE_URL usually ends in /v1."
    elif fault.kind == _PAGE and fault.status < 300:
        sentence = "{host} answered with a web page. RUNAPI_BASE_URL usually ends in /v1; check it, and any proxy."
    elif kind is RequestRefused and fault.kind == _PAGE:
        sentence = "A proxy or firewall in front of {host} refused the request (HTTP {status}). Check both."
    elif fault.code in {1026, 1027} or fault.kind in {"content_filter", "content_policy_violation"}:
        sentence = "The content filter of {host} refused this part of the change. It was not reviewed."
    model = request.model or "the model"
    return sentence.format(host=request.host, model=model, status=fault.status, listed=", ".join(LISTED))
