"""Configure gunicorn: `gunicorn --config gunicorn.conf.py 'app:create_app()'`. Imports nothing of the App."""

import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.workers.base import Worker

bind = f"0.0.0.0:{os.environ.get('PORT') or '8000'}"

# In memory, and the only writable place if the root file system is read-only.
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

# Two processes. With the role `all`, one accepts deliveries and the other carries jobs out, so that a delivery is
# answered whatever a job does; gunicorn starts either again when it dies. With the role `web` both accept, one for each
# core: together they take in more than twice as many (`make bench ARGS=durable`). With `--workers 1` one does all.
_DOES_ALL = os.environ.get("REVIEWER_ROLE", "").strip().strip("\"'").lower() in {"", "all"}
workers = 2
# gunicorn's threads, behind an event loop that receives each request completely: a slow sender holds no thread.
# gunicorn looks for the class before it puts the working directory on Python's path.
sys.path.insert(0, str(Path(__file__).resolve().parent))
worker_class = "webhooks.server.gunicorn_worker.BufferingWorker"
threads = 8
worker_connections = 1000

# DBOS's threads and database connections do not survive a fork, so the worker makes its own.
preload_app = False

# A delivery is stored and answered within GitHub's ten seconds; a worker silent for longer than this is stuck.
# https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks#respond-within-10-seconds
timeout = 60
# On SIGTERM running steps get this long; the next process takes up unfinished work.
# `docker stop` waits only ten seconds by default: give it --time 30.
graceful_timeout = 25
keepalive = 5

# The heartbeat file is touched constantly: on a disk that blocks, the worker would look dead.
# https://docs.gunicorn.org/en/stable/faq.html#how-do-i-avoid-gunicorn-excessively-blocking-in-os-fchmod
worker_tmp_dir = _MEMORY

# gunicorn would make its control socket in the home directory, which the container's user does not have.
control_socket_disable = True

# The App logs what it accepts and does, with fields; gunicorn reports only on itself.
accesslog = None
errorlog = "-"
# gunicorn's own lines look as the App's: text, or JSON with REVIEWER_LOG_FORMAT=json.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"fields": {"()": "webhooks.telemetry.logs.formatter"}},
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "fields", "stream": "ext://sys.stderr"}},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["lines"], "propagate": False, "qualname": "gunicorn"}},
    "root": {"level": "WARNING", "handlers": ["lines"]},
}

# Seconds in which a signal to end is the same Ctrl-C, from the terminal and from gunicorn's first process.
_SAME_CTRL_C = 2.0


def on_starting(server: Arbiter) -> None:
    """Prepare for several processes that accept deliveries."""
    _end_once(server)
    _count_together()
    # Should no App be set up yet: all processes of this start know the same token.
    os.environ["REVIEWER_SETUP_TOKEN"] = secrets.token_urlsafe(24)


def pre_fork(server: Arbiter, worker: Worker) -> None:
    """Decide what the next process is for: of those that will be left, one carries jobs out.

    At a reload the new processes are begun before the oldest are ended, so only the newest count.
    """
    worker.part = None
    if _DOES_ALL and server.num_workers > 1:
        newest = sorted(server.WORKERS.values(), key=lambda one: one.age)[1 - server.num_workers :]
        worker.part = "web" if any(one.part == "worker" for one in newest) else "worker"


def post_fork(_server: Arbiter, worker: Worker) -> None:
    """Tell the App what this process is for."""
    if worker.part is not None:
        os.environ["REVIEWER_PROCESS"] = worker.part
    # SIGHUP to it starts the processes anew, with the settings that a set-up stored.
    os.environ["REVIEWER_ARBITER"] = str(worker.ppid)


def post_worker_init(worker: Worker) -> None:
    """End at Ctrl-C once: it comes from the terminal and from gunicorn's first process. A later one ends at once."""
    begun: list[float] = []

    def end(number: int, frame: object) -> None:
        begun.append(time.monotonic())
        if len(begun) == 1:
            worker.handle_quit(number, frame)
        elif begun[-1] - begun[0] > _SAME_CTRL_C:
            os._exit(1)  # what is under way goes on in the next process

    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, end)


def worker_exit(_server: Arbiter, worker: Worker) -> None:
    """Let the App give back what it does. At its exit Python waits for all threads first, and jobs would go on."""
    served = getattr(worker, "wsgi", None)  # a process that could not start has none
    stop = getattr(served, "extensions", {}).get("reviewer-stop")
    if stop is not None:
        stop()


def _end_once(server: Arbiter) -> None:
    """Make gunicorn end cleanly when a second process cannot start either.

    The first process that cannot start ends the server. If gunicorn finds a second dead one while it waits, it raises
    the same exception again, and nothing catches it: a traceback after the message, and another exit code.
    """
    stop = server.stop

    def stop_whatever_comes(graceful: bool = True) -> None:  # noqa: FBT001, FBT002 - as gunicorn calls it
        while True:
            try:
                return stop(graceful)
            except HaltServer:  # one process fewer to wait for
                continue

    server.stop = stop_whatever_comes


def _count_together() -> None:
    """Let the processes share their counters: /metrics is the same from each of them.

    https://prometheus.github.io/client_python/multiprocess/
    """
    if workers > 1:
        for left in Path(_MEMORY or tempfile.gettempdir()).glob("reviewer-metrics-*-*"):
            try:
                os.kill(int(left.name.split("-")[2]), 0)
            except ProcessLookupError:  # it was killed
                shutil.rmtree(left, ignore_errors=True)
            except (PermissionError, ValueError):
                continue  # another user's
        place = tempfile.mkdtemp(prefix=f"reviewer-metrics-{os.getpid()}-", dir=_MEMORY)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = place


def on_exit(_server: object) -> None:
    """Remove the folder of shared counters."""
    if workers > 1:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
