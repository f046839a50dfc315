"""Attachments of tickets: files under one folder, one folder for each ticket."""

from __future__ import annotations

import mimetypes
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 20_000_000
THUMBNAIL = "256x256"
PICTURES = {"image/png", "image/jpeg", "image/webp"}


class NoSuchAttachment(Exception):
    """There is no such file, or nothing that may be served."""


@dataclass(frozen=True)
class Served:
    """What a view sends."""

    path: Path
    content_type: str


def attachment_path(root: Path, ticket: int, name: str) -> Path:
    """Return where the attachment of that name is. `name` comes from the URL."""
    path = root / str(ticket) / name
    if not path.is_file():
        raise NoSuchAttachment(name)
    return path


def served(root: Path, ticket: int, name: str) -> Served:
    """Return the file for a view, with the type that its name says."""
    path = attachment_path(root, ticket, name)
    content_type, _ = mimetypes.guess_type(path.name)
    return Served(path, content_type or "application/octet-stream")


def thumbnail(root: Path, ticket: int, name: str) -> bytes:
    """Return a small PNG of the attachment."""
    source = attachment_path(root, ticket, name)
    content_type, _ = mimetypes.guess_type(source.name)
    if content_type not in PICTURES:
        raise NoSuchAttachment(name)
    try:
        done = subprocess.run(
            ["convert", f"{source}[0]", "-thumbnail", THUMBNAIL, "png:-"], check=True, capture_output=True, timeout=20
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NoSuchAttachment(name) from error
    return done.stdout


def store(root: Path, ticket: int, name: str, upload: Path) -> Path:
    """Move an upload to its place and return it. The name keeps its last part only."""
    if upload.stat().st_size > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES} bytes")
    folder = root / str(ticket)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / Path(name).name
    shutil.move(upload, target)
    return target
