"""Receive webhook deliveries and answer within milliseconds.

Promises: the signature is checked on the raw bytes before anything is parsed; a delivery that asks for work is durably
stored before it is answered; a delivery that is refused or ignored gets the reason. Never works on a job.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from pydantic_core import from_json
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request

from webhooks.events.commands import CommandSyntax
from webhooks.events.deliveries import Ignored, MalformedDelivery, decide
from webhooks.queue.jobs import Jobs, StoreUnavailable
from webhooks.server.metrics import Metrics
from webhooks.server.request_buffer import MAX_BODY
from webhooks.server.signature import SIGNATURE_HEADER, is_signed
from webhooks.telemetry.spans import NO_TRACER, SpanPlace, SpanSide, Tracer, delivery_place, opened

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

PATH = "/webhooks/github"

EVENT_HEADER, DELIVERY_HEADER = "X-GitHub-Event", "X-GitHub-Delivery"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"

#: A GUID. It becomes the job's id, so it may have no blanks, slashes or line ends.
_DELIVERY = re.compile(r"[A-Za-z0-9_-]{1,100}")

#: Seconds between two notes in the store that deliveries come.
_NOTE_SECONDS = 60.0

#: An HTTP status and the JSON object of the response.
Answer = tuple[int, dict[str, str]]


class BadDelivery(Exception):
    """A request that is answered with an error; the message says what is wrong with it."""

    def __init__(self, status: int, message: str) -> None:
        """Store the HTTP status and the message."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """What the routes need: the jobs, the secrets that sign deliveries, the counters, and the commands in comments.

    `operator_token` opens what only operators see; without one, only requests from this machine see it. `tracer` makes
    the spans of deliveries.
    """

    jobs: Jobs
    secrets: Sequence[str]
    metrics: Metrics
    commands: Sequence[CommandSyntax]
    operator_token: str = ""
    tracer: Tracer = NO_TRACER


class _DeliveryNotes:
    """Notes in the store that deliveries come: the first of a process, then at most one a minute."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._next = 0.0

    def note(self, event: str) -> None:
        """Note a delivery that was signed, beside its answer, which does not wait for that."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _NOTE_SECONDS
        threading.Thread(target=self._write, args=(event,), name="delivery-note", daemon=True).start()

    def _write(self, event: str) -> None:
        try:
            self._jobs.overview.note_delivery(event[:100])
        except StoreUnavailable as error:
            log.info("delivery not noted", extra={"why": str(error)})


class Receiver:
    """Answers requests to `PATH`, and passes all others on.

    It is in front of Flask: most deliveries are ignored, and Flask's routing would double what that costs
    (`make bench ARGS=durable`).
    """

    def __init__(self, config: ReceiverConfig, others: WSGIApplication) -> None:
        """Store what deliveries need, and the application for all other requests."""
        self._config = config
        self._others = others
        self._notes = _DeliveryNotes(config.jobs)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, as WSGI wants it."""
        if environ.get("PATH_INFO") != PATH:
            return self._others(environ, start_response)
        request = Request(environ)
        status, response = self._answer(request)
        body = json.dumps(response).encode() + b"\n"
        headers = [("Content-Type", JSON), ("Content-Length", str(len(body)))]
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "POST"))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def _answer(self, request: Request) -> Answer:
        if request.method != "POST":
            return 405, {"error": f"{request.method} is not allowed here. GitHub delivers webhooks to POST {PATH}."}
        try:
            outcome, answer = _receive(self._config, request)
        except Exception:
            # GitHub lists the delivery as failed, so it can be delivered again.
            log.exception("failed", extra={"delivery": request.headers.get(DELIVERY_HEADER, "")[:100]})
            outcome, answer = (
                "failed",
                (500, {"error": "The delivery could not be accepted. The App's log has the reason."}),
            )
        if outcome in {"accepted", "known", "ignored"}:
            self._notes.note(request.headers.get(EVENT_HEADER, ""))
        self._config.metrics.delivered(request.headers.get(EVENT_HEADER, ""), outcome)
        return answer


