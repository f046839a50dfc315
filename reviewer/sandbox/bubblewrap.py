"""Build the bubblewrap command line for a `SandboxCommand`. Pure: a `SandboxMethod` describes the machine.

Every command, including the self-test, is confined in the same way. It sees only the system folders and what the
command names; a command that would show more is refused (`NoSandbox`).

The chain, from the outside in: bubblewrap makes namespaces, mounts and the filter of system calls; a shell reports that
it is ready and waits; setpriv changes from root to a user id that nobody else has (`Privilege.ROOT`); prlimit sets
limits; env sets the environment. All programs before env have an empty environment, because code inside can read
/proc/1/environ.
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

#: The results folder inside the sandbox, as a path from the root.
RESULTS = "results"
#: Every writable folder inside, the results first. Each is a tmpfs with a size limit.
WRITABLE = (RESULTS, "tmp", "dev/shm")

#: Descriptors for the start: the sandbox reports that it is ready, is told to go on, and reports its first process's
#: pid.
ENDS = READY, GO, INFO = 3, 4, 5

_RESULTS_BYTES = 64 << 20
_FIRST_FILE = 10
_OPEN_FILES = 1024
_INSIDE_ID = 1000
_PATH = "/usr/local/bin:/usr/bin:/bin"
_HOME = "/tmp"  # noqa: S108 - a tmpfs inside the sandbox
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WAIT = f'echo >&{READY}; read -r _ <&{GO} && exec "$@" {READY}>&- {GO}<&- {INFO}>&-'

#: Shown read-only if they exist: programs, libraries, settings of the loader and the JVM. Not shown: /var, /run,
#: /root, /home and the rest of /etc.
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_SETTINGS = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/java-*")
#: Never shown, and no folder that contains one of them. Callers add the person's home.
_PRIVATE = ("/etc", "/home", "/root", "/var", "/tmp", "/boot", "/dev", "/proc", "/run", "/sys")  # noqa: S108
#: Folders with keys, tokens or histories, wherever they are. Never shown, and nothing inside them.
_SECRET_NAMES = frozenset(
    {
        *(".ssh", ".aws", ".azure", ".config", ".docker", ".git-credentials", ".gnupg", ".kube", ".netrc", ".npmrc"),
        *(".password-store", ".pypirc", ".terraform.d", ".vault-token", "keyrings"),
        *(".mozilla", ".thunderbird", ".bash_history", ".pgpass", ".git"),
    }
)
#: The folders of /etc that a test runner may need.
_OPEN_SETTINGS = ("/etc/maven", "/etc/ssl/certs")
#: Never shown, and no folder inside them.
_CLOSED = ("/dev", "/proc", "/run", "/sys", "/var/run")


class Privilege(enum.Enum):
    """Which user makes the namespaces."""

    ROOT = "root"
    """Root, directly or by sudo. Code inside runs under a user id that nobody else has."""
    USER = "user"
    """The person's own user, in a user namespace. Outside, code inside has that user's id, but no rights."""


@dataclass(frozen=True, slots=True)
class SandboxMethod:
    """A way to make a sandbox on this machine.

    `prefix` is put before the supervisor's command (sudo). `python` runs the supervisor and the self-test and is
    installed in `python_home`; `code` is the folder that contains this package. `bwrap` is the bubblewrap program,
    `options` the options it knows. `system` are the arguments that show the system folders. `filter` is the filter of
    system calls, None for an unknown kind of machine. `ids` are user ids that nobody has. `private` are folders that
    are never shown; folders inside them may be, as a Python in the person's home. `hidden` are folders of which nothing
    is shown but this package.
    """

    privilege: Privilege
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
    hidden: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Launch:
    """A command line, and the bytes it reads from each descriptor."""

    argv: tuple[str, ...]
    files: Mapping[int, bytes]


def launch(command: SandboxCommand, method: SandboxMethod, *, user: int) -> Launch:
    """Return the bubblewrap command; `user` is the id for `Privilege.ROOT`. Raises NoSandbox for a bad command."""
    _check(command, method)
    inside = user if method.privilege is Privilege.ROOT else _INSIDE_ID
    files = {f"/etc/{name}": content.encode() for name, content in _settings(inside).items()}
    numbered = dict(enumerate(files.items(), start=_FIRST_FILE))
    data = {number: content for number, (_, content) in numbered.items()}
    filter_number = _FIRST_FILE + len(numbered)
    refused: tuple[str, ...] = ()
    if method.filter is not None:
        data[filter_number] = method.filter
        refused = ("--seccomp", str(filter_number))
    argv = (
        method.bwrap,
        *_namespaces(method),
        *refused,
        *("--perms", "0755", "--dir", "/etc"),
        *method.system,
        *(part for number, (path, _) in numbered.items() for part in _file(number, path)),
        *("--proc", "/proc", "--dev", "/dev"),
        *(part for place in WRITABLE for part in _scratch(place, command, method)),
        *(part for source, place in _shown_folders(command) for part in _bind(source, place)),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *("--chdir", str(command.shown_at / command.cwd), "--"),
        *("/bin/sh", "-c", _WAIT, "sh"),
        *_drop(method, user),
        *_limits(command),
        *("/usr/bin/env", "-i", "--", *(f"{name}={value}" for name, value in _environment(command).items())),
        *command.argv,
    )
    return Launch(argv, data)


def _namespaces(method: SandboxMethod) -> Iterator[str]:
    yield from ("--die-with-parent", "--new-session", "--info-fd", str(INFO), "--hostname", "sandbox")
    yield from ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--cap-drop", "ALL")
    if method.privilege is Privilege.ROOT:
        # setpriv needs these, and drops them.
        yield from (
            part for capability in ("SETUID", "SETGID", "SETPCAP") for part in ("--cap-add", f"CAP_{capability}")
        )
        return
    yield from ("--unshare-user", "--uid", str(_INSIDE_ID), "--gid", str(_INSIDE_ID))
    if "--disable-userns" in method.options:
        yield "--disable-userns"


def _settings(user: int) -> dict[str, str]:
    """Return the files of /etc that programs need."""
    return {
        "passwd": f"root:x:0:0:root:/:/bin/sh\nsandbox:x:{user}:{user}:sandbox:{_HOME}:/bin/sh\n",
        "group": f"root:x:0:\nsandbox:x:{user}:\n",
        "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }


def _file(number: int, path: str) -> tuple[str, ...]:
    return ("--perms", "0444", "--ro-bind-data", str(number), path)


def _scratch(place: str, command: SandboxCommand, method: SandboxMethod) -> tuple[str, ...]:
    """Return a folder in memory. Bubblewrap before 0.7 cannot limit its size; the supervisor counts it in any case."""
    size = _RESULTS_BYTES if place == RESULTS else max(_RESULTS_BYTES, command.limits.memory_bytes // 2)
    limited = ("--size", str(size)) if "--size" in method.options else ()
    return (*limited, "--perms", "1777", "--tmpfs", f"/{place}")


def _shown_folders(command: SandboxCommand) -> list[tuple[Path, Path]]:
    """Return the folders to show and where: outer folders first, so that none hides another."""
    places = {path: path for path in command.read_only if not _is_under(path, SYSTEM_FOLDERS)}
    places[command.shown_at] = command.tree
    return [(places[place], place) for place in sorted(places, key=lambda path: (len(path.parts), path))]


def _bind(source: Path, place: Path) -> Iterator[str]:
    """Yield the arguments that show a folder or file. Without `--perms`, only root could enter its parent folders."""
    for above in reversed(place.parents[:-1]):
        yield from ("--perms", "0755", "--dir", str(above))
    yield from ("--ro-bind", str(source), str(place))


def _drop(method: SandboxMethod, user: int) -> tuple[str, ...]:
    if method.privilege is not Privilege.ROOT:
        return ()
    ids = (f"--reuid={user}", f"--regid={user}", "--clear-groups")
    return ("/usr/bin/setpriv", *ids, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


def _limits(command: SandboxCommand) -> tuple[str, ...]:
    """Return the limits per process; none on address space: node, Go and the JVM reserve far more than they use."""
    limits = command.limits
    files = (f"--fsize={limits.file_bytes}", "--core=0", f"--nofile={_OPEN_FILES}")
    return ("/usr/bin/prlimit", f"--nproc={limits.processes}", *files, "--")


def _environment(command: SandboxCommand) -> dict[str, str]:
    usual = {"PATH": _PATH, "LANG": "C.UTF-8"}
    fixed = {"HOME": _HOME, "TMPDIR": _HOME, "REVIEWER_RESULTS": f"/{RESULTS}"}
    return usual | dict(command.environment) | fixed


def _check(command: SandboxCommand, method: SandboxMethod) -> None:
    words = (*command.argv, command.cwd, *command.environment, *command.environment.values())
    if not command.argv or "=" in command.argv[0] or any("\0" in word for word in words):
        raise NoSandbox(f"This command cannot be run: {command.argv!r}.")
    if not all(map(_VARIABLE.fullmatch, command.environment)):
        raise NoSandbox(f"Not all of these are valid variable names: {', '.join(command.environment)}.")
    if PurePosixPath(command.cwd).is_absolute() or ".." in PurePosixPath(command.cwd).parts:
        raise NoSandbox(f"{command.cwd!r} is not a folder inside the checkout.")
    _check_places(command, method)


def _check_places(command: SandboxCommand, method: SandboxMethod) -> None:
    for path in (*command.read_only, command.shown_at):
        if not path.is_absolute() or ".." in path.parts:
            raise NoSandbox(f"{path} is not an absolute path.")
    for path in command.read_only:
        refuse_private(path, method, command.shown_at)
    own = (*SYSTEM_FOLDERS, *_CLOSED, "/etc", f"/{RESULTS}")
    if _is_under(command.shown_at, own) or any(
        Path(f"/{folder}").is_relative_to(command.shown_at) for folder in WRITABLE
    ):
        raise NoSandbox(
            f"The checkout cannot be shown at {command.shown_at}, because system files are there. Move it elsewhere."
        )


def refuse_private(path: Path, method: SandboxMethod, checkout: Path) -> None:
    """Raise NoSandbox for a folder that code inside must not read, or that contains such a folder.

    What lies in the checkout may have any name, because code inside sees it anyway.
    """
    for private in (*map(Path, _PRIVATE), *method.private, *method.hidden):
        if private.is_relative_to(path):
            raise NoSandbox(f"{path} cannot be shown to untrusted code, because it contains {private}.")
    ours = path.is_relative_to(checkout) or path.is_relative_to(method.code / "reviewer")
    hidden = _is_under(path, tuple(map(str, method.hidden))) or not _SECRET_NAMES.isdisjoint(path.parts)
    settings = path.is_relative_to("/etc") and not _is_under(path, _OPEN_SETTINGS)
    if settings or _is_under(path, _CLOSED) or (hidden and not ours):
        raise NoSandbox(f"{path} cannot be shown to untrusted code.")


def _is_under(path: Path, folders: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
