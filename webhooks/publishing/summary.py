"""The one summary comment: open findings, fixed findings, suggested tests, and what was not done. Pure.

Promises: every text of the model is neutralised, nothing is cut without saying so, and what an earlier summary holds
that is still valid is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from reviewer.domain.findings import Category, Review, TestSuggestion
from reviewer.domain.settings import FailLevel, SettingsProblem
from reviewer.output.wording import cost_text, usage_text
from reviewer.safety.code_blocks import code_span, fence
from reviewer.safety.markdown import neutralise
from webhooks.publishing.bodies.listed_findings import finding_row, listed_findings
from webhooks.publishing.checks import Conclusion
from webhooks.publishing.markers.ledger_entries import FindingStatus, LedgerEntry
from webhooks.publishing.markers.summary import ShownTest, marked_part, marked_test, read_shown_tests, shown_test
from webhooks.publishing.people.settled_findings import link_to, people_text
from webhooks.publishing.review_scope import FindingSummary, ReviewScope, ReviewTarget, headline
from webhooks.publishing.text import MAX_BODY, count_noun, escape, fold

#: The parts that are written anew when people dismissed or fixed something, without a review.
STATE, OPEN = "state", "open"

#: Files that are named for each reason why files were not reviewed.
_MAX_NAMED = 50

#: Fixed findings that the summary names one by one.
_MAX_FIXED = 50


def summary_text(
    review: Review,
    target: ReviewTarget,
    findings: FindingSummary,
    scope: ReviewScope,
    *,
    room: int = MAX_BODY,
    earlier: str = "",
    problems: Sequence[SettingsProblem] = (),
    offered: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the summary as Markdown: the verdict first, details folded.

    `earlier` is the summary that is there now: its test suggestions are kept as long as the code they test is the same.
    `offered` are the addresses of comments that suggest tests for the end of a file, by its path.
    """
    parts = [
        marked_part(STATE, state_text(target, findings, scope)),
        _since(findings, scope, target),
        neutralise(review.summary) if review.summary else "",
        marked_part(OPEN, open_text(target, findings)),
        *(f"⚠️ {neutralise(note)}" for note in review.notes),
        *(f"⚠️ {neutralise(str(problem))}" for problem in problems),
        *listed_findings(review, target, findings, earlier),
        _fixed(target, findings),
        _left(target, findings),
        *_tests(review.tests, scope, earlier, offered),
        _skipped(review),
        _rejected(review),
    ]
    total = "" if scope.total_usd is None else f"; {cost_text(scope.total_usd)} on this pull request so far"
    footer = f"<sub>{escape(usage_text(review.usage, review.models, chain=review.chain) + total)}</sub>"
    return _fit([part for part in parts if part], footer, room)


def state_text(target: ReviewTarget, findings: FindingSummary, scope: ReviewScope) -> str:
    """Return the headline, and what people did with the findings."""
    parts = [f"**{headline(findings, scope)}** at {target.head_sha[:7]}."]
    if findings.paused_by:
        who = code_span(findings.paused_by[:100])
        parts.append(f"⏸️ Automatic reviews of this pull request were paused by {who}. `/resume` goes on with them.")
    return "\n\n".join([*parts, *people_text(target, findings)])


def open_text(target: ReviewTarget, findings: FindingSummary) -> str:
    """Return the list of the open defects, and a second one of code that could be simpler."""
    inline = findings.of(FindingStatus.OPEN, inline=True)
    defects = [_line(entry, target, findings) for entry in inline if entry.category is not Category.REFACTORING]
    simpler = [_line(entry, target, findings) for entry in inline if entry.category is Category.REFACTORING]
    parts = ["\n".join(defects), "\n".join(["Could be simpler:", "", *simpler]) if simpler else ""]
    return "\n\n".join(part for part in parts if part)


