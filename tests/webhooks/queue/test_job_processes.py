"""Jobs and processes that are killed: what was accepted is done, what was paid for is not bought again."""

from __future__ import annotations

import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from reviewer.llm.messages import Reply
from tests.fixtures.job_worker import automatic, numbers
from tests.fixtures.waiting import wait_until
from tests.paths import ROOT
from webhooks.events.deliveries import Job, Trigger
from webhooks.queue.jobs import Jobs, JobState
from webhooks.queue.store.answer_cache import known_answers

pytestmark = pytest.mark.slow


class Workers:
    """Worker processes on one store, and what they wrote down."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *settings: str) -> subprocess.Popen[bytes]:
        known = len(self.notes("working")) + len(self.notes("standby"))
        quick = ("job_poll=0.05", "call_poll=0.05", "heartbeat=0.3", "dead_after=1.5", "upkeep=0.5", "crowd_wait=0.5")
        arguments = [
            sys.executable,
            "-m",
            "tests.fixtures.job_worker_process",
            self.url,
            str(self._log),
            *quick,
            *settings,
        ]
        process = subprocess.Popen(arguments, cwd=ROOT)
        self._processes.append(process)
        wait_until(lambda: len(self.notes("working")) + len(self.notes("standby")) > known, "the worker starts", 30)
        return process

    def notes(self, what: str) -> list[str]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line.removeprefix(what).strip() for line in lines if line.startswith(what)]

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                self.kill(process)


@pytest.fixture
def workers(tmp_path) -> Iterator[Workers]:
    workers = Workers(f"sqlite:///{tmp_path}/jobs.sqlite3", tmp_path / "log")
    yield workers
    workers.close()


@pytest.fixture
def jobs(workers) -> Iterator[Jobs]:
    """Open the store as the accepting process does."""
    jobs = Jobs(workers.url)
    jobs.open()
    yield jobs
    jobs.close()


def accept(jobs: Jobs, count: int) -> list[Job]:
    accepted = [automatic() for _ in range(count)]
    for job in accepted:
        assert jobs.accept(job)
    return accepted


def asked_at_least(workers: Workers, count: int) -> bool:
    return len(workers.notes("asked")) >= count


def ended(worker: subprocess.Popen[bytes], jobs: Jobs, job: Job) -> bool:
    """Whether the worker has died or the job has ended."""
    return worker.poll() is not None or jobs.record(job.delivery).state.is_final


def states(jobs: Jobs, accepted: list[Job]) -> set[JobState]:
    return {jobs.record(job.delivery).state for job in accepted}


def paid(jobs: Jobs, accepted: list[Job], asked: list[str]) -> set[str]:
    """Return the prompts that have their answer in the store."""
    with jobs._database.read() as connection:
        query = "SELECT job, digest FROM reviewer_answers WHERE answer IS NOT NULL"
        rows = connection.exec_driver_sql(query).all()
        answers = [known_answers(connection, job, [digest])[digest] for job, digest in rows]
    ended = {job.delivery for job in accepted if jobs.record(job.delivery).state.is_final}
    return {answer.text.removeprefix("re: ") for answer in answers if isinstance(answer, Reply)} | {
        text for text in asked if text.split()[0] in ended
    }


def test_killed_again_and_again(workers, jobs):
    """Killed in the midst of its calls, each time: every job ends, and no call that was paid for is made again."""
    accepted = accept(jobs, 6)
    before: Counter[str] = Counter()
    settled: set[str] = set()
    for _ in range(3):
        worker = workers.start()
        goal = sum(before.values()) + 6
        wait_until(partial(asked_at_least, workers, goal), "more calls are made")
        workers.kill(worker)
        asked = Counter(workers.notes("asked"))
        bought_again = [text for text in settled if asked[text] > before[text]]
        assert bought_again == []
        before, settled = asked, paid(jobs, accepted, workers.notes("asked"))
    workers.start()
    wait_until(lambda: states(jobs, accepted) == {JobState.DONE}, "every job is done", 30)
    asked = Counter(workers.notes("asked"))
    assert [text for text in settled if asked[text] > before[text]] == []
    assert set(workers.notes("posted")) == {job.delivery for job in accepted}
    for job in accepted:
        result = jobs.record(job.delivery).result
        assert result is not None
        assert result["answers"] == [f"re: {job.delivery} {part}" for part in (*"abcd", "verify 4")]


def test_a_second_worker_waits(workers, jobs):
    """Of two workers on one SQLite file the second waits, and goes on with the jobs when the first is killed."""
    first = workers.start()
    workers.start()
    assert (len(workers.notes("working")), len(workers.notes("standby"))) == (1, 1)
    accepted = accept(jobs, 2)
    wait_until(lambda: workers.notes("asked"), "the first begins")
    workers.kill(first)
    wait_until(lambda: states(jobs, accepted) == {JobState.DONE}, "the second ends them", 30)


def test_a_poison_job_is_given_up(workers, jobs):
    """A job that kills its worker each time ends on the failed list with its reason, and the others are done."""
    poison = automatic(number=666)
    jobs.accept(poison)
    accepted = accept(jobs, 1)
    for _ in range(4):
        worker = workers.start("starts=2")
        wait_until(
            partial(ended, worker, jobs, poison),
            "it is poison",
            30,
        )
    record = jobs.record(poison.delivery)
    assert (record.state, record.reason) == (JobState.FAILED, "PoisonJob: it crashed its worker 2 times")
    assert len(workers.notes("poisoned")) == 2
    wait_until(lambda: states(jobs, accepted) == {JobState.DONE}, "the other job is done", 30)


@pytest.mark.parametrize("number", [667, 669])
def test_a_job_that_blocks_or_crashes_its_worker_twice(workers, jobs, number):
    """It is given up at once after the second time, people are told, and the jobs beside it are done."""
    poison = automatic(number=number)
    beside = accept(jobs, 2)
    jobs.accept(poison)
    for _ in range(3):
        worker = workers.start("stuck_after=1.5")
        wait_until(partial(ended, worker, jobs, poison), "the worker or the job ends", 30)
    record = jobs.record(poison.delivery)
    reason = "PoisonJob: it crashed or blocked its worker twice, so it is not tried again"
    assert (record.state, record.reason) == (JobState.FAILED, reason)
    assert len(workers.notes("poisoned")) == 2
    assert workers.notes("gave-up") == [f"{poison.delivery} {reason}"]
    wait_until(lambda: states(jobs, beside) == {JobState.DONE}, "the other jobs are done", 30)


def test_a_job_that_calculates_without_end(workers, jobs):
    """It is interrupted and fails with what to do; its worker lives, and the job beside it is done."""
    poison = automatic(number=668)
    jobs.accept(poison)
    beside = accept(jobs, 1)
    worker = workers.start("work_seconds=1.0")
    wait_until(lambda: jobs.record(poison.delivery).state.is_final, "it is interrupted", 30)
    assert jobs.record(poison.delivery).state is JobState.FAILED
    assert "review.exclude" in jobs.record(poison.delivery).reason
    assert len(workers.notes("gave-up")) == 1
    wait_until(lambda: states(jobs, beside) == {JobState.DONE}, "the other job is done", 30)
    assert worker.poll() is None


def test_a_worker_that_is_killed_from_outside_blames_no_job(workers, jobs):
    """Whoever kills a worker again and again does not make its jobs fail."""
    accepted = accept(jobs, 2)
    for count in range(4):
        worker = workers.start()
        wait_until(partial(asked_at_least, workers, 2 * (count + 1)), "calls are made", 30)
        workers.kill(worker)
        if states(jobs, accepted) == {JobState.DONE}:
            break
    workers.start()
    wait_until(lambda: states(jobs, accepted) == {JobState.DONE}, "every job is done", 30)


def test_a_worker_that_is_asked_to_stop(workers, jobs):
    """At SIGTERM a worker hands its jobs over and ends by itself; the next one ends them, and nothing is paid twice."""
    accepted = accept(jobs, 4)
    worker = workers.start("parallel_calls=2")
    wait_until(lambda: len(workers.notes("asked")) >= 4, "calls are made")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    assert workers.notes("stopped") == [""]
    workers.start()
    wait_until(lambda: states(jobs, accepted) == {JobState.DONE}, "every job is done", 30)
    asked = Counter(workers.notes("asked"))
    assert {text for text, count in asked.items() if count > 1} == set()
    assert len(asked) == 4 * 5


def test_a_deploy_that_changes_the_shape_of_jobs(workers, jobs, monkeypatch):
    """What a version with other workflows left behind is drained by the next version, and nothing is paid twice."""
    monkeypatch.setattr("webhooks.queue.dbos_queue.APPLICATION_VERSION", "0")
    accepted = accept(jobs, 6)
    old = workers.start("shape=0", "parallel_jobs=2", "parallel_calls=4")
    wait_until(lambda: len(workers.notes("asked")) >= 6, "calls are made")
    workers.kill(old)
    monkeypatch.undo()
    before, settled = Counter(workers.notes("asked")), paid(jobs, accepted, workers.notes("asked"))
    workers.start("lost_after=0.2")
    wait_until(lambda: states(jobs, accepted) == {JobState.DONE}, "every job is done", 40)
    asked = Counter(workers.notes("asked"))
    assert settled
    assert [text for text in settled if asked[text] > before[text]] == []
    assert set(workers.notes("posted")) == {job.delivery for job in accepted}


def test_peers_take_over(tmp_path, fresh_postgres):
    """On Postgres the jobs of a killed worker go on with another one, within its limits and without paying twice."""
    workers = Workers(fresh_postgres(), tmp_path / "log")
    jobs = Jobs(workers.url)
    jobs.open()
    try:
        first = workers.start("parallel_calls=4")
        workers.start("parallel_calls=4")
        accepted = accept(jobs, 6)
        wait_until(lambda: len(workers.notes("asked")) >= 8, "calls are made")
        workers.kill(first)
        before, settled = Counter(workers.notes("asked")), paid(jobs, accepted, workers.notes("asked"))
        wait_until(lambda: states(jobs, accepted) == {JobState.DONE}, "the other ends them", 40)
        asked = Counter(workers.notes("asked"))
        assert [text for text in settled if asked[text] > before[text]] == []
        assert set(workers.notes("posted")) == {job.delivery for job in accepted}
        pushes = [
            Job(
                f"o/r#{next(numbers)}", "o/r", 9, Trigger.OPENED, str(uuid.uuid4()), head_sha=head * 40, updated_at=head
            )
            for head in "ab"
        ]
        for job in pushes:
            jobs.accept(job)
        wait_until(lambda: all(jobs.record(job.delivery).state.is_final for job in pushes), "both end")
        assert [jobs.record(job.delivery).state for job in pushes] == [JobState.SUPERSEDED, JobState.DONE]
    finally:
        workers.close()
        jobs.close()
