"""GitHub's refusals: one exception, and a function for each refusal with its exact text and shape.

Routes and rules decide what is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DOCS = "https://docs.github.com/rest"


class Refusal(Exception):
    """An error answer. `errors` keeps the shape GitHub uses at that endpoint: objects, strings, or absent (None)."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: Sequence[Any] | None = None,
        *,
        docs: str = DOCS,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message} {errors or ''}")
        self.status = status
        self.message = message
        self.errors = errors
        self.docs = docs
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the JSON body; `status` in it is a string, as GitHub writes it."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = list(self.errors)
        return {**body, "documentation_url": self.docs, "status": str(self.status)}


def not_found() -> Refusal:
    """Return the answer for what does not exist and for what the caller may not see."""
    return Refusal(404, "Not Found")


def bad_credentials() -> Refusal:
    return Refusal(401, "Bad credentials")


def requires_authentication() -> Refusal:
    return Refusal(401, "Requires authentication")


def not_accessible(needs: str) -> Refusal:
    """Return the 403 for a missing permission. `needs` is GitHub's own notation: `,` is and, `;` is or."""
    headers = {"X-Accepted-GitHub-Permissions": needs} if needs else {}
    return Refusal(403, "Resource not accessible by integration", headers=headers)


def unprocessable(*errors: str) -> Refusal:
    """Return the 422 of the reviews endpoint, whose errors are strings."""
    return Refusal(422, "Unprocessable Entity", errors, docs=f"{DOCS}/pulls/reviews#create-a-review-for-a-pull-request")


def validation_failed(*errors: Mapping[str, Any]) -> Refusal:
    """Return the 422 of most endpoints, whose errors are objects."""
    return Refusal(422, "Validation Failed", [dict(error) for error in errors])


def field_error(resource: str, field: str, code: str, message: str | None = None) -> dict[str, str]:
    """Return one error object of a `Validation Failed` answer."""
    error = {"resource": resource, "code": code, "field": field}
    return {**error, "message": message} if message else error


def invalid_request(*details: str) -> Refusal:
    """Return the 422 of a body that does not fit the schema: all in the message, no errors."""
    return Refusal(422, "Invalid request.\n\n" + "\n".join(details))


def too_long(resource: str, limit: int = 65_536) -> Refusal:
    """Return the 422 for a body of more than `limit` characters."""
    message = f"Body is too long (maximum is {limit} characters)"
    return validation_failed(field_error(resource, "data", "unprocessable", message))


def diff_too_large(message: str) -> Refusal:
    """Return the 406 for a diff beyond GitHub's limits."""
    docs = f"{DOCS}/pulls/pulls#list-pull-requests-files"
    return Refusal(406, message, [{"resource": "PullRequest", "field": "diff", "code": "too_large"}], docs=docs)
