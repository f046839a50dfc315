"""Tell whether this container's process is well: `python webhooks/operating/health.py`. Ends with 0 or 1.

It fits the role: a process that accepts deliveries must answer /healthz, a worker must have given a sign of life.
Alive, not ready: nothing is restarted because GitHub or the database is away. A script of its own, so that a check
costs little.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

#: Seconds between a worker's signs of life, and after which there has to be one.
EVERY, LONGEST = 5.0, 60.0


def sign_of_life() -> Path:
    """Return the file that a worker touches: in its data directory, if that is there."""
    folder = Path(os.environ.get("REVIEWER_DATA_DIR", "").strip() or "data")
    return (folder if folder.is_dir() else Path(tempfile.gettempdir())) / "reviewer-worker-alive"


def is_well(role: str, port: str) -> bool:
    """Whether the process of that role is alive."""
    try:
        if role == "worker":
            return time.time() - sign_of_life().stat().st_mtime < LONGEST
        # No proxy for the way to itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/healthz", timeout=4) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not is_well(os.environ.get("REVIEWER_ROLE", "").strip(), os.environ.get("PORT") or "8000"))
