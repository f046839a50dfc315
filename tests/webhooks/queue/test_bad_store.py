"""A store that cannot be used: each time an error in words, nothing lost, and no restart where the trouble passes."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reviewer.llm.messages import Ask
from tests.fixtures import postgres
from tests.fixtures.app_server import SECRET, AppServer
from tests.fixtures.job_worker import QUICK, ScriptedWorker, automatic, command, prompt
from tests.fixtures.waiting import wait_until
from tests.paths import ROOT
from webhooks.events.deliveries import Job, Trigger
from webhooks.queue.jobs import Jobs, JobState, QueueLimits, StoreUnavailable

pytestmark = pytest.mark.slow

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody for a while: permissions do not hold root."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder that everybody can come to; pytest's are for its user only."""
    made = Path(tempfile.mkdtemp(prefix="reviewer-store-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def store_in(folder: Path) -> str:
    """Make a store and return its URL."""
    url = f"sqlite:///{folder}/jobs.sqlite3"
    jobs = Jobs(url)
    jobs.open()
    jobs.close()
    return url


def boot(**values: str) -> subprocess.CompletedProcess[str]:
    """Start the App, which is to refuse."""
    environment = {"PATH": os.environ["PATH"], "REVIEWER_ROLE": "web", "GITHUB_WEBHOOK_SECRET": SECRET, **values}
    line = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "app:create_app()"]
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, timeout=60, text=True, check=False)


def pull_request(number: int) -> dict[str, object]:
    return {
        "action": "opened",
        "repository": {"full_name": "octo/hello"},
        "pull_request": {"number": number, "head": {"sha": "a" * 40}, "updated_at": "2026-01-01T00:00:00Z"},
    }


def test_a_store_that_may_only_be_read(folder: Path) -> None:
    """The file is read-only: what is wrong and what to do is said at the start."""
    url = store_in(folder)
    (folder / "jobs.sqlite3").chmod(0o444)
    with unprivileged(), pytest.raises(StoreUnavailable, match=r"jobs\.sqlite3 and its folder must be writable"):
        Jobs(url).open()


def test_a_folder_that_may_not_be_written_to(folder: Path) -> None:
    """A new store in it cannot be made, and an old one not opened: both are said alike."""
    folder.chmod(0o555)
    with unprivileged(), pytest.raises(StoreUnavailable, match=r"new\.sqlite3 and its folder must be writable"):
        Jobs(f"sqlite:///{folder}/new.sqlite3").open()


ENDING = """
import os, runpy
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

class Nothing(BaseApplication):
    def load_config(self):
        pass

arbiter = Arbiter(Nothing())
runpy.run_path("gunicorn.conf.py")["on_starting"](arbiter)
for _ in range(3):
    child = os.fork()
    if not child:
        os._exit(arbiter.WORKER_BOOT_ERROR)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    arbiter.WORKERS[child] = object()
arbiter.stop()
print("left:", list(arbiter.WORKERS))
"""


def test_several_processes_that_cannot_begin_are_one_end() -> None:
    """The master waits for all of them, and not with the exception that the first one ended it with."""
    ended = subprocess.run([sys.executable, "-c", ENDING], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "left: []\n"), ended.stderr


@pytest.mark.parametrize("trouble", ["newer", "no database", "no folder", "a file in the way"])
def test_the_app_refuses_to_start(tmp_path: Path, trouble: str) -> None:
    """It ends with gunicorn's code for a worker that cannot begin, a line that says what to do, and no traceback."""
    url, said = store_in(tmp_path), "start the newer program again"
    path = tmp_path / "jobs.sqlite3"
    values = {"DATABASE_URL": url}
    if trouble == "newer":
        connection = sqlite3.connect(path)
        connection.execute("UPDATE reviewer_schema SET version = 99")
        connection.commit()
        connection.close()
    elif trouble == "no database":
        path.write_text("dear diary, " * 1000)
        said = "not a database"
    elif trouble == "no folder":
        values, said = {"DATABASE_URL": f"sqlite:///{tmp_path}/none/x.sqlite3"}, "create it, or set DATABASE_URL"
    else:
        values, said = {"REVIEWER_DATA_DIR": f"{path}/data"}, "set another one"
    ended = boot(**values)
    assert ended.returncode == 3
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_full_disk(tmp_path: Path) -> None:
    """Deliveries are answered 503 as long as the store cannot grow; then they are accepted, without a restart."""
    with AppServer(tmp_path, REVIEWER_ROLE="web") as server:
        processes = _processes_of(server)
        largest = max(file.stat().st_size for file in tmp_path.iterdir())
        for process in processes:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (largest + 200_000, resource.RLIM_INFINITY))
        answers: dict[str, int] = {}
        while 503 not in answers.values() and len(answers) < 500:
            guid = str(uuid.uuid4())
            answers[guid] = server.deliver(pull_request(len(answers) + 1), X_GitHub_Delivery=guid)[0]
        assert set(answers.values()) == {202, 503}
        assert server.get("/healthz")[0] == 200
        for process in processes:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        refused = next(guid for guid, status in answers.items() if status == 503)
        assert server.deliver(pull_request(1000), X_GitHub_Delivery=refused)[0] == 202
        assert server.get("/readyz")[0] == 200
        jobs = Jobs(server.store_url)
        jobs.open()
        assert {record.id for record in jobs.records(limit=1000)} == set(answers)
        jobs.close()


