"""Keep answers in a file until they are in the store, so that a killed process loses no paid answer.

A transaction waits for the lock and for the disk; the file is written with one system call. When `keep` has
returned, the next process finds the answer, however this one ends; the file is emptied as soon as the store has all of
them, since answers quote code. It only saves money: if it cannot be written, work goes on without it.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from webhooks.queue.process_files import BEGINNING, create_locked, left_by_dead_process
from webhooks.queue.store.answer_cache import Packed

_LOG = logging.getLogger("reviewer.jobs")

_ENDING = ".answers"


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
            for ending in (_ENDING, BEGINNING):
                for path in sorted(self._folder.glob(f"*{ending}")):
                    _take_over(path, found)
            self._file = create_locked(self._path, os.O_APPEND)
        except OSError as error:
            _LOG.warning("answers are not kept until they are stored: %s", error)

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
    """Hand over the answers in the file of a dead process, and remove it."""
    with left_by_dead_process(path) as content:
        for job_id, digest, answer in _answers(content or b""):
            found(job_id, digest, answer)


def _answers(content: bytes) -> Iterator[tuple[str, str, Packed]]:
    """Read the complete lines; the last may have been cut."""
    for line in content.split(b"\n"):
        try:
            value = json.loads(line)
            yield value["job"], value["digest"], Packed(base64.b64decode(value["data"]), value["failed"])
        except (ValueError, KeyError, TypeError):
            continue