def _receive(config: ReceiverConfig, request: Request) -> tuple[str, Answer]:
    """Answer a delivery; return a word for the counters and the answer."""
    headers = request.headers
    delivery = headers.get(DELIVERY_HEADER, "")
    began = time.time()
    fields: dict[str, Any] = {"delivery": delivery[:100], "event": headers.get(EVENT_HEADER, "")[:100]}
    try:
        decision = decide(*_signed_payload(request, config.secrets), delivery, config.commands)
        if isinstance(decision, Ignored):
            with _span(config, fields, began, "ignored"):
                log.info("ignored", extra={**fields, "reason": decision.reason})
            return "ignored", (202, {"ignored": decision.reason})
        outcome = "accepted" if config.jobs.accept(decision) else "known"
    except BadDelivery as error:
        log.warning("refused", extra={**fields, "status": error.status, "why": str(error)})
        if error.status == HTTPStatus.UNAUTHORIZED:
            config.metrics.refused("signature")
        return "refused", (error.status, {"error": str(error)})
    except MalformedDelivery as error:
        log.warning("refused", extra={**fields, "status": 400, "why": str(error)})
        return "refused", (400, {"error": str(error)})
    except StoreUnavailable:
        # 503, so that GitHub lists the delivery as failed and it can be delivered again.
        log.exception("not stored", extra=fields)
        return "unavailable", (503, {"error": "The store is not available. Redeliver this later."})
    with _span(config, fields, began, outcome, reviewer__key=decision.key):
        log.info(outcome, extra={**fields, "job": decision.key})
    return outcome, (202, {"job": decision.key})


def _span(
    config: ReceiverConfig, fields: dict[str, Any], began: float, outcome: str, **more: str
) -> AbstractContextManager[object]:
    """Open the span of a delivery that GitHub signed. A delivery that came before gets another id in the same trace."""
    place = delivery_place(fields["delivery"])
    if outcome != "accepted":
        place = SpanPlace(place.trace)
    names = {"reviewer__delivery": fields["delivery"], "reviewer__event": fields["event"], "reviewer__outcome": outcome}
    return opened(config.tracer, "delivery", place, SpanSide.SERVER, began, **names, **more)


def _signed_payload(request: Request, secrets: Sequence[str]) -> tuple[str, Any]:
    """Return the event's name and payload of a request that GitHub signed. Raises BadDelivery."""
    body = _body(request)
    headers = request.headers
    signature = headers.get(SIGNATURE_HEADER, "")
    if not signature:
        raise BadDelivery(
            401,
            f"The header {SIGNATURE_HEADER} is missing: give the App at GitHub the secret of GITHUB_WEBHOOK_SECRET.",
        )
    if not is_signed(body, signature, secrets):
        raise BadDelivery(401, "The signature does not match: is GITHUB_WEBHOOK_SECRET the webhook's secret?")
    event, delivery = headers.get(EVENT_HEADER, ""), headers.get(DELIVERY_HEADER, "")
    missing = [name for name, value in ((EVENT_HEADER, event), (DELIVERY_HEADER, delivery)) if not value.strip()]
    if missing:
        raise BadDelivery(400, f"Missing headers: {', '.join(missing)}.")
    if not _DELIVERY.fullmatch(delivery):
        raise BadDelivery(400, f"{DELIVERY_HEADER} is not a GUID.")
    return event, _parsed(body, request.mimetype)


def _body(request: Request) -> bytes:
    """Read the raw body, never more than MAX_BODY bytes, whatever the header says."""
    too_large = BadDelivery(413, f"The body is larger than {MAX_BODY:,} bytes.")
    length = request.content_length
    if length is not None and length > MAX_BODY:
        raise too_large
    # Without a length the body comes in chunks of any number.
    try:
        body = request.stream.read(MAX_BODY + 1) if length is None else request.get_data(cache=False)
    except (ClientDisconnected, OSError, EOFError):
        raise BadDelivery(400, "The body ended early.") from None
    except Exception as error:  # noqa: BLE001 - the server's own errors, for chunks that are none
        log.info("body not read", extra={"why": type(error).__name__})
        raise BadDelivery(400, "The body cannot be read: are its chunks well formed?") from None
    if len(body) > MAX_BODY:
        raise too_large
    return body


def _parsed(body: bytes, mimetype: str) -> Any:
    """Parse the body by its content type: https://docs.github.com/webhooks/using-webhooks/creating-webhooks ."""
    if mimetype not in (JSON, FORM):
        raise BadDelivery(415, f"The content type must be {JSON} or {FORM}.")
    try:
        if mimetype == FORM:
            fields = parse_qs(body.decode("utf-8"), max_num_fields=10)
            if len(fields.get("payload", ())) != 1:
                raise BadDelivery(400, "The form must have one field `payload`.")
            return _json(fields["payload"][0].encode("utf-8", "surrogatepass"))
        return _json(body)
    except (ValueError, RecursionError) as error:
        raise BadDelivery(400, "The payload is not valid JSON.") from error


def _json(text: bytes) -> Any:
    """Parse JSON with the fast parser, or with Python's where the fast one is too strict. Raises ValueError."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)
