"""The values of a generation while it runs: attempts at a test file, and their versions that failed."""

from __future__ import annotations

from dataclasses import dataclass

from reviewer.llm.messages import Prompt
from reviewer.testgen.evidence import Candidate, DroppedTest, Evidence, FailedTest, GateFailure

#: The most failed versions of one attempt that are checked again.
MOST_FAILED = 3


@dataclass(frozen=True, slots=True)
class FailedVersion:
    """A version of a test file with a test that failed on head by its own assertion."""

    candidate: Candidate
    failure: FailedTest


@dataclass(frozen=True, slots=True)
class CandidateAttempt:
    """One candidate and its conversation so far: what stopped it, or the evidence for which it is kept.

    `failed` are its versions, the earliest first, that failed by their own assertion. `final`: no repair is asked for.
    """

    candidate: Candidate
    prompt: Prompt
    outcome: GateFailure | Evidence
    failed: tuple[FailedVersion, ...] = ()
    repairs: int = 0
    final: bool = False

    @property
    def dropped(self) -> DroppedTest:
        """The attempt as one that was stopped."""
        assert isinstance(self.outcome, GateFailure)
        return DroppedTest(self.candidate.path, self.candidate.unit.covers, self.outcome)


def failed_versions(
    earlier: tuple[FailedVersion, ...], candidate: Candidate, outcome: GateFailure | Evidence
) -> tuple[FailedVersion, ...]:
    """Return the failed versions with those of a new outcome, each test and message once."""
    failures = outcome.failures if isinstance(outcome, GateFailure) else ()
    known = {(version.failure.test, version.failure.message) for version in earlier}
    new = [failure for failure in failures if failure.asserted and (failure.test, failure.message) not in known]
    return (*earlier, *(FailedVersion(candidate, failure) for failure in new))[:MOST_FAILED]
