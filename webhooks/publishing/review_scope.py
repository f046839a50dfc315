"""What a summary is about: the pull request, how much of it was reviewed, and the status of its findings. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from reviewer.domain.severity import Severity
from webhooks.publishing.markers.bill import RunBill
from webhooks.publishing.markers.ledger_entries import FindingStatus, LedgerEntry
from webhooks.publishing.text import count_noun


@dataclass(frozen=True, slots=True)
class ReviewTarget:
    """Where a review is posted. `web_url` is the pull request's page, `base_ref` the name of its base branch.

    `bill` is what the run has cost, where the summary keeps that (in the Action).
    """

    repository: str
    number: int
    head_sha: str
    web_url: str
    base_sha: str = ""
    job: str = ""
    base_ref: str = ""
    bill: RunBill | None = None


@dataclass(frozen=True, slots=True)
class ReviewScope:
    """How much of the pull request was reviewed.

    `reviewed` counts the files whose change is reviewed by now, `fresh` those of them that this run reviewed. `since`
    is the head of the review before this one, empty where this run reviewed everything. `digests` identify by path
    what the change does to a file now. `total_usd` is what the pull request has cost so far, where that is known.
    `new_base` is the base branch where the review before this one was against another, else empty. `total` counts the
    files of the pull request, 0 where that is not known.
    `left_out` counts the files that a command for some paths left to a later review, and `unanswered` those among them
    for which the model could not be used. `needless` tells of what kinds the
    changes that this run looked at are, where none of them needs a review, else empty.
    """

    reviewed: int
    fresh: int
    since: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    total_usd: Decimal | None = None
    new_base: str = ""
    total: int = 0
    left_out: int = 0
    unanswered: int = 0
    needless: str = ""


@dataclass(frozen=True, slots=True)
class FindingSummary:
    """The entries of the ledger, the addresses of their comments by id, and how many entries are new.

    `order` holds the places of this run's findings in the order in which people should see them, by fingerprint.
    `paused_by` is as in the ledger.
    """

    entries: tuple[LedgerEntry, ...]
    urls: Mapping[int, str]
    new: int = 0
    order: Mapping[str, int] = field(default_factory=dict)
    paused_by: str = ""

    def of(self, status: FindingStatus, *, inline: bool | None = None) -> list[LedgerEntry]:
        """Return the entries with that status: in this run's order, or with others among them the most severe first."""
        chosen = [entry for entry in self.entries if entry.status is status and inline in (None, entry.inline)]
        last = len(self.order)
        if all(entry.fingerprint in self.order for entry in chosen):
            return sorted(chosen, key=lambda entry: self.order[entry.fingerprint])
        return sorted(
            chosen,
            key=lambda entry: (
                -entry.severity.rank, self.order.get(entry.fingerprint, last), entry.path, entry.line
            ),
        )  # fmt: skip


def headline(findings: FindingSummary, scope: ReviewScope) -> str:
    """Return one line: the open findings and how many files were reviewed; says so when nothing was reviewed."""
    inline = findings.of(FindingStatus.OPEN, inline=True)
    listed = findings.of(FindingStatus.OPEN, inline=False)
    files = count_noun(scope.reviewed, "file")
    if scope.total > scope.reviewed:
        files = f"{scope.reviewed:,} of {count_noun(scope.total, 'file')}"
    if not scope.reviewed and not scope.unanswered and not inline and not listed:
        return f"Nothing here needs a review: {scope.needless}" if scope.needless else "Nothing was reviewed"
    if scope.left_out:
        files = f"{scope.reviewed:,} of {count_noun(scope.reviewed + scope.left_out, 'file')}"
    if not inline and not listed:
        return f"No open findings in {files} reviewed" if scope.since else f"No findings in {files} reviewed"
    levels = Counter(entry.severity for entry in inline)
    nouns = {Severity.INFO: "remark"}
    detail = ", ".join(
        count_noun(levels[level], nouns.get(level, level)) for level in reversed(Severity) if levels[level]
    )
    more = f"; {len(listed)} less important" if listed else ""
    kind = "open finding" if scope.since else "finding"
    return f"{count_noun(len(inline), kind)}{f' ({detail})' if detail else ''} in {files} reviewed{more}"
