"""A worker process to be killed: `python -m tests.jobs_worker STORE_URL LOG [key=value of Limits...]`.

Each job asks four prompts, then one more, then "posts". What happens is appended to LOG, one line each, written with
one system call: `asked JOB PROMPT`, `posted JOB`, `stopped`. A job of the pull request 666 kills the process.
With `shape=0` it is a version whose workflows have another shape.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

from reviewer.asking import Attempt, Message, Prompt, Reply, Task
from webhooks.deliveries import Job
from webhooks.engine import queue
from webhooks.jobs import Jobs, Limits, Run, Work

CALL_SECONDS = 0.15


def prompt(text: str) -> Prompt:
    return Prompt(Task.FINDINGS, (Message("system", text),))


def number(text: str) -> float:
    return int(text) if text.isdecimal() else float(text)


def main(url: str, log: str, *settings: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(*words: str) -> None:
        os.write(file, (" ".join(words) + "\n").encode())

    def complete(asked: Prompt) -> Reply:
        text = asked.messages[0].content
        note("asked", text)
        time.sleep(CALL_SECONDS)  # the model thinks
        return Reply(f"re: {text}", attempts=(Attempt("MiniMax-M2.1", "ok", 10, 5),))

    def carry_out(job: Job, run: Run) -> dict[str, Any]:
        if job.number == 666:
            note("poisoned", job.delivery)
            os.kill(os.getpid(), signal.SIGKILL)
        found = run.ask([prompt(f"{job.delivery} {part}") for part in "abcd"])
        verified = run.ask([prompt(f"{job.delivery} verify {len(found)}")])
        if run.wanted():
            note("posted", job.delivery)
        return {"answers": [str(getattr(one, "text", one)) for one in (*found, *verified)]}

    if "shape=0" in settings:
        queue.APPLICATION_VERSION = "0"
        settings = tuple(one for one in settings if one != "shape=0")
    limits = Limits(**{name: number(value) for name, value in (one.split("=") for one in settings)})  # type: ignore[arg-type]
    jobs = Jobs(url, limits)
    jobs.open()
    jobs.start_worker(Work(carry_out, complete))
    note("standby" if jobs.is_standby else "working")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    jobs.close(grace=5)
    note("stopped")


if __name__ == "__main__":
    main(*sys.argv[1:])
