"""Attachments of tickets: files under one folder, one folder for each ticket."""

from __future__ import annotations

import mimetypes
import shutil
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 20_000_000


class NoSuchAttachment(Exception):
    """There is no such file, or nothing that may be served."""


@dataclass(frozen=True)
class Served:
    """What a view sends."""

    path: Path
    content_type: str


def served(root: Path, ticket: int, name: str) -> Served:
    """Return the file for a view, with the type that its name says."""
    folder = (root / str(ticket)).resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise NoSuchAttachment(name)
    content_type, _ = mimetypes.guess_type(path.name)
    return Served(path, content_type or "application/octet-stream")


def store(root: Path, ticket: int, name: str, upload: Path) -> Path:
    """Move an upload to its place and return it. The name keeps its last part only."""
    if upload.stat().st_size > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES} bytes")
    folder = root / str(ticket)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / Path(name).name
    shutil.move(upload, target)
    return target
