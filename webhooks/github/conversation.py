"""Read and write the conversation of one repository's pull requests: comments, threads' comments, reactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhooks.github.identity import Identity
from webhooks.github.transport import Transport
from webhooks.github.types import Comment, comment_of


class Conversation:
    """The comments of one repository. Each method is one request (or one a page). `Repository` has it all."""

    _transport: Transport
    _identity: Identity
    path: str

    def identity(self, number: int) -> str:
        """Return the login under which we write; an empty text where it cannot be known before we wrote something.

        `number` is the pull request that we write on.
        """
        return self._identity.login(number)

    def _written(self, data: Mapping[str, Any]) -> str:
        """Return the address of what was just written, and remember that its author is us."""
        self._identity.learn(data)
        return str(data.get("html_url") or "")

    # ------------------------------------------------------------------ reading

    def comments(self, number: int) -> list[Comment]:
        """Return the comments of the conversation, oldest first."""
        return [comment_of(entry) for entry in self._transport.pages(f"{self.path}/issues/{number}/comments")]

    def review_comments(self, number: int) -> list[Comment]:
        """Return the inline comments, oldest first."""
        return [comment_of(entry) for entry in self._transport.pages(f"{self.path}/pulls/{number}/comments")]

    def comment(self, comment_id: int, *, inline: bool) -> Comment:
        """Return a comment of the conversation or an inline comment. Raises NotFound where it was deleted."""
        return comment_of(self._transport.read(self._path_of(comment_id, inline=inline)))

    def thumbs_down(self, comment_id: int) -> list[str]:
        """Return the logins of the people who gave an inline comment a thumbs down."""
        reactions = self._transport.pages(f"{self.path}/pulls/comments/{comment_id}/reactions")
        return [
            (entry.get("user") or {}).get("login") or "ghost" for entry in reactions if entry.get("content") == "-1"
        ]

    # ------------------------------------------------------------------ writing

    def create_comment(self, number: int, body: str) -> str:
        """Post a comment in the conversation and return its address."""
        return self.post_comment(number, body).url

    def post_comment(self, number: int, body: str) -> Comment:
        """Post a comment in the conversation and return it."""
        data = self._transport.write("POST", f"{self.path}/issues/{number}/comments", {"body": body})
        self._written(data)
        return comment_of(data)

    def update_comment(self, comment_id: int, body: str, *, inline: bool = False) -> str:
        """Edit a comment of our own and return its address."""
        data = self._transport.write("PATCH", self._path_of(comment_id, inline=inline), {"body": body})
        return str(data.get("html_url") or "")

    def reply(self, number: int, comment_id: int, body: str) -> Comment:
        """Answer in the thread of an inline comment, which is the first of its thread, and return the answer."""
        url = f"{self.path}/pulls/{number}/comments/{comment_id}/replies"
        data = self._transport.write("POST", url, {"body": body})
        self._written(data)
        return comment_of(data)

    def react(self, comment_id: int, content: str, *, inline: bool = False) -> None:
        """Put a reaction under a comment; doing so twice changes nothing."""
        self._transport.write("POST", f"{self._path_of(comment_id, inline=inline)}/reactions", {"content": content})

    def _path_of(self, comment_id: int, *, inline: bool) -> str:
        return f"{self.path}/{'pulls' if inline else 'issues'}/comments/{comment_id}"
