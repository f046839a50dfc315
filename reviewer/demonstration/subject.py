"""What is demonstrated, and what is needed for it: the change and its staged trees. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reviewer.domain.change import Change
from reviewer.domain.settings import Settings
from reviewer.sandbox.api import SandboxRunner


@dataclass(frozen=True, slots=True)
class DemonstrationSubject:
    """A change whose findings are demonstrated.

    `head` and `base` are staged, writable copies of the two versions; `base` may be missing. `shown_at` is the path at
    which a sandbox shows them, `python` the interpreter with the repository's packages, `home` the person's home, in
    which toolchains keep what they downloaded. `execute` runs a command, in a sandbox unless `sandboxed` is False.
    """

    change: Change
    settings: Settings
    head: Path
    base: Path | None
    shown_at: Path
    python: Path
    home: Path
    execute: SandboxRunner
    sandboxed: bool = True