def _since(findings: FindingSummary, scope: ReviewScope, target: ReviewTarget) -> str:
    """Say what this run added to the review before it."""
    sentences = []
    if scope.new_base:
        files = count_noun(scope.fresh, "file")
        sentences.append(f"The base is now {code_span(scope.new_base[:200])}: {files} had to be reviewed.")
    elif scope.needless and scope.since not in ("", target.head_sha):
        sentences.append(f"Nothing that changed since `{scope.since[:7]}` needs a review: {scope.needless}.")
    elif scope.since not in ("", target.head_sha):
        changed = f"{count_noun(scope.fresh, 'file')} changed since `{scope.since[:7]}`"
        verb = "is" if findings.new == 1 else "are"
        sentences.append(f"{changed}; {findings.new} of the open findings {verb} new.")
    if scope.left_out:
        files = count_noun(scope.left_out, "file")
        sentences.append(
            f"{files} of this change {'is' if scope.left_out == 1 else 'are'} not reviewed yet: `/review`."
        )
    return " ".join(sentences)


def _line(entry: LedgerEntry, target: ReviewTarget, findings: FindingSummary) -> str:
    return finding_row(entry, link_to(entry, target, findings))


def _left(target: ReviewTarget, findings: FindingSummary) -> str:
    """Return the findings whose files left the pull request when its base branch was changed."""
    entries = [entry for entry in findings.of(FindingStatus.FIXED) if entry.left]
    rows = [f"- {neutralise(entry.title)} ({link_to(entry, target, findings)})" for entry in entries[:_MAX_FIXED]]
    if len(entries) > _MAX_FIXED:
        rows.append(f"- and {len(entries) - _MAX_FIXED} more")
    return fold(f"{len(entries)} no longer part of this pull request", "\n".join(rows)) if entries else ""


def _fixed(target: ReviewTarget, findings: FindingSummary) -> str:
    entries = [entry for entry in findings.of(FindingStatus.FIXED) if not entry.left]
    rows = [
        f"- {neutralise(entry.title)} ({link_to(entry, target, findings)}){f' in {entry.sha[:7]}' if entry.sha else ''}"
        for entry in entries[:_MAX_FIXED]
    ]
    if len(entries) > _MAX_FIXED:
        rows.append(f"- and {len(entries) - _MAX_FIXED} more")
    return fold(f"✅ {len(entries)} fixed", "\n".join(rows)) if entries else ""


def _tests(tests: Sequence[TestSuggestion], scope: ReviewScope, earlier: str, offered: Mapping[str, str]) -> list[str]:
    """Return the suggested tests, the new ones first, each with its marker."""
    new = [_show_test(test, offered, scope.digests) for test in tests]
    kept, dropped = earlier_tests(earlier, new, scope.digests) if scope.since else ([], 0)
    note = f"<sub>{count_noun(dropped, 'earlier test suggestion')} left out: the code has changed.</sub>"
    return [*map(marked_test, [*new, *kept]), note if dropped else ""]


def _show_test(test: TestSuggestion, comments: Mapping[str, str], digests: Mapping[str, str]) -> ShownTest:
    """Return a suggested test as the summary shows it.

    `comments` are the addresses of comments that suggest tests for the end of a file, by its path: then there is a link
    instead of the code. `digests` identify what the change does to each file. The code is always inside a fence.
    """
    appendix = test.appendix
    url = comments.get(appendix.anchor.path) if appendix else None
    path = appendix.anchor.path if appendix and url else test.path
    covers = f"For {code_span(test.covers)}." if test.covers else ""
    link = f"[A comment at the end of that file]({url}) adds it with one click." if url else ""
    content = "\n\n".join(part for part in (covers, link or fence(test.code, _language(path))) if part)
    title = f"{_test_title(path)} ({test.evidence or 'not run'})"
    if test.patch:
        title = f"Suggested update: <code>{escape(path)}</code>"
        content = f"{neutralise(test.evidence)}\n\n{fence(test.patch, 'diff')}"
    tested_file = test.covers.rpartition(":")[0]
    return shown_test(fold(title, content, raw_title=True), digests.get(tested_file, ""), path)


