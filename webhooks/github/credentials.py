"""The credentials for GitHub: those of an App, or a token."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from webhooks.github.auth import Auth, InstallationAuth, app_auth, token_auth
from webhooks.github.errors import GitHubError
from webhooks.github.tokens import TO_REVIEW, InstallationTokens, Permissions, installation_auth
from webhooks.github.transport import Transport

#: Seconds for which it is remembered that a file is not there, and how many such files are remembered.
REMEMBERED, MOST_REMEMBERED = 300.0, 1_000


class AbsentFiles:
    """Remembers for a short time what an installation was found not to have. Safe for threads; bounded."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._noted: dict[tuple[int | None, str], float] = {}
        self._lock = threading.Lock()

    def note(self, installation_id: int | None, repository: str, now: float) -> None:
        """Remember that the files of that repository were looked for in vain; `now` is on the monotonic clock."""
        key = (installation_id, repository.lower())
        with self._lock:
            self._noted.pop(key, None)
            self._noted[key] = now
            while len(self._noted) > MOST_REMEMBERED:
                del self._noted[next(iter(self._noted))]  # the oldest

    def knows(self, installation_id: int | None, repository: str, now: float) -> bool:
        """Whether this installation looked for those files in vain a short time ago."""
        with self._lock:
            noted = self._noted.get((installation_id, repository.lower()))
        return noted is not None and now - noted < REMEMBERED


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
    absent: AbsentFiles = field(default_factory=AbsentFiles, repr=False, compare=False)

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
