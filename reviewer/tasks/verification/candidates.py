"""Turn the model's findings into findings with an anchor and, if it can be proven, a suggestion.

Each entry of a reply becomes a finding or a `Rejected` with the reason; duplicates are dropped. A suggestion is offered
only when `reviewer.tasks.verification.suggestions` proves it. Pure but for `read_head`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from reviewer.domain.change import Change, added_text
from reviewer.domain.findings import Category, Finding, QuoteMatch, Rejected
from reviewer.domain.severity import Confidence, Severity
from reviewer.languages.paths import is_code
from reviewer.safety.code_blocks import postable
from reviewer.safety.redaction import redact
from reviewer.safety.shortening import shorten_words
from reviewer.tasks.conversation.markdown_fences import unfence, wrapped
from reviewer.tasks.conversation.replies import FindingsReply, RawFinding
from reviewer.tasks.verification.anchoring import LocatedQuote, NotLocated, locate
from reviewer.tasks.verification.fingerprints import fingerprint
from reviewer.tasks.verification.quoting.line_runs import squeezed
from reviewer.tasks.verification.quoting.path_names import line_in_path, resolve_path
from reviewer.tasks.verification.quoting.quotes import decoded
from reviewer.tasks.verification.simplicity import is_simpler
from reviewer.tasks.verification.suggestions import (
    ProvenSuggestion,
    UnprovenSuggestion,
    drop_overlapping,
    prove_suggestion,
)
from reviewer.tasks.verification.triage import deduplicate

#: Most characters of a title, of a claim and of a text.
MAX_TITLE, MAX_CLAIM, MAX_BODY = 200, 400, 4_000

#: A version, image, tag or action as it is written; and words that say that there is no such thing. Only the first
#: characters of a title and of a claim are searched.
_VERSION = re.compile(r"(?:\d\.\d|[@:]v?\d|==\s?\d)")
_NO_SUCH_VERSION = re.compile(
    r"\b(?:versions?|releases?|tags?|images?|actions?|packages?|v?\d{1,9}(?:\.\d{1,9}){1,3})\b[^.;]{0,80}?"
    r"(?:\b(?:does|do|did|may|might|could|can|is|was|has|have)(?: not|n't|not)(?: yet)?(?: been| be)?"
    r" (?:exist|released|published|verified|out yet)|\bnon-?existent\b)"
    r"|\b(?:non-?existent|unreleased|not yet released) (?:\w{1,40} ){0,3}"
    r"(?:versions?|releases?|tags?|images?|actions?)\b",
    re.IGNORECASE,
)
_TOLD_BY = 400

#: What may begin a comment: behind one, a comma is no part of the code.
_MAY_BE_COMMENTED = re.compile(r"//|/\*|#|--")


def candidates(change: Change, replies: Iterable[FindingsReply]) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    """Find the place of each of the model's findings in the diff, drop duplicates, and reject those without a place."""
    placed: list[Finding] = []
    rejected: list[Rejected] = []
    for reply in replies:
        rejected += reply.rejected
        for raw in reply.findings:
            result = _placed(change, raw)
            if isinstance(result, Finding):
                placed.append(result)
            else:
                rejected.append(result)
    kept, duplicates = deduplicate(placed)
    return kept, (*rejected, *duplicates)


def _placed(change: Change, raw: RawFinding) -> Finding | Rejected:
    path = resolve_path(change.diff, raw.path)
    if path is None:
        return Rejected(
            "unknown file", _one_line(raw.path, 300), _one_line(raw.title, 200), "the file is not part of the change"
        )
    line = line_in_path(change.diff, raw.path) if raw.line is None else raw.line
    located = locate(change.diff, path, raw.quote, line)
    if isinstance(located, NotLocated):
        return Rejected(located.reason, path, _one_line(raw.title, 200), located.detail)
    located, raw = _with_last_sign(located, raw)
    quote = "\n".join(line.text for line in located.lines)
    title = _one_line(raw.title, MAX_TITLE)
    if _doubts_version(raw, quote, path):
        return Rejected("cannot be known", path, title, "whether a version exists cannot be told from the code")
    refactoring = raw.category is Category.REFACTORING
    if refactoring and raw.suggestion is None:
        return Rejected("not simpler", path, title, "it gives no replacement that could be measured")
    if refactoring and not is_simpler(quote, unfence(raw.suggestion or ""), path):
        return Rejected(
            "not simpler", path, title, "the replacement is no shorter and no plainer than what it replaces"
        )
    return Finding(
        anchor=located.anchor,
        # Code that could be simpler is never a reason to fail a check.
        severity=Severity.INFO if refactoring else raw.severity,
        category=raw.category,
        title=title,
        body=shorten_words(redact(raw.body.strip())[0], MAX_BODY),
        quote=quote,
        confidence=Confidence.LOW,
        fingerprint=fingerprint(path, raw.category, quote, title),
        advice=_as_meant(raw, located),
        claim=_one_line(raw.claim or "", MAX_CLAIM),
        match=located.match,
        preference=raw.preference or 0,
    )


