"""Keep the status of each finding of a pull request, from our comments, people's reactions and a new review. Pure.

Promises: nothing is posted twice, an open finding is never forgotten, and a finding that a person dismissed is not
repeated, also when its code moves. The same input gives the same ledger, so it can be computed again at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from reviewer.diff.model import Diff, FileStatus
from reviewer.domain.findings import Finding
from reviewer.safety.redaction import redact
from reviewer.tasks.verification.fingerprints import code_identity, place_digest
from reviewer.tasks.verification.similarity import similar_titles
from webhooks.publishing.incremental import CodePlace, code_places, file_digest
from webhooks.publishing.markers.finding import read_finding
from webhooks.publishing.markers.ledger_entries import FindingStatus, LedgerEntry
from webhooks.publishing.markers.summary import Ledger, read_ledger


@dataclass(frozen=True, slots=True)
class Thread:
    """One inline comment of ours and the state of its thread.

    `resolved_by` is who resolved the thread, empty while it is open, None where it is unknown; `ours`: we did. `fixed`
    is the head in which a reply of ours calls it fixed, or, with `left`, no longer part of it; `withdrawn`: one takes
    it back. `dismissed`: a person who may did so in a reply or with a thumbs down. `silenced`: only people without
    write access did, or resolved the thread. `by` and `why`: who dismissed it, or contradicted, and what they said.
    """

    comment_id: int
    body: str
    path: str = ""
    line: int = 0
    url: str = ""
    node_id: str = ""
    resolved_by: str | None = None
    ours: bool = False
    fixed: str = ""
    left: bool = False
    dismissed: bool = False
    silenced: bool = False
    withdrawn: bool = False
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class PostedState:
    """What we posted on the pull request: the summary comment and the inline comments, oldest first.

    A summary without an id belongs to another identity of this program: it is trusted, but cannot be edited.
    """

    summary_id: int | None = None
    summary_body: str = ""
    summary_url: str = ""
    threads: tuple[Thread, ...] = ()

    @property
    def ledger(self) -> Ledger | None:
        """The ledger in the summary."""
        return read_ledger(self.summary_body)


@dataclass(frozen=True, slots=True)
class SettledLedger:
    """The ledger after a review: `new` findings to post, each with its entry; entries that this review found `fixed`.

    `silent` counts dismissed findings that were found again.
    """

    entries: tuple[LedgerEntry, ...] = ()
    new: tuple[tuple[Finding, LedgerEntry], ...] = ()
    fixed: tuple[LedgerEntry, ...] = ()
    silent: int = 0


def current_ledger(posted: PostedState) -> tuple[LedgerEntry, ...]:
    """Return the ledger before a review: the summary's ledger, corrected by the threads.

    A comment that the summary does not know (the job was killed) is added; one that is gone counts as dismissed.
    """
    known = posted.ledger or Ledger()
    by_comment = {entry.comment_id: entry for entry in known.entries if entry.comment_id}
    merged = {entry.fingerprint: entry for entry in known.entries}
    alive: dict[str, Thread] = {}
    for thread in posted.threads:
        marker = read_finding(thread.body, thread.path, thread.line)
        earlier = by_comment.get(thread.comment_id)
        if (entry := earlier or marker) is None:
            continue
        before = merged.get(entry.fingerprint)
        if earlier is not None:
            # An edited comment may have lost its marker; the summary still has its entry.
            merged[entry.fingerprint] = replace(
                earlier, quote=marker.quote if marker else "", explanation=marker.explanation if marker else ""
            )
        elif before is None or before.comment_id < thread.comment_id:
            merged[entry.fingerprint] = replace(entry, comment_id=thread.comment_id)
        if merged[entry.fingerprint].comment_id == thread.comment_id:
            alive[entry.fingerprint] = thread
    return tuple(_now(entry, alive.get(entry.fingerprint)) for entry in merged.values())


def _now(entry: LedgerEntry, thread: Thread | None) -> LedgerEntry:
    """Return the entry with the status that follows from its thread."""
    if thread is None:
        gone = entry.comment_id and entry.status is FindingStatus.OPEN
        return replace(entry, status=FindingStatus.DISMISSED) if gone else entry
    if thread.withdrawn:
        return entry.withdrawn_by_us(thread.by, thread.why)
    was_fixed = entry.status is FindingStatus.FIXED
    resolved_by_others = bool(thread.resolved_by) and not thread.ours
    if thread.dismissed or (resolved_by_others and not thread.silenced and not was_fixed):
        by, why = thread.by or entry.by or thread.resolved_by or "", thread.why or entry.why
        return entry.dismissed(by, why, unwanted=thread.dismissed)
    if entry.by_command and entry.status is FindingStatus.DISMISSED and (thread.resolved_by or not entry.closed):
        return entry
    if thread.fixed or (thread.resolved_by and thread.ours):
        sha = "" if (left := entry.left or thread.left) else thread.fixed or entry.sha
        return replace(entry, status=FindingStatus.FIXED, sha=sha, silenced=False, left=left)
    if thread.resolved_by == "" or (thread.silenced and not was_fixed):
        # Somebody opened the thread again, or nobody with write access closed it, whatever the ledger says.
        return entry.reopened(silenced_by=(thread.by, thread.why) if thread.silenced else None)
    return entry


def outstanding(entries: Sequence[LedgerEntry], found: Sequence[Finding], diff: Diff) -> list[LedgerEntry]:
    """Return the open entries to check again, since their code, or the lines near it, changed.

    Those that a review has just found again are not checked; those whose file left the change are fixed.
    """
    located = _located(diff, entries)
    again = {entry.fingerprint for finding in found if (entry := _match(entries, finding, located)) is not None}
    return [
        _at(entry, located.get(entry.fingerprint))
        for entry in entries
        if entry.status is FindingStatus.OPEN
        and entry.fingerprint not in again
        and _in_change(entry, diff, located)
        and _around(entry, diff, located) != entry.around
    ]


def settle(
    entries: Sequence[LedgerEntry],
    findings: Sequence[Finding],
    below: Sequence[Finding],
    diff: Diff,
    *,
    head: str,
    gone: frozenset[str] = frozenset(),
    is_new_base: bool = False,
) -> SettledLedger:
    """Add a review to the ledger. `gone` are the fingerprints of defects that were found to be fixed.

    `is_new_base`: the last review was against another base branch, so files may have left the change unmended.
    """
    located = _located(diff, entries)
    after = {entry.fingerprint: entry for entry in entries}
    seen: set[str] = set()
    new: list[tuple[Finding, LedgerEntry]] = []
    silent = 0
    for finding, inline in [*((found, True) for found in findings), *((found, False) for found in below)]:
        match = _match(entries, finding, located)
        if match is not None and match.status is FindingStatus.DISMISSED:
            silent += 1
            continue
        entry = entry_of(finding, diff, inline=inline)
        if match is not None:
            entry = _merged(match, entry)
            after.pop(match.fingerprint, None)
        seen.add(entry.fingerprint)
        after[entry.fingerprint] = entry
        if inline and (match is None or not match.inline or match.status is FindingStatus.FIXED):
            new.append((finding, entry))
    absent = partial(_without_finding, diff=diff, located=located, head=head, gone=gone, is_new_base=is_new_base)
    updated = [entry if entry.fingerprint in seen else absent(entry) for entry in after.values()]
    was_open = {entry.fingerprint for entry in entries if entry.status is FindingStatus.OPEN}
    fixed = tuple(entry for entry in updated if entry.status is FindingStatus.FIXED and entry.fingerprint in was_open)
    # A fixed finding that never had a comment is not kept.
    kept = tuple(entry for entry in updated if entry.comment_id or entry.status is not FindingStatus.FIXED)
    return SettledLedger(kept, tuple(new), fixed, silent)


def entry_of(finding: Finding, diff: Diff, *, inline: bool) -> LedgerEntry:
    """Return the entry of a new finding; secrets in its quote and explanation are replaced."""
    anchor, code = finding.anchor, code_identity(finding.quote)
    key = (anchor.path, anchor.side, finding.quote.count("\n") + 1, code)
    spot = code_places(diff, [key]).get(key)
    return LedgerEntry(
        fingerprint=finding.fingerprint,
        place=place_digest(anchor.path, finding.quote),
        code=code,
        path=anchor.path,
        side=anchor.side,
        line=anchor.line,
        lines=key[2],
        severity=finding.severity,
        category=finding.category,
        title=finding.title,
        around=spot.around if spot else _file_around(diff, anchor.path),
        inline=inline,
        quote=redact(finding.quote)[0],
        explanation=redact(finding.body)[0],
    )


def _merged(match: LedgerEntry, found: LedgerEntry) -> LedgerEntry:
    """Return the entry of a finding that was found before: its present place, with the identity of its comment."""
    if match.status is FindingStatus.FIXED:
        return replace(found, sha=match.sha, inline=found.inline)
    return replace(
        found,
        fingerprint=match.fingerprint,
        inline=match.inline or found.inline,
        sha=match.sha,
        comment_id=match.comment_id,
        silenced=match.silenced,
        severity=match.severity,
        title=match.title,
    )


def _without_finding(
    entry: LedgerEntry,
    *,
    diff: Diff,
    located: Mapping[str, CodePlace],
    head: str,
    gone: frozenset[str],
    is_new_base: bool,
) -> LedgerEntry:
    """Return the entry of a finding that this review did not find again."""
    if entry.status is not FindingStatus.OPEN:
        return entry
    if entry.fingerprint in gone or not _in_change(entry, diff, located):
        left = is_new_base and entry.fingerprint not in gone
        return replace(entry, status=FindingStatus.FIXED, sha="" if left else head, left=left)
    return replace(_at(entry, located.get(entry.fingerprint)), around=_around(entry, diff, located))


def _at(entry: LedgerEntry, spot: CodePlace | None) -> LedgerEntry:
    """Return the entry with the present place of its code."""
    return replace(entry, path=spot.path, line=spot.line) if spot else entry


def _in_change(entry: LedgerEntry, diff: Diff, located: Mapping[str, CodePlace]) -> bool:
    file = diff.file(entry.path)
    return entry.fingerprint in located or (file is not None and file.status is not FileStatus.REMOVED)


def _around(entry: LedgerEntry, diff: Diff, located: Mapping[str, CodePlace]) -> str:
    """Return a digest of the lines near the entry's code; where the code is gone, of all changes of its file."""
    if (spot := located.get(entry.fingerprint)) is not None:
        return spot.around
    return _file_around(diff, entry.path)


