"""The set-up's pages, for who has the token from the console. While they are shown, no delivery is accepted."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from reviewer.errors import ReviewerError
from webhooks.pages.layout import (
    PageError,
    add_filters,
    blueprint,
    browser_url,
    client_address,
    go_to,
    is_secure,
    page,
    visitor,
)
from webhooks.pages.setup.console_token import OneUse
from webhooks.pages.setup.progress import ProveKey, SetupProblem, SetupProgress, words_of
from webhooks.pages.visitors import Visitor, VisitorRole, Visitors, WrongTries, is_same, key_from
from webhooks.registration.manifest import GITHUB, HOOK_PATH, AppRequest, api_url_of, web_url_of
from webhooks.registration.permissions import PERMISSIONS, AppExtras
from webhooks.registration.stored import data_dir_of

log = logging.getLogger("reviewer")

_NOT_YET = "The App is not set up yet: its operator finds the address of the set-up page on the server's console."

_USED = (
    "It is good for one browser. If that was not yours, stop the server, find out whose it was, and start the server "
    "again: it prints a new token."
)
_OTHER_BROWSER = (
    "GitHub's answer does not belong to the set-up in this browser. Open the set-up page, and register the App from "
    "there."
)


@dataclass(frozen=True, slots=True)
class SetupConfig:
    """What the set-up needs. `restart` starts the server anew as the App; False where it cannot."""

    progress: SetupProgress
    token: str
    prove_key: ProveKey
    restart: Callable[[], bool]


def setup_app(config: SetupConfig) -> Flask:
    """Return the application that only sets up."""
    app = Flask("webhooks", static_folder=None)
    add_filters(app)
    app.register_blueprint(_SetupPages(config).blueprint())

    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:
        return jsonify(status="ok"), 200

    @app.get("/readyz")
    @app.get("/metrics")
    @app.route(HOOK_PATH, methods=["GET", "POST"])
    def not_yet() -> tuple[Response, int]:
        return jsonify(error=_NOT_YET), 503

    @app.errorhandler(404)
    def nothing(_error: object) -> tuple[Response, int]:
        return jsonify(error=_NOT_YET), 404

    return app


class _SetupPages:
    """The pages, in the order in which they are met."""

    def __init__(self, config: SetupConfig) -> None:
        self._config = config
        self._progress = config.progress
        self._visitors = Visitors(key_from(config.token))
        self._tries = WrongTries()
        self._use = OneUse(data_dir_of(config.progress.environ), config.token)

    def blueprint(self) -> Blueprint:
        pages = blueprint("setup", self._visitors)
        pages.add_url_rule("/", view_func=lambda: go_to("/setup"), endpoint="home")
        pages.add_url_rule("/setup", view_func=self.show)
        pages.add_url_rule("/setup/app", view_func=self.describe_app, methods=["POST"])
        pages.add_url_rule("/setup/created", view_func=self.created)
        pages.add_url_rule("/setup/by-hand", view_func=self.take_by_hand, methods=["POST"])
        pages.add_url_rule("/setup/key", view_func=self.take_key, methods=["POST"])
        pages.add_url_rule("/setup/finish", view_func=self.finish, methods=["POST"])
        return pages

    def show(self) -> AnyResponse:
        """Let in who has the token, and show the current step."""
        sent = request.args.get("token")
        if visitor().role is VisitorRole.FOUNDER:
            return self._step() if sent is None else go_to("/setup")
        if sent is None:
            raise PageError(403, "Not set up yet", _NOT_YET)
        if self._tries.are_too_many(client_address()):
            raise PageError(429, "Too many wrong tokens", "Wait a minute, then open the address from the console.")
        if not is_same(sent, self._config.token):
            self._tries.add(client_address())
            raise PageError(403, "This token is not right", f"{_NOT_YET} Each start of the server prints a new one.")
        if not self._use.take():
            raise PageError(403, "This token was used", _USED)
        response = go_to("/setup")
        self._visitors.write(response, Visitor(VisitorRole.FOUNDER), is_secure=is_secure())
        return response

    def describe_app(self) -> AnyResponse:
        """Take the description of the App, and show the form that goes to GitHub."""
        who = _require_founder()
        app_request = self._wanted(request.form)
        if problems := app_request.problems:
            return self._app_step(app_request, problem=problems)
        state = secrets.token_urlsafe(24)
        response = page(
            "setup_create.html",
            forms=app_request.web_url,
            wanted=app_request,
            target=f"{app_request.target}?state={state}",
            manifest=json.dumps(app_request.manifest()),
        )
        who = who.noting(state=state, api_url=self._fixed_api_url or api_url_of(app_request.web_url))
        self._visitors.write(response, who, is_secure=is_secure())
        return response

    def created(self) -> AnyResponse:
        """Take what GitHub brings back: a code that is exchanged for the App's credentials."""
        who = _require_founder()
        if self._progress.has_app:  # the page was loaded again
            return go_to("/setup")
        if not is_same(request.args.get("state", ""), who.notes.get("state", "")):
            raise PageError(403, "This did not begin here", _OTHER_BROWSER)
        try:
            app = self._progress.convert(who.notes["api_url"], request.args.get("code", ""))
        except ReviewerError as error:
            log.warning("the App was not registered", extra={"why": str(error)})
            return self._step(problem=words_of(error))
        log.info("App registered", extra={"app": app.slug, "owner": app.owner})
        return self._next(done=f"GitHub registered the App {app.name}.")

    def take_by_hand(self) -> AnyResponse:
        """Take the credentials of an App that was registered by hand."""
        _require_founder()
        app_request = self._wanted(request.form)
        credentials = [request.form.get(name, "") for name in ("app_id", "private_key", "secret")]
        try:
            if problem := app_request.problems.get("web_url"):
                raise SetupProblem(problem)
            app = self._progress.take_app(self._fixed_api_url or api_url_of(app_request.web_url), *credentials)
        except ReviewerError as error:
            return self._app_step(app_request, problem={"by_hand": words_of(error)}, by_hand=credentials[0])
        log.info("App taken over", extra={"app": app.slug, "owner": app.owner})
        return self._next(done=f"GitHub knows this App as {app.name}.")

    def take_key(self) -> AnyResponse:
        """Take the model's key, if it works."""
        _require_founder()
        try:
            shown = self._progress.take_key(request.form.get("key", ""), self._config.prove_key)
        except ReviewerError as error:
            return self._step(problem=words_of(error))
        return self._next(done=shown)

    def finish(self) -> AnyResponse:
        """Show the operator's token once, sign the operator in, and start the server as the App."""
        _require_founder()
        if not self._progress.is_complete:
            return go_to("/setup")
        token = self._progress.finish()
        folder = data_dir_of(self._progress.environ)
        self._use.forget()
        response = page("setup_done.html", token=token, started=self._config.restart(), folder=str(folder))
        Visitors(key_from(token)).write(response, Visitor(VisitorRole.OPERATOR), is_secure=is_secure())
        log.info("the App is set up", extra={"folder": str(folder)})
        return response

    def _next(self, *, done: str) -> AnyResponse:
        return self.finish() if self._progress.is_complete else self._step(done=done)

    def _step(self, *, problem: str = "", done: str = "") -> Response:
        """Return the page of what is to be done next."""
        if not self._progress.has_app:
            return self._app_step(self._wanted({}), problem={"": problem} if problem else {})
        if not self._progress.is_complete:
            return page("setup_key.html", problem=problem, done=done, status=422 if problem else 200)
        return page("setup_done.html", token="", started=False)

    def _app_step(self, app_request: AppRequest, *, problem: Mapping[str, str], by_hand: str = "") -> Response:
        return page(
            "setup_app.html",
            status=422 if problem else 200,
            wanted=app_request,
            problem=problem,
            by_hand=by_hand,
            is_fixed=bool(self._fixed_api_url),
            permissions=PERMISSIONS,
            fresh_secret=secrets.token_hex(20),
        )

    @property
    def _fixed_api_url(self) -> str:
        """GITHUB_API_URL, where it is set: then nothing else can be chosen."""
        return self._progress.environ.get("GITHUB_API_URL", "").strip().rstrip("/")

    def _wanted(self, form: Mapping[str, str]) -> AppRequest:
        """Return the App that the form describes; an empty form describes the likely one."""
        fixed = self._fixed_api_url
        return AppRequest(
            name=form.get("name", f"reviewer-{secrets.token_hex(3)}").strip(),
            owner=form.get("owner", "").strip(),
            web_url=web_url_of(fixed) if fixed else form.get("web_url", GITHUB).strip().rstrip("/"),
            public_url=form.get("public_url", browser_url()).strip().rstrip("/").removesuffix(HOOK_PATH),
            browser_url=browser_url(),
            extras=AppExtras("writes_contents" in form, "merge_queues" in form, not form or "reads_logs" in form),
        )


def _require_founder() -> Visitor:
    found = visitor()
    if found.role is not VisitorRole.FOUNDER:
        raise PageError(403, "Not set up yet", _NOT_YET)
    return found