def _as_meant(raw: RawFinding, located: LocatedQuote) -> str | None:
    """Return the suggestion; if the quote was escaped once too often, without that escaping."""
    if raw.suggestion is None or located.match is not QuoteMatch.DECODED:
        return raw.suggestion
    return decoded(raw.suggestion, raw.quote, [line.text for line in located.lines])


def _doubts_version(raw: RawFinding, quote: str, path: str) -> bool:
    """Whether the finding says only that a version outside of the repository does not exist: the model is older."""
    if is_code(path) and not path.endswith(".tf"):
        return False
    texts = (raw.title[:_TOLD_BY], (raw.claim or "")[:_TOLD_BY])
    return _VERSION.search(quote[:_TOLD_BY]) is not None and any(map(_NO_SUCH_VERSION.search, texts))


def _with_last_sign(located: LocatedQuote, raw: RawFinding) -> tuple[LocatedQuote, RawFinding]:
    """Return place and entry with the comma or semicolon that models leave off behind a quote and its remedy."""
    text = (raw.suggestion or "").rstrip()
    last = text.rpartition("\n")[2]
    if located.match is not QuoteMatch.PART or not text or wrapped(text) or _MAY_BE_COMMENTED.search(last):
        return located, raw
    whole = squeezed("".join(line.text for line in located.lines))
    sign = whole.removeprefix(squeezed(raw.quote))
    if sign not in (",", ";"):
        return located, raw
    mended = text if text.endswith(sign) else text + sign
    return replace(located, match=QuoteMatch.TIDIED), raw.model_copy(update={"suggestion": mended})


def _one_line(text: str, most: int) -> str:
    return shorten_words(redact(" ".join(text.split()))[0], most)


def with_proofs(change: Change, findings: Sequence[Finding]) -> list[Finding]:
    """Turn the advice that can be proven to apply into one-click suggestions, no two for the same lines.

    Reads each file once. If two overlap, a defect's is preferred to a refactoring's, then the one with more confidence.
    """
    paths = sorted({finding.anchor.path for finding in findings if finding.advice is not None})
    head = {path: text for path in paths if (file := change.diff.file(path)) and (text := added_text(file)) is not None}
    head |= {path: change.head[path] for path in paths if path in change.head}
    if unknown := [path for path in paths if path not in head]:
        head.update(change.read_head(unknown))
    proven = [_proven(change, finding, head.get(finding.anchor.path)) for finding in findings]
    return drop_overlapping(
        sorted(proven, key=lambda finding: (finding.category is Category.REFACTORING, -finding.confidence.rank))
    )


def _is_code(text: str) -> bool:
    """Whether the text can be committed as it is posted: no secret in it, and nothing that shows other than it is."""
    return postable(f"{text}\n") and redact(text)[1] == 0


def _proven(change: Change, finding: Finding, head: str | None) -> Finding:
    if finding.advice is None:
        return finding
    place = locate(change.diff, finding.anchor.path, finding.quote, finding.anchor.line)
    located = replace(place, match=finding.match) if isinstance(place, LocatedQuote) else None
    if located is None or located.anchor != finding.anchor:
        result: ProvenSuggestion | UnprovenSuggestion = UnprovenSuggestion("its lines are not in the diff")
    else:
        result = prove_suggestion(located, finding.advice, head, change.formatting.of(finding.anchor.path))
    if isinstance(result, ProvenSuggestion) and _is_code(result.text):
        return replace(finding, suggestion=result.text, advice=None)
    why = result.reason if isinstance(result, UnprovenSuggestion) else "it cannot be posted as it is"
    advice = redact(unfence(finding.advice))[0][:MAX_BODY].strip("\n") or None
    return replace(finding, advice=advice, why_advice=redact(why)[0] if advice else "")
