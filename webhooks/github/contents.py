"""Read files and folders of a repository on GitHub: many in one GraphQL query, or one by one over REST.

Promises: what could not be read is never taken for absent. GraphQL answers with HTTP 200 and `errors` beside a null,
and REST with 404 for what the token may not see: callers learn which of the two it was.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from webhooks.github.credentials import Credentials
from webhooks.github.errors import GitHubError, GitHubUnavailable, NotFound
from webhooks.github.tokens import TO_READ
from webhooks.github.transport import Transport

#: A file or folder: a revision and a path. The path of the top folder is empty.
Place = tuple[str, str]

#: Names that REST lists of a folder: https://docs.github.com/rest/repos/contents#get-repository-content
MOST_LISTED = 1_000

_REGULAR = frozenset({0o100644, 0o100755, 0o100664})


class NoText(GitHubError):
    """There is a file, but it is not UTF-8 text."""


@dataclass(frozen=True, slots=True)
class ReadAtOnce:
    """What one query found: texts of files, and for each folder its names and whether each is a regular file.

    `is_whole`: GitHub reported no error, so that what is missing is absent, or no text, or too large.
    """

    texts: Mapping[Place, str] = field(default_factory=dict)
    folders: Mapping[Place, Mapping[str, bool]] = field(default_factory=dict)
    is_whole: bool = True


class Contents:
    """The files of one repository. Each method is one request. An empty revision is the default branch."""

    def __init__(self, transport: Transport, repository: str) -> None:
        """Store the connection and the repository's name, `owner/name`."""
        self._transport = transport
        self._repository = repository

    def at_once(self, files: Sequence[Place], folders: Sequence[Place] = ()) -> ReadAtOnce:
        """Return files and folders: https://docs.github.com/graphql/reference/objects#blob . Raises GitHubError."""
        owner, _, name = self._repository.partition("/")
        places = (*files, *folders)
        names = ", ".join(f"$e{index}: String!" for index in range(len(places)))
        kinds = ["Blob { text isTruncated }"] * len(files) + ["Tree { entries { name mode } }"] * len(folders)
        fields = "\n".join(f"f{n}: object(expression: $e{n}) {{ ... on {kind} }}" for n, kind in enumerate(kinds))
        head = f"query($owner: String!, $name: String!, {names})"
        query = f"{head} {{ repository(owner: $owner, name: $name) {{ {fields} }} }}"
        variables = {"owner": owner, "name": name}
        variables |= {f"e{index}": f"{revision}:{path}" for index, (revision, path) in enumerate(places)}
        answer = self._transport.graphql(query, variables)
        try:
            found = answer["data"]["repository"]
            objects = [found[f"f{index}"] or {} for index in range(len(places))]
            texts = {
                place: thing["text"]
                for place, thing in zip(files, objects, strict=False)
                if isinstance(thing.get("text"), str) and not thing.get("isTruncated")
            }
            listed = {
                place: {str(entry["name"]): int(entry["mode"]) in _REGULAR for entry in thing["entries"]}
                for place, thing in zip(folders, objects[len(files) :], strict=True)
                if thing.get("entries") is not None
            }
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise GitHubUnavailable(f"GitHub: GraphQL did not return the files. {_messages(answer)}") from error
        return ReadAtOnce(texts, listed, is_whole=not answer.get("errors"))

    def folder(self, revision: str, path: str) -> dict[str, bool]:
        """Return the names in a folder, at most MOST_LISTED, and whether each is a regular file. Raises GitHubError."""
        data = self._get(revision, f"{path}/" if path else "")
        if not isinstance(data, list):
            raise NotFound(f"GitHub: {path or 'the top folder'} of {revision} is not a folder")
        return {str(entry["name"]): entry.get("type") == "file" for entry in data}

    def file(self, revision: str, path: str) -> str:
        """Return the text of a file. Raises NoText, NotFound where it is no regular file, and other GitHubErrors."""
        data = self._get(revision, path)
        if not isinstance(data, dict) or data.get("type") not in (None, "file"):
            raise NotFound(f"GitHub: {path} of {revision} is not a file")
        no_text = f"GitHub: {path} of {revision} is not UTF-8 text"
        if data.get("encoding") != "base64":
            raise NoText(no_text)
        try:
            return base64.b64decode(data["content"]).decode("utf-8")
        except (ValueError, KeyError) as error:
            raise NoText(no_text) from error

    def _get(self, revision: str, path: str) -> Any:
        where = f"?{urlencode({'ref': revision})}" if revision else ""
        return self._transport.read(f"/repos/{self._repository}/contents/{quote(path)}{where}")


class OwnerFiles:
    """The files of a repository that holds something for all of its owner's, where it is there and can be read."""

    def __init__(
        self, transport: Transport, credentials: Credentials, name: str, installation_id: int | None = None
    ) -> None:
        """Store the connection of the repository under review, the credentials and the name. Makes no request."""
        self._transport = transport
        self._credentials = credentials
        self._installation_id = installation_id
        self.name = name

    def ways(self) -> Iterator[Contents]:
        """Yield the ways to read it: as a public repository, then as a private one that the App is installed on."""
        yield Contents(self._transport, self.name)
        if not self._credentials.token:
            auth = self._credentials.as_installation(self._installation_id, self.name, TO_READ)
            yield Contents(Transport(self._credentials.api_url, auth), self.name)

    @property
    def is_absent(self) -> bool:
        """Whether `note_absent` was called a short time ago for the same installation."""
        return self._credentials.absent.knows(self._installation_id, self.name, time.monotonic())

    def note_absent(self) -> None:
        """Remember for a short time that the file which was looked for is not there."""
        self._credentials.absent.note(self._installation_id, self.name, time.monotonic())


def _messages(answer: Any) -> str:
    errors = answer.get("errors") if isinstance(answer, dict) else None
    texts = [str(error.get("message")) for error in errors or () if isinstance(error, dict)]
    return "; ".join(texts)[:500]
