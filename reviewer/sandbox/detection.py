"""Which ways this machine has to make a sandbox, the strongest first. Looks only; changes nothing.

Promises: a way is offered when its programs are there; whether it holds is for the self-test to say. Never asks for a
password.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from reviewer.sandbox import seccomp
from reviewer.sandbox.bubblewrap import SYSTEM_FOLDERS, SYSTEM_SETTINGS, Privilege, SandboxMethod

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS = 10.0
_NEEDED = frozenset({"--perms", "--ro-bind-data", "--info-fd", "--seccomp", "--remount-ro"})
_UNPRIVILEGED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")

_INSTALL = "Install bubblewrap 0.5 or newer: sudo apt-get install bubblewrap."
_APPARMOR = (
    "This Ubuntu keeps namespaces from ordinary users. In a workflow, have sudo without a password (as on GitHub's "
    "own runners), or add a step: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
)

#: Nobody's, by systemd's table; where the machine maps fewer ids, those it gives to services while they run.
#: https://systemd.io/UIDS-GIDS/
_NOBODYS = (range(1_900_000_000, 2_100_000_000), range(61_184, 65_520))


def sandbox_methods(*, private: tuple[Path, ...] = ()) -> Iterator[SandboxMethod | str]:
    """Yield each way that can be tried, or why it cannot. `private` are further folders never to be shown."""
    program = shutil.which("bwrap", path=_PATH)
    options = frozenset(re.findall(r"--[a-z-]+", _said(program, "--help"))) if program else frozenset()
    if program is None or not options >= _NEEDED:
        yield _INSTALL
        return
    if not sys.executable:
        yield "This Python does not know its own program, so the sandbox's keeper cannot be started."
        return
    yield from (
        SandboxMethod(
            rung=rung,
            prefix=prefix,
            # Not the one of a virtual environment, which may be a folder of untrusted code.
            python=Path(getattr(sys, "_base_executable", sys.executable)).resolve(),
            python_home=Path(sys.base_prefix),
            code=Path(__file__).resolve().parents[2],
            bwrap=program,
            options=options,
            system=_system(),
            filter=seccomp.program(os.uname().machine),
            ids=_free_ids(Path("/proc/self/uid_map").read_text(encoding="ascii")),
            private=private,
        )
        for rung, prefix in _ways()
    )
    if os.geteuid() != 0 and _is_restricted():
        yield _APPARMOR


def _ways() -> Iterator[tuple[Privilege, tuple[str, ...]]]:
    if os.geteuid() == 0:
        yield Privilege.ROOT, ()
        return
    sudo = shutil.which("sudo", path=_PATH)
    if sudo and _said(sudo, "-n", "echo", "root") == "root\n":
        yield Privilege.ROOT, (sudo, "-n")
    yield Privilege.USER, ()


def _is_restricted() -> bool:
    return _UNPRIVILEGED.exists() and _UNPRIVILEGED.read_text(encoding="ascii").strip() == "1"


def _system() -> tuple[str, ...]:
    """Return bubblewrap's arguments that show programs, libraries and a few settings as they are here."""
    shown: list[str] = []
    for folder in map(Path, SYSTEM_FOLDERS):
        if folder.is_symlink():
            shown += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            shown += ["--ro-bind", str(folder), str(folder)]
    for pattern in SYSTEM_SETTINGS:
        for place in sorted(Path("/").glob(pattern.removeprefix("/"))):
            shown += ["--ro-bind", str(place), str(place)]
    return tuple(shown)


def _free_ids(mapping: str) -> range:
    """Return user ids that nobody has, of those that this machine (or the container it is) can give out.

    `mapping` is /proc/self/uid_map: https://man7.org/linux/man-pages/man7/user_namespaces.7.html
    """
    known = [range(int(start), int(start) + int(count)) for start, _, count in map(str.split, mapping.splitlines())]
    for free in _NOBODYS:
        if any(free[0] in ids and free[-1] in ids for ids in known):
            return free
    return range(0)


def _said(program: str, *arguments: str) -> str:
    """Return what a program prints, nothing where it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - an argument list, of a system program
            [program, *arguments],
            env={"PATH": _PATH, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
