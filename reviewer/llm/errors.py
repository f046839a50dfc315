"""The errors of the model: one class for each case that callers handle differently.

    ModelError              exit code 3
    ├── ModelUnavailable    transient: connection, 5xx, stall, cut stream; retried
    ├── SlowDown            a rate limit or overload; retried after a longer wait
    ├── NoCredit            the account has no credit; stop the run
    ├── BadKey              the key is missing or refused; stop the run
    ├── PromptTooLong       the prompt does not fit the model's window; shrink it
    ├── RequestRefused      the request or its content was refused; do not send it again
    └── BrokenReply         the answer cannot be read

Each message tells a person what to do next.
"""

from __future__ import annotations

from reviewer.errors import ReviewerError
from reviewer.llm.usage import Attempt


class ModelError(ReviewerError):
    """The model could not be used for one prompt. `attempts` lists the requests made, with their cost."""

    kind = "model"
    retryable = False

    def __init__(self, message: str, *, attempts: tuple[Attempt, ...] = (), retry_after: float | None = None) -> None:
        """Store the message, the attempts made and the wait that the server asked for, in seconds."""
        super().__init__(message)
        self.attempts = attempts
        self.retry_after = retry_after


class ModelUnavailable(ModelError):
    """A transient failure: connection, 5xx, stall, cut stream, empty answer."""

    kind = "unavailable"
    retryable = True


class SlowDown(ModelError):
    """A rate limit or an overloaded service."""

    kind = "slow-down"
    retryable = True


class NoCredit(ModelError):
    """The account behind the key has no credit left."""

    kind = "no-credit"


class BadKey(ModelError):
    """The key is missing, wrong or not allowed to use the model."""

    kind = "bad-key"


class PromptTooLong(ModelError):
    """The prompt and its reply do not fit the model's context window."""

    kind = "too-long"


class RequestRefused(ModelError):
    """The service refused this request or its content; sending it again would not help."""

    kind = "refused"


class BrokenReply(ModelError):
    """The answer is not in the form that was asked for, and a repair turn did not help."""

    kind = "broken-reply"


#: Kind -> class, to restore an error from a checkpoint.
MODEL_ERRORS: dict[str, type[ModelError]] = {
    error.kind: error
    for error in (ModelUnavailable, SlowDown, NoCredit, BadKey, PromptTooLong, RequestRefused, BrokenReply)
}