def earlier_tests(summary: str, new: Iterable[ShownTest], digests: Mapping[str, str]) -> tuple[list[ShownTest], int]:
    """Return the test suggestions of an earlier summary that are still valid, and how many are not.

    A suggestion is valid while the change of the file it tests is the same. A new one for the same file replaces it.
    """
    replacements = list(new)
    current = set(digests.values())
    kept: list[ShownTest] = []
    dropped = 0
    for test in read_shown_tests(summary):
        if any(_is_replaced_by(test, replacement) for replacement in replacements):
            continue
        if test.tested_change in current:
            kept.append(test)
        else:
            dropped += 1
    return kept, dropped


def _is_replaced_by(earlier: ShownTest, new: ShownTest) -> bool:
    if earlier.test_file:
        return earlier.test_file == new.test_file
    return _title_in_old_summary(earlier) == _title_in_old_summary(new)


def _title_in_old_summary(test: ShownTest) -> str:
    """Return the title with the path. FALLBACK for markers that do not name the file: reads our own text."""
    return test.markdown.partition("</code>")[0]


def _test_title(path: str) -> str:
    return f"Suggested test: <code>{escape(path)}</code>"


def _language(path: str) -> str:
    ending = path.rsplit(".", 1)[-1].lower() if "." in path else ""
    return ending if re.fullmatch(r"[a-z]{1,6}", ending) else ""


def _skipped(review: Review) -> str:
    """Return the files that were not reviewed, folded, those of one reason together."""
    if not review.skipped:
        return ""
    by_reason: dict[str, list[str]] = {}
    for file in review.skipped:
        by_reason.setdefault(file.reason, []).append(code_span(file.path))
    rows = [_skipped_row(neutralise(reason), paths) for reason, paths in by_reason.items()]
    return fold(f"Not reviewed: {count_noun(len(review.skipped), 'file')}", "\n".join(rows))


def _skipped_row(reason: str, paths: Sequence[str]) -> str:
    if len(paths) == 1:
        return f"- {paths[0]}: {reason}"
    more = f" and {len(paths) - _MAX_NAMED:,} more" if len(paths) > _MAX_NAMED else ""
    return f"- {count_noun(len(paths), 'file')}: {reason}: {', '.join(paths[:_MAX_NAMED])}{more}"


def _rejected(review: Review) -> str:
    if not review.rejected:
        return ""
    counts = Counter(claim.reason for claim in review.rejected)
    reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(counts.items()))
    return f"<sub>{count_noun(len(review.rejected), 'claim')} of the model not posted: {escape(reasons)}.</sub>"


def _fit(parts: Sequence[str], footer: str, room: int) -> str:
    """Join the parts within the room. A part that does not fit is left out whole, and a note counts such parts."""
    room -= len(footer) + 200
    kept: list[str] = []
    left_out = 0
    for part in parts:
        if len(part) + 2 <= room:
            kept.append(part)
            room -= len(part) + 2
        else:
            left_out += 1
    if left_out:
        kept.append(f"<sub>{left_out} parts of this summary were too long for a comment.</sub>")
    return "\n\n".join([*kept, footer])


def conclusion_of(findings: FindingSummary, scope: ReviewScope, fail_level: FailLevel) -> Conclusion:
    """Return the conclusion of the check run: what is open decides, whichever run found it.

    Where findings may fail it, what the model could not be asked about does too: nothing gets through unseen.
    """
    if any(fail_level.fails(entry.severity) for entry in findings.of(FindingStatus.OPEN, inline=True)):
        return Conclusion.FAILURE
    if scope.unanswered and fail_level is not FailLevel.NEVER:
        return Conclusion.FAILURE
    is_clean = scope.reviewed and not scope.left_out and not findings.of(FindingStatus.OPEN)
    return Conclusion.SUCCESS if is_clean else Conclusion.NEUTRAL
