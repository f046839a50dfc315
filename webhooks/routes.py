"""The App's door: deliveries in, an answer within milliseconds; health and counts for those who run it.

Promises: the signature is checked on the raw bytes before anything is parsed; a delivery that asks for work is durably
stored before it is answered; whatever is refused or ignored says why. Never works on a job.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from webhooks.deliveries import Ignored, MalformedDelivery, decide
from webhooks.jobs import Jobs, StoreUnavailable
from webhooks.metrics import CONTENT_TYPE, Metrics
from webhooks.signature import SIGNATURE_HEADER, is_signed

log = logging.getLogger(__name__)

#: https://docs.github.com/webhooks/webhook-events-and-payloads: larger payloads are not delivered.
MAX_BODY = 25 * 1024 * 1024

EVENT_HEADER, DELIVERY_HEADER = "X-GitHub-Event", "X-GitHub-Delivery"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"

#: A GUID. It becomes the job's id, so whatever it is, it has no blanks, slashes or line ends.
_DELIVERY = re.compile(r"[A-Za-z0-9_-]{1,100}")

Answer = tuple[Response, int]


class Refused(Exception):
    """A request that is answered with an error; the message says what was wrong with it."""

    def __init__(self, status: int, message: str) -> None:
        """Store the HTTP status and the message."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Door:
    """What the routes need: the jobs, the secrets that sign deliveries, and the counters."""

    jobs: Jobs
    secrets: Sequence[str]
    metrics: Metrics


def flask_app(door: Door) -> Flask:
    """Return the App's WSGI application. Errors of any kind are JSON."""
    app = Flask("webhooks", static_folder=None)
    app.register_blueprint(_routes(door))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Answer:
        return jsonify(error=_advice(error)), error.code or 500

    return app


def _advice(error: HTTPException) -> str:
    if error.code == 404:
        return "There is nothing here. GitHub delivers to POST /webhooks/github."
    if error.code == 405:
        return f"{request.method} is not for this address. GitHub delivers to POST /webhooks/github."
    return error.description or error.name


def _routes(door: Door) -> Blueprint:
    routes = Blueprint("app", __name__)

    @routes.post("/webhooks/github")
    def github() -> Answer:
        outcome, answer = _receive(door)
        door.metrics.delivered(request.headers.get(EVENT_HEADER, ""), outcome)
        return answer

    @routes.get("/healthz")
    def healthz() -> Answer:
        return jsonify(status="ok"), 200

    @routes.get("/readyz")
    def readyz() -> Answer:
        reason = door.jobs.ready()
        return (jsonify(status="ready"), 200) if reason is None else (jsonify(error=reason), 503)

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(door.metrics.text(door.jobs), content_type=CONTENT_TYPE)

    return routes


def _receive(door: Door) -> tuple[str, Answer]:
    """Answer a delivery; returns a word for the counters beside the answer."""
    delivery = request.headers.get(DELIVERY_HEADER, "")
    fields: dict[str, Any] = {"delivery": delivery[:100], "event": request.headers.get(EVENT_HEADER, "")[:100]}
    try:
        decision = decide(*_signed_payload(door.secrets), delivery)
        if isinstance(decision, Ignored):
            log.info("ignored", extra={**fields, "reason": decision.reason})
            return "ignored", (jsonify(ignored=decision.reason), 202)
        is_new = door.jobs.accept(decision)
    except Refused as error:
        log.warning("refused", extra={**fields, "status": error.status, "why": str(error)})
        return "refused", (jsonify(error=str(error)), error.status)
    except MalformedDelivery as error:
        log.warning("refused", extra={**fields, "status": 400, "why": str(error)})
        return "refused", (jsonify(error=str(error)), 400)
    except StoreUnavailable:
        # 503, so that GitHub lists the delivery as failed and it can be asked for again.
        log.exception("not stored", extra=fields)
        return "unavailable", (jsonify(error="The store is not available. Redeliver this later."), 503)
    log.info("accepted" if is_new else "known", extra={**fields, "job": decision.key})
    return "accepted" if is_new else "known", (jsonify(job=decision.key), 202)


def _signed_payload(secrets: Sequence[str]) -> tuple[str, Any]:
    """Return the event's name and payload of a request that GitHub signed. Raises Refused."""
    body = _body()
    signature = request.headers.get(SIGNATURE_HEADER, "")
    if not signature:
        raise Refused(401, f"The header {SIGNATURE_HEADER} is missing: set GITHUB_WEBHOOK_SECRET's value in the App.")
    if not is_signed(body, signature, secrets):
        raise Refused(401, "The signature does not match: is GITHUB_WEBHOOK_SECRET the webhook's secret?")
    missing = [name for name in (EVENT_HEADER, DELIVERY_HEADER) if not request.headers.get(name, "").strip()]
    if missing:
        raise Refused(400, f"Missing headers: {', '.join(missing)}.")
    if not _DELIVERY.fullmatch(request.headers[DELIVERY_HEADER]):
        raise Refused(400, f"{DELIVERY_HEADER} is not a GUID.")
    return request.headers[EVENT_HEADER], _parsed(body)


def _body() -> bytes:
    """Read the raw body, never more than is allowed, whatever its length is said to be."""
    too_large = Refused(413, f"The body is larger than {MAX_BODY:,} bytes.")
    if (request.content_length or 0) > MAX_BODY:
        raise too_large
    parts: list[bytes] = []
    size = 0
    while part := request.stream.read(min(65_536, MAX_BODY + 1 - size)):
        parts.append(part)
        size += len(part)
        if size > MAX_BODY:
            raise too_large
    return b"".join(parts)


def _parsed(body: bytes) -> Any:
    """Parse the body by its content type: https://docs.github.com/webhooks/using-webhooks/creating-webhooks ."""
    if request.mimetype not in (JSON, FORM):
        raise Refused(415, f"The content type must be {JSON} or {FORM}.")
    try:
        if request.mimetype == FORM:
            fields = parse_qs(body.decode("utf-8"), max_num_fields=10)
            if len(fields.get("payload", ())) != 1:
                raise Refused(400, "The form must have one field `payload`.")
            return json.loads(fields["payload"][0])
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The payload is not valid JSON.") from error
