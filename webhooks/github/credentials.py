"""The credentials for GitHub: those of an App, or a token."""

from __future__ import annotations

from dataclasses import dataclass, field

from webhooks.github.auth import Auth, InstallationAuth, app_auth, token_auth
from webhooks.github.errors import GitHubError
from webhooks.github.tokens import TO_REVIEW, InstallationTokens, Permissions, installation_auth
from webhooks.github.transport import Transport

#: Seconds for which it is remembered that the App is not installed on a repository: finding out takes three requests.
_REMEMBERED = 300.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to authenticate: as an App's installation, or with a token. Secrets do not show in `repr`."""

    api_url: str
    token: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)
    _installations: dict[tuple[int, str, tuple[tuple[str, str], ...]], InstallationAuth] = field(
        default_factory=dict, repr=False, compare=False
    )
    _absent: dict[str, float] = field(default_factory=dict, repr=False, compare=False)

    def is_absent(self, repository: str, now: float) -> bool:
        """Whether the App was found a few minutes ago not to be installed on that repository."""
        return now - self._absent.get(repository.lower(), -_REMEMBERED) < _REMEMBERED

    def note_absent(self, repository: str, now: float) -> None:
        """Remember that the App is not installed on that repository; `now` is on the monotonic clock."""
        self._absent[repository.lower()] = now

    def as_app(self) -> Auth:
        """Return the authentication of the App itself."""
        return app_auth(self.app_id, self.private_key)

    def as_installation(
        self, installation_id: int | None, repository: str = "", permissions: Permissions = TO_REVIEW
    ) -> Auth:
        """Return the token, or the authentication of the App's installation for one repository (empty: for all).

        All jobs of a repository share it.
        """
        if self.token:
            return token_auth(self.token)
        if installation_id is None:
            raise GitHubError(
                "The webhook names no installation. Install the App on the repository, then deliver it again."
            )
        key = (installation_id, repository.lower(), tuple(sorted(permissions.items())))
        if key not in self._installations:
            tokens = InstallationTokens(Transport(self.api_url, self.as_app()), self.api_url, installation_id)
            self._installations.setdefault(key, installation_auth(tokens, repository, permissions))
        return self._installations[key]
