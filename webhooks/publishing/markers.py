"""The hidden marks in our own comments: what the App and the Action know of a pull request, and all that they share.

Promises: what is written is read back, whole or not at all; a mark that was damaged or made up is no mark, never an
error; what is unpacked is bounded. Whose comment it is has to be checked by the caller. Pure.

A comment on code ends with `<!-- reviewer:finding FINGERPRINT at=PLACE [was=SHA] v1=DATA -->`. The summary begins with
`<!-- reviewer:summary head=SHA -->` and on the next line `<!-- reviewer:ledger v1=DATA -->`. DATA is JSON, deflated, in
base64; the JSON of the ledger also names by digest each file whose change was reviewed.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewer.diff.model import Side
from reviewer.domain.findings import Category
from reviewer.domain.severity import Severity
from webhooks.publishing.incremental import DIGEST_BYTES

#: Characters that the ledger may take in the summary, which GitHub limits to 65,536.
MAX_LEDGER = 36_000

#: Files whose digests are kept, as many as GitHub lists; where they do not fit, two heads' trees are compared instead.
MAX_FILES = 3_000

#: Bytes that a mark may unpack to.
_MAX_UNPACKED = 1_000_000

#: Characters of the quote that a comment's mark keeps for when the code has changed.
_MAX_QUOTE = 1_000

SUMMARY_MARK = "<!-- reviewer:summary"

#: The name of our check run, whose external id is the key of the job.
CHECK_NAME = "reviewer"

_FINDING = re.compile(
    r"<!-- reviewer:finding (?P<fingerprint>[0-9a-f-]+) at=(?P<place>[0-9a-f]+)"
    r"(?: was=(?P<was>[0-9a-f]{7,64}))?(?: v1=(?P<data>[A-Za-z0-9+/=]+))?"
)
_LEDGER = re.compile(r"<!-- reviewer:ledger v1=([A-Za-z0-9+/=]+) -->")
_FIXED = re.compile(r"<!-- reviewer:fixed head=([0-9a-f]{7,64}) -->")
_OFFER = re.compile(r"<!-- reviewer:tests at=([0-9a-f]{16}) -->")


_SHA = r"^[0-9a-f]{0,64}$"


class FindingStatus(StrEnum):
    """How a finding stands. A regression is OPEN with the `sha` in which it was fixed before."""

    OPEN = "open"
    FIXED = "fixed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One finding of the ledger.

    `place` and `code` identify the code it is about, in its file and anywhere; `lines` are how many, `line` the last of
    them when it was last seen, on `side`; `around` is a digest of what surrounded it. `said`: it was to be an inline
    comment, else a line of the summary. `sha`: the head in which it was found fixed, or, of an open one, from which it
    came back. `comment_id` is 0 where no comment of ours is known. `quote` is empty where only the ledger is known.
    """

    fingerprint: str
    place: str
    code: str
    path: str
    side: Side
    line: int
    lines: int
    severity: Severity
    category: Category
    title: str
    around: str = ""
    status: FindingStatus = FindingStatus.OPEN
    said: bool = True
    sha: str = ""
    comment_id: int = 0
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the summary comment remembers: the last reviewed head and base, by which job, which files, what was found.

    `files` are digests of each file whose change was reviewed; None: there were too many to keep.
    """

    head: str = ""
    base: str = ""
    job: str = ""
    files: frozenset[bytes] | None = frozenset()
    entries: tuple[LedgerEntry, ...] = ()


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    fingerprint: str = Field(alias="f", max_length=40)
    place: str = Field(alias="p", max_length=64)
    code: str = Field(alias="c", max_length=64)
    path: str = Field(alias="n", max_length=4096)
    side: Side = Field(alias="d")
    line: int = Field(alias="l", ge=0)
    lines: int = Field(alias="k", ge=1)
    severity: Severity = Field(alias="s")
    category: Category = Field(alias="g")
    title: str = Field(alias="t", max_length=300)
    around: str = Field(default="", alias="a", max_length=64)
    status: FindingStatus = Field(default=FindingStatus.OPEN, alias="z")
    said: bool = Field(default=True, alias="i")
    sha: str = Field(default="", alias="h", pattern=_SHA)
    comment_id: int = Field(default=0, alias="m", ge=0)
    quote: str = Field(default="", alias="q", max_length=_MAX_QUOTE)

    def entry(self) -> LedgerEntry:
        return LedgerEntry(**dict(self))


class _Ledger(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    head: str = Field(pattern=_SHA)
    base: str = Field(default="", pattern=_SHA)
    job: str = Field(default="", max_length=400)
    files: str | None = None
    entries: tuple[_Entry, ...] = ()


def finding_mark(entry: LedgerEntry) -> str:
    """Return the mark of a finding's comment; the finding can be brought back from it alone."""
    was = f" was={entry.sha}" if entry.sha else ""
    data = _packed(_json(replace(entry, quote=entry.quote[:_MAX_QUOTE])))
    return f"<!-- reviewer:finding {entry.fingerprint} at={entry.place}{was} v1={data} -->"


