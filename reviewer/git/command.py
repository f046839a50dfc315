"""Start git. Every call of git in this project goes through here.

A clone may be hostile: its settings, attributes and hooks name programs. None of them is started: no shell, pager,
hook, fsmonitor, filter (clean, smudge, process, git-lfs), textconv, external diff, ssh, askpass or credential helper,
and nothing is fetched. Git gets no variables but those of a short list, so no key is in its environment. Messages are
in English. Every run has a time limit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Timer

from reviewer.errors import WorktreeError

#: Takes precedence over every settings file. https://git-scm.com/docs/git-config
_SETTINGS = (
    "core.quotePath=true",
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.pager=cat",
    "core.editor=false",
    "core.sshCommand=false",
    "core.askPass=",
    "credential.helper=",
    "protocol.allow=never",
    "safe.bareRepository=explicit",  # git 2.38; older ones are only started beside a .git (see worktree)
    # A larger file counts as binary: to compare it takes git ten times its size. A small threshold would make every
    # text a binary file. https://git-scm.com/docs/git-config#Documentation/git-config.txt-corebigFileThreshold
    "core.bigFileThreshold=10m",
    "diff.suppressBlankEmpty=false",
    "index.sparse=false",  # git 2.39 crashes when untracked files are announced in a sparse index
)

#: Options of these commands, because the settings for the same cannot be switched off in every version.
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "diff": ("--no-ext-diff", "--no-textconv"),
    "log": ("--no-ext-diff", "--no-textconv", "--no-show-signature"),
    "grep": ("--no-textconv",),
}

#: Commands that read or write files of the working tree, and would run filters for them.
_CONVERTING = frozenset({"add", "checkout-index", "diff", "hash-object", "status"})

#: The only variables that git gets from ours: where programs, the person's home and their settings are.
#: https://git-scm.com/docs/git#_environment_variables
_KEPT = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "XDG_CONFIG_HOME", "TMPDIR", "SUDO_UID", "DEVELOPER_DIR"),
        *("GIT_CEILING_DIRECTORIES", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM"),
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        *("TMP", "TEMP", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT"),  # Windows
        *("USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA"),
    }
)

_FORCED = {
    "LC_ALL": "C",  # some messages are parsed
    "GIT_ALLOW_PROTOCOL": "",  # overrides protocol.NAME.allow too; protocol.allow does not
    "GIT_LITERAL_PATHSPECS": "1",  # a file may be called *
    "GIT_NO_LAZY_FETCH": "1",  # git 2.39.4; older ones try, and no protocol is allowed
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}

_TIMEOUT = 300.0  # seconds
_MAX_VARIABLES = 100
_PARTIAL = "This clone is partial, and nothing is fetched for a review. Fetch the rest: git fetch --refetch --no-filter"


def run_git(
    directory: Path,
    *args: str,
    settings: Sequence[str] = (),
    filters: Sequence[str] | None = None,
    environment: Mapping[str, str] = {},
    stdin: bytes = b"",
    umask: int = -1,
) -> subprocess.CompletedProcess[bytes]:
    """Run git there and return how it ended. Raises WorktreeError if there is no git or the time is up.

    `filters` are the settings of `filters_off` for this clone, if the caller has them already.
    """
    if filters is None:
        filters = filters_off(directory) if args[0] in _CONVERTING else ()
    command, kept = _command(directory, args, (*filters, *settings), environment)
    try:
        return subprocess.run(  # noqa: S603 - an argument list, without a shell
            command,
            cwd=directory,
            env=kept,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
            umask=umask,
        )
    except subprocess.TimeoutExpired as error:
        raise WorktreeError(f"git {args[0]} did not end within {_TIMEOUT:.0f} seconds in {directory}.") from error


def filters_off(directory: Path) -> tuple[str, ...]:
    """Return the settings that switch off every filter that is configured for this clone, git-lfs included.

    https://git-scm.com/docs/gitattributes#_filter. Raises WorktreeError for a name that a setting cannot carry.
    """
    listed = git_answer(directory, "config", "-z", "--name-only", "--get-regexp", r"^filter\.") or ""
    names = {key.removeprefix("filter.").rpartition(".")[0] for key in listed.split("\0") if key}
    strange = [name for name in names if "=" in name or "\n" in name]
    if strange:
        raise WorktreeError(
            f"The settings of {directory} define the filter {strange[0]!r}, whose name does not allow to switch it "
            "off. Remove it from the clone's .git/config."
        )
    ends = ("clean=", "smudge=", "process=", "required=false")
    return tuple(f"filter.{name}.{end}" for name in sorted(names) for end in ends)


def git_answer(directory: Path, *args: str) -> str | None:
    """Run git there and return what it prints, without the last newline, as text; None when it fails."""
    done = run_git(directory, *args)
    return os.fsdecode(done.stdout.removesuffix(b"\n")) if done.returncode == 0 else None


def git_output(
    directory: Path,
    *args: str,
    settings: Sequence[str] = (),
    filters: Sequence[str] | None = None,
    environment: Mapping[str, str] = {},
    stdin: bytes = b"",
    umask: int = -1,
) -> bytes:
    """Run git there and return what it prints. Raises WorktreeError, with git's message, when it fails."""
    done = run_git(
        directory, *args, settings=settings, filters=filters, environment=environment, stdin=stdin, umask=umask
    )
    if done.returncode:
        raise WorktreeError(_failure(directory, args[0], done))
    return done.stdout


