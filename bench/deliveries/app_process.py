"""The App with simulated work, for `durable`: under gunicorn, or as a separate worker.

`STORE` is the store's URL, `THINKS` how long a model call takes in seconds; with `APART` the App only accepts, and
this module, run with the argument `work`, is the worker. Run with a COUNT, it prints the CPU seconds that one review of
five instant calls takes.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from reviewer.llm.messages import Message, Prompt, Reply, Task
from reviewer.llm.usage import Attempt
from tests.fixtures.job_worker import automatic
from tests.fixtures.waiting import wait_until
from webhooks.events.deliveries import Job
from webhooks.handling.commands.table import SYNTAX
from webhooks.queue.jobs import JobAttempt, Jobs, JobState, JobWork, QueueLimits
from webhooks.server.metrics import Metrics
from webhooks.server.receiver import ReceiverConfig
from webhooks.server.routes import flask_app
from webhooks.telemetry.logs import log_to_stderr

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SECRET = "hush"

#: The usual limits, but more calls a minute: otherwise there would be little work to measure.
LIMITS = QueueLimits(calls_per_minute=100_000)


def work() -> JobWork:
    """Carry out each job as four calls in parallel and one after them."""
    thinks = float(os.environ["THINKS"])

    def complete(_prompt: Prompt) -> Reply:
        time.sleep(thinks)
        return Reply("x" * 2000, attempts=(Attempt("MiniMax-M2.1", "ok", 5000, 500),))

    def carry_out(_job: Job, run: JobAttempt) -> dict[str, int]:
        code = str(uuid.uuid4()) + "def f(xs):\n    return sum(xs) / len(xs)\n" * 500
        for part in range(4), range(1):
            run.ask([Prompt(Task.FINDINGS, (Message("system", f"{code} {part} {number}"),)) for number in part])
        return {"findings": 3}

    return JobWork(carry_out, complete)


def create_app() -> WSGIApplication:
    """Return the App; each answer carries the seconds that were spent in its handler."""
    log_to_stderr()
    jobs = Jobs(os.environ["STORE"], LIMITS)
    jobs.open()
    if "web" not in {os.environ.get("REVIEWER_ROLE"), os.environ.get("REVIEWER_PROCESS")}:
        jobs.start_worker(work())
    app = flask_app(ReceiverConfig(jobs, (SECRET,), Metrics(), SYNTAX))

    def timed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
            return start_response(status, [*headers, ("X-Seconds", f"{time.perf_counter() - began:.6f}")], exc_info)

        return app(environ, start)

    return timed


def main() -> None:
    jobs = Jobs(os.environ["STORE"], LIMITS)
    jobs.open()
    jobs.start_worker(work())
    if sys.argv[1] == "work":
        threading.Event().wait()
    reviews = [automatic() for _ in range(int(sys.argv[1]))]
    before = time.process_time()
    for job in reviews:
        jobs.accept(job)
    wait_until(lambda: jobs.counts()[JobState.DONE] == len(reviews), "all are done", 60)
    print((time.process_time() - before) / len(reviews))
    jobs.close()


if __name__ == "__main__":
    main()
