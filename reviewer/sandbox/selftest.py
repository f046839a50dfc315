"""Test a sandbox from inside: the command to run, and the judgement of its output. Pure.

What the output does not confirm counts as a problem. Each problem is described for a person.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from reviewer.sandbox.api import SandboxCommand, SandboxLimits, SandboxResult
from reviewer.sandbox.bubblewrap import WRITABLE, Privilege, SandboxMethod

_PROBE = Path(__file__).with_name("probe.py")
_LIMITS = SandboxLimits(seconds=10, memory_bytes=256 << 20, processes=16, output_bytes=1 << 16, file_bytes=1 << 16)
_OWN_VARIABLES = {"HOME", "LANG", "LC_CTYPE", "PATH", "REVIEWER_RESULTS", "TMPDIR"}  # LC_CTYPE: Python sets it


class ProbeFacts(BaseModel):
    """What `probe` found inside; its fields are explained there."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    reached: list[str]
    interfaces: list[str]
    loopback: bool
    vsock: bool
    leaks: list[str]
    own_environment: list[str]
    processes: list[int]
    written_outside: list[str]
    written_inside: list[str]
    became_root: bool
    setuid_mounts: list[str]
    status: dict[str, str]


def selftest_command(method: SandboxMethod, secret: str) -> SandboxCommand:
    """Return the command that looks for the secret and for everything else that must not be there."""
    source = _PROBE.read_text(encoding="utf-8")
    return SandboxCommand(
        argv=(str(method.python), "-I", "-S", "-B", "-c", source, secret),
        tree=_PROBE.parent,
        shown_at=Path("/checkout"),
        read_only=(method.python_home,),
        limits=_LIMITS,
    )


def parse_selftest(result: SandboxResult) -> ProbeFacts | None:
    """Return what the probe found, None if it failed."""
    try:
        return ProbeFacts.model_validate_json(result.output) if result.exit_code == 0 else None
    except ValidationError:
        return None


def problems(facts: ProbeFacts, method: SandboxMethod) -> list[str]:
    """Return every requirement that is not met, in words for a person."""
    status = facts.status
    ids = {int(number) for number in status["Uid"].split()}
    places = {f"/{place}" for place in WRITABLE}
    filtered = method.filter is not None
    checks = [
        (not facts.reached, f"the network can be reached ({', '.join(facts.reached)})"),
        (facts.interfaces == ["lo"], f"there are network interfaces: {', '.join(facts.interfaces)}"),
        (facts.loopback, "programs inside cannot talk to each other by 127.0.0.1"),
        (not facts.leaks, f"a secret of the reviewer's environment can be read (/proc/{facts.leaks}/environ)"),
        (_OWN_VARIABLES.issuperset(facts.own_environment), "its environment is not empty"),
        (1 in facts.processes and len(facts.processes) <= 3, "processes outside can be seen"),
        (not facts.written_outside, f"files can be written at {', '.join(facts.written_outside)}"),
        (set(facts.written_inside) == places, "files cannot be written where they must be"),
        (not facts.became_root and 0 not in ids, "code inside is root, or can become root"),
        (not facts.setuid_mounts, f"programs keep their setuid rights in {', '.join(facts.setuid_mounts)}"),
        (status["NoNewPrivs"] == "1", "no_new_privs is not set"),
        (all(int(status[name], 16) == 0 for name in status if name.startswith("Cap")), "capabilities are left"),
        (not filtered or (status["Seccomp"] == "2" and not facts.vsock), "the filter of system calls is not in force"),
        (
            method.privilege is not Privilege.ROOT or _is_own(ids, method),
            "code inside has another user's id",
        ),
    ]
    return [problem for holds, problem in checks if not holds]


def _is_own(ids: set[int], method: SandboxMethod) -> bool:
    return len(ids) == 1 and all(user in method.ids for user in ids) and os.geteuid() not in ids
