"""The form of every marker: `<!-- reviewer:NAME [v=VERSION] FIELDS -->`, and how data is packed into one field. Pure.

Version 1 is written without a number, so that markers of older releases are read as what they are. A field may be added
without raising the version; raise it when the meaning of a field changes, and teach the reader both. A marker of a
newer version, a damaged one or a made-up one is no marker, never an error.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from reviewer.safety.code_blocks import MARKER_PREFIX

#: How every marker begins.
PREFIX = MARKER_PREFIX

#: Bytes that the data of a marker may unpack to.
_MAX_UNPACKED = 1_000_000

_MARKER = re.compile(
    rf"{PREFIX}(?P<name>[a-z-]{{1,20}})(?: v=(?P<version>\d{{1,3}}))?(?P<fields>(?: (?!-->)[^\s<>]++)*)(?P<end> -->)?"
)

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Marker:
    """One kind of marker: its name, and the newest version that this program writes and reads."""

    name: str
    version: int = 1

    @property
    def beginning(self) -> str:
        """The text with which a marker of this kind begins, whatever its version."""
        return f"{PREFIX}{self.name}"

    def write(self, *values: str, **fields: str) -> str:
        """Return the marker: values without a name first, then `name=value`. No value holds white space, `<` or `>`."""
        version = [f"v={self.version}"] if self.version > 1 else []
        return f"{' '.join([self.beginning, *version, *values, *_pairs(fields)])} -->"

    def read(self, line: str) -> MarkerFields | None:
        """Return the fields of a line that is such a marker and nothing else, or None."""
        match = _MARKER.fullmatch(line.strip())
        return self._fields(match) if match and match["end"] else None

    def read_damaged(self, line: str) -> MarkerFields | None:
        """Return the fields at the beginning of a line, up to where somebody damaged the marker, or None."""
        match = _MARKER.match(line.strip())
        return self._fields(match) if match else None

    def _fields(self, match: re.Match[str]) -> MarkerFields | None:
        version = int(match["version"] or 1)
        is_ours = match["name"] == self.name and version <= self.version
        return MarkerFields(version, tuple(match["fields"].split())) if is_ours else None


@dataclass(frozen=True, slots=True)
class MarkerFields:
    """The fields of a marker that was read, in the order in which they were written."""

    version: int
    values: tuple[str, ...]

    @property
    def first(self) -> str:
        """The first field, or an empty text."""
        return self.values[0] if self.values else ""

    def get(self, name: str) -> str:
        """Return the value of `name=value`, or an empty text."""
        return next((value.partition("=")[2] for value in self.values if value.startswith(f"{name}=")), "")


def _pairs(fields: Mapping[str, str]) -> Iterable[str]:
    return (f"{name}={value}" for name, value in fields.items())


def last_line(body: str) -> str:
    """Return the last line of a comment. A marker anywhere else may be code that the comment shows."""
    return body.rstrip().rpartition("\n")[2]


def without_outer_markers(body: str) -> str:
    """Return a comment without the markers that begin and end it."""
    lines = body.replace("\r\n", "\n").strip().split("\n")
    while lines and lines[0].startswith(PREFIX):
        del lines[0]
    while lines and lines[-1].startswith(PREFIX):
        del lines[-1]
    return "\n".join(lines).strip()


def pack(value: Mapping[str, Any]) -> str:
    """Return a JSON object deflated and in base64."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return base64.b64encode(zlib.compress(text.encode("ascii"), 9)).decode("ascii")


def unpack(model: type[_Model], data: str) -> _Model | None:
    """Return what `pack` wrote; None where it is damaged, too large or not of this model."""
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(base64.b64decode(data, validate=True), _MAX_UNPACKED)
        return model.model_validate_json(text) if unpacker.eof else None
    except (ValueError, zlib.error, ValidationError):
        return None
