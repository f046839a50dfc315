"""The markers of the summary comment: its first two lines, and one before each suggested test. Pure.

`<!-- reviewer:summary head=SHA -->`, then `<!-- reviewer:ledger v1=DATA -->`, which also holds a digest of each file
whose change was reviewed. Before a suggested test: `<!-- reviewer:test v=2 of=DIGEST size=CHARACTERS for=DIGEST -->`.
Before the text of a finding that is only listed: `<!-- reviewer:listed of=FINGERPRINT size=CHARACTERS -->`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from webhooks.publishing.incremental import DIGEST_BYTES
from webhooks.publishing.markers.ledger_entries import SHA, EntryData, FindingStatus, LedgerEntry, entry_to_json
from webhooks.publishing.markers.syntax import PREFIX, Marker, MarkerFields, pack, unpack

#: Characters that the ledger may take in the summary, which GitHub limits to 65,536.
MAX_LEDGER = 36_000

#: Files whose digests are kept, as many as GitHub lists; where they do not fit, two heads' trees are compared instead.
MAX_FILES = 3_000

_SUMMARY = Marker("summary")
_LEDGER = Marker("ledger")
_TEST = Marker("test", version=2)
_LISTED = Marker("listed")
_BLANK_LINES = re.compile(r"\n{3,}")

_PART = Marker("part")
_END = Marker("end")


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the summary comment remembers: the last reviewed head and base, by which job, which files, what was found.

    `base` is the sha and `base_ref` the branch, which is empty in summaries of older releases. `reviewed`,
    `left_out` and `unanswered` count files as `ReviewScope` does. `paused_by` is who ended the automatic reviews with
    `/pause`, empty while they are made. `files` are digests of each file whose change was reviewed; None: there were
    too many to keep.
    """

    head: str = ""
    base: str = ""
    job: str = ""
    files: frozenset[bytes] | None = frozenset()
    entries: tuple[LedgerEntry, ...] = ()
    base_ref: str = ""
    paused_by: str = ""
    reviewed: int = 0
    left_out: int = 0
    unanswered: int = 0


