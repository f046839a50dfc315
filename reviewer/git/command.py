"""Run git, protected from settings of the clone and from the environment.

No shell, no pager, no hooks, no fsmonitor. Messages are in English. Variables that would point git to another place are
not passed on. Every run has a time limit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Timer

from reviewer.errors import WorktreeError

#: Takes precedence over every settings file. https://git-scm.com/docs/git-config
_SETTINGS = (
    "core.quotePath=true",
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "index.sparse=false",  # git 2.39 crashes when untracked files are announced in a sparse index
)

#: Git's variables for credentials, network and configuration. All others (GIT_DIR, GIT_INDEX_FILE, ...) would point git
#: to another place, as they do inside a hook. https://git-scm.com/docs/git#_environment_variables
_KEPT = (
    "GIT_ASKPASS",
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP",
    "GIT_SSH",
    "GIT_SSL",
)

_FORCED = {
    "LC_ALL": "C",  # some messages are parsed
    "GIT_LITERAL_PATHSPECS": "1",  # a file may be called *
    "GIT_TERMINAL_PROMPT": "0",
}


_TIMEOUT = 300.0  # seconds; a partial clone may fetch files while it compares them


def run_git(
    directory: Path,
    *args: str,
    settings: Sequence[str] = (),
    environment: Mapping[str, str] = {},
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """Run git there and return how it ended. Raises WorktreeError if there is no git or the time is up."""
    command, kept = _command(args, settings, environment)
    try:
        return subprocess.run(  # noqa: S603 - an argument list, without a shell
            command,
            cwd=directory,
            env=kept,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise WorktreeError(f"git {args[0]} did not end within {_TIMEOUT:.0f} seconds in {directory}.") from error


def git_answer(directory: Path, *args: str) -> str | None:
    """Run git there and return what it prints, without the last newline, as text; None when it fails."""
    done = run_git(directory, *args)
    return os.fsdecode(done.stdout.removesuffix(b"\n")) if done.returncode == 0 else None


def git_output(
    directory: Path,
    *args: str,
    settings: Sequence[str] = (),
    environment: Mapping[str, str] = {},
    stdin: bytes = b"",
) -> bytes:
    """Run git there and return what it prints. Raises WorktreeError, with git's message, when it fails."""
    done = run_git(directory, *args, settings=settings, environment=environment, stdin=stdin)
    if done.returncode:
        message = done.stderr.decode("utf-8", "replace").strip()
        raise WorktreeError(f"git {args[0]} failed in {directory}: {message or f'exit code {done.returncode}'}")
    return done.stdout


def lines_of_git(directory: Path, *args: str, most: int, seconds: float, stdin: bytes = b"") -> bytes | None:
    """Run git there and return the first `most` bytes of its output; None if it fails or takes longer."""
    command, kept = _command(args, (), {})
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
    args: Sequence[str], settings: Sequence[str], environment: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the environment to start git with."""
    program = shutil.which("git")
    if program is None:
        raise WorktreeError("Git is not installed, or not on the PATH. Install it, or pass a diff with --diff FILE.")
    options = [option for setting in (*_SETTINGS, *settings) for option in ("-c", setting)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith(_KEPT)}
    return [program, "--no-pager", *options, *args], {**kept, **_FORCED, **environment}
