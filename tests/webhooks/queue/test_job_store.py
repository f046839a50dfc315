"""The store of jobs and its limits, in this process: what is kept, what is cleared, what is refused."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from reviewer.errors import ReviewerError
from reviewer.llm.messages import Ask, Reply
from tests.fixtures.job_worker import QUICK, ScriptedWorker, automatic, prompt
from tests.fixtures.waiting import wait_until
from webhooks.events.deliveries import Job
from webhooks.queue.jobs import Jobs, JobState, QueueLimits, StoreUnavailable
from webhooks.queue.store import job_records


@pytest.fixture
def own_worker(tmp_path) -> Iterator[Callable[[QueueLimits], ScriptedWorker]]:
    """Make a worker with its own SQLite store and limits."""
    made = []

    def make(limits: QueueLimits = QUICK) -> ScriptedWorker:
        worker = ScriptedWorker(f"sqlite:///{tmp_path}/jobs.sqlite3", limits)
        worker.jobs.open()
        made.append(worker)
        return worker

    yield make
    for worker in made:
        worker.jobs.close()


def reason_of(worker: ScriptedWorker, job: Job) -> str:
    return worker.jobs.record(job.delivery).reason


def let_polls_pass(worker: ScriptedWorker, count: int = 8) -> None:
    """Let so many jobs that ask nothing come and go: the worker looks for calls as often as for jobs."""
    for _ in range(count):
        job = automatic()
        worker.jobs.accept(job)
        assert worker.ended(job).state is JobState.DONE


def test_nothing_of_the_code_is_left(own_worker):
    """When a job is done, no table holds a prompt or a reply, neither as text nor compressed."""
    worker = own_worker()
    worker.jobs.start_worker(worker.work())
    job = worker.on(automatic(), lambda _job, ask, _wanted: bool(ask([prompt("def launch_codes():")])) and {"n": 1})
    worker.jobs.accept(job)
    worker.ended(job)
    path = worker.jobs._database.path
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM reviewer_answers").fetchone() == (0,)
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert "reviewer_calls" in dump
    assert "launch_codes" not in dump
    assert "pickle" not in dump


def test_installations_leave_room_for_each_other(own_worker):
    """Of one installation only so many jobs run at once; the others wait, and another installation does not."""
    worker = own_worker(QueueLimits(job_poll=0.05, jobs_per_installation=2, crowd_wait=0.3))
    hold = threading.Event()
    busy = [worker.on(automatic(installation=1), lambda *_: {"held": hold.wait(20)}) for _ in range(4)]
    quiet = automatic(installation=2)
    for job in [*busy, quiet]:
        worker.jobs.accept(job)
    worker.jobs.start_worker(worker.work())
    worker.ended(quiet)
    wait_until(lambda: sum(worker.carried[job.delivery] for job in busy) == 2, "two of them run")
    waiting = [job for job in busy if not worker.carried[job.delivery]]
    reasons = {wait_until(partial(reason_of, worker, job), "a reason") for job in waiting}
    assert reasons == {"waits for other jobs of its installation"}
    hold.set()
    assert {worker.ended(job).state for job in busy} == {JobState.DONE}


def test_a_job_that_crashed_its_worker_is_remembered_while_it_waits(own_worker):
    """Blamed twice, then made to wait for another job of its installation: it is given up with what it did."""
    limits = QueueLimits(job_poll=0.05, jobs_per_installation=1, crowd_wait=0.1)
    worker = own_worker(limits)
    poison, before = automatic(installation=1), automatic(installation=1)
    worker.jobs.accept(poison)
    with worker.jobs._database.write() as connection:
        job_records.add(connection, before)
        job_records.begin(connection, before.delivery, 1, "another worker")
        for _ in range(2):
            job_records.begin(connection, poison.delivery, 1, "a worker that died")
            job_records.suspect(connection, [poison.delivery], weight=limits.starts // 2 - 1, most=limits.starts)
    worker.jobs.start_worker(worker.work())
    wait_until(lambda: "waits for other jobs" in reason_of(worker, poison), "it waits")
    with worker.jobs._database.write() as connection:
        assert job_records.end(connection, before.delivery, "another worker", JobState.DONE, "")
    record = worker.ended(poison)
    reason = "PoisonJob: it crashed or blocked its worker twice, so it is not tried again"
    assert (record.state, record.reason, worker.carried[poison.delivery]) == (JobState.FAILED, reason, 0)


def test_parallel_calls_are_limited(own_worker):
    """However many prompts several jobs ask, no more calls run at once than allowed."""
    worker = own_worker(QueueLimits(job_poll=0.05, call_poll=0.05, parallel_calls=2))
    lock, hold, running, most = threading.Lock(), threading.Event(), [0], [0]

    def answer() -> Reply:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        assert hold.wait(30)
        with lock:
            running[0] -= 1
        return Reply("x")

    jobs = []
    for part in range(3):
        texts = [f"{part}/{index}" for index in range(4)]
        prompts = [prompt(text) for text in texts]
        for text in texts:
            worker.answering(text, answer)
        jobs.append(worker.on(automatic(), lambda _j, ask, _w, prompts=prompts: bool(ask(prompts)) and {}))
    worker.jobs.start_worker(worker.work())
    for job in jobs:
        worker.jobs.accept(job)
    wait_until(lambda: running[0] == 2, "two calls run")
    let_polls_pass(worker)
    assert running[0] == 2
    hold.set()
    assert {worker.ended(job).state for job in jobs} == {JobState.DONE}
    assert most[0] == 2


def test_calls_per_minute_are_limited(own_worker):
    """Within a minute no more calls start than allowed, whichever jobs they belong to."""
    worker = own_worker(QueueLimits(job_poll=0.05, call_poll=0.05, calls_per_minute=3))
    jobs = [
        worker.on(automatic(), lambda job, ask, _w: bool(ask([prompt(f"{job.delivery} {n}") for n in "ab"])) and {})
        for _ in range(2)
    ]
    for job in jobs:
        worker.jobs.accept(job)
    worker.jobs.start_worker(worker.work())
    wait_until(lambda: sum(worker.asked.values()) == 3, "three calls")
    let_polls_pass(worker)
    assert sum(worker.asked.values()) == 3


def test_a_stop_hands_over(own_worker):
    """A worker that stops gives back the job that waits for the model; the next goes on, paying nothing twice."""
    worker = own_worker()
    hold, begun = threading.Event(), threading.Event()

    def answer() -> Reply:
        begun.set()
        assert hold.wait(15)
        return Reply("slow")

    worker.answering("slow one", answer)
    job = worker.on(
        automatic(), lambda _j, ask, _w: {"texts": [one.text for one in ask([prompt("quick"), prompt("slow one")])]}
    )
    worker.jobs.accept(job)
    worker.jobs.start_worker(worker.work())
    assert begun.wait(15)
    stopping = threading.Thread(target=worker.jobs.stop)
    stopping.start()
    wait_until(lambda: worker.jobs.record(job.delivery).reason == "its worker stopped", "the job is handed over")
    hold.set()
    stopping.join(15)
    assert not stopping.is_alive()
    assert worker.jobs.record(job.delivery).state is JobState.QUEUED
    worker.jobs.start_worker(worker.work())
    assert worker.ended(job).result == {"texts": ["re: quick", "slow"]}
    assert worker.asked == {"quick": 1, "slow one": 1}


def test_a_job_that_the_engine_lost_is_found(own_worker):
    """A job whose workflow is gone is queued again by the upkeep."""
    worker = own_worker(QueueLimits(job_poll=0.05, upkeep=0.2, lost_after=0.5))
    job = automatic()
    worker.jobs.accept(job)
    with sqlite3.connect(worker.jobs._database.path) as connection:
        assert connection.execute("DELETE FROM workflow_status").rowcount == 1
    connection.close()
    worker.jobs.start_worker(worker.work())
    record = worker.ended(job)
    assert (record.state, record.failures) == (JobState.DONE, 1)


def test_what_is_over_is_cleared(own_worker):
    """Ended jobs, answers of failed ones, the bill and the engine's own rows go when their time is over."""
    worker = own_worker(
        QueueLimits(job_poll=0.05, upkeep=0.2, keep_jobs=0.1, keep_answers=0.1, keep_bill=0.1, keep_workflows=0.1)
    )

    def work(_job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
        ask([prompt("x")])
        raise ReviewerError("no")

    job = worker.on(automatic(), work)
    worker.jobs.accept(job)
    worker.jobs.start_worker(worker.work())
    tables = ("reviewer_jobs", "reviewer_answers", "reviewer_calls", "workflow_status", "workflow_input")

    def rows() -> list[int]:
        connection = sqlite3.connect(worker.jobs._database.path)
        try:
            return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
        finally:
            connection.close()

    wait_until(lambda: worker.given_up, "the job fails")
    wait_until(lambda: rows() == [0] * len(tables), "everything is cleared")


def test_without_its_directory(tmp_path):
    """A store in a directory that does not exist says what to do."""
    with pytest.raises(StoreUnavailable, match="create it, or set DATABASE_URL"):
        Jobs(f"sqlite:///{tmp_path}/nowhere/jobs.sqlite3").open()


def test_a_file_that_is_no_store(tmp_path):
    """A file that is something else is refused with the reason and left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 1000)
    with pytest.raises(StoreUnavailable, match="not a database"):
        Jobs(f"sqlite:///{path}").open()
    assert path.read_text() == "dear diary, " * 1000


def test_a_store_of_a_newer_version(own_worker):
    """A store that a newer program wrote is refused with what to do."""
    worker = own_worker()
    with sqlite3.connect(worker.jobs._database.path) as connection:
        connection.execute("UPDATE reviewer_schema SET version = 99")
    connection.close()
    with pytest.raises(StoreUnavailable, match="start the newer program again"):
        Jobs(worker.jobs._database.url).open()


def test_postgres_away():
    """A Postgres that does not answer is said, within the time that GitHub waits."""
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="the store cannot be used"):
        Jobs("postgresql://nobody:secret@127.0.0.1:1/none").open()
    assert time.monotonic() - started < 8


def test_ready_tells_what_is_wrong(own_worker):
    """A store is ready once it is open, and not ready, with the reason, when it went away or was closed."""
    worker = own_worker()
    assert worker.jobs.ready() is None
    with sqlite3.connect(worker.jobs._database.path) as connection:
        connection.execute("ALTER TABLE reviewer_jobs RENAME TO elsewhere")
    connection.close()
    assert "no such table" in worker.jobs.ready()
    with pytest.raises(StoreUnavailable):
        worker.jobs.accept(automatic())
    worker.jobs.close()
    assert worker.jobs.ready() == "the store is not open"