def _failure(directory: Path, command: str, done: subprocess.CompletedProcess[bytes]) -> str:
    message = done.stderr.decode("utf-8", "replace").strip()
    fetches = "lazy fetching disabled" in message or "transport '" in message or "promisor remote" in message
    hint = f". {_PARTIAL}" if fetches else ""
    return f"git {command} failed in {directory}: {message or f'exit code {done.returncode}'}{hint}"


def lines_of_git(directory: Path, *args: str, most: int, seconds: float, stdin: bytes = b"") -> bytes | None:
    """Run git there and return the first `most` bytes of its output; None if it fails or takes longer."""
    command, kept = _command(directory, args, (), {})
    with subprocess.Popen(  # noqa: S603 - an argument list, without a shell
        command, cwd=directory, env=kept, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin
        assert process.stdout
        late = Timer(seconds, process.kill)
        late.start()
        try:
            process.stdin.write(stdin)
            process.stdin.close()
            output = process.stdout.read(most)
        except OSError:  # it ended without reading
            output = b""
        finally:
            late.cancel()
            if len(output) == most:
                process.kill()
        process.stdout.close()
        code = process.wait()
    return output if code == 0 or len(output) == most else None


def _command(
    directory: Path, args: Sequence[str], settings: Sequence[str], environment: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the environment to start git with."""
    path, program = _git_on(directory, os.environ.get("PATH", os.defpath))
    if program is None:
        raise WorktreeError("Git is not installed, or not on the PATH. Install it, or pass a diff with --diff FILE.")
    options = [option for setting in (*_SETTINGS, *_trusted(), *settings) for option in ("-c", setting)]
    kept = {name: value for name, value in os.environ.items() if name.upper() in _KEPT} | {"PATH": path}
    words = [args[0], *_OPTIONS.get(args[0], ()), *args[1:]]
    return [program, "--no-pager", *options, *words], {**kept, **_FORCED, **environment}


@lru_cache(maxsize=64)
def _git_on(directory: Path, path: str) -> tuple[str, str | None]:
    """Return the PATH for git in that folder, and where git is on it. Asked once: a command may start git ten times."""
    safe = search_path(directory, {"PATH": path})
    return safe, shutil.which("git", path=safe)


def search_path(directory: Path, environ: Mapping[str, str]) -> str:
    """Return the PATH without the folders that may hold programs of the clone: relative ones, and those inside it."""
    inside = directory.resolve()
    folders = [folder for folder in environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder).is_absolute()]
    return os.pathsep.join(folder for folder in folders if not Path(folder).resolve().is_relative_to(inside))


def _trusted() -> Iterator[str]:
    """Yield the folders that the person trusts by variables, as in some workflows; no other setting comes from there.

    https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
    """
    count = os.environ.get("GIT_CONFIG_COUNT", "")
    for number in range(min(int(count), _MAX_VARIABLES) if count.isdecimal() else 0):
        if os.environ.get(f"GIT_CONFIG_KEY_{number}", "").lower() == "safe.directory":
            yield f"safe.directory={os.environ.get(f'GIT_CONFIG_VALUE_{number}', '')}"