class _LedgerData(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    head: str = Field(pattern=SHA)
    base: str = Field(default="", pattern=SHA)
    ref: str = Field(default="", max_length=300)
    paused: str = Field(default="", max_length=100)
    reviewed: int = Field(default=0, ge=0)
    left_out: int = Field(default=0, ge=0)
    unanswered: int = Field(default=0, ge=0)
    job: str = Field(default="", max_length=400)
    files: str | None = None
    entries: tuple[EntryData, ...] = ()


def summary_markers(ledger: Ledger) -> str:
    """Return the two lines that begin the summary, within MAX_LEDGER characters.

    What does not fit is left out from the least important: the files (two trees are compared instead), then what is
    fixed, dismissed and open. A finding with a comment stays known by the comment's own marker.
    """
    head = f"{_SUMMARY.write(head=ledger.head)}\n"
    if ledger.files is not None and len(ledger.files) > MAX_FILES:
        ledger = replace(ledger, files=None)
    order = [FindingStatus.OPEN, FindingStatus.DISMISSED, FindingStatus.FIXED]
    kept = sorted(ledger.entries, key=lambda entry: order.index(entry.status))
    while True:
        text = f"{head}{_LEDGER.write(v1=pack(_ledger_to_json(ledger, kept)))}\n"
        if len(text) <= MAX_LEDGER or not (kept or ledger.files):
            return text
        if ledger.files:
            ledger = replace(ledger, files=None)
        else:
            kept = kept[: len(kept) // 2]


def is_summary(body: str) -> bool:
    """Whether a comment begins with the marker of a summary, whatever its version."""
    return body.lstrip().startswith(_SUMMARY.beginning)


def read_summary_head(body: str) -> str:
    """Return the sha of the head that a summary is about, or an empty text."""
    fields = _SUMMARY.read(body.lstrip().partition("\n")[0])
    return fields.get("head") if fields else ""


def read_ledger(summary: str) -> Ledger | None:
    """Return what our summary comment remembers; None where it does not, or where somebody damaged it."""
    lines = summary.replace("\r\n", "\n").lstrip().split("\n", 2)
    fields = _LEDGER.read(lines[1]) if len(lines) > 1 and is_summary(lines[0]) else None
    data = unpack(_LedgerData, fields.get("v1")) if fields else None
    if data is None:
        return None
    files = None if data.files is None else _split(data.files)
    entries = tuple(entry.entry() for entry in data.entries)
    counts = (data.reviewed, data.left_out, data.unanswered)
    return Ledger(data.head, data.base, data.job, files, entries, data.ref, data.paused, *counts)


def without_markers(summary: str) -> str:
    """Return the text of a summary as people see it."""
    lines = summary.replace("\r\n", "\n").lstrip().split("\n")
    while lines and lines[0].startswith(PREFIX):
        lines = lines[1:]
    shown = [line for line in lines if _PART.read(line) is None and _END.read(line) is None]
    return _BLANK_LINES.sub("\n\n", "\n".join(shown)).strip("\n")


def without_ledger(summary: str) -> str:
    """Return a summary without the two lines that begin it, its other markers included."""
    lines = summary.replace("\r\n", "\n").lstrip().split("\n")
    kept = 0
    while kept < len(lines) and kept < 2 and lines[kept].startswith((_SUMMARY.beginning, _LEDGER.beginning)):
        kept += 1
    return "\n".join(lines[kept:])


def marked_part(name: str, text: str) -> str:
    """Return a part of the summary between markers, so that it can be replaced without a review."""
    return f"{_PART.write(name)}\n{text}\n\n{_END.write(name)}"


def with_part(summary: str, name: str, text: str) -> str:
    """Return the summary with another text between the markers of that name; at its beginning where there are none."""
    begin, end = f"{_PART.write(name)}\n", f"\n{_END.write(name)}"
    before, found, rest = summary.partition(begin)
    _, closed, after = rest.partition(end)
    part = marked_part(name, text)
    return f"{before}{part}{after}" if found and closed else f"{part}\n\n{summary}"


def _ledger_to_json(ledger: Ledger, entries: Sequence[LedgerEntry]) -> dict[str, Any]:
    files = None if ledger.files is None else base64.b64encode(b"".join(sorted(ledger.files))).decode("ascii")
    return {
        "head": ledger.head,
        "base": ledger.base,
        "ref": ledger.base_ref[:300],
        "job": ledger.job,
        "files": files,
        **({"paused": ledger.paused_by[:100]} if ledger.paused_by else {}),
        "reviewed": ledger.reviewed,
        "left_out": ledger.left_out,
        **({"unanswered": ledger.unanswered} if ledger.unanswered else {}),
        "entries": [entry_to_json(entry, is_whole=False) for entry in entries],
    }


def _split(files: str) -> frozenset[bytes]:
    try:
        data = base64.b64decode(files, validate=True)
    except ValueError:
        return frozenset()
    return frozenset(data[at : at + DIGEST_BYTES] for at in range(0, len(data), DIGEST_BYTES))


# ----------------------------------------------------------------------- suggested tests


@dataclass(frozen=True, slots=True)
class ShownTest:
    """A suggested test in a summary: its Markdown, a digest of the change that it tests and one of its own path.

    `test_file` is empty in summaries of older releases.
    """

    markdown: str
    tested_change: str
    test_file: str


def shown_test(markdown: str, tested_change: str, path: str) -> ShownTest:
    """Return a test as it is shown in the summary; `path` is that of the file it is in."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return ShownTest(markdown, tested_change, digest)


def marked_test(test: ShownTest) -> str:
    """Return the Markdown of a test with its marker before it.

    The marker tells how long the Markdown is, so that the next review can keep it without looking into text that a
    model wrote.
    """
    fields = {"of": test.tested_change, "size": str(len(test.markdown))}
    fields |= {"for": test.test_file} if test.test_file else {}
    return f"{_TEST.write(**fields)}\n{test.markdown}"


def read_shown_tests(summary: str) -> Iterator[ShownTest]:
    """Yield the suggested tests of a summary. What is inside the Markdown of one is no marker."""
    for fields, markdown in _marked_texts(summary, _TEST):
        if markdown.startswith("<details>") and markdown.endswith("</details>"):
            yield ShownTest(markdown, fields.get("of"), fields.get("for"))


def _marked_texts(summary: str, marker: Marker) -> Iterator[tuple[MarkerFields, str]]:
    """Yield the fields of each marker of that kind, and the text of the length that it names. Texts do not nest."""
    summary = summary.replace("\r\n", "\n")
    position = 0
    while (found := summary.find(marker.beginning, position)) >= 0:
        line, _, _ = summary[found:].partition("\n")
        fields = marker.read(line)
        position = found + len(line) + 1
        size = fields.get("size") if fields else ""
        if fields is None or not (size.isascii() and size.isdecimal() and len(size) <= 6):
            continue
        text = summary[position : position + int(size)]
        yield fields, text
        position += len(text)


# ----------------------------------------------------------------------- findings that are only listed


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """The text of a finding that has no comment, neutralised, and the fingerprint of the finding."""

    markdown: str
    fingerprint: str


def marked_finding(finding: ShownFinding) -> str:
    """Return the text with its marker before it, so that the next review can keep it."""
    return f"{_LISTED.write(of=finding.fingerprint, size=str(len(finding.markdown)))}\n{finding.markdown}"


def read_shown_findings(summary: str) -> Iterator[ShownFinding]:
    """Yield the texts of the findings that a summary only lists."""
    for fields, markdown in _marked_texts(summary, _LISTED):
        yield ShownFinding(markdown, fields.get("of"))
