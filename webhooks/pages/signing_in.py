"""Sign in and out: with the operator's token, or with GitHub as somebody who administers an installation."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import wraps

from flask import Blueprint, Response, request

from webhooks.github.errors import GitHubError
from webhooks.pages.config import PagesConfig
from webhooks.pages.github_people import authorize_url, sign_in
from webhooks.pages.layout import PageError, browser_url, client_address, go_to, is_secure, page, visitor
from webhooks.pages.visitors import Visitor, VisitorRole, Visitors, WrongTries, is_same

log = logging.getLogger("reviewer.pages")


def signed_in(view: Callable[..., Response]) -> Callable[..., Response]:
    """Show the page only to who is signed in; send others to the page for that."""

    @wraps(view)
    def guarded(**values: str) -> Response:
        return view(**values) if visitor().is_signed_in else go_to("/sign-in")

    return guarded


def require_operator() -> None:
    """Refuse who is not the operator. Raises PageError."""
    if visitor().role is not VisitorRole.OPERATOR:
        raise PageError(403, "Only for the operator", "Sign in with the operator's token to do this.")


class SigningIn:
    """The pages for signing in and out."""

    def __init__(self, config: PagesConfig, visitors: Visitors) -> None:
        """Store who may sign in."""
        self._config = config
        self._visitors = visitors
        self._tries = WrongTries()

    def add_to(self, pages: Blueprint) -> None:
        """Add the pages."""
        pages.add_url_rule("/sign-in", view_func=self.show)
        pages.add_url_rule("/sign-in", view_func=self.take_token, methods=["POST"])
        pages.add_url_rule("/sign-in/github", view_func=self.go_to_github, methods=["POST"])
        pages.add_url_rule("/sign-in/github/callback", view_func=self.come_back)
        pages.add_url_rule("/sign-out", view_func=self.sign_out, methods=["POST"])

    def show(self) -> Response:
        """Show the form."""
        return go_to("/") if visitor().is_signed_in else self._form()

    def take_token(self) -> Response:
        """Let in who sends the operator's token."""
        if self._tries.are_too_many(client_address()):
            return self._form("Too many wrong tokens came from your address. Wait a minute.", status=429)
        if not is_same(request.form.get("token", "").strip(), self._config.operator_token):
            self._tries.add(client_address())
            log.warning("wrong operator's token", extra={"address": client_address()})
            return self._form("This is not the operator's token.", status=403)
        return self._let_in(Visitor(VisitorRole.OPERATOR))

    def go_to_github(self) -> Response:
        """Send the browser to GitHub, which asks and sends it back."""
        if not self._config.takes_github:
            raise PageError(404, "Not here", "This App does not know its client secret, so GitHub cannot sign you in.")
        state = secrets.token_urlsafe(24)
        back = f"{browser_url()}/sign-in/github/callback"
        response = go_to(authorize_url(self._config.web_url, self._config.client_id, back, state))
        self._visitors.write(response, visitor().noting(state=state, back=back), is_secure=is_secure())
        return response

    def come_back(self) -> Response:
        """Let in whom GitHub names, if they administer an installation."""
        notes = visitor().notes
        if not self._config.takes_github or not is_same(request.args.get("state", ""), notes.get("state", "")):
            raise PageError(403, "This did not begin here", "Sign in again, from this server's own page.")
        if not (code := request.args.get("code", "")):
            return self._form("GitHub did not sign you in: it was called off there.", status=403)
        config = self._config
        assert config.credentials is not None
        client = (config.client_id, config.client_secret)
        try:
            person = sign_in(config.web_url, config.credentials, client, code[:200], notes["back"])
        except GitHubError as error:
            log.warning("signing in failed", extra={"why": str(error)})
            status = 502 if error.retryable or not error.status else 403
            words = (
                "GitHub does not answer now. Try again, or use the operator's token." if status == 502 else str(error)
            )
            return self._form(words, status=status)
        if not person.installations:
            return self._form(f"{person.login} administers no installation of this App.", status=403)
        log.info("signed in", extra={"login": person.login, "installations": len(person.installations)})
        return self._let_in(Visitor(VisitorRole.ADMIN, person.login, person.installations))

    def sign_out(self) -> Response:
        """Forget who it is."""
        response = go_to("/sign-in")
        self._visitors.write(response, Visitor(), is_secure=is_secure())
        return response

    def _let_in(self, who: Visitor) -> Response:
        response = go_to("/")
        self._visitors.write(response, who, is_secure=is_secure())
        return response

    def _form(self, problem: str = "", *, status: int = 200) -> Response:
        config = self._config
        response = page(
            "sign_in.html",
            status=status,
            problem=problem,
            has_token=bool(config.operator_token),
            takes_github=config.takes_github,
            forms=config.web_url if config.takes_github else "",
        )
        self._visitors.write(response, visitor(), is_secure=is_secure())  # its form's token
        return response
