"""Ask which findings the author must see before merging, in which order, how severe, and which of them are one.

One cheap call about all findings of the change: titles, claims, verdicts and quoted lines, without context. Where it
fails, the findings keep the order and the places that they had. `ask` is the only effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reviewer.domain.findings import Category, Finding, Rejected
from reviewer.domain.severity import Confidence
from reviewer.llm.messages import Ask
from reviewer.tasks.conversation.edit_replies import FindingPlace, RawEdit, read_edits
from reviewer.tasks.conversation.follow_ups import Answer, ask_and_read
from reviewer.tasks.conversation.prompts import Prompter
from reviewer.tasks.verification.root_causes import groups_of, merge, merge_plain_repeats
from reviewer.tasks.verification.triage import ranked

#: Findings that the editor is shown, the first of them.
MOST_EDITED = 40


@dataclass(frozen=True, slots=True)
class EditedFindings:
    """All findings in the order in which people read them. `listed` are the fingerprints of those only to be listed."""

    findings: tuple[Finding, ...]
    listed: frozenset[str] = frozenset()
    rejected: tuple[Rejected, ...] = ()
    answers: tuple[Answer[tuple[RawEdit, ...]], ...] = ()


def edit_findings(
    claims: Iterable[Finding],
    secrets: Sequence[Finding],
    prompter: Prompter,
    ask: Ask,
    *,
    calls: int,
    most: int,
) -> EditedFindings:
    """Merge the findings of one root cause and put the rest in order, asking where two or more are sure.

    `calls` may follow one another; `most` findings have room inline. The secrets, which were found without the model,
    are not in the model's hands and come first; refactorings come last.
    """
    fixed = {finding.fingerprint for finding in secrets}
    kept, duplicates = ranked([*secrets, *claims])
    findings, merged_plainly = merge_plain_repeats(kept)
    repeated = (*duplicates, *merged_plainly)
    open_to_edit = [
        place
        for place, finding in enumerate(findings)
        if finding.category is not Category.REFACTORING and finding.fingerprint not in fixed
    ][:MOST_EDITED]
    sure = sum(findings[place].confidence is not Confidence.LOW for place in open_to_edit)
    if sure < 2 or calls < 1:
        return EditedFindings(findings, rejected=repeated)
    shown = [findings[place] for place in open_to_edit]
    (answer,) = ask_and_read([(prompter.edit(shown, most=most), read_edits)], ask, follow_ups=min(calls - 1, 1))
    if answer.value is None:
        return EditedFindings(findings, rejected=repeated, answers=(answer,))
    edited, listed, merged = apply_edits(shown, answer.value)
    ahead = [finding for finding in findings if finding.fingerprint in fixed]
    rest = [finding for place, finding in enumerate(findings) if place not in open_to_edit and finding not in ahead]
    return EditedFindings((*ahead, *edited, *rest), listed, (*repeated, *merged), (answer,))


def apply_edits(
    findings: Sequence[Finding], edits: Sequence[RawEdit]
) -> tuple[tuple[Finding, ...], frozenset[str], tuple[Rejected, ...]]:
    """Return the findings in the order of the edits, the fingerprints of those to list, and those that were merged.

    What the edits leave out follows in its own order and keeps its severity and place. A number that is none is passed
    over. Of findings that are one, it is enough if one is to be shown inline.
    """
    known = {edit.id - 1: edit for edit in edits if 1 <= edit.id <= len(findings)}
    order = [*known, *(place for place in range(len(findings)) if place not in known)]
    at = {place: position for position, place in enumerate(order)}
    same = {
        at[place]: at[edit.same_as - 1]
        for place, edit in known.items()
        if edit.same_as is not None and edit.same_as != edit.id and 1 <= edit.same_as <= len(findings)
    }
    calibrated = [_calibrated(findings[place], known.get(place)) for place in order]
    kept, merged = merge(calibrated, same)
    to_list = {at[place] for place, edit in known.items() if edit.place is FindingPlace.LIST}
    groups = [members for members in groups_of(len(order), same).values() if to_list.issuperset(members)]
    listed = frozenset(calibrated[member].fingerprint for members in groups for member in members)
    return kept, listed, merged


def _calibrated(finding: Finding, edit: RawEdit | None) -> Finding:
    return finding if edit is None or edit.severity is None else replace(finding, severity=edit.severity)
