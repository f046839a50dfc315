"""How gunicorn runs the App: `gunicorn --config gunicorn.conf.py 'app:create_app()'`. Settings only; starts nothing."""

import os
from pathlib import Path

bind = f"0.0.0.0:{os.environ.get('PORT') or '8000'}"

# One process: with the embedded store it holds the lock and runs the jobs; a second could only wait for it. The work is
# waiting for GitHub, the model and the store, so threads suffice. With Postgres, add processes by adding containers.
workers = 1
worker_class = "gthread"
threads = 8

# The engine's threads and its database connections do not survive a fork, so the worker makes its own.
preload_app = False

# A delivery is stored and answered within GitHub's ten seconds; a worker silent for longer than this is stuck.
# https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks#respond-within-10-seconds
timeout = 60
# On SIGTERM running steps get this long; what is not done then is taken up again by the next process.
# `docker stop` waits ten seconds only, unless it is told more: --time 30.
graceful_timeout = 25
keepalive = 5

# The heartbeat file is touched constantly: on a disk that blocks, the worker would look dead. Also the only place that
# can be written where the root file system is read-only.
# https://docs.gunicorn.org/en/stable/faq.html#how-do-i-avoid-gunicorn-excessively-blocking-in-os-fchmod
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  (memory, not a shared temporary file)

# gunicorn's control socket would be made in a home directory, which a container's user has not.
control_socket_disable = True

# The App logs what it accepts and does, with fields; gunicorn reports only on itself.
accesslog = None
errorlog = "-"
