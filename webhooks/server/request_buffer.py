"""Find out where a request ends, from the bytes that have arrived so far. Pure.

Promises: decides how much to wait for and nothing else; gunicorn parses and judges the request itself. What cannot be
understood here counts as arrived, so that gunicorn refuses it. Linear in the bytes, with a bound on chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: https://docs.github.com/webhooks/webhook-events-and-payloads: larger payloads are not delivered.
MAX_BODY = 25 * 1024 * 1024

#: Bytes of a request line with all headers. GitHub's have about 1,000; gunicorn's own limits are per line.
MAX_HEAD = 64 * 1024

#: A chunk costs time whatever its size: clients cut a body of 25 MB into some hundred to some thousand.
MAX_CHUNKS = 20_000

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,12})[ \t]*\r\n")
_CONTINUE = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n")
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,12}")
_LONGEST_CHUNK_LINE = 4096
_PIECE = 64 * 1024


class RequestBuffer:
    """The bytes of a request and of whatever follows it.

    `is_whole` says that there is nothing more to wait for. Then `ends_connection` says whether the end of the request
    is unknown, so that nothing behind it may be read as another request.
    """

    __slots__ = ("_chunked", "_chunks", "_data", "_end", "_head", "_max_body", "_seen", "ends_connection", "is_whole")

    def __init__(self, max_body: int, data: bytes = b"") -> None:
        """Begin with the bytes that were sent behind the request before it."""
        self._max_body = max_body
        self._data = bytearray()
        self._head = self._end = self._seen = self._chunks = 0
        self._chunked = False
        self.is_whole = False
        self.ends_connection = False
        if data:
            self.add(data)

    def __len__(self) -> int:
        """Return how many bytes are held."""
        return len(self._data)

    @property
    def has_head(self) -> bool:
        """Whether the request line and all headers have arrived."""
        return self._head > 0

    @property
    def missing(self) -> int:
        """How many bytes will certainly come; 0 when that is not known."""
        return max(0, self._end - len(self._data)) if self._head and not self._chunked else 0

    @property
    def waits_for_continue(self) -> bool:
        """Whether the client wants to hear `100 Continue` before it sends the body."""
        return self._head > 0 and not self.is_whole and bool(_CONTINUE.search(self._data[: self._head].lower()))

    def add(self, data: bytes) -> None:
        """Take in what has arrived."""
        self._data += data
        if not self._head:
            self._look_for_head()
        if self._head and not self.is_whole:
            if self._chunked:
                self._look_for_last_chunk()
            self.is_whole = self.is_whole or (not self._chunked and len(self._data) >= self._end)

    def end(self) -> None:
        """Take what there is for the request: nothing more will come, or it is too much."""
        self._end = len(self._data)
        self.is_whole = self.ends_connection = True

    def pieces(self) -> Iterator[bytes]:
        """Return the request, in pieces."""
        for start in range(0, self._end, _PIECE):
            yield bytes(self._data[start : min(start + _PIECE, self._end)])

    def behind(self) -> bytes:
        """Return what was sent behind the request."""
        return bytes(self._data[self._end :])

    def _look_for_head(self) -> None:
        found = self._data.find(_END_OF_HEAD, max(0, self._seen - 3))
        self._seen = len(self._data)
        if found < 0 or found > MAX_HEAD:
            if len(self._data) > MAX_HEAD:
                self.end()
            return
        self._head = self._end = found + len(_END_OF_HEAD)
        head = bytes(self._data[: self._head]).lower()
        self._chunked = b"\r\ntransfer-encoding:" in head
        if self._chunked:
            self._seen = self._head
        elif b"\r\ncontent-length:" in head:
            length = _LENGTH.search(head)
            if length is None or int(length[1]) > self._max_body:
                self.end()  # it is refused by its headers alone
            else:
                self._end += int(length[1])

    def _look_for_last_chunk(self) -> None:
        """Go from chunk to chunk; `_seen` is where the next one begins."""
        data = self._data
        while self._seen < len(data):
            line_end = data.find(b"\r\n", self._seen, self._seen + _LONGEST_CHUNK_LINE)
            if line_end < 0:
                if len(data) - self._seen >= _LONGEST_CHUNK_LINE:
                    self.end()
                return self._end_if_too_large()
            size = _CHUNK_SIZE.match(data, self._seen, line_end)
            self._chunks += 1
            if size is None or self._chunks > MAX_CHUNKS:
                return self.end()
            if int(size[0], 16) == 0:
                return self._look_for_trailers(line_end)
            self._seen = line_end + 2 + int(size[0], 16) + 2
        return self._end_if_too_large()

    def _look_for_trailers(self, line_end: int) -> None:
        found = self._data.find(_END_OF_HEAD, line_end)
        if found >= 0:
            self._end = found + len(_END_OF_HEAD)
            self.is_whole = True
        elif len(self._data) - line_end > MAX_HEAD:
            self.end()

    def _end_if_too_large(self) -> None:
        if len(self._data) > self._head + self._max_body + MAX_HEAD:
            self.end()
