"""Find a sandbox whose self-test passed, and run untrusted code in it.

Each command gets: no network except loopback; only the environment that the command names; its own namespaces for
processes, mounts, ipc, host name and, without root, users; no rights and no way to get any (no_new_privs, empty
bounding set); its own user id if root makes the sandbox; a read-only copy of the checkout; limits on time, memory,
processes, files and output. Nothing is left running, whichever process dies first. A self-test inside the sandbox
checks this before the first command. If no method passes, nothing is run and `NoSandbox` says why and what to do.
Nothing here asks for a password or changes a setting of the machine.

The code that ran can forge its result: show it, never rely on it.
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
from reviewer.sandbox.bubblewrap import ENDS, WRITABLE, Launch, Privilege, SandboxMethod, launch, refuse_private
from reviewer.sandbox.detection import sandbox_methods
from reviewer.sandbox.selftest import parse_selftest, problems, selftest_command

_ELSEWHERE = "It works on GitHub's own Ubuntu runners, outside of a container and with bubblewrap installed."
_PIPE = subprocess.PIPE
_SPARE_SECONDS = 40.0
#: -I ignores the environment and the current folder; -S leaves out site-packages, which others may have written;
#: -B keeps root from writing files into the person's folders.
_PYTHON_OPTIONS = ("-I", "-S", "-B", "-c")
_START_SUPERVISOR = "import sys; sys.path.insert(0, sys.argv[1]); from reviewer.sandbox.supervisor import main; main()"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox whose self-test passed. Call it with a command, from any thread. Made by `find_sandbox`."""

    method: SandboxMethod

    def __call__(self, command: SandboxCommand) -> SandboxResult:
        """Run a command. Raises NoSandbox if it asks for too much or cannot be started."""
        return run(command, self.method)


def find_sandbox(*, private: tuple[Path, ...] = ()) -> Sandbox:
    """Find the strongest way to make a sandbox here, test it from inside, and return it.

    Takes about 0.2 seconds: call it once and keep the result. `private` are folders of which no command may show
    anything, beside the person's home and the system's own. Raises NoSandbox with all reasons if no method passes.
    """
    reasons: list[str] = []
    for method in sandbox_methods(private=_home(), hidden=tuple(path.resolve() for path in private)):
        if isinstance(method, str):
            reasons.append(method)
            continue
        failed = run_selftest(method)
        if not failed:
            return Sandbox(method)
        reasons += [f"As {method.privilege.value}: {reason}." for reason in failed]
    raise NoSandbox(f"Nothing was run, because no sandbox works here. {' '.join(reasons)} {_ELSEWHERE}")


def _home() -> tuple[Path, ...]:
    try:
        return (Path.home(),)
    except RuntimeError:  # a user id without an account, as containers have
        return ()


def run_selftest(method: SandboxMethod) -> list[str]:
    """Run the self-test with this method; return every problem it found, none where it passed."""
    secret = f"canary-{secrets.token_hex(16)}"
    try:
        result = run(selftest_command(method, secret), method, canary=secret)
    except NoSandbox as error:
        return [str(error).rstrip(".")]
    facts = parse_selftest(result)
    if facts is None:
        return [f"the self-test failed: {result.stopped or result.output.strip()[-300:] or result.exit_code}"]
    return problems(facts, method)


def run(command: SandboxCommand, method: SandboxMethod, *, canary: str = "") -> SandboxResult:
    """Run a command with a method, tested or not. `canary` is put into the supervisor's otherwise empty environment."""
    if method.privilege is Privilege.ROOT and not method.ids:
        raise NoSandbox("This machine has no unused user id for the sandbox: it is a container that maps few of them.")
    if not command.tree.is_dir():
        raise NoSandbox(f"{command.tree} is not a folder.")
    for path in command.read_only:  # a symlink must not name what its own path could not
        refuse_private(path.resolve(), method, command.shown_at)
    user = secrets.choice(method.ids) if method.ids else 0
    launched = launch(command, method, user=user)
    reply = _ask_supervisor(method, launched, command.limits, canary)
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


def _ask_supervisor(method: SandboxMethod, launched: Launch, limits: SandboxLimits, canary: str) -> Mapping[str, Any]:
    """Start the supervisor for one run and return its reply. Raises NoSandbox if there is none."""
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
    # env -i, because sudo sets variables of its own.
    argv = [
        *method.prefix,
        "/usr/bin/env",
        "-i",
        *variables,
        str(method.python),
        *_PYTHON_OPTIONS,
        _START_SUPERVISOR,
        str(method.code),
    ]
    try:
        supervisor = subprocess.Popen(  # noqa: S603 - an argument list
            argv, env={}, cwd="/", stdin=_PIPE, stdout=_PIPE, stderr=_PIPE, start_new_session=True
        )
    except OSError as error:
        raise NoSandbox(f"The sandbox's supervisor could not be started: {error}.") from error
    with supervisor:
        data, message = _conversation(supervisor, request, time.monotonic() + limits.seconds + _SPARE_SECONDS)
    if len(data) < 8 or len(data) - 8 != int.from_bytes(data[:8], "big"):
        raise NoSandbox(f"The sandbox's supervisor gave no answer: {message[-500:] or 'it ended too early'}.")
    reply: dict[str, Any] = marshal.loads(data[8:])  # noqa: S302 - our own process wrote it
    return reply


def _conversation(supervisor: subprocess.Popen[bytes], request: bytes, deadline: float) -> tuple[bytes, str]:
    """Send the request; return the standard output until the deadline, and the standard error.

    In every case the supervisor's standard input is closed at the end, so it ends and the sandbox ends with it.
    """
    assert supervisor.stdin
    assert supervisor.stdout
    assert supervisor.stderr
    data = bytearray()
    out = supervisor.stdout.fileno()
    with contextlib.suppress(BrokenPipeError), supervisor.stdin as ask:
        ask.write(len(request).to_bytes(8, "big") + request)
        ask.flush()
        while select.select([out], [], [], max(0.0, deadline - time.monotonic()))[0]:
            more = os.read(out, 1 << 20)
            if not more:
                break
            data += more
    return bytes(data), supervisor.stderr.read().decode("utf-8", "replace").strip()
