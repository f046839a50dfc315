"""Find the ways to make a sandbox on this machine, the strongest first. Changes nothing and never asks for a password.

A method is offered if its programs are installed. The self-test decides whether it works.
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
    "This Ubuntu does not let ordinary users make namespaces. In a workflow, use a runner with sudo without a "
    "password (as GitHub's own runners have), or add a step: "
    "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
)

#: User ids that nobody has by systemd's table. On a machine that maps fewer ids: those for dynamic services.
#: https://systemd.io/UIDS-GIDS/
_UNUSED_IDS = (range(1_900_000_000, 2_100_000_000), range(61_184, 65_520))


def sandbox_methods(*, private: tuple[Path, ...] = (), hidden: tuple[Path, ...] = ()) -> Iterator[SandboxMethod | str]:
    """Yield each method to try, or the reason why one cannot be used. `private`, `hidden`: as in `SandboxMethod`."""
    program = shutil.which("bwrap", path=_PATH)
    options = frozenset(re.findall(r"--[a-z-]+", _output_of(program, "--help"))) if program else frozenset()
    if program is None or not options >= _NEEDED:
        yield _INSTALL
        return
    if not sys.executable:
        yield "This Python does not know the path of its own program, so the sandbox's supervisor cannot be started."
        return
    yield from (
        SandboxMethod(
            privilege=privilege,
            prefix=prefix,
            # Not a virtual environment's Python: that folder may contain untrusted code.
            python=Path(getattr(sys, "_base_executable", sys.executable)).resolve(),
            python_home=Path(sys.base_prefix),
            code=Path(__file__).resolve().parents[2],
            bwrap=program,
            options=options,
            system=_system(),
            filter=seccomp.program(os.uname().machine),
            ids=_free_ids(Path("/proc/self/uid_map").read_text(encoding="ascii")),
            private=private,
            hidden=hidden,
        )
        for privilege, prefix in _privileges()
    )
    if os.geteuid() != 0 and _restricts_namespaces():
        yield _APPARMOR


def _privileges() -> Iterator[tuple[Privilege, tuple[str, ...]]]:
    if os.geteuid() == 0:
        yield Privilege.ROOT, ()
        return
    sudo = shutil.which("sudo", path=_PATH)
    if sudo and _output_of(sudo, "-n", "echo", "root") == "root\n":
        yield Privilege.ROOT, (sudo, "-n")
    yield Privilege.USER, ()


def _restricts_namespaces() -> bool:
    return _UNPRIVILEGED.exists() and _UNPRIVILEGED.read_text(encoding="ascii").strip() == "1"


def _system() -> tuple[str, ...]:
    """Return bubblewrap's arguments that show this machine's programs, libraries and a few settings."""
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
    """Return user ids that nobody has and that this machine (or container) can use.

    `mapping` is /proc/self/uid_map: https://man7.org/linux/man-pages/man7/user_namespaces.7.html
    """
    known = [range(int(start), int(start) + int(count)) for start, _, count in map(str.split, mapping.splitlines())]
    for free in _UNUSED_IDS:
        if any(free[0] in ids and free[-1] in ids for ids in known):
            return free
    return range(0)


def _output_of(program: str, *arguments: str) -> str:
    """Return what a program prints; empty if it fails."""
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
