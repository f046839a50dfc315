"""Find secrets that a change adds: each is a finding of its own, without its value and without the model. Pure.

What counts as a secret is decided by `reviewer.safety.redaction`. A secret that the change only moves is not added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reviewer.diff.model import Diff, FileDiff, Hunk, Line, Side
from reviewer.domain.findings import Category, Finding, Rejected
from reviewer.domain.severity import Confidence, Severity
from reviewer.safety.invisible import INVISIBLE
from reviewer.safety.redaction import redact
from reviewer.safety.secret_contexts import NAMELESS
from reviewer.tasks.verification.fingerprints import fingerprint

#: Secrets that are reported one by one; of more, only the number is. Values that are looked for in all removed text.
MOST_SECRETS, MOST_SEARCHES = 30, 200

_KIND = re.compile(r"\[redacted: ([^\]\n]{1,60})\]")
_MATERIAL = "key material"

_BODY = (
    "Whoever can read the repository can use it, and it stays in the history when the line is removed. Revoke it and "
    "make a new one; keep that in a secret store or an environment variable, and read it from there."
)

#: What a finding is about that says the same in other words.
_SAYS_SECRET = re.compile(
    r"secret|credential|token|password|passwd|(?:api|private|access|signing).?key|hard-?coded", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class AddedSecrets:
    """The findings, and a note where there are more than are reported one by one."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Secret:
    """Secrets on one added line, or the lines of one key: their kinds."""

    file: FileDiff
    lines: tuple[Line, ...]
    kinds: tuple[str, ...]


@dataclass(slots=True)
class _Removed:
    """The lines that the change removes. Time is linear in them, however many secrets are added."""

    text: str
    searches: int = 0
    _values: frozenset[str] | None = None

    def holds(self, value: str) -> bool:
        """Whether a value stands on the lines: as a secret, or, for the first values, as a part of whatever it is."""
        if self._values is None:
            rows = zip(self.text.split("\n"), redact(self.text)[0].split("\n"), strict=True)
            self._values = frozenset(found for line, clean in rows for _, found in _values(line, clean))
        self.searches += value not in self._values
        return value in self._values or (self.searches <= MOST_SEARCHES and value in self.text)


def added_secrets(diff: Diff, files: Sequence[FileDiff]) -> AddedSecrets:
    """Return a finding for each secret that those files of the diff add."""
    rows = (row for file in diff.files for hunk in file.hunks for row in hunk.lines if row.kind == "-")
    removed = _Removed("\n".join(INVISIBLE.sub("", row.text) for row in rows))
    found = [secret for file in files for hunk in file.hunks for secret in _in_hunk(file, hunk, removed)]
    findings = [finding for secret in found[:MOST_SECRETS] if (finding := _finding(diff, secret)) is not None]
    more = len(found) - MOST_SECRETS
    note = f"Secrets are added in {more} more places; the first {MOST_SECRETS} are reported." if more > 0 else ""
    return AddedSecrets(tuple(findings), (note,) if note else ())


def drop_repeated(
    claims: Sequence[Finding], secrets: Sequence[Finding]
) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    """Split off what the model says of the same secrets, so that each is reported once."""
    kept: list[Finding] = []
    rejected: list[Rejected] = []
    for claim in claims:
        if any(_repeats(claim, secret) for secret in secrets):
            detail = "the added secret is reported already"
            rejected.append(Rejected("duplicate", claim.anchor.path, claim.title, detail))
        else:
            kept.append(claim)
    return tuple(kept), tuple(rejected)


def _repeats(claim: Finding, secret: Finding) -> bool:
    if not claim.anchor.overlaps(secret.anchor):
        return False
    same = claim.category is Category.SECURITY and claim.anchor == secret.anchor
    return same or _SAYS_SECRET.search(f"{claim.title} {claim.claim}") is not None


def _in_hunk(file: FileDiff, hunk: Hunk, removed: _Removed) -> Iterator[_Secret]:
    """Yield the secrets that a hunk adds; the lines of one key are one."""
    lines = [line for line in hunk.lines if line.kind != "-"]
    texts = [INVISIBLE.sub("", line.text) for line in lines]
    shown, count = redact("\n".join(texts))
    if not count:
        return
    key: list[Line] = []
    for line, text, clean in zip(lines, texts, shown.split("\n"), strict=True):
        kinds = tuple(
            dict.fromkeys(kind for kind, value in _values(text, clean) if kind != NAMELESS and not removed.holds(value))
        )
        if line.kind == "+" and kinds == (_MATERIAL,):
            key.append(line)
            continue
        if key:
            yield _Secret(file, tuple(key), ("private key",))
            key = []
        if line.kind == "+" and kinds:
            yield _Secret(file, (line,), tuple(kind.replace(_MATERIAL, "private key") for kind in kinds))
    if key:
        yield _Secret(file, tuple(key), ("private key",))


def _values(text: str, clean: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the value of each secret on a line, from the line and what redaction made of it."""
    if text == clean:
        return
    parts = _KIND.split(clean)
    at = len(parts[0])
    for kind, after in zip(parts[1::2], parts[2::2], strict=True):
        end = text.find(after, at) if after else len(text)
        end = len(text) if end < 0 else end
        yield kind, text[at:end]
        at = end + len(after)


def _finding(diff: Diff, secret: _Secret) -> Finding | None:
    path, first, last = secret.file.path, secret.lines[0].new or 0, secret.lines[-1].new or 0
    anchor = diff.anchor(path, last, first if first < last else None, Side.RIGHT) or diff.anchor(
        path, first, None, Side.RIGHT
    )
    if anchor is None:
        return None
    quote = "\n".join(line.text for line in secret.lines)
    title = f"A secret is added: {', '.join(secret.kinds)}"
    return Finding(
        anchor=anchor,
        severity=Severity.ERROR,
        category=Category.SECURITY,
        title=title,
        body=_BODY,
        quote=quote,
        confidence=Confidence.HIGH,
        fingerprint=fingerprint(path, Category.SECURITY, redact(quote)[0], title),
    )
