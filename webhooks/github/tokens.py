"""Ask for the tokens of an installation: for one repository, with the permissions that a job needs and no others.

A token that leaks, or a defect of ours, then reaches nothing else of the installation. Where the installation has fewer
permissions, the token has those of them that it has. https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from webhooks.github.auth import InstallationAuth, token_auth
from webhooks.github.errors import Unprocessable
from webhooks.github.transport import Transport
from webhooks.registration.permissions import REQUIRED

Permissions = Mapping[str, str]

#: What a review, a command and their comments and check runs need.
TO_REVIEW: Permissions = REQUIRED

#: What resolving a thread and adding tests to a branch need beside: https://docs.github.com/rest/authentication/permissions-required-for-github-apps
TO_WRITE_CONTENTS: Permissions = MappingProxyType({**TO_REVIEW, "contents": "write"})

#: What reading the logs of failed jobs needs; installations may not have granted it.
TO_READ_LOGS: Permissions = MappingProxyType({"actions": "read", "metadata": "read"})

#: What finding pull requests that were missed needs, in all repositories.
TO_LIST: Permissions = MappingProxyType({"metadata": "read", "pull_requests": "read"})

#: What reading an owner's defaults for its repositories needs.
TO_READ: Permissions = MappingProxyType({"contents": "read", "metadata": "read"})

_LOOK_UP: Permissions = MappingProxyType({"metadata": "read"})


class InstallationTokens:
    """Makes the tokens of one installation of the App."""

    def __init__(self, app: Transport, api_url: str, installation_id: int) -> None:
        """Store the connection as the App. Makes no request."""
        self._app = app
        self._api_url = api_url
        self._path = f"/app/installations/{installation_id}"

    def make(self, repository: str, permissions: Permissions) -> str:
        """Return a new token for a repository, `owner/name`; for all of the installation where that is empty.

        Raises GitHubError; NotFound where the repository is gone or the App is not installed on it.
        """
        where: dict[str, Any] = {"repositories": [repository.rpartition("/")[2]]} if repository else {}
        try:
            return self._token(where, permissions)
        except Unprocessable as error:
            # Only a repository that sent us a delivery may have been renamed.
            if "repositor" not in str(error) or permissions is TO_READ:
                raise
        return self._token({"repository_ids": [self._present_id(repository)]}, permissions)

    def _token(self, where: Mapping[str, Any], permissions: Permissions) -> str:
        try:
            return self._create({**where, "permissions": dict(permissions)})
        except Unprocessable as error:
            if "permissions requested" not in str(error):
                raise
        held = self._app.read(self._path).get("permissions") or {}
        return self._create({**where, "permissions": _common(permissions, held)})

    def _create(self, body: Mapping[str, Any]) -> str:
        # Making a token twice does no harm, so this is not a write that needs care.
        return str(self._app.send("POST", f"{self._path}/access_tokens", body, write=False)["token"])

    def _present_id(self, repository: str) -> int:
        """Return the id of a repository that was renamed: GitHub redirects from its old name."""
        token = self._create({"permissions": dict(_LOOK_UP)})
        return int(Transport(self._api_url, token_auth(token)).read(f"/repos/{repository}")["id"])


def installation_auth(tokens: InstallationTokens, repository: str, permissions: Permissions) -> InstallationAuth:
    """Return the authentication that makes such a token when it is needed."""
    return InstallationAuth(lambda: tokens.make(repository, permissions))


def _common(asked: Permissions, held: Permissions) -> dict[str, str]:
    """Return the permissions that are asked for, as far as the installation has them."""
    return {
        name: level if level == "read" or held[name] in ("write", "admin") else "read"
        for name, level in asked.items()
        if held.get(name)
    }
