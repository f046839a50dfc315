"""Keep the model's answers that were paid for, so that the same question is never paid twice within a week.

A file for each answer, named by a hash of the question, readable by its owner only, written whole or not at all. What
cannot be read or is too old counts as missing. A folder that cannot be written costs nothing but the saving.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from reviewer.cli.asking.cache_folder import NoCacheFolder
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.serialization import answer_from_json, answer_to_json, prompt_digest

#: How long an answer is kept, in seconds.
KEPT_FOR = 7 * 86_400.0

#: Raised when the form of the files changes: what an older version wrote then counts as missing.
_FORM = 1
_LARGEST = 10_000_000
_SALT_BYTES = 32


class PaidAnswers:
    """The answers in a folder. `service` names who was asked: the address and the models, in order.

    Methods raise NoCacheFolder where the folder cannot be used.
    """

    def __init__(self, folder: Path, service: str, *, kept_for: float = KEPT_FOR) -> None:
        """Store where the answers are; nothing is read yet."""
        self._folder = folder / "answers"
        self._salt = folder / "salt"
        self._service = service
        self._kept_for = kept_for

    def salt(self) -> bytes:
        """Return the person's own secret for the fences of prompts: the same every time, so that prompts are the same.

        Two first runs at once agree on one.
        """
        for _ in range(2):
            kept = _read(self._salt)
            if kept is not None and len(kept) == _SALT_BYTES:
                return kept
            if kept is not None:
                _delete(self._salt)
            # A link is made or it is not: another run never sees half of the file.
            with (
                _temporary(self._salt.parent, secrets.token_bytes(_SALT_BYTES)) as temporary,
                contextlib.suppress(FileExistsError),
            ):
                _link(temporary, self._salt)
        raise NoCacheFolder(f"{self._salt} cannot be read")

    def get(self, prompt: Prompt) -> Reply | None:
        """Return the answer that was paid for within the last week, None if there is none."""
        data = _read(self._place(prompt), newer_than=time.time() - self._kept_for)
        try:
            value = json.loads(data) if data is not None else None
            if not isinstance(value, dict) or value.get("form") != _FORM:
                return None
            answer = answer_from_json(value["answer"])
        except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
            return None
        return answer if isinstance(answer, Reply) else None

    def put(self, prompt: Prompt, reply: Reply) -> None:
        """Keep an answer. Another run that keeps one for the same question at the same time does no harm."""
        place = self._place(prompt)
        text = json.dumps({"form": _FORM, "answer": answer_to_json(reply)})
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _temporary(place.parent, text.encode("ascii")) as temporary:
                temporary.replace(place)
        except OSError as error:
            raise NoCacheFolder(f"{self._folder} cannot be written: {error.strerror}") from error

    def forget(self, prompt: Prompt) -> None:
        """Keep no answer to this question."""
        _delete(self._place(prompt))

    def delete_old(self) -> None:
        """Delete what is too old to be used, at most once a day."""
        mark = self._folder / "cleaned"
        now = time.time()
        with contextlib.suppress(OSError):
            if mark.exists() and now - mark.stat().st_mtime < 86_400:
                return
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark.touch(mode=0o600)
            for place in self._folder.glob("??/*"):
                with contextlib.suppress(OSError):
                    if place.lstat().st_mtime < now - self._kept_for:
                        place.unlink()

    def _place(self, prompt: Prompt) -> Path:
        asked = f"{self._service}\n{prompt_digest(prompt)}"
        name = hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / name[:2] / name[2:]


@contextlib.contextmanager
def _temporary(folder: Path, data: bytes) -> Iterator[Path]:
    """Yield a new file with those bytes, for its owner only; it is gone at the end. Raises NoCacheFolder."""
    try:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".new-")
    except OSError as error:
        raise NoCacheFolder(f"{folder} cannot be written: {error.strerror}") from error
    temporary = Path(name)
    try:
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
        except OSError as error:
            raise NoCacheFolder(f"{folder} cannot be written: {error.strerror}") from error
        yield temporary
    finally:
        _delete(temporary)


def _link(temporary: Path, place: Path) -> None:
    """Give a file a second name. Raises FileExistsError, and NoCacheFolder where the disk is full or knows no links."""
    try:
        os.link(temporary, place)
    except FileExistsError:
        raise
    except OSError as error:
        raise NoCacheFolder(f"{place} cannot be made: {error.strerror}") from error


def _read(place: Path, *, newer_than: float = 0.0) -> bytes | None:
    """Return what is in a file of ours, None if there is none, it is too old, or it is not an ordinary file of ours."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(place, flags)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        ours = os.name != "posix" or status.st_uid == os.geteuid()
        if not ours or status.st_mtime < newer_than or status.st_size > _LARGEST:
            return None
        try:
            return file.read(_LARGEST)
        except OSError:
            return None


def _delete(place: Path) -> None:
    with contextlib.suppress(OSError):
        place.unlink()
