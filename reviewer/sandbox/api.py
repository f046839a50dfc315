"""The values that go into a sandbox and come out of it: a command, its limits, its result.

Untrusted code wrote the result and may have forged it. Show it as evidence; never approve anything because of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one run may use: wall time, memory of all processes, processes, bytes of output and of each file."""

    seconds: float = 60.0
    memory_bytes: int = 2 << 30
    processes: int = 128
    output_bytes: int = 1 << 20
    file_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class SandboxCommand:
    """A command to run.

    `tree` is a copy of the checkout on this machine, without `.git`. The command sees it read-only at `shown_at` (the
    path of the checkout, so that an editable install finds the copy and never the original) and runs in its subfolder
    `cwd`. `read_only` are further folders it may read: toolchain, environment, harness. It may write to its own empty
    /tmp (also its HOME) and to the folder named by $REVIEWER_RESULTS, whose files are returned. It gets no variables
    except `environment`, PATH, HOME, TMPDIR, LANG and REVIEWER_RESULTS.
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
    """How a command ended.

    `exit_code` is None when the run was stopped (`timed_out`, or killed from outside). `output` is standard output and
    standard error together, cut at the limit (`truncated`). `results` are the regular files of $REVIEWER_RESULTS by
    relative path, within limits. `seconds` is wall time; `cpu_seconds` is the processor time of all processes, measured
    a few hundredths too low. `stopped` names the limit that ended the run ("time", "memory", "processes", "memory of
    the machine") or is empty. `refused` counts the files of the results folder that were not taken, by reason.
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


#: Runs a command. Raises `reviewer.errors.ReviewerError` when nothing may or can be run here.
SandboxRunner = Callable[[SandboxCommand], SandboxResult]