def _processes_of(server: AppServer) -> list[int]:
    """Return the processes that write: gunicorn's workers."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    assert len(children) == 2
    return [int(child) for child in children]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ScriptedWorker]:
    worker = ScriptedWorker(f"sqlite:///{tmp_path}/jobs.sqlite3", QUICK)
    worker.jobs.open()
    yield worker
    worker.jobs.close()


def ask_once(job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
    ask([prompt(job.delivery)])
    return {}


def ask_twice(job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
    ask([prompt(f"{job.delivery} {n}") for n in "ab"])
    return {}


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps(worker: ScriptedWorker, hours: int) -> None:
    """Put back or forward by an hour while jobs wait: none is lost, carried out twice, or blocked for that hour."""
    pushed, asked = automatic(trigger=Trigger.SYNCHRONIZE), command()
    for job in (pushed, asked):
        worker.on(job, ask_once)
        worker.jobs.accept(job)
    shift(worker, -hours * 3600)
    worker.jobs.start_worker(worker.work())
    assert [worker.ended(job).state for job in (pushed, asked)] == [JobState.DONE, JobState.DONE]
    assert set(worker.carried.values()) == set(worker.asked.values()) == {1}


def test_a_clock_that_is_put_back_does_not_stop_the_calls(tmp_path: Path) -> None:
    """Calls that were made an hour ahead do not use up every minute until then."""
    worker = ScriptedWorker(
        f"sqlite:///{tmp_path}/jobs.sqlite3", QueueLimits(job_poll=0.05, call_poll=0.05, calls_per_minute=2, upkeep=0.2)
    )
    worker.jobs.open()
    try:
        worker.jobs.start_worker(worker.work())
        first, second = (worker.on(command(), ask_twice) for _ in range(2))
        worker.jobs.accept(first)
        worker.ended(first)
        worker.jobs.accept(second)
        shift(worker, 3600)
        assert worker.ended(second).state is JobState.DONE
        assert sum(worker.asked.values()) == 4
    finally:
        worker.jobs.close()


def shift(worker: ScriptedWorker, seconds: int) -> None:
    """Move the times of what waits: what a store looks like to a process whose clock was moved the other way."""
    connection = sqlite3.connect(worker.jobs._database.path)
    connection.execute("UPDATE reviewer_jobs SET accepted_at = accepted_at + ?", (seconds,))
    columns = ("created_at", "updated_at", "delay_until_epoch_ms", "started_at_epoch_ms", "completed_at")
    values = ", ".join(f"{name} = {name} + {seconds * 1000}" for name in columns)
    connection.execute(f"UPDATE workflow_status SET {values}")
    connection.commit()
    connection.close()


@pytest.fixture
def own_postgres() -> Iterator[postgres.Postgres]:
    """Start a server for one test alone: it is going to be stopped."""
    try:
        with postgres.serving(durable=True) as server:
            yield server
    except postgres.NoPostgres as error:
        pytest.skip(f"no Postgres can be started: {error}")


def test_postgres_gone_and_back(
    own_postgres: postgres.Postgres, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Deliveries are answered 503 meanwhile; a job that ran and one that waited end, and nothing is bought twice."""
    url = own_postgres.fresh()
    worker = ScriptedWorker(url, QUICK)
    worker.jobs.open()
    server = AppServer(tmp_path, REVIEWER_ROLE="web", DATABASE_URL=url)
    back, answered = threading.Event(), threading.Event()

    def work(job: Job, ask: Ask, _wanted: object) -> dict[str, str]:
        ask([prompt(f"before {job.delivery}")])
        answered.set()
        assert back.wait(30)
        return {"text": str(getattr(ask([prompt(f"after {job.delivery}")])[0], "text", ""))}

    running, waiting = worker.on(automatic(number=1), work), automatic(number=1)
    try:
        server.start()
        worker.jobs.start_worker(worker.work())
        assert worker.jobs.accept(running)
        assert answered.wait(15)
        assert worker.jobs.accept(waiting)
        guid = str(uuid.uuid4())
        with own_postgres.away():
            assert server.deliver(pull_request(7), X_GitHub_Delivery=guid)[0] == 503
            assert server.get("/readyz")[0] == 503
            assert server.get("/healthz")[0] == 200
            with pytest.raises(StoreUnavailable):
                worker.jobs.accept(automatic())
            back.set()
            wait_until(lambda: "waiting for the store" in caplog.text, "the job finds no store for its next call")
        assert server.deliver(pull_request(7), X_GitHub_Delivery=guid)[0] == 202
        assert worker.ended(running, within=60).state is JobState.DONE
        assert worker.ended(waiting, within=60).state is JobState.DONE
        assert wait_until(lambda: worker.jobs.record(guid).state.is_final, "the delivery that was refused", 60)
        assert set(worker.asked.values()) == {1}
        assert server.get("/readyz")[0] == 200
    finally:
        server.close()
        worker.jobs.close()
