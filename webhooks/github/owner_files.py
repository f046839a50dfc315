"""Read the files of a repository that holds something for all repositories of its owner."""

from __future__ import annotations

import time
from collections.abc import Iterator

from webhooks.github.contents import Contents
from webhooks.github.credentials import Credentials
from webhooks.github.tokens import TO_READ
from webhooks.github.transport import Transport


class OwnerFiles:
    """The files of such a repository, `owner/name`, where it is there and can be read."""

    def __init__(
        self, transport: Transport, credentials: Credentials, name: str, installation_id: int | None = None
    ) -> None:
        """Store the connection of the repository under review, the credentials and the name. Makes no request."""
        self._transport = transport
        self._credentials = credentials
        self._installation_id = installation_id
        self.name = name

    def ways(self) -> Iterator[Contents]:
        """Yield the ways to read it: as a public repository, then as a private one that the App is installed on.

        None where it was found a few minutes ago that neither works.
        """
        if self._credentials.is_absent(self.name, time.monotonic()):
            return
        yield Contents(self._transport, self.name)
        if not self._credentials.token:
            auth = self._credentials.as_installation(self._installation_id, self.name, TO_READ)
            yield Contents(Transport(self._credentials.api_url, auth), self.name)
        # Whoever asks for more has found nothing.
        self._credentials.note_absent(self.name, time.monotonic())
