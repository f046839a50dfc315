"""Keep answers in a file until they are in the store, so that a killed process loses no paid answer.

A transaction waits for the lock and for the disk; the file is written with one system call. When `keep` has
returned, the next process finds the answer, however this one ends; the file is emptied as soon as the store has all of
them, since answers quote code. It only saves money: if it cannot be written, work goes on without it.
"""

from __future__ import annotations

import base64
import fcntl
import json
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from webhooks.queue.store.answer_cache import Packed

_LOG = logging.getLogger("reviewer.jobs")

_ENDING = ".answers"
#: Ending of a file's name until its process has locked it.
_BEGINNING = ".beginning"


class AnswerSpool:
    """The file of one process in a folder that processes on this machine may share."""

    def __init__(self, folder: Path) -> None:
        """Store the folder; no file is opened yet."""
        self._folder = folder
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}{_ENDING}"
        self._file = -1
        self._under_way = 0
        self._guard = threading.Lock()

    def open(self, found: Callable[[str, str, Packed], None]) -> None:
        """Create the file. Give `found` each answer that dead processes left: job, digest of the prompt, answer."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for ending in (_ENDING, _BEGINNING):
                for path in sorted(self._folder.glob(f"*{ending}")):
                    _take_over(path, found)
            self._file = self._locked()
        except OSError as error:
            _LOG.warning("answers are not kept until they are stored: %s", error)

    def _locked(self) -> int:
        """Create the file. It gets its final name only when it is locked; otherwise another process would remove it."""
        beginning = self._path.with_suffix(_BEGINNING)
        while True:
            file = os.open(beginning, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                beginning.rename(self._path)
            except FileNotFoundError:  # it was removed before it was locked
                os.close(file)
                continue
            except OSError:
                os.close(file)
                raise
            return file

    def keep(self, job_id: str, digest: str, answer: Packed) -> None:
        """Keep an answer until `stored` is called."""
        value = {
            "job": job_id,
            "digest": digest,
            "failed": answer.failed,
            "data": base64.b64encode(answer.data).decode(),
        }
        with self._guard:
            self._under_way += 1
            self._write((json.dumps(value) + "\n").encode("ascii"))

    def stored(self) -> None:
        """Count one more answer as stored; after the last, empty the file."""
        with self._guard:
            self._under_way -= 1
            if self._under_way == 0 and self._file >= 0:
                os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Remove the file, unless it has answers that are not stored."""
        with self._guard:
            if self._file >= 0 and self._under_way == 0:
                self._path.unlink(missing_ok=True)
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def _write(self, line: bytes) -> None:
        try:
            if self._file >= 0:
                os.write(self._file, line)
        except OSError as error:
            _LOG.warning("an answer is not kept until it is stored: %s", error)


def _take_over(path: Path, found: Callable[[str, str, Packed], None]) -> None:
    """Yield the answers in the file of a dead process, and remove it; a running process holds the lock."""
    try:
        opened = path.open("rb")
    except FileNotFoundError:  # another process was quicker
        return
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for job_id, digest, answer in _answers(file.read()):
            found(job_id, digest, answer)
        path.unlink(missing_ok=True)


def _answers(content: bytes) -> Iterator[tuple[str, str, Packed]]:
    """Read the complete lines; the last may have been cut."""
    for line in content.split(b"\n"):
        try:
            value = json.loads(line)
            yield value["job"], value["digest"], Packed(base64.b64decode(value["data"]), value["failed"])
        except (ValueError, KeyError, TypeError):
            continue
