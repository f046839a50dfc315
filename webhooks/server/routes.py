"""The App's HTTP routes: health and metrics; webhook deliveries go to `receiver`."""

from __future__ import annotations

import hmac
import ipaddress

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from webhooks.server import receiver
from webhooks.server.metrics import CONTENT_TYPE
from webhooks.server.receiver import Receiver, ReceiverConfig

Answer = tuple[Response, int]

#: Headers of a request that a proxy passes on: it does not come from this machine, even if the proxy is on it.
_RELAYED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Via", "CF-Connecting-IP")

_HOW_TO_SEE = (
    "Set REVIEWER_OPERATOR_TOKEN and send it as `Authorization: Bearer TOKEN`; without one, ask from the App's machine."
)


def flask_app(config: ReceiverConfig) -> Flask:
    """Return the App's WSGI application. All errors are JSON."""
    app = Flask("webhooks", static_folder=None)
    app.register_blueprint(_routes(config))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Answer:
        return jsonify(error=_advice(error)), error.code or 500

    app.wsgi_app = Receiver(config, app.wsgi_app)  # type: ignore[method-assign]  # Flask's own place for middleware
    return app


def _is_operator(token: str) -> bool:
    """Whether the request may see what concerns operators: it has their token, or comes from this machine itself."""
    if token:
        sent = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(sent, f"Bearer {token}".encode("utf-8", "surrogateescape"))
    if any(name in request.headers for name in _RELAYED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _advice(error: HTTPException) -> str:
    if error.code == 404:
        return f"Nothing is here. GitHub delivers webhooks to POST {receiver.PATH}."
    if error.code == 405:
        return f"{request.method} is not allowed here. GitHub delivers webhooks to POST {receiver.PATH}."
    return error.description or error.name


def _routes(config: ReceiverConfig) -> Blueprint:
    routes = Blueprint("app", __name__)

    @routes.get("/healthz")
    def healthz() -> Answer:
        return jsonify(status="ok"), 200

    @routes.get("/readyz")
    def readyz() -> Answer:
        reason = config.jobs.ready()
        if reason is not None and not _is_operator(config.operator_token):
            reason = f"Not ready. {_HOW_TO_SEE}"
        return (jsonify(status="ready"), 200) if reason is None else (jsonify(error=reason), 503)

    @routes.get("/metrics")
    def metrics() -> Response | Answer:
        if not _is_operator(config.operator_token):
            config.metrics.refused("operator")
            return jsonify(error=f"This is for operators. {_HOW_TO_SEE}"), 401
        return Response(config.metrics.text(config.jobs), content_type=CONTENT_TYPE)

    return routes
