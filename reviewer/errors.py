"""Every error this package raises on purpose: one base, one class for each thing a caller would do differently.

    ReviewerError
    ├── UsageError              the person asked for something impossible: exit 2
    │   ├── SettingsError       a settings file or an environment variable is wrong
    │   ├── DiffError           the bytes are not a unified diff
    │   └── WorktreeError       git refused: no repository, unknown range
    │       └── NothingToReview the range, or the working tree, holds no change
    ├── NoSandbox               untrusted code cannot be run safely here, so it is not run
    ├── UnsafePath              a file would be written outside of its folder, or over another
    └── ModelError              the model could not be used: exit 3
        ├── ModelUnavailable    transient: connection, 5xx, stall, cut stream; retried
        ├── SlowDown            a rate limit or overload; retried after a longer wait
        ├── NoCredit            the account has no credit; stop the run
        ├── BadKey              the key is missing or refused; stop the run
        ├── PromptTooLong       the prompt does not fit the model's window; shrink it
        ├── Refused             the request or its content was refused; do not send it again
        └── BrokenReply         an answer came that cannot be read

The message of each says what to do next, for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reviewer.llm.messages import Attempt


class ReviewerError(Exception):
    """Base of all errors of this project. `exit_code` is what the command line ends with."""

    exit_code = 3


class UsageError(ReviewerError):
    """What was asked for cannot be done as asked."""

    exit_code = 2


class SettingsError(UsageError):
    """A settings file or an environment variable cannot be used."""


class DiffError(UsageError):
    """The input is not a unified diff."""


class WorktreeError(UsageError):
    """Git could not give the change: not a repository, an unknown range."""


class NothingToReview(WorktreeError):
    """What was asked for exists, but holds no change; the message says what to pass instead."""


class NoSandbox(ReviewerError):
    """No sandbox that holds can be had here, or not for this order: nothing was run. The message says what to do."""


class UnsafePath(ReviewerError):
    """A path leads out of the folder that it must stay in, or to something that it must not replace."""


class ModelError(ReviewerError):
    """The model could not be used for one prompt. `attempts` lists what was tried, for the bill."""

    kind = "model"
    retryable = False

    def __init__(self, message: str, *, attempts: tuple[Attempt, ...] = (), retry_after: float | None = None) -> None:
        """Store the message for a person, the attempts made and the wait the server asked for, in seconds."""
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


class Refused(ModelError):
    """The service refused this request or its content; sending it again would not help."""

    kind = "refused"


class BrokenReply(ModelError):
    """The model answered, but not with what was asked for, and a repair turn did not help."""

    kind = "broken-reply"


#: kind -> class, to bring an error back from a checkpoint.
MODEL_ERRORS: dict[str, type[ModelError]] = {
    error.kind: error for error in (ModelUnavailable, SlowDown, NoCredit, BadKey, PromptTooLong, Refused, BrokenReply)
}
