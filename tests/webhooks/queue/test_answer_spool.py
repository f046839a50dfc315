"""Answers that were paid for and not yet stored when their process was killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Reply
from reviewer.llm.serialization import prompt_digest
from reviewer.llm.usage import Attempt
from tests.fixtures.job_worker import QUICK, ScriptedWorker, automatic, prompt
from tests.fixtures.waiting import wait_until
from webhooks.queue.answer_spool import AnswerSpool
from webhooks.queue.store import answer_cache
from webhooks.queue.store.answer_cache import Packed, packed

ANSWER = Packed(b"\x00\xffanswer", failed=False)


def _keep_and_die(folder: Path, then: bytes) -> None:
    spool = AnswerSpool(folder)
    spool.open(lambda *_: None)
    spool.keep("job", "digest", ANSWER)
    with next(folder.glob(f"{os.getpid()}-*.answers")).open("ab") as file:
        file.write(then)
    os.kill(os.getpid(), signal.SIGKILL)


def _killed(folder: Path, then: bytes = b"") -> None:
    process = multiprocessing.get_context("spawn").Process(target=_keep_and_die, args=(folder, then))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.slow
def test_a_killed_process_leaves_its_answers(tmp_path: Path) -> None:
    """What was kept is handed over once to the next process; half a line behind it does no harm."""
    _killed(tmp_path, b'{"job": "x", "dig')
    found: list[tuple[str, str, Packed]] = []
    spool = AnswerSpool(tmp_path)
    spool.open(lambda *answer: found.append(answer))
    assert found == [("job", "digest", ANSWER)]
    other = AnswerSpool(tmp_path)
    other.open(lambda *answer: found.append(answer))
    assert len(found) == 1
    spool.close()
    other.close()
    assert list(tmp_path.iterdir()) == []


def refuse(*_: object) -> None:
    raise AssertionError("nothing may be taken from a process that runs")


def text_of(answer: Reply | ModelError) -> str:
    assert isinstance(answer, Reply), answer
    return answer.text


def test_a_process_that_runs_keeps_its_own(tmp_path: Path) -> None:
    """Nobody takes answers from a process that is alive; stored ones are gone from the disk, whatever came between."""
    spool, other = AnswerSpool(tmp_path), AnswerSpool(tmp_path)
    spool.open(lambda *_: None)
    spool.keep("job", "one", ANSWER)
    spool.keep("job", "two", ANSWER)
    other.open(refuse)
    (path,) = [one for one in tmp_path.glob("*.answers") if one.stat().st_size]
    assert path.stat().st_mode & 0o777 == 0o600
    spool.stored()
    assert path.stat().st_size
    spool.stored()
    assert path.stat().st_size == 0
    spool.keep("job", "three", ANSWER)
    assert path.stat().st_size


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    """Where there is no place for the file, work goes on without it."""
    (tmp_path / "file").write_text("")
    spool = AnswerSpool(tmp_path / "file" / "folder")
    spool.open(lambda *_: None)
    spool.keep("job", "digest", ANSWER)
    spool.stored()
    spool.close()
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


@pytest.mark.slow
def test_an_answer_on_its_way_is_not_bought_again(tmp_path: Path) -> None:
    """A worker that finds the answer of a killed one in the spool asks only what is left, and enters the bill."""
    worker = ScriptedWorker(f"sqlite:///{tmp_path}/jobs.sqlite3", QUICK)
    worker.jobs.open()
    job = worker.on(
        automatic(),
        lambda _job, ask, _wanted: {"texts": [text_of(answer) for answer in ask([prompt("paid"), prompt("new")])]},
    )
    worker.jobs.accept(job)
    digest = prompt_digest(prompt("paid"))
    with worker.jobs._database.write() as connection:
        # As the killed worker left it: the prompt was put, and its answer is on its way.
        answer_cache.put(connection, job.delivery, 1, answer_cache.packed_prompts({digest: prompt("paid")}))
    spool = AnswerSpool(tmp_path)
    spool.open(lambda *_: None)
    reply = Reply("from the spool", attempts=(Attempt("MiniMax-M2.1", "ok", 100, 10),))
    spool.keep(job.delivery, digest, packed(reply))
    os.close(spool._file)  # the process is gone, and its lock with it
    try:
        worker.jobs.start_worker(worker.work())
        assert worker.ended(job).result == {"texts": ["from the spool", "re: new"]}
        assert worker.asked == {"new": 1}
        wait_until(lambda: worker.jobs.spent(job_id=job.delivery).calls == 2, "both are on the bill")
    finally:
        worker.jobs.close()


def _open_and_tell(folder: Path, times: int, told: Connection) -> None:
    """Begin and end as often, keeping one answer each time; tell how often the file was not where it belongs."""
    lost = 0
    for _ in range(times):
        spool = AnswerSpool(folder)
        spool.open(lambda *_: None)
        spool.keep("job", "digest", ANSWER)
        lost += not any(path.stat().st_size for path in folder.glob(f"{os.getpid()}-*.answers"))
        spool.stored()
        spool.close()
    told.send(lost)


@pytest.mark.slow
def test_processes_that_begin_at_once_leave_each_other_their_files(tmp_path: Path) -> None:
    """However two starts fall together, no process writes into a file that another has removed."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for _ in range(4):
        ours, theirs = context.Pipe()
        process = context.Process(target=_open_and_tell, args=(tmp_path, 150, theirs))
        process.start()
        pipes.append(ours)
        processes.append(process)
    assert [pipe.recv() for pipe in pipes] == [0, 0, 0, 0]
    for process in processes:
        process.join(30)
    assert list(tmp_path.iterdir()) == []
