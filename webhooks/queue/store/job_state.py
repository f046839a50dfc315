"""The states of a job, and one job as it is stored. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from webhooks.events.deliveries import Job


class JobState(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


#: The states of a job that is not over, as they are stored.
LIVE = (JobState.QUEUED.value, JobState.RUNNING.value)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job and its state. Times are seconds since 1970. `failures` counts failed attempts."""

    id: str
    key: str
    state: JobState
    reason: str
    attempt: int
    failures: int
    starts: int
    accepted_at: float
    started_at: float | None
    ended_at: float | None
    result: dict[str, Any] | None
    stored: dict[str, Any]

    @property
    def job(self) -> Job:
        """The job. Raises UnknownJobVersion when a newer version accepted it."""
        return Job.from_json(self.stored)


def record_of(row: Any) -> JobRecord:
    """Return the record in a row of the table of jobs."""
    return JobRecord(
        id=row.id,
        key=row.key,
        state=JobState(row.state),
        reason=row.reason,
        attempt=row.attempt,
        failures=row.failures,
        starts=row.starts,
        accepted_at=row.accepted_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        result=None if row.result is None else json.loads(row.result),
        stored=json.loads(row.job),
    )
