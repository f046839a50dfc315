"""Every error this package raises on purpose: one class for each thing that a caller would do differently.

    ReviewerError
    ├── UsageError              the person asked for something impossible: exit 2
    │   ├── SettingsError       a settings file or an environment variable is wrong
    │   ├── DiffError           the bytes are not a unified diff
    │   └── WorktreeError       git refused: no repository, unknown range
    │       └── NothingToReview the range, or the working tree, holds no change: exit 0
    ├── NoSandbox               untrusted code cannot be run safely here, so it is not run
    ├── UnsafePath              a file would be written outside of its folder, or over another
    └── ModelError              the model could not be used: exit 3 (`reviewer.llm.errors`)

The message of each says what to do next, for a person.
"""

from __future__ import annotations


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
    """What was asked for exists, but holds no change; the message says what to pass instead. Not a failure."""

    exit_code = 0


class NoSandbox(ReviewerError):
    """No sandbox that holds can be had here, or not for this order: nothing was run. The message says what to do."""


class UnsafePath(ReviewerError):
    """A path leads out of the folder that it must stay in, or to something that it must not replace."""
