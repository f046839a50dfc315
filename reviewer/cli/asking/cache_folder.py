"""Find or make the person's own cache folder, and check that nobody else can write to it before it is used."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from reviewer.errors import ReviewerError

_NAME = "minimax-reviewer"


class NoCacheFolder(ReviewerError):
    """Nothing can be kept; the message says why, for a person."""


def cache_folder(environ: Mapping[str, str], beside: Path) -> Path:
    """Return the folder, made if need be, that only its owner can enter. Raises NoCacheFolder.

    `beside` is where the command was started. A reviewed project must not bring the folder along, so it may not lie
    there or in the clone around it.
    """
    folder = _place(environ)
    if not folder.is_absolute():
        raise NoCacheFolder("there is no folder for caches: set HOME or XDG_CACHE_HOME")
    if folder.resolve().is_relative_to(_clone_around(beside.resolve(), environ)):
        raise NoCacheFolder(f"{folder} is inside the project that is reviewed: set XDG_CACHE_HOME to another folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise NoCacheFolder(f"{folder} cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise NoCacheFolder(f"{folder} is not a folder")
    if os.name == "posix":
        _check_owner(folder, status)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise NoCacheFolder(f"{folder} cannot be written")
    return folder


def _place(environ: Mapping[str, str]) -> Path:
    if named := environ.get("XDG_CACHE_HOME", ""):
        return Path(named, _NAME)
    if os.name == "nt":
        local = environ.get("LOCALAPPDATA", "")
        return Path(local, _NAME, "Cache") if local else Path()
    home = environ.get("HOME", "")
    if not home:
        return Path()
    return Path(home, "Library", "Caches", _NAME) if sys.platform == "darwin" else Path(home, ".cache", _NAME)


def _clone_around(folder: Path, environ: Mapping[str, str]) -> Path:
    """Return the top of the clone that holds the folder; where there is none, the folder itself.

    A home folder under version control still holds a person's own caches: it does not count as a project.
    """
    home = Path(environ["HOME"]).resolve() if environ.get("HOME") else None
    tops = (place for place in (folder, *folder.parents) if place != home and os.path.lexists(place / ".git"))
    return next(tops, folder / ".git")


def _check_owner(folder: Path, status: os.stat_result) -> None:
    """Raise NoCacheFolder for a folder of somebody else; close one of ours that others can enter."""
    if status.st_uid != os.geteuid():
        raise NoCacheFolder(f"{folder} belongs to another user")
    if stat.S_IMODE(status.st_mode) & 0o077:
        try:
            folder.chmod(0o700)
        except OSError as error:
            raise NoCacheFolder(f"{folder} is open to other users and cannot be closed: {error.strerror}") from error
