"""The views of attachments."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, abort, current_app, send_file
from flask.typing import ResponseReturnValue

from desk.attachments import NoSuchAttachment, served, thumbnail
from desk.auth import may_read, user

bp = Blueprint("attachments", __name__)


def _root() -> Path:
    return Path(current_app.config["ATTACHMENTS"])


@bp.get("/tickets/<int:ticket>/files/<path:name>")
def download(ticket: int, name: str) -> ResponseReturnValue:
    """Send an attachment to somebody who may read the ticket."""
    if not may_read(user(), ticket):
        abort(403)
    try:
        file = served(_root(), ticket, name)
    except NoSuchAttachment:
        abort(404)
    return send_file(file.path, mimetype=file.content_type, as_attachment=True)


@bp.get("/tickets/<int:ticket>/thumbnails/<path:name>")
def preview(ticket: int, name: str) -> ResponseReturnValue:
    """Send a small picture of an attachment."""
    if not may_read(user(), ticket):
        abort(403)
    try:
        picture = thumbnail(_root(), ticket, name)
    except NoSuchAttachment:
        abort(404)
    return Response(picture, mimetype="image/png")
