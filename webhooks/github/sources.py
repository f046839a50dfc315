"""Read the code around a pull request over GitHub's API: one listing of the head's tree, then texts in batches.

Where a search would take more than FEW_BATCHES requests for texts and the repository is not large, the whole head is
fetched once instead, as an archive: then everything is searched, as in a checkout.

Promises: at most MAX_CALLS requests; no file is fetched twice; a failure of GitHub ends the reading, not the review.
GitHub's code search is not used: it covers only the default branch and allows ten requests a minute.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reviewer.diff.model import Side
from reviewer.domain.sources import Hit, is_unsafe_path
from reviewer.git.archive import (
    MAX_ENTRIES,
    MAX_SECONDS,
    MAX_SENT,
    MAX_UNPACKED,
    Archive,
    UnusableArchive,
    unpack,
)
from reviewer.languages.paths import is_code
from reviewer.safety.redaction import safe_start
from webhooks.github.errors import GitHubError
from webhooks.github.repository import Repository

log = logging.getLogger(__name__)

#: Requests for the context of one review, the listing included: with about a dozen for the review itself
#: at most 30 in all. A search leaves some of them for what the model asks to see.
MAX_CALLS, LEFT_BY_SEARCH = 16, 5

#: A search that needs more requests for texts than this is worth an archive.
FEW_BATCHES = 4

#: Files of one request, bytes of one file, and bytes of one request: GitHub ends a query after ten seconds.
BATCH, MAX_FILE_BYTES, MAX_BATCH_BYTES = 50, 200_000, 2_000_000

#: Characters of a line that a search gives.
MAX_TEXT = 400

_WORD = re.compile(r"[A-Za-z_$][\w$]*")


@dataclass(slots=True)
class RemoteSources:
    """The repository at a pull request's head and base. See `reviewer.domain.sources.Sources`.

    `known` are texts by (revision, path) that were fetched before.
    """

    repository: Repository
    head_sha: str
    base_sha: str
    known: Mapping[tuple[str, str], str] = field(default_factory=dict)
    calls: int = 0
    _unsearched: int = 0
    _tree: dict[str, tuple[str, int]] | None = None
    _texts: dict[str, str | None] = field(default_factory=dict)
    _archive: Archive | None = None
    _archive_tried: bool = False

    def paths(self) -> Sequence[str]:
        """Return the regular files of the head; of a very large repository, those that GitHub lists."""
        return sorted(self._listed())

    def read(self, paths: Sequence[str], side: Side = Side.RIGHT) -> Mapping[str, str]:
        """Return the texts of as many of the files, in this order, as the budget of calls allows."""
        return self._read(paths, side, MAX_CALLS)

    def _read(self, paths: Sequence[str], side: Side, most: int) -> Mapping[str, str]:
        revision = self.base_sha if side is Side.LEFT else self.head_sha
        inside = [path for path in dict.fromkeys(paths) if not is_unsafe_path(path)]
        keys = {path: key for path in inside if (key := self._key(path, side)) is not None}
        self._take(revision, keys, most)
        found = {path: self._texts.get(key) for path, key in keys.items()}
        return {path: text for path, text in found.items() if text is not None}

    def search(self, words: Sequence[str], near: Iterable[str] = ()) -> Sequence[Hit]:
        """Return where the words occur in the files near by, and in all files that were read before."""
        if not words:
            return ()
        listed = self._listed()
        read_before = {path for path, (key, _) in listed.items() if key in self._texts}
        candidates = [*(path for path in near if is_code(path)), *sorted(read_before)]
        names = set(words)
        if (archive := self._whole_head()) is not None:
            self._unsearched = 0
            return tuple(hit for path, data in archive.holding(words) for hit in _hits(path, _text(data), names))
        texts = self._read(candidates, Side.RIGHT, MAX_CALLS - LEFT_BY_SEARCH)
        self._unsearched = sum(is_code(path) and path not in texts for path in listed)
        return tuple(hit for path in sorted(texts) for hit in _hits(path, texts[path], names))

    def _whole_head(self) -> Archive | None:
        """Return the head as an archive; it is fetched, once, where that is cheaper than a search by calls.

        Cheaper: more than FEW_BATCHES requests would follow, and it is not large.
        """
        listed = self._listed()
        unread = sum(key not in self._texts and is_code(path) for path, (key, _) in listed.items())
        size = sum(size for _, size in listed.values())
        is_cheaper = unread > FEW_BATCHES * BATCH and size <= MAX_UNPACKED and len(listed) <= MAX_ENTRIES
        if is_cheaper and not self._archive_tried and self.calls < MAX_CALLS:
            self._archive_tried = True
            self.calls += 1
            self._archive = self._fetch_archive({path: blob for path, (blob, _) in listed.items()})
        return self._archive

    def _fetch_archive(self, blobs: Mapping[str, str]) -> Archive | None:
        with tempfile.TemporaryFile() as sent:
            try:
                self.repository.archive(self.head_sha, sent, most=MAX_SENT, seconds=MAX_SECONDS)
                sent.seek(0)
                return unpack(sent, blobs)
            except (GitHubError, UnusableArchive) as error:
                about = {"repository": self.repository.name, "why": str(error)}
                log.info("the head was not fetched as an archive", extra=about)
                return None

    def unsearched(self) -> int:
        """Return how many files of code the last search did not read."""
        return self._unsearched

    def _listed(self) -> dict[str, tuple[str, int]]:
        """Return the blob and size of each regular file of the head, by path."""
        if self._tree is None:
            self._tree = {}
            try:
                self.calls += 1
                entries = self.repository.tree(self.head_sha)
            except GitHubError as error:
                log.info(
                    "the files of the head were not listed",
                    extra={"repository": self.repository.name, "why": str(error)},
                )
                return self._tree
            self._tree = {path: (blob, size) for path, blob, size in entries if not is_unsafe_path(path)}
            for (revision, path), text in self.known.items():
                if path in self._tree and revision == self.head_sha:
                    self._texts[self._tree[path][0]] = text
        return self._tree

    def _key(self, path: str, side: Side) -> str | None:
        """Return the key of a text: the head's blob, or path and revision where the blob is not known."""
        if side is Side.LEFT:
            return f"{self.base_sha}:{path}"
        blob, size = self._listed().get(path, ("", 0))
        return blob if blob and size <= MAX_FILE_BYTES else None

    def _take(self, revision: str, keys: Mapping[str, str], most: int) -> None:
        """Fetch the texts that are missing, a batch per call, while calls are left."""
        missing = {key: path for path, key in keys.items() if key not in self._texts}
        if self._archive is not None and revision == self.head_sha:
            found = {key: data for key, path in missing.items() if (data := self._archive.data(path)) is not None}
            self._texts.update({key: _text(data) for key, data in found.items()})
            missing = {key: path for key, path in missing.items() if key not in found}
        for batch in self._batches(missing):
            if self.calls >= most:
                return
            self.calls += 1
            texts = self.repository.texts([(revision, path) for _, path in batch])
            if texts is None:
                self.calls = MAX_CALLS  # GraphQL cannot be used, or GitHub has a failure
                return
            self._texts.update({key: texts.get((revision, path)) for key, path in batch})

    def _batches(self, missing: Mapping[str, str]) -> Iterable[list[tuple[str, str]]]:
        batch: list[tuple[str, str]] = []
        room = MAX_BATCH_BYTES
        for key, path in missing.items():
            size = self._listed().get(path, ("", 0))[1]
            if batch and (len(batch) == BATCH or size > room):
                yield batch
                batch, room = [], MAX_BATCH_BYTES
            batch.append((key, path))
            room -= size
        if batch:
            yield batch


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _hits(path: str, text: str, names: set[str]) -> Iterable[Hit]:
    for number, line in enumerate(text.split("\n"), 1):
        if not names.isdisjoint(_WORD.findall(line[:MAX_TEXT])):
            yield Hit(path, number, safe_start(line, MAX_TEXT))
