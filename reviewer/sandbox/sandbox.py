"""Runs code that nobody trusts, or refuses to.

Promises, for each order: no network but loopback; an empty environment but for what the order names; namespaces of its
own for processes, mounts, ipc, host name and, without root, users; no rights, none to be had (no_new_privs, empty
bounding set), and where root makes the sandbox a user id of its own; a read-only copy of the checkout; limits on time,
memory, processes, files and output; nothing left running, whoever dies first. A self-test inside says so before any
order. Never falls back to less: where nothing holds, `NoSandbox` says why and what to do. Nothing here asks for a
password or changes a setting of the machine.

What comes back can be forged by the code that ran: show it, never rely on it.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import secrets
import select
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reviewer.errors import NoSandbox
from reviewer.sandbox.api import SandboxCommand, SandboxLimits, SandboxResult
from reviewer.sandbox.bubblewrap import ENDS, WRITABLE, Launch, Privilege, SandboxMethod, launch
from reviewer.sandbox.detection import sandbox_methods
from reviewer.sandbox.selftest import SelftestPassed, parse_selftest, problems, selftest_command

_ELSEWHERE = "GitHub's own Ubuntu runners have what it takes, outside of a container and with bubblewrap installed."
_PIPE = subprocess.PIPE
_SPARE_SECONDS = 40.0
#: -I: nothing of the environment or the current folder; -S: no site-packages, which somebody else may have written;
#: -B: root leaves no files in the person's folders.
_START = ("-I", "-S", "-B", "-c")
_KEEP = "import sys; sys.path.insert(0, sys.argv[1]); from reviewer.sandbox.supervisor import main; main()"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox whose self-test passed: call it with a command, from any thread. Made by `find_sandbox`."""

    ground: SandboxMethod
    held: SelftestPassed

    def __call__(self, order: SandboxCommand) -> SandboxResult:
        """Run an order. Raises NoSandbox where it asks for too much or cannot be started."""
        return run(order, self.ground)


def find_sandbox(*, private: tuple[Path, ...] = ()) -> Sandbox:
    """Find the strongest way to make a sandbox here, test it from inside, and return it.

    Takes about 0.2 seconds: do it once and keep what it returns. `private` are folders that no order may show, beside
    the person's home and the system's own. Raises NoSandbox, with every reason, where nothing holds.
    """
    reasons: list[str] = []
    for ground in sandbox_methods(private=(*_home(), *private)):
        if isinstance(ground, str):
            reasons.append(ground)
            continue
        tested = run_selftest(ground)
        if isinstance(tested, SelftestPassed):
            return Sandbox(ground, tested)
        reasons += [f"As {ground.rung.value}: {reason}." for reason in tested]
    raise NoSandbox(f"Nothing was run, as no sandbox holds here. {' '.join(reasons)} {_ELSEWHERE}")


def _home() -> tuple[Path, ...]:
    try:
        return (Path.home(),)
    except RuntimeError:  # a user id without an account, as containers have
        return ()


def run_selftest(ground: SandboxMethod) -> SelftestPassed | list[str]:
    """Run the self-test there; return what holds, or everything that does not."""
    secret = f"canary-{secrets.token_hex(16)}"
    try:
        ran = run(selftest_command(ground, secret), ground, canary=secret)
    except NoSandbox as error:
        return [str(error).rstrip(".")]
    facts = parse_selftest(ran)
    if facts is None:
        return [f"the self-test did not end well: {ran.stopped or ran.output.strip()[-300:] or ran.exit_code}"]
    return problems(facts, ground) or SelftestPassed.of(ground)


def run(order: SandboxCommand, ground: SandboxMethod, *, canary: str = "") -> SandboxResult:
    """Run an order on a ground, tested or not. `canary` is put into the keeper's environment, else empty."""
    if ground.rung is Privilege.ROOT and not ground.ids:
        raise NoSandbox("This machine has no user id to spare for the sandbox: it is itself a container with few.")
    if not order.tree.is_dir():
        raise NoSandbox(f"{order.tree} is not a folder.")
    user = secrets.choice(ground.ids) if ground.ids else 0
    launched = launch(order, ground, user=user)
    reply = _ask_keeper(ground, launched, order.limits, canary)
    output = bytes(reply["output"]).decode("utf-8", "replace")
    if not reply["started"]:
        raise NoSandbox(f"The sandbox could not be started: {output.strip()[:500] or 'no reason was given'}.")
    return SandboxResult(
        exit_code=reply["exit_code"],
        output=output,
        results=reply["results"],
        seconds=reply["seconds"],
        cpu_seconds=reply["cpu_seconds"],
        timed_out=reply["stopped"] == "time",
        truncated=reply["truncated"],
        stopped=reply["stopped"],
        refused=reply["refused"],
    )


def _ask_keeper(ground: SandboxMethod, launched: Launch, limits: SandboxLimits, canary: str) -> Mapping[str, Any]:
    """Start the keeper, let it do one run, and return its reply. Raises NoSandbox when none comes."""
    request = marshal.dumps(
        {
            "argv": list(launched.argv),
            "files": dict(launched.files),
            "ends": ENDS,
            "folders": list(WRITABLE),
            "limits": asdict(limits),
        }
    )
    variables = [f"REVIEWER_CANARY={canary}"] if canary else []
    # env: sudo sets variables of its own.
    command = [*ground.prefix, "/usr/bin/env", "-i", *variables, str(ground.python), *_START, _KEEP, str(ground.code)]
    try:
        keeper = subprocess.Popen(  # noqa: S603 - an argument list
            command, env={}, cwd="/", stdin=_PIPE, stdout=_PIPE, stderr=_PIPE, start_new_session=True
        )
    except OSError as error:
        raise NoSandbox(f"The sandbox's keeper could not be started: {error}.") from error
    with keeper:
        data, said = _conversation(keeper, request, time.monotonic() + limits.seconds + _SPARE_SECONDS)
    if len(data) < 8 or len(data) - 8 != int.from_bytes(data[:8], "big"):
        raise NoSandbox(f"The sandbox's keeper gave no answer: {said[-500:] or 'it ended too early'}.")
    reply: dict[str, Any] = marshal.loads(data[8:])  # noqa: S302 - our own process wrote it
    return reply


def _conversation(keeper: subprocess.Popen[bytes], request: bytes, deadline: float) -> tuple[bytes, str]:
    """Send the request; return all that comes back until then, and what was said beside it.

    However it ends, the keeper's standard input is closed, on which it ends and takes the sandbox along.
    """
    assert keeper.stdin
    assert keeper.stdout
    assert keeper.stderr
    data = bytearray()
    out = keeper.stdout.fileno()
    with contextlib.suppress(BrokenPipeError), keeper.stdin as ask:
        ask.write(len(request).to_bytes(8, "big") + request)
        ask.flush()
        while select.select([out], [], [], max(0.0, deadline - time.monotonic()))[0]:
            more = os.read(out, 1 << 20)
            if not more:
                break
            data += more
    return bytes(data), keeper.stderr.read().decode("utf-8", "replace").strip()
