"""What a worker needs to carry out a job, the failures that are treated differently, and how failures are worded."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reviewer.errors import ReviewerError
from reviewer.llm.messages import Prompt, Reply
from webhooks.events.deliveries import Job
from webhooks.queue.attempt import JobAttempt
from webhooks.telemetry.spans import NO_TRACER, Tracer

#: Carries out a job from the top and returns what is stored about it, as JSON values.
CarryOut = Callable[[Job, JobAttempt], dict[str, Any]]

#: Asks the model once; raises ModelError.
Complete = Callable[[Prompt], Reply]

#: Tells people that a job has failed for good, and why. Not called after ReportedFailure.
GiveUp = Callable[[Job, str], None]

#: Looks at a comment before its job is queued: acknowledges it, or returns why it asks for nothing, which ends the job.
Admit = Callable[[Job], str]

#: Characters of a reason, which is shown in a list on a terminal.
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class JobWork:
    """The functions that do a worker's work. `give_up` is called once, before a job is marked as failed.

    Without `admit`, every comment is queued. `tracer` makes the spans of jobs and calls.
    """

    carry_out: CarryOut
    complete: Complete
    give_up: GiveUp | None = None
    admit: Admit | None = None
    tracer: Tracer = NO_TRACER


class ReportedFailure(ReviewerError):
    """The job failed, and people were told already: it is only marked as failed.

    `answers_are_useless`: the model's answers could not be read. They are not kept for an operator's retry, which would
    only read them again. `kind` is the name of the error's class.
    """

    def __init__(self, reason: str, *, answers_are_useless: bool = False, kind: str = "ReportedFailure") -> None:
        """Store the reason, for an operator."""
        super().__init__(reason)
        self.answers_are_useless = answers_are_useless
        self.kind = kind


class JobPostponed(ReviewerError):
    """The job has to wait: it is queued again after so many seconds, and that is no failure."""

    def __init__(self, reason: str, seconds: float) -> None:
        """Store the reason, for an operator, and the seconds."""
        super().__init__(reason)
        self.seconds = seconds


class WorkTooLong(ReviewerError):
    """The job's own work took too long and was interrupted."""

    def __init__(self, seconds: float) -> None:
        """Store the limit in the message."""
        super().__init__(
            f"the reviewer's own work on this change took more than {seconds:g} seconds of processor time and was"
            " stopped; split the change, or leave the files out that take so long (`review.exclude`)"
        )


class PoisonJob(ReviewerError):
    """The job crashes its workers, so it is not tried again."""


def reason_of(error: Exception) -> str:
    """Return what happened, for an operator: our own errors in their words, any other by name and place.

    The words of other errors may quote their input, and that may be code.
    """
    is_ours = isinstance(error, ReviewerError) or hasattr(error, "retryable")
    if isinstance(error, ReportedFailure):
        return str(error)[:_LONGEST_REASON]
    return (f"{type(error).__name__}: {error}" if is_ours else place_of(error))[:_LONGEST_REASON]


def place_of(error: Exception) -> str:
    """Return the name of an error and where it was raised, without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
