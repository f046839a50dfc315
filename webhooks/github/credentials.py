"""The credentials for GitHub: those of an App, or a token."""

from __future__ import annotations

from dataclasses import dataclass, field

from webhooks.github.auth import Auth, InstallationAuth, app_auth, token_auth
from webhooks.github.errors import GitHubError
from webhooks.github.transport import Transport


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to authenticate: as an App's installation, or with a token. Secrets do not show in `repr`."""

    api_url: str
    token: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)
    _installations: dict[int, InstallationAuth] = field(default_factory=dict, repr=False, compare=False)

    def as_app(self) -> Auth:
        """Return the authentication of the App itself."""
        return app_auth(self.app_id, self.private_key)

    def as_installation(self, installation_id: int | None) -> Auth:
        """Return the token, or the authentication of the App's installation, which all of its jobs share."""
        if self.token:
            return token_auth(self.token)
        if installation_id is None:
            raise GitHubError(
                "The webhook names no installation. Install the App on the repository, then deliver it again."
            )
        app = Transport(self.api_url, self.as_app())
        auth = InstallationAuth(lambda: _installation_token(app, installation_id))
        return self._installations.setdefault(installation_id, auth)


def _installation_token(app: Transport, installation_id: int) -> str:
    # Making a token twice does no harm, so this is not a write that needs care.
    return str(app.send("POST", f"/app/installations/{installation_id}/access_tokens", None, write=False)["token"])
