"""The words between what wants something run and what runs it: an order in, what came of it out.

Whatever comes back was made by untrusted code and may be forged: it is evidence to show, never a reason to approve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one run may use: wall seconds, bytes of memory in all, processes, bytes of output and of each file."""

    seconds: float = 60.0
    memory_bytes: int = 2 << 30
    processes: int = 128
    output_bytes: int = 1 << 20
    file_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class SandboxCommand:
    """A command to run.

    `tree` is a folder of this machine that holds a copy of the checkout, without `.git`; the command sees it read-only
    at `shown_at` (the checkout's own path, so that an editable install finds the copy and never the original) and runs
    in its subfolder `cwd`. `read_only` are further folders that it may read where they are: toolchain, environment,
    harness. It may write to its own empty /tmp (also its HOME) and to the folder named by $REVIEWER_RESULTS, whose
    files come back. `environment` is all it gets beside PATH, HOME, TMPDIR, LANG and REVIEWER_RESULTS.
    """

    argv: tuple[str, ...]
    tree: Path
    shown_at: Path
    cwd: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    read_only: tuple[Path, ...] = ()
    limits: SandboxLimits = field(default_factory=SandboxLimits)


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """What came of an order.

    `exit_code` is None when the run was stopped (`timed_out`, or killed from outside). `output` is standard output and
    standard error together, cut at the limit (`truncated`). `results` are the regular files of $REVIEWER_RESULTS by
    relative path, within limits. `seconds` is wall time, `cpu_seconds` that of all its processes,
    a few hundredths short. `stopped` says which
    limit ended it ("time", "memory", "processes", "memory of the machine"), empty where none did. `refused` says how
    many files of the results folder were not taken, by reason.
    """

    exit_code: int | None
    output: str
    results: Mapping[str, bytes]
    seconds: float
    cpu_seconds: float
    timed_out: bool = False
    truncated: bool = False
    stopped: str = ""
    refused: Mapping[str, int] = field(default_factory=dict)


#: Runs an order. Raises `reviewer.errors.ReviewerError` when nothing may or can be run here.
SandboxRunner = Callable[[SandboxCommand], SandboxResult]