def _file_around(diff: Diff, path: str) -> str:
    digest = file_digest(file) if (file := diff.file(path)) else None
    return f"file {digest.hex()}" if digest else ""


def _located(diff: Diff, entries: Iterable[LedgerEntry]) -> dict[str, CodePlace]:
    """Find the code of the entries in the change, by fingerprint."""
    keys = {entry.fingerprint: (entry.path, entry.side, entry.lines, entry.code) for entry in entries}
    found = code_places(diff, keys.values())
    return {fingerprint: found[key] for fingerprint, key in keys.items() if key in found}


def _match(entries: Sequence[LedgerEntry], finding: Finding, located: Mapping[str, CodePlace]) -> LedgerEntry | None:
    """Return the entry that a finding repeats: by fingerprint, by code, or by title where the code has changed."""
    path, code = finding.anchor.path, code_identity(finding.quote)
    where = place_digest(path, finding.quote)

    def same_code(entry: LedgerEntry) -> bool:
        spot = located.get(entry.fingerprint)
        # After a file was renamed the code is what is left of the place.
        here = entry.code == code and path in (entry.path, spot.path if spot else None)
        return (entry.place == where or here) and (
            entry.status is not FindingStatus.FIXED or similar_titles(entry.title, finding.title)
        )

    def same_words(entry: LedgerEntry) -> bool:
        changed = entry.fingerprint not in located and entry.status is not FindingStatus.FIXED
        return (
            changed
            and (entry.path, entry.category) == (path, finding.category)
            and similar_titles(entry.title, finding.title)
        )

    for same in (lambda entry: entry.fingerprint == finding.fingerprint, same_code, same_words):
        if (found := next((entry for entry in entries if same(entry)), None)) is not None:
            return found
    return None
