"""What an order looks like as a command of bubblewrap. Pure: the machine is described by a `SandboxMethod`.

Promises: the same confinement for every order, the self-test included; nothing of the machine is shown but its system
folders and what the order names. Refuses an order that would show more (`NoSandbox`).

The chain, from the outside in: bubblewrap makes namespaces, mounts and the filter of system calls; a shell says that it
stands and waits to be told to go on; setpriv drops root for a user id that nobody else has (rung ROOT); prlimit; env
sets the environment. Everything before that has an empty one: /proc/1/environ can be read inside.
https://github.com/containers/bubblewrap/blob/main/bwrap.xml
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reviewer.errors import NoSandbox
from reviewer.sandbox.api import SandboxCommand

#: Where results are put inside, as a path from the root.
RESULTS = "results"
#: Every place that can be written inside, the results first. Each is a tmpfs with a size.
WRITABLE = (RESULTS, "tmp", "dev/shm")

#: Descriptors by which the start talks to the keeper: it stands; go on; the number of the first process outside.
ENDS = READY, GO, INFO = 3, 4, 5

_RESULTS_BYTES = 64 << 20
_FIRST_FILE = 10
_OPEN_FILES = 1024
_INSIDE_ID = 1000
_PATH = "/usr/local/bin:/usr/bin:/bin"
_HOME = "/tmp"  # noqa: S108 - a tmpfs of the sandbox's own
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WAIT = f'echo >&{READY}; read -r _ <&{GO} && exec "$@" {READY}>&- {GO}<&- {INFO}>&-'

#: Shown read-only where they exist: programs, libraries, the loader's and the JVM's settings. Neither /var nor /run,
#: /root, /home, nor the rest of /etc.
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_SETTINGS = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/java-*")
#: Never shown, nor a folder around them. A person's home is added by whoever asks.
_PRIVATE = ("/etc", "/home", "/root", "/var", "/tmp", "/boot", "/dev", "/proc", "/run", "/sys")  # noqa: S108
#: Not even in parts.
_CLOSED = ("/dev", "/proc", "/run", "/sys", "/var/run")


class Privilege(enum.Enum):
    """Who makes the namespaces."""

    ROOT = "root"
    """Root does, directly or by sudo, and code inside runs under a user id of its own."""
    USER = "user"
    """The person's own user does, in a user namespace; code inside has that user's id outside, and no rights."""


@dataclass(frozen=True, slots=True)
class SandboxMethod:
    """A way to make a sandbox on this machine.

    `prefix` is put before the keeper's command (sudo). `python` runs the keeper and the self-test and is installed in
    `python_home`; `code` is the folder that this package is in. `bwrap` is bubblewrap's program and `options` what it
    understands. `system` shows the system's folders. `filter` are the refused system calls, None where the machine's
    are not known. `ids` are user ids that nobody has. `private` are folders never to be shown.
    """

    rung: Privilege
    prefix: tuple[str, ...]
    python: Path
    python_home: Path
    code: Path
    bwrap: str
    options: frozenset[str]
    system: tuple[str, ...]
    filter: bytes | None
    ids: range
    private: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Launch:
    """A command, and what it reads from which descriptor."""

    argv: tuple[str, ...]
    files: Mapping[int, bytes]


def launch(order: SandboxCommand, ground: SandboxMethod, *, user: int) -> Launch:
    """Return how to run an order there, under that user id where root starts it. Raises NoSandbox for a bad order."""
    _check(order, ground)
    inside = user if ground.rung is Privilege.ROOT else _INSIDE_ID
    files = {f"/etc/{name}": content.encode() for name, content in _settings(inside).items()}
    numbered = dict(enumerate(files.items(), start=_FIRST_FILE))
    data = {number: content for number, (_, content) in numbered.items()}
    filter_number = _FIRST_FILE + len(numbered)
    refused: tuple[str, ...] = ()
    if ground.filter is not None:
        data[filter_number] = ground.filter
        refused = ("--seccomp", str(filter_number))
    argv = (
        ground.bwrap,
        *_namespaces(ground),
        *refused,
        *("--perms", "0755", "--dir", "/etc"),
        *ground.system,
        *(part for number, (path, _) in numbered.items() for part in _file(number, path)),
        *("--proc", "/proc", "--dev", "/dev"),
        *(part for place in WRITABLE for part in _scratch(place, order, ground)),
        *(part for source, place in _shown(order) for part in _bind(source, place)),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *("--chdir", str(order.shown_at / order.cwd), "--"),
        *("/bin/sh", "-c", _WAIT, "sh"),
        *_drop(ground, user),
        *_limits(order),
        *("/usr/bin/env", "-i", "--", *(f"{name}={value}" for name, value in _environment(order).items())),
        *order.argv,
    )
    return Launch(argv, data)


def _namespaces(ground: SandboxMethod) -> Iterator[str]:
    yield from ("--die-with-parent", "--new-session", "--info-fd", str(INFO), "--hostname", "sandbox")
    yield from ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--cap-drop", "ALL")
    if ground.rung is Privilege.ROOT:
        # For setpriv, which gives them up.
        yield from (part for one in ("SETUID", "SETGID", "SETPCAP") for part in ("--cap-add", f"CAP_{one}"))
        return
    yield from ("--unshare-user", "--uid", str(_INSIDE_ID), "--gid", str(_INSIDE_ID))
    if "--disable-userns" in ground.options:
        yield "--disable-userns"


def _settings(user: int) -> dict[str, str]:
    """Return the few files of /etc that programs look for."""
    return {
        "passwd": f"root:x:0:0:root:/:/bin/sh\nsandbox:x:{user}:{user}:sandbox:{_HOME}:/bin/sh\n",
        "group": f"root:x:0:\nsandbox:x:{user}:\n",
        "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }


def _file(number: int, path: str) -> tuple[str, ...]:
    return ("--perms", "0444", "--ro-bind-data", str(number), path)


def _scratch(place: str, order: SandboxCommand, ground: SandboxMethod) -> tuple[str, ...]:
    """Return a folder in memory. Bubblewrap before 0.7 cannot limit its size; the keeper counts it either way."""
    size = _RESULTS_BYTES if place == RESULTS else max(_RESULTS_BYTES, order.limits.memory_bytes // 2)
    limited = ("--size", str(size)) if "--size" in ground.options else ()
    return (*limited, "--perms", "1777", "--tmpfs", f"/{place}")


def _shown(order: SandboxCommand) -> list[tuple[Path, Path]]:
    """Return what is shown, and where: outer folders first, so that none hides another."""
    places = {path: path for path in order.read_only if not _is_under(path, SYSTEM_FOLDERS)}
    places[order.shown_at] = order.tree
    return [(places[place], place) for place in sorted(places, key=lambda path: (len(path.parts), path))]


def _bind(source: Path, place: Path) -> Iterator[str]:
    """Yield what shows a folder or file. Bubblewrap makes what is above it for root alone, unless told otherwise."""
    for above in reversed(place.parents[:-1]):
        yield from ("--perms", "0755", "--dir", str(above))
    yield from ("--ro-bind", str(source), str(place))


def _drop(ground: SandboxMethod, user: int) -> tuple[str, ...]:
    if ground.rung is not Privilege.ROOT:
        return ()
    ids = (f"--reuid={user}", f"--regid={user}", "--clear-groups")
    return ("/usr/bin/setpriv", *ids, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


def _limits(order: SandboxCommand) -> tuple[str, ...]:
    """Return the limits of each process. Not the address space: node, Go and the JVM reserve far more than they use."""
    limits = order.limits
    files = (f"--fsize={limits.file_bytes}", "--core=0", f"--nofile={_OPEN_FILES}")
    return ("/usr/bin/prlimit", f"--nproc={limits.processes}", *files, "--")


def _environment(order: SandboxCommand) -> dict[str, str]:
    usual = {"PATH": _PATH, "LANG": "C.UTF-8"}
    fixed = {"HOME": _HOME, "TMPDIR": _HOME, "REVIEWER_RESULTS": f"/{RESULTS}"}
    return usual | dict(order.environment) | fixed


def _check(order: SandboxCommand, ground: SandboxMethod) -> None:
    words = (*order.argv, order.cwd, *order.environment, *order.environment.values())
    if not order.argv or "=" in order.argv[0] or any("\0" in word for word in words):
        raise NoSandbox(f"This is not a command that can be run: {order.argv!r}.")
    if not all(map(_VARIABLE.fullmatch, order.environment)):
        raise NoSandbox(f"These are not all names of variables: {', '.join(order.environment)}.")
    if PurePosixPath(order.cwd).is_absolute() or ".." in PurePosixPath(order.cwd).parts:
        raise NoSandbox(f"{order.cwd!r} is not a folder inside the checkout.")
    _check_places(order, ground)


def _check_places(order: SandboxCommand, ground: SandboxMethod) -> None:
    for path in (*order.read_only, order.shown_at):
        if not path.is_absolute() or ".." in path.parts:
            raise NoSandbox(f"{path} is not an absolute path.")
    for path in order.read_only:
        for private in (*map(Path, _PRIVATE), *ground.private):
            if private.is_relative_to(path):
                raise NoSandbox(f"{path} is not shown to code that is not trusted: {private} is in it.")
        if _is_under(path, _CLOSED):
            raise NoSandbox(f"{path} is not shown to code that is not trusted.")
    own = (*SYSTEM_FOLDERS, *_CLOSED, "/etc", f"/{RESULTS}")
    if _is_under(order.shown_at, own) or any(Path(f"/{one}").is_relative_to(order.shown_at) for one in WRITABLE):
        raise NoSandbox(f"A checkout at {order.shown_at} cannot be shown there: the system's own files are in the way.")


def _is_under(path: Path, folders: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
