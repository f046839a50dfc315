"""Say why checks are red, and prove the edits that would mend them on the whole files.

The answer is model text: whoever posts it must neutralise it. An edit is proven as suggestions of a review are: its
quote has one place, and the file with the replacement still parses. It is not run: the checks tell after the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reviewer.diff.model import Anchor, Diff, FileDiff, FileStatus, Hunk, Line
from reviewer.domain.change import Change
from reviewer.domain.settings import Settings
from reviewer.llm.messages import Ask
from reviewer.safety.code_blocks import postable
from reviewer.safety.redaction import redact
from reviewer.safety.shortening import CUT
from reviewer.tasks.answer_question import QuestionAnswer, answer_question
from reviewer.tasks.conversation.layout import AskKind
from reviewer.tasks.conversation.written_edits import WrittenEdit, take_edits
from reviewer.tasks.verification.anchoring import LocatedQuote, locate
from reviewer.tasks.verification.suggestions import ProvenSuggestion, prove_suggestion

#: Edits of one answer that are looked at.
MOST_EDITS = 5


@dataclass(frozen=True, slots=True)
class ProvenEdit:
    """Lines of a file at head, `first` to `last`, and what may replace them.

    `anchor` is where GitHub takes a comment on exactly these lines; None where the diff does not show them.
    """

    path: str
    first: int
    last: int
    before: str
    after: str
    why: str = ""
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class UnprovenEdit:
    """An edit that may not apply as it is, and why."""

    path: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChecksAnswer:
    """What is said of the failed checks, the edits that were proven or not, and how many more there were."""

    answer: QuestionAnswer
    edits: tuple[ProvenEdit | UnprovenEdit, ...] = ()
    left_out: int = 0


def explain_checks(change: Change, settings: Settings, failures: str, ask: Ask, *, salt: bytes) -> ChecksAnswer:
    """Explain what is known of the checks that failed. Raises ModelError if there is no answer."""
    answer = answer_question(change, settings, failures, ask, salt=salt, kind=AskKind.CHECKS)
    is_whole = not answer.text.endswith(CUT)
    text, written = take_edits(answer.text.removesuffix(CUT).rstrip(), complete=is_whole)
    text = text if is_whole else f"{text}\n\n{CUT}"
    edits = _without_overlaps(prove_edits(change, written[:MOST_EDITS]))
    left_out = max(0, len(written) - MOST_EDITS)
    return ChecksAnswer(replace(answer, text=text or "What would fix it is shown below."), edits, left_out)


def prove_edits(change: Change, written: Sequence[WrittenEdit]) -> list[ProvenEdit | UnprovenEdit]:
    """Check each edit against the file at head. Reads each file once."""
    known = {file.path for file in change.diff.files} | set(change.sources.paths()) if written else set()
    paths = [path for path in dict.fromkeys(edit.path for edit in written) if path in known]
    head = {path: change.head[path] for path in paths if path in change.head}
    if unknown := [path for path in paths if path not in head]:
        head.update(change.read_head(unknown))
    return [_proven(change, edit, head.get(edit.path)) for edit in written]


def _proven(change: Change, edit: WrittenEdit, head: str | None) -> ProvenEdit | UnprovenEdit:
    if head is None:
        return UnprovenEdit(edit.path, edit.replacement, "the file could not be read")
    place = locate(_whole(change.diff, edit.path, head), edit.path, edit.quote, edit.line)
    if not isinstance(place, LocatedQuote):
        return UnprovenEdit(edit.path, edit.replacement, place.detail.replace("the diff of that file", "that file"))
    proof = prove_suggestion(place, edit.replacement, head, change.formatting.of(edit.path))
    if not isinstance(proof, ProvenSuggestion):
        return UnprovenEdit(edit.path, edit.replacement, proof.reason)
    if not postable(f"{proof.text}\n") or redact(proof.text)[1]:
        return UnprovenEdit(edit.path, edit.replacement, "it cannot be posted as it is")
    first, last = place.anchor.start_line or place.anchor.line, place.anchor.line
    before = "\n".join(line.text for line in place.lines)
    return ProvenEdit(edit.path, first, last, before, proof.text, edit.why, change.diff.anchor(edit.path, last, first))


def _whole(diff: Diff, path: str, text: str) -> Diff:
    """Return the file at head as a diff that shows all of it, so that a quote of any of its lines has a place.

    Its anchors are no places for GitHub.
    """
    file = diff.file(path)
    added = {line.new for hunk in (file.hunks if file else ()) for line in hunk.lines if line.kind == "+"}
    rows = enumerate(text.removesuffix("\n").split("\n"), 1)
    lines = tuple(Line("+" if number in added else " ", number, number, row) for number, row in rows)
    hunk = Hunk(1, len(lines), 1, len(lines), "", lines)
    return Diff((FileDiff(path, path, FileStatus.MODIFIED, (hunk,)),))


def _without_overlaps(edits: Sequence[ProvenEdit | UnprovenEdit]) -> tuple[ProvenEdit | UnprovenEdit, ...]:
    """Return the edits; of those that change the same lines, only the first stays proven."""
    kept: list[ProvenEdit | UnprovenEdit] = []
    for edit in edits:
        taken = [other for other in kept if isinstance(other, ProvenEdit) and other.path == edit.path]
        if isinstance(edit, ProvenEdit) and any(o.first <= edit.last and edit.first <= o.last for o in taken):
            kept.append(UnprovenEdit(edit.path, edit.after, "another suggestion is about the same lines"))
        else:
            kept.append(edit)
    return tuple(kept)
