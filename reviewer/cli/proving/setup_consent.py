"""Decide whether `tests.setup` of a repository may run on this machine.

The command comes from the repository and runs outside the sandbox with the person's rights, so only the person can
allow it: by naming it with `--setup`, or by an earlier `--confirm-setup`. Confirmations are kept in the person's
settings folder, as hashes of the repository's folder and the command. Nothing in a checkout can add one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from reviewer.errors import UsageError
from reviewer.safety.terminal import terminal_safe

_FILE = Path("minimax-reviewer", "confirmed-setup")


def allowed_command(
    configured: str | None, named: str | None, root: Path, environ: Mapping[str, str]
) -> tuple[str | None, str]:
    """Return the command to run, None for none, and what to tell the person.

    `configured` is `tests.setup` of the settings, `named` the value of `--setup`.
    """
    if named is not None:
        return named or None, f"running the setup command: {terminal_safe(named)}" if named else ""
    if not configured:
        return None, ""
    shown = terminal_safe(configured)
    if _key(configured, root) in _confirmed(root, environ):
        return configured, f"running tests.setup: {shown}"
    return None, (
        f"tests.setup is not run, because it comes from the repository and you have not confirmed it: {shown}\n"
        "If you trust it, name it yourself: --setup COMMAND, and --confirm-setup to keep that for this repository."
    )


def confirm(command: str, root: Path, environ: Mapping[str, str]) -> None:
    """Keep that this command may run in this repository. Raises UsageError if it cannot be kept."""
    place = _place(root, environ)
    if place is None:
        raise UsageError("The confirmation cannot be kept: there is no settings folder. Set HOME or XDG_CONFIG_HOME.")
    keys = sorted({*_confirmed(root, environ), _key(command, root)})
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("".join(f"{key}\n" for key in keys))
    except OSError as error:
        raise UsageError(f"The confirmation cannot be kept in {place}: {error.strerror}.") from error


def _key(command: str, root: Path) -> str:
    return hashlib.sha256(json.dumps([str(root.resolve()), command]).encode()).hexdigest()


def _confirmed(root: Path, environ: Mapping[str, str]) -> frozenset[str]:
    place = _place(root, environ)
    try:
        return frozenset(place.read_text(encoding="ascii").split()) if place else frozenset()
    except (OSError, UnicodeDecodeError):
        return frozenset()


def _place(root: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the file of the confirmations; None if the settings folder would be inside the checkout."""
    config, home = environ.get("XDG_CONFIG_HOME", ""), environ.get("HOME", "")
    folder = Path(config) if config else Path(home, ".config") if home else Path()
    place = folder / _FILE
    if not folder.is_absolute() or place.resolve().is_relative_to(root.resolve()):
        return None
    return place
