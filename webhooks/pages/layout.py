"""What all pages share: templates, headers, the check of each form, and errors as pages."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from flask import Blueprint, Flask, Response, g, make_response, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from reviewer.safety.invisible import show_invisible
from webhooks.pages.visitors import Visitor, Visitors, is_same

#: Nothing inline, nothing from elsewhere, no frame around us.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "form-action 'self'{forms}; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class PageError(Exception):
    """A request that is answered with a page that says what is wrong, and what to do."""

    def __init__(self, status: int, title: str, message: str) -> None:
        """Store the HTTP status and the words."""
        super().__init__(message)
        self.status = status
        self.title = title


def blueprint(name: str, visitors: Visitors) -> Blueprint:
    """Return an empty set of pages whose visitors are known and whose forms are checked."""
    pages = Blueprint(name, __name__, template_folder="templates", static_folder="static", static_url_path="/static")

    @pages.before_request
    def meet() -> AnyResponse | None:
        g.visitor = visitors.read(request)
        if request.method == "POST":
            _check_form(g.visitor)
        return None

    @pages.errorhandler(PageError)
    def page_error(error: PageError) -> Response:
        return page("error.html", status=error.status, title=error.title, message=str(error))

    @pages.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return page("error.html", status=error.code or 500, title=error.name, message=error.description or error.name)

    return pages


def visitor() -> Visitor:
    """Return who looks at the page."""
    found: Visitor = g.visitor
    return found


def page(template: str, *, status: int = 200, forms: str = "", **values: object) -> Response:
    """Return the page with its headers. `forms` is another site to which a form of the page is sent."""
    who = g.get("visitor", Visitor())
    response = make_response(render_template(template, visitor=who, now=time.time(), **values), status)
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = _POLICY.format(forms=f" {forms}" if forms else "")
    return response


def go_to(path: str) -> Response:
    """Send the browser to another page of ours."""
    response: Response = redirect(path, 303, Response)  # type: ignore[assignment]
    response.headers.update(_HEADERS)
    return response


def is_secure() -> bool:
    """Whether the browser speaks TLS, with us or with a proxy before us."""
    return request.is_secure or request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip() == "https"


def browser_url() -> str:
    """Return our address as the browser sees it."""
    return f"{'https' if is_secure() else 'http'}://{request.host}"


def client_address() -> str:
    """Return from where the request comes: the address before us, and the one that a proxy names."""
    relayed = request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
    return f"{request.remote_addr} {relayed[:60]}"


def add_filters(app: Flask) -> None:
    """Add what the templates write values with."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.add_template_filter(_moment, "moment")
    app.add_template_filter(_iso, "iso")
    app.add_template_filter(ago, "ago")
    app.add_template_filter(dollars, "dollars")
    app.add_template_filter(lambda text: show_invisible(str(text)), "seen")


def dollars(amount: object) -> str:
    """Write dollars: cents where there are some, more digits where there are not."""
    if amount is None:
        return "not known"
    value = float(str(amount))
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4f}"


def ago(seconds: float | None, now: float | None = None) -> str:
    """Write how long ago a time is, in its largest unit."""
    if seconds is None:
        return ""
    passed = max(0.0, (time.time() if now is None else now) - seconds)
    return length(passed)


def length(seconds: float) -> str:
    """Write a length of time in its largest unit."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _iso(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _check_form(who: Visitor) -> None:
    """Refuse a form that did not come from a page of ours. Raises PageError."""
    from_elsewhere = request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}
    if from_elsewhere or not is_same(request.form.get("form_token", ""), who.form_token):
        raise PageError(
            403,
            "This form is not current",
            "It is too old, or does not come from a page of this server. Open the page again, with cookies allowed, "
            "and send it once more.",
        )
