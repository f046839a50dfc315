"""One finding as the markers keep it: a value, and its JSON form with short names. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reviewer.diff.model import Side
from reviewer.domain.findings import Category
from reviewer.domain.severity import Severity

#: Characters of the quote and of the explanation that a comment's marker keeps for when the code has changed.
MAX_QUOTE, MAX_EXPLANATION = 1_000, 4_000

#: Characters of what somebody said who dismissed a finding.
MAX_WHY = 200

#: A commit's sha, its beginning, or an empty text.
SHA = r"^[0-9a-f]{0,64}$"


class FindingStatus(StrEnum):
    """The status of a finding. A regression is OPEN with the `sha` in which it was fixed before."""

    OPEN = "open"
    FIXED = "fixed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One finding of the ledger.

    `place` and `code` identify the code it is about, in its file and anywhere; `lines` is the number of lines, `line`
    the last of them when it was last seen, on `side`; `around` is a digest of the lines near it. `inline`: it was meant
    for an inline comment, otherwise it is a line of the summary. `sha`: the head in which it was found fixed, or, of an
    open one, the head in which it had been fixed before. `comment_id` is 0 where no comment of ours is known. `quote`
    and `explanation` are empty where only the summary's ledger is known. `silenced`: it is open, and people without
    write access dismissed it. `left`: it counts as fixed since the pull request has another base branch now, and its
    file is no part of it any more.

    Of a dismissed finding, `by` is who dismissed it and `why` what they said. `withdrawn`: we took it back ourselves,
    after somebody contradicted. `unwanted`: somebody said that of this finding, and not only of its thread that it is
    resolved. `by_command`: `/dismiss all` did it, so its open thread says nothing; `closed`: we resolved that thread.
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
    inline: bool = True
    sha: str = ""
    comment_id: int = 0
    quote: str = ""
    explanation: str = ""
    silenced: bool = False
    left: bool = False
    withdrawn: bool = False
    by: str = ""
    why: str = ""
    by_command: bool = False
    closed: bool = False
    unwanted: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the finding still counts."""
        return self.status is FindingStatus.OPEN

    def dismissed(self, by: str, why: str, *, unwanted: bool) -> LedgerEntry:
        """Return the entry as somebody dismissed it."""
        return replace(self, status=FindingStatus.DISMISSED, silenced=False, by=by, why=why, unwanted=unwanted)

    def withdrawn_by_us(self, by: str, why: str) -> LedgerEntry:
        """Return the entry as we took it back, after that person contradicted, if it is known who did."""
        return replace(self.dismissed(by, why, unwanted=bool(by)), withdrawn=True)

    def reopened(self, *, silenced_by: tuple[str, str] | None) -> LedgerEntry:
        """Return the entry as open; `silenced_by` is who dismissed it without write access, and what they said."""
        by, why = silenced_by or ("", "")
        return replace(
            self,
            status=FindingStatus.OPEN,
            sha=self.sha if self.is_open else "",
            silenced=silenced_by is not None,
            left=False,
            withdrawn=False,
            by=by,
            why=why,
            by_command=False,
            closed=False,
            unwanted=False,
        )


class EntryData(BaseModel):
    """The JSON form of an entry. `explanation` is None in markers of releases that did not keep it."""

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
    inline: bool = Field(default=True, alias="i")
    sha: str = Field(default="", alias="h", pattern=SHA)
    comment_id: int = Field(default=0, alias="m", ge=0)
    quote: str = Field(default="", alias="q", max_length=MAX_QUOTE)
    explanation: str | None = Field(default=None, alias="e", max_length=MAX_EXPLANATION)
    silenced: bool = Field(default=False, alias="x")
    left: bool = Field(default=False, alias="o")
    withdrawn: bool = Field(default=False, alias="w")
    by: str = Field(default="", alias="b", max_length=100)
    why: str = Field(default="", alias="y", max_length=MAX_WHY)
    by_command: bool = Field(default=False, alias="j")
    closed: bool = Field(default=False, alias="r")
    unwanted: bool = Field(default=False, alias="u")

    def entry(self) -> LedgerEntry:
        """Return the entry."""
        return LedgerEntry(**{**dict(self), "explanation": self.explanation or ""})


def entry_to_json(entry: LedgerEntry, *, is_whole: bool) -> dict[str, Any]:
    """Return the JSON form of an entry, without default values. Only where `is_whole` with quote and explanation."""
    values = {name: getattr(entry, name) for name in EntryData.model_fields}
    values |= {
        "quote": entry.quote[:MAX_QUOTE] if is_whole else "",
        "explanation": entry.explanation[:MAX_EXPLANATION] if is_whole else None,
    }
    fields = EntryData.model_fields.items()
    return {field.alias or name: values[name] for name, field in fields if values[name] != field.default}
