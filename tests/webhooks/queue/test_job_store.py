"""The store of jobs and its limits, in this process: what is kept, what is cleared, what is refused."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reviewer.errors import ReviewerError
from reviewer.llm.messages import Ask, Reply
from tests.fixtures.job_worker import QUICK, Desk, automatic, eventually, prompt
from webhooks.events.deliveries import Job
from webhooks.queue.jobs import Jobs, JobState, QueueLimits, StoreUnavailable


@pytest.fixture
def own_desk(tmp_path) -> Iterator[Callable[[QueueLimits], Desk]]:
    """Make a desk with its own SQLite store and limits."""
    made = []

    def make(limits: QueueLimits = QUICK) -> Desk:
        desk = Desk(f"sqlite:///{tmp_path}/jobs.sqlite3", limits)
        desk.jobs.open()
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.jobs.close()


def test_nothing_of_the_code_is_left(own_desk):
    """When a job is done, no table holds a prompt or a reply, neither as text nor compressed."""
    desk = own_desk()
    desk.jobs.start_worker(desk.work())
    job = desk.on(automatic(), lambda _job, ask, _wanted: bool(ask([prompt("def launch_codes():")])) and {"n": 1})
    desk.jobs.accept(job)
    desk.ended(job)
    path = desk.jobs._database.path
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM reviewer_answers").fetchone() == (0,)
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert "reviewer_calls" in dump
    assert "launch_codes" not in dump
    assert "pickle" not in dump


def test_installations_leave_room_for_each_other(own_desk):
    """Of one installation only so many jobs run at once; the others wait, and another installation does not."""
    desk = own_desk(QueueLimits(job_poll=0.05, jobs_per_installation=2, crowd_wait=0.3))
    hold = threading.Event()
    busy = [desk.on(automatic(installation=1), lambda *_: {"held": hold.wait(20)}) for _ in range(4)]
    quiet = automatic(installation=2)
    for job in [*busy, quiet]:
        desk.jobs.accept(job)
    desk.jobs.start_worker(desk.work())
    desk.ended(quiet)
    eventually(lambda: sum(desk.carried[job.delivery] for job in busy) == 2, "two of them run")
    waiting = [job for job in busy if not desk.carried[job.delivery]]
    reasons = {eventually(lambda job=job: desk.jobs.record(job.delivery).reason, "a reason") for job in waiting}
    assert reasons == {"waits for others of its installation"}
    hold.set()
    assert {desk.ended(job).state for job in busy} == {JobState.DONE}


def test_parallel_calls_are_limited(own_desk):
    """However many prompts several jobs ask, no more calls run at once than allowed."""
    desk = own_desk(QueueLimits(job_poll=0.05, call_poll=0.05, parallel_calls=2))
    lock, running, most = threading.Lock(), [0], [0]

    def answer() -> Reply:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.05)  # long enough for a third to come in, were it let in
        with lock:
            running[0] -= 1
        return Reply("x")

    jobs = []
    for part in range(3):
        texts = [f"{part}/{index}" for index in range(4)]
        prompts = [prompt(text) for text in texts]
        for text in texts:
            desk.answering(text, answer)
        jobs.append(desk.on(automatic(), lambda _j, ask, _w, prompts=prompts: bool(ask(prompts)) and {}))
    desk.jobs.start_worker(desk.work())
    for job in jobs:
        desk.jobs.accept(job)
    assert {desk.ended(job).state for job in jobs} == {JobState.DONE}
    assert most[0] == 2


def test_calls_per_minute_are_limited(own_desk):
    """Within a minute no more calls start than allowed, whichever jobs they belong to."""
    desk = own_desk(QueueLimits(job_poll=0.05, call_poll=0.05, calls_per_minute=3))
    jobs = [
        desk.on(automatic(), lambda job, ask, _w: bool(ask([prompt(f"{job.delivery} {n}") for n in "ab"])) and {})
        for _ in range(2)
    ]
    for job in jobs:
        desk.jobs.accept(job)
    desk.jobs.start_worker(desk.work())
    eventually(lambda: sum(desk.asked.values()) == 3, "three calls")
    threading.Event().wait(1.0)  # many polls: a fourth call would have started
    assert sum(desk.asked.values()) == 3


def test_a_stop_hands_over(own_desk):
    """A worker that stops gives back the job that waits for the model; the next goes on, paying nothing twice."""
    desk = own_desk()
    hold, begun = threading.Event(), threading.Event()

    def answer() -> Reply:
        begun.set()
        assert hold.wait(15)
        return Reply("slow")

    desk.answering("slow one", answer)
    job = desk.on(
        automatic(), lambda _j, ask, _w: {"texts": [one.text for one in ask([prompt("quick"), prompt("slow one")])]}
    )
    desk.jobs.accept(job)
    desk.jobs.start_worker(desk.work())
    assert begun.wait(15)
    stopping = threading.Thread(target=desk.jobs.stop)
    stopping.start()
    eventually(lambda: desk.jobs.record(job.delivery).reason == "its worker stopped", "the job is handed over")
    hold.set()
    stopping.join(15)
    assert not stopping.is_alive()
    assert desk.jobs.record(job.delivery).state is JobState.QUEUED
    desk.jobs.start_worker(desk.work())
    assert desk.ended(job).result == {"texts": ["re: quick", "slow"]}
    assert desk.asked == {"quick": 1, "slow one": 1}


def test_a_job_that_the_engine_lost_is_found(own_desk):
    """A job whose workflow is gone is queued again by the upkeep."""
    desk = own_desk(QueueLimits(job_poll=0.05, upkeep=0.2, lost_after=0.5))
    job = automatic()
    desk.jobs.accept(job)
    with sqlite3.connect(desk.jobs._database.path) as connection:
        assert connection.execute("DELETE FROM workflow_status").rowcount == 1
    connection.close()
    desk.jobs.start_worker(desk.work())
    record = desk.ended(job)
    assert (record.state, record.failures) == (JobState.DONE, 1)


def test_what_is_over_is_cleared(own_desk):
    """Ended jobs, answers of failed ones, the bill and the engine's own rows go when their time is over."""
    desk = own_desk(
        QueueLimits(job_poll=0.05, upkeep=0.2, keep_jobs=0.1, keep_answers=0.1, keep_bill=0.1, keep_workflows=0.1)
    )

    def work(_job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
        ask([prompt("x")])
        raise ReviewerError("no")

    job = desk.on(automatic(), work)
    desk.jobs.accept(job)
    desk.jobs.start_worker(desk.work())
    tables = ("reviewer_jobs", "reviewer_answers", "reviewer_calls", "workflow_status", "workflow_input")

    def rows() -> list[int]:
        connection = sqlite3.connect(desk.jobs._database.path)
        try:
            return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
        finally:
            connection.close()

    eventually(lambda: desk.given_up, "the job fails")
    eventually(lambda: rows() == [0] * len(tables), "everything is cleared")


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


def test_a_store_of_a_newer_version(own_desk):
    """A store that a newer program wrote is refused with what to do."""
    desk = own_desk()
    with sqlite3.connect(desk.jobs._database.path) as connection:
        connection.execute("UPDATE reviewer_schema SET version = 99")
    connection.close()
    with pytest.raises(StoreUnavailable, match="start the newer program again"):
        Jobs(desk.jobs._database.url).open()


def test_postgres_away():
    """A Postgres that does not answer is said, within the time that GitHub waits."""
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="the store cannot be used"):
        Jobs("postgresql://nobody:secret@127.0.0.1:1/none").open()
    assert time.monotonic() - started < 8


def test_ready_tells_what_is_wrong(own_desk):
    """A store is ready once it is open, and not ready, with the reason, when it went away or was closed."""
    desk = own_desk()
    assert desk.jobs.ready() is None
    with sqlite3.connect(desk.jobs._database.path) as connection:
        connection.execute("ALTER TABLE reviewer_jobs RENAME TO elsewhere")
    connection.close()
    assert "no such table" in desk.jobs.ready()
    with pytest.raises(StoreUnavailable):
        desk.jobs.accept(automatic())
    desk.jobs.close()
    assert desk.jobs.ready() == "the store is not open"