def read_finding(body: str, path: str = "", line: int = 0) -> LedgerEntry | None:
    """Return the finding whose mark ends our comment, or None.

    Only the last line counts: anywhere else a mark may be code that the comment shows. Where the mark's data is
    damaged, the rest of it is taken together with the comment's own place and first line.
    """
    match = _FINDING.match(body.rstrip().rpartition("\n")[2])
    if match is None:
        return None
    parsed = _read(_Entry, match["data"] or "")
    if parsed is not None and parsed.fingerprint == match["fingerprint"]:
        return replace(parsed.entry(), status=FindingStatus.OPEN, sha=match["was"] or "")
    title = body.lstrip().partition("\n")[0].rpartition("): ")[2]
    return LedgerEntry(
        fingerprint=match["fingerprint"], place=match["place"], code="", path=path, side=Side.RIGHT, line=line, lines=1,
        severity=Severity.WARNING, category=Category.BUG, title=title[:200], sha=match["was"] or "",
    )  # fmt: skip


def fixed_mark(head: str) -> str:
    """Return the mark of the reply that says that a finding is fixed."""
    return f"<!-- reviewer:fixed head={head} -->"


def read_fixed(body: str) -> str:
    """Return the head in which a reply of ours says that the finding is fixed, or an empty text."""
    match = _FIXED.match(body.rstrip().rpartition("\n")[2])
    return match[1] if match else ""


def offer_mark(place: str) -> str:
    """Return the mark that ends a comment with suggested tests; `place` identifies the end of the file they are for."""
    return f"<!-- reviewer:tests at={place} -->"


def read_offer(body: str) -> str:
    """Return the place that a comment suggests tests for, "" for any other comment."""
    match = _OFFER.fullmatch(body.rstrip().rpartition("\n")[2])
    return match[1] if match else ""


def summary_marks(ledger: Ledger) -> str:
    """Return the two lines that begin the summary, within MAX_LEDGER characters.

    What does not fit is left out from the least important: the files (two trees are compared instead), then what is
    fixed, dismissed and open. A finding with a comment stays known by the comment's own mark.
    """
    head = f"{SUMMARY_MARK} head={ledger.head} -->\n"
    if ledger.files is not None and len(ledger.files) > MAX_FILES:
        ledger = replace(ledger, files=None)
    order = [FindingStatus.OPEN, FindingStatus.DISMISSED, FindingStatus.FIXED]
    kept = sorted(ledger.entries, key=lambda one: order.index(one.status))
    while True:
        text = f"{head}<!-- reviewer:ledger v1={_packed(_ledger_json(ledger, kept))} -->\n"
        if len(text) <= MAX_LEDGER or not (kept or ledger.files):
            return text
        if ledger.files:
            ledger = replace(ledger, files=None)
        else:
            kept = kept[: len(kept) // 2]


def read_ledger(summary: str) -> Ledger | None:
    """Return what our summary comment remembers; None where it does not, or where somebody damaged it."""
    lines = summary.replace("\r\n", "\n").lstrip().split("\n", 2)
    match = _LEDGER.fullmatch(lines[1].strip()) if len(lines) > 1 and lines[0].startswith(SUMMARY_MARK) else None
    parsed = _read(_Ledger, match[1]) if match else None
    if parsed is None:
        return None
    files = None if parsed.files is None else _split(parsed.files)
    return Ledger(parsed.head, parsed.base, parsed.job, files, tuple(one.entry() for one in parsed.entries))


def without_marks(summary: str) -> str:
    """Return the text of a summary as people see it."""
    lines = summary.replace("\r\n", "\n").lstrip().split("\n")
    while lines and lines[0].startswith("<!-- reviewer:"):
        lines = lines[1:]
    return "\n".join(lines)


def _ledger_json(ledger: Ledger, entries: Sequence[LedgerEntry]) -> dict[str, Any]:
    files = None if ledger.files is None else base64.b64encode(b"".join(sorted(ledger.files))).decode("ascii")
    return {
        "head": ledger.head,
        "base": ledger.base,
        "job": ledger.job,
        "files": files,
        "entries": [_json(replace(one, quote="")) for one in entries],
    }


def _split(files: str) -> frozenset[bytes]:
    try:
        data = base64.b64decode(files, validate=True)
    except ValueError:
        return frozenset()
    return frozenset(data[at : at + DIGEST_BYTES] for at in range(0, len(data), DIGEST_BYTES))


def _json(entry: LedgerEntry) -> dict[str, Any]:
    """Return the entry with the short names of `_Entry`, without what is as by default."""
    values = {field.alias or name: getattr(entry, name) for name, field in _Entry.model_fields.items()}
    defaults = {field.alias or name: field.default for name, field in _Entry.model_fields.items()}
    return {name: value for name, value in values.items() if value != defaults[name]}


def _packed(value: dict[str, Any]) -> str:
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return base64.b64encode(zlib.compress(text.encode("ascii"), 9)).decode("ascii")


Model = TypeVar("Model", bound=BaseModel)


def _read(model: type[Model], data: str) -> Model | None:
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(base64.b64decode(data, validate=True), _MAX_UNPACKED)
        return model.model_validate_json(text) if unpacker.eof else None
    except (ValueError, zlib.error, ValidationError):
        return None
