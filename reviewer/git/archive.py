"""Keep the files of one commit, packed by `git archive` as GitHub does it, in a temporary file, and search them.

https://git-scm.com/docs/git-archive: a tar file with one folder around everything.
Promises: nothing is unpacked to a place with a name, so no link, device or path of the archive means anything; sizes,
entries and seconds are limited; only files whose contents are those of the commit's tree are kept (`export-subst` may
change some, `export-ignore` leaves some out).
"""

from __future__ import annotations

import hashlib
import mmap
import re
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from reviewer.domain.sources import is_unsafe_path

#: Bytes of the archive as it is sent, of everything in it, and of one file that is kept; entries; seconds to read it.
MAX_SENT, MAX_UNPACKED, MAX_FILE_BYTES, MAX_ENTRIES, MAX_SECONDS = 40_000_000, 160_000_000, 200_000, 60_000, 20.0

#: With more words, a file is split into words once instead of being searched for each.
FEW_WORDS = 8

_WORD = re.compile(rb"[A-Za-z_$][\w$]*")


class UnusableArchive(Exception):
    """The archive is broken, too large or too slow; the message says which."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The texts of a commit. `places` are begin and end of each in `contents`, by path; made by `unpack`."""

    contents: bytes | mmap.mmap
    places: Mapping[str, tuple[int, int]]

    def data(self, path: str) -> bytes | None:
        """Return the contents of a file, None if it is not kept."""
        place = self.places.get(path)
        return None if place is None else bytes(self.contents[slice(*place)])

    def holding(self, words: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Yield path and contents of the files that may hold one of the words, by path."""
        names = {word.encode() for word in words}
        for path in sorted(self.places):
            data = bytes(self.contents[slice(*self.places[path])])
            if len(names) <= FEW_WORDS:
                holds = any(name in data for name in names)
            else:
                holds = not names.isdisjoint(_WORD.findall(data))
            if holds:
                yield path, data


def unpack(sent: IO[bytes], blobs: Mapping[str, str]) -> Archive:
    """Keep the texts of an archive whose blob is that of `blobs`, by path. Raises UnusableArchive."""
    places: dict[str, tuple[int, int]] = {}
    deadline = time.monotonic() + MAX_SECONDS
    with tempfile.TemporaryFile() as kept:
        try:
            for path, data in _texts(sent, blobs, deadline):
                begin = kept.tell()
                kept.write(data)
                places[path] = (begin, begin + len(data))
        except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
            raise UnusableArchive(f"it cannot be read: {error}") from error
        kept.flush()
        # The file has no name, and is gone with the last reference to its contents.
        contents = mmap.mmap(kept.fileno(), 0, access=mmap.ACCESS_READ) if kept.tell() else b""
    return Archive(contents, places)


def _texts(sent: IO[bytes], blobs: Mapping[str, str], deadline: float) -> Iterator[tuple[str, bytes]]:
    size = 0
    with tarfile.open(fileobj=sent, mode="r|gz", errorlevel=0) as tar:
        for number, entry in enumerate(tar):
            size += max(0, entry.size)
            if size > MAX_UNPACKED or number > MAX_ENTRIES:
                raise UnusableArchive(f"it is too large: {size:,} bytes in {number:,} entries")
            if time.monotonic() > deadline:
                raise UnusableArchive(f"it was not read within {MAX_SECONDS:.0f} s")
            # The first folder is named after repository and commit.
            path = entry.name.partition("/")[2]
            if not entry.isreg() or entry.size > MAX_FILE_BYTES or path not in blobs or is_unsafe_path(path):
                continue
            file = tar.extractfile(entry)
            data = file.read() if file else b""
            if b"\0" not in data[:8000] and _is_blob(data, blobs[path]):
                yield path, data


def _is_blob(data: bytes, blob: str) -> bool:
    whole = b"blob %d\0%s" % (len(data), data)
    kind = hashlib.sha256 if len(blob) == 64 else hashlib.sha1
    return kind(whole, usedforsecurity=False).hexdigest() == blob
