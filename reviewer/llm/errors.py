"""The errors of the model: one class for each case that callers handle differently.

    ModelError              exit code 3
    ├── ModelUnavailable    transient: connection, 5xx, stall, cut stream; retried
    ├── SlowDown            a rate limit or overload; retried after a longer wait
    ├── NoCredit            the account has no credit; stop the run
    ├── BadKey              the key is missing or refused; stop the run
    ├── PromptTooLong       the prompt does not fit the model's window; shrink it
    ├── RequestRefused      the request or its content was refused; do not send it again
    └── BrokenReply         an answer came but cannot be used; ask once more, then another model

Each message tells a person what to do next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

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


@dataclass(frozen=True, slots=True)
class UnusableReply:
    """What was received instead of an answer. `problem` tells the model what was wrong with it.

    `text` stands before a leaked tool call: if it is complete JSON, it may be read. `raw` is sent back in a repair
    turn, unless it is empty. `ran_out`: the tokens ended before the answer began, so smaller parts may help. `fallback`
    is the model that may be asked next.
    """

    problem: str
    text: str = ""
    raw: str = ""
    model: str = ""
    ran_out: bool = False
    fallback: str = ""


class BrokenReply(ModelError):
    """An answer was received, and perhaps paid for, that cannot be used or read.

    The client raises it with `unusable` and does not ask again: a repair turn follows, then the fallback models.
    """

    kind = "broken-reply"
    unusable: UnusableReply | None = None


def unreadable_answer(why: str, unusable: UnusableReply | None = None) -> BrokenReply:
    """Return the error for an answer that cannot be used."""
    error = BrokenReply(f"The model's reply cannot be used: {why}. Run again, or choose another model.")
    error.unusable = unusable or UnusableReply(f"{why}.")
    return error


#: Kind -> class, to restore an error from a checkpoint.
MODEL_ERRORS: dict[str, type[ModelError]] = {
    error.kind: error
    for error in (ModelUnavailable, SlowDown, NoCredit, BadKey, PromptTooLong, RequestRefused, BrokenReply)
}


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the wait in seconds that the headers (lower-case names) ask for, or None.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after: seconds or a date; `retry-after-ms` is OpenAI's.
    """
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "").strip()
    seconds = _seconds(value)
    if seconds is not None:
        return seconds
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - few answers hold a date

    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", text) else None
