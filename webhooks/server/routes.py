"""The App's HTTP routes: health and metrics; webhook deliveries go to `receiver`."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from webhooks.server import receiver
from webhooks.server.metrics import CONTENT_TYPE
from webhooks.server.receiver import Receiver, ReceiverConfig

Answer = tuple[Response, int]


def flask_app(config: ReceiverConfig) -> Flask:
    """Return the App's WSGI application. All errors are JSON."""
    app = Flask("webhooks", static_folder=None)
    app.register_blueprint(_routes(config))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Answer:
        return jsonify(error=_advice(error)), error.code or 500

    app.wsgi_app = Receiver(config, app.wsgi_app)  # type: ignore[method-assign]  # Flask's own place for middleware
    return app


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
        return (jsonify(status="ready"), 200) if reason is None else (jsonify(error=reason), 503)

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(config.metrics.text(config.jobs), content_type=CONTENT_TYPE)

    return routes
