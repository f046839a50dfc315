"""Runs an order without a sandbox, where a person has said so about their own code (`--sandbox none`). Command line only.

Promises: none of the reviewer's variables reach the code but PATH and the locale; its time, output and results are
limited; what it started is killed with it, as far as it stayed in its session. Does not keep it from the network, the
person's files, or memory. The code runs in the copy itself: `shown_at` and `read_only` mean nothing here, and whoever
orders must point the language at the copy (PYTHONPATH). Make the copy with `share=False`: code can write into it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reviewer.errors import NoSandbox
from reviewer.proving.collecting import collect
from reviewer.proving.orders import Execute, Order, Ran

_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
_TICK = 0.05


def unconfined() -> Execute:
    """Return what runs an order with the person's own rights. Raises NoSandbox when a command cannot be started."""
    return _run


def _run(order: Order) -> Ran:
    with tempfile.TemporaryDirectory(prefix="reviewer-run-", ignore_cleanup_errors=True) as scratch:
        home, results = Path(scratch, "home"), Path(scratch, "results")
        home.mkdir()
        results.mkdir()
        began, before = time.monotonic(), os.times()
        with _started(order, home, results) as process:
            output, stopped = _watched(process, order, began)
        after = os.times()
        folder = os.open(results, os.O_RDONLY | os.O_DIRECTORY)
        try:
            files, refused = collect(folder, order.limits.file_bytes)
        finally:
            os.close(folder)
    kept = order.limits.output_bytes
    return Ran(
        exit_code=None if stopped or process.returncode < 0 else process.returncode,
        output=output[:kept].decode("utf-8", "replace"),
        results=files,
        seconds=time.monotonic() - began,
        cpu_seconds=after.children_user + after.children_system - before.children_user - before.children_system,
        timed_out=bool(stopped),
        truncated=len(output) > kept,
        stopped=stopped,
        refused=refused,
    )


@contextmanager
def _started(order: Order, home: Path, results: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command in a session of its own; kill that session, and wait, however this ends."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    fixed = {"HOME": str(home), "TMPDIR": str(home), "REVIEWER_RESULTS": str(results)}
    try:
        process = subprocess.Popen(  # noqa: S603 - an argument list
            order.argv,
            cwd=order.tree / order.cwd,
            env={"LANG": "C.UTF-8", **kept, **order.environment, **fixed},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NoSandbox(f"{order.argv[:1]} could not be started: {error}.") from error
    with process:
        try:
            yield process
        finally:
            # Its group has the same number, and keeps it from being given away until the last of the group is gone.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _watched(process: subprocess.Popen[bytes], order: Order, began: float) -> tuple[bytes, str]:
    """Return the output, one byte more than its limit at most, and "time" when the run was stopped for that.

    It ends with the command, not with its output: a process left behind may hold that open for ever.
    """
    assert process.stdout
    pipe, kept = process.stdout.fileno(), bytearray()
    os.set_blocking(pipe, False)
    while True:
        ended = process.poll() is not None
        while select.select([pipe], [], [], 0 if ended else _TICK)[0]:
            data = os.read(pipe, 1 << 16)
            kept += data[: order.limits.output_bytes + 1 - len(kept)]
            if not data or time.monotonic() - began > order.limits.seconds:
                break
        if ended:
            return bytes(kept), ""
        if time.monotonic() - began > order.limits.seconds:
            return bytes(kept), "time"
