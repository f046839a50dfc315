"""The markers of a finding's thread: the one that ends its comment, and the one that ends the reply "fixed". Pure.

`<!-- reviewer:finding FINGERPRINT at=PLACE [was=SHA] v1=DATA -->`, `<!-- reviewer:fixed head=SHA [left=1] -->`. Whose
comment it is has to be checked by the caller.
"""

from __future__ import annotations

import re
from dataclasses import replace

from reviewer.diff.model import Side
from reviewer.domain.findings import Category
from reviewer.domain.severity import Severity
from webhooks.publishing.markers.ledger_entries import EntryData, FindingStatus, LedgerEntry, entry_to_json
from webhooks.publishing.markers.syntax import Marker, last_line, pack, unpack, without_outer_markers

_FINDING = Marker("finding")
_FIXED = Marker("fixed")
_WITHDRAWN = Marker("withdrawn")

_HEX = re.compile(r"[0-9a-f-]+")
_SHA = re.compile(r"[0-9a-f]{7,64}")


def finding_marker(entry: LedgerEntry) -> str:
    """Return the marker of a finding's comment; the finding can be restored from it alone."""
    was = {"was": entry.sha} if entry.sha else {}
    return _FINDING.write(entry.fingerprint, at=entry.place, **was, v1=pack(entry_to_json(entry, is_whole=True)))


def read_finding(body: str, path: str = "", line: int = 0) -> LedgerEntry | None:
    """Return the finding whose marker ends our comment, or None.

    Where the marker's data is damaged, the finding is restored from the rest of the comment, on `path` at `line`.
    """
    fields = _FINDING.read_damaged(last_line(body))
    if fields is None or not _HEX.fullmatch(fields.first) or not _HEX.fullmatch(fields.get("at")):
        return None
    was = fields.get("was") if _SHA.fullmatch(fields.get("was")) else ""
    data = unpack(EntryData, fields.get("v1"))
    if data is None or data.fingerprint != fields.first:
        return _from_damaged_marker(body, fields.first, fields.get("at"), was, path, line)
    explanation = _explanation_in_old_comment(body) if data.explanation is None else data.explanation
    return replace(data.entry(), status=FindingStatus.OPEN, sha=was, explanation=explanation)


def _from_damaged_marker(body: str, fingerprint: str, place: str, was: str, path: str, line: int) -> LedgerEntry:
    """Return what is left of a finding whose marker lost its data. FALLBACK: reads the title from our own text."""
    return LedgerEntry(
        fingerprint=fingerprint,
        place=place,
        code="",
        path=path,
        side=Side.RIGHT,
        line=line,
        lines=1,
        severity=Severity.WARNING,
        category=Category.BUG,
        title=body.lstrip().partition("\n")[0].rpartition("): ")[2][:200],
        sha=was,
        explanation=_explanation_in_old_comment(body),
    )


def _explanation_in_old_comment(body: str) -> str:
    """Return the explanation in a comment of ours. FALLBACK for markers without it: reads our own text."""
    return without_outer_markers(body).partition("\n")[2].partition("\n```suggestion")[0].strip()


def fixed_marker(head: str, *, left: bool = False) -> str:
    """Return the marker of the reply that says that a finding is fixed, or that its file left the pull request."""
    return _FIXED.write(head=head, left="1") if left else _FIXED.write(head=head)


def read_fixed(body: str) -> str:
    """Return the head in which a reply of ours says that the finding is fixed, or an empty text."""
    fields = _FIXED.read(last_line(body))
    head = fields.get("head") if fields else ""
    return head if _SHA.fullmatch(head) else ""


def withdrawn_marker(job: str, done: int) -> str:
    """Return the marker of the answer in which we take a finding back; it is also the answer to that job."""
    return _WITHDRAWN.write(job=job, done=str(done))


def is_withdrawal(body: str) -> bool:
    """Whether a reply of ours takes the finding back."""
    return any(_WITHDRAWN.read(line) is not None for line in body.replace("\r\n", "\n").split("\n"))


def read_left(body: str) -> bool:
    """Whether a reply of ours says that the finding's file is no longer part of the pull request."""
    fields = _FIXED.read(last_line(body))
    return fields is not None and fields.get("left") == "1"
