"""The one summary comment: what stands open, what was fixed since, and what was not done. Pure.

Promises: every text of the model is neutralised, nothing is cut without saying so, and what an earlier review said that
still holds is carried forward.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from reviewer.domain.findings import Category, Review, TestSuggestion
from reviewer.domain.settings import SettingsProblem
from reviewer.domain.severity import Confidence, Severity
from reviewer.output.wording import cost_text, usage_text
from reviewer.safety.markdown import code_span, fence, neutralise
from reviewer.safety.shortening import CUT
from webhooks.publishing.markers import FindingStatus, LedgerEntry

#: https://docs.github.com/rest/checks/runs: summary and text at most 65,535 characters; comments at most 65,536.
MAX_BODY = 64_000

DOT = {Severity.ERROR: "🔴", Severity.WARNING: "🟡", Severity.INFO: "🔵"}

#: Fixed findings that the summary names one by one.
_MAX_FIXED = 50

_TEST = re.compile(r"<!-- reviewer:test of=([A-Za-z0-9+/=]*) size=(\d{1,6}) -->\n")


@dataclass(frozen=True, slots=True)
class ReviewTarget:
    """Where a review goes. `web_url` is the pull request's page."""

    repository: str
    number: int
    head_sha: str
    web_url: str
    base_sha: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class ReviewScope:
    """How much of the pull request a review looked at.

    `reviewed` counts the files whose change is reviewed by now, `fresh` those of them that this run looked at. `since`
    is the head of the review that this one goes on from, empty where it looked at everything. `digests` tell by path
    what the change does to a file now. `total_usd` is what the pull request has cost so far, where that is known.
    """

    reviewed: int
    fresh: int
    since: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    total_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FindingSummary:
    """The ledger as the summary tells it: all entries, the addresses of their comments by id, how many are new."""

    entries: tuple[LedgerEntry, ...]
    urls: Mapping[int, str]
    new: int = 0

    def of(self, status: FindingStatus, *, said: bool | None = None) -> list[LedgerEntry]:
        """Return the entries of that status, the worst first."""
        chosen = [one for one in self.entries if one.status is status and said in (None, one.said)]
        return sorted(chosen, key=lambda one: (-one.severity.rank, one.path, one.line))


def headline(standings: FindingSummary, extent: ReviewScope) -> str:
    """Return one line: what stands open, and how much was looked at; honest when nothing was reviewed."""
    said, below = standings.of(FindingStatus.OPEN, said=True), standings.of(FindingStatus.OPEN, said=False)
    files = count_noun(extent.reviewed, "file")
    if not extent.reviewed and not said and not below:
        return "Nothing was reviewed"
    if not said and not below:
        return f"No findings in {files} reviewed" if not extent.since else f"No open findings in {files} reviewed"
    levels = Counter(one.severity for one in said)
    nouns = {Severity.INFO: "remark"}
    detail = ", ".join(count_noun(levels[one], nouns.get(one, one)) for one in reversed(Severity) if levels[one])
    more = f"; {len(below)} more below the line" if below else ""
    kind = "open finding" if extent.since else "finding"
    return f"{count_noun(len(said), kind)}{f' ({detail})' if detail else ''} in {files} reviewed{more}"


def count_noun(number: int, noun: str) -> str:
    """Return the number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def summary_text(
    review: Review,
    target: ReviewTarget,
    standings: FindingSummary,
    extent: ReviewScope,
    *,
    room: int = MAX_BODY,
    earlier: str = "",
    problems: Sequence[SettingsProblem] = (),
    offered: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the summary as Markdown: verdict first, then what a reader may want to unfold.

    `earlier` is the summary that stands there: its test suggestions are kept as long as the code they test is the same.
    `offered` are the addresses of comments that suggest tests for the end of a file, by its path.
    """
    parts = [f"**{headline(standings, extent)}** at {target.head_sha[:7]}.", _since(standings, extent, target)]
    if review.summary:
        parts.append(neutralise(review.summary))
    parts += _open(target, standings)
    parts += [f"⚠️ {neutralise(note)}" for note in review.notes]
    parts += [f"⚠️ {neutralise(str(problem))}" for problem in problems]
    tests = [_shown_test(test, offered) for test in review.tests]
    anew = [title for title, _, _ in tests]
    kept, dropped = earlier_tests(earlier, anew, extent.digests) if extent.since else ([], 0)
    parts += [
        _below(review, target, standings),
        _fixed(target, standings),
        *(_marked(shown, extent.digests.get(file, "")) for _, shown, file in tests),
        *kept,
        f"<sub>{count_noun(dropped, 'earlier test suggestion')} left out: the code has changed.</sub>"
        if dropped
        else "",
        _skipped(review),
        _rejected(review),
    ]
    total = "" if extent.total_usd is None else f"; {cost_text(extent.total_usd)} on this pull request so far"
    footer = f"<sub>{escape(usage_text(review.usage, review.models, chain=review.chain) + total)}</sub>"
    return _fit([part for part in parts if part], footer, room)


def _open(target: ReviewTarget, standings: FindingSummary) -> list[str]:
    """Return the list of the open defects, and apart from it that of code that could be simpler."""
    said = standings.of(FindingStatus.OPEN, said=True)
    defects = [_line(one, target, standings) for one in said if one.category is not Category.REFACTORING]
    simpler = [_line(one, target, standings) for one in said if one.category is Category.REFACTORING]
    return ["\n".join(defects), "\n".join(["Could be simpler:", "", *simpler]) if simpler else ""]


def _since(standings: FindingSummary, extent: ReviewScope, target: ReviewTarget) -> str:
    """Say what this run added to the review before it."""
    said = []
    if extent.since not in ("", target.head_sha):
        looked = f"{count_noun(extent.fresh, 'file')} changed since `{extent.since[:7]}`"
        said.append(f"{looked}; {standings.new} of the open findings {'is' if standings.new == 1 else 'are'} new.")
    if dismissed := len(standings.of(FindingStatus.DISMISSED)):
        said.append(
            f"{count_noun(dismissed, 'finding')} dismissed by people {'is' if dismissed == 1 else 'are'} not repeated."
        )
    return " ".join(said)


def _line(entry: LedgerEntry, target: ReviewTarget, standings: FindingSummary) -> str:
    back = f", fixed in {entry.sha[:7]} and back" if entry.sha and entry.status is FindingStatus.OPEN else ""
    return f"- {DOT[entry.severity]} {neutralise(entry.title)} ({_link(entry, target, standings)}{back})"


def _link(entry: LedgerEntry, target: ReviewTarget, standings: FindingSummary) -> str:
    """Return a link to the comment, or where there is none to the line in the view of changed files."""
    label = code_span(f"{entry.path}:{entry.line}")
    if url := standings.urls.get(entry.comment_id):
        return f"[{label}]({url})"
    file = hashlib.sha256(entry.path.encode("utf-8", "surrogateescape")).hexdigest()
    return f"[{label}]({target.web_url}/files#diff-{file}{entry.side.value[0]}{entry.line})"


def _below(review: Review, target: ReviewTarget, standings: FindingSummary) -> str:
    entries = standings.of(FindingStatus.OPEN, said=False)
    unsure = {one.fingerprint for one in review.below if one.confidence is not Confidence.HIGH}
    rows = "\n".join(
        _line(one, target, standings) + (", low confidence" if one.fingerprint in unsure else "") for one in entries
    )
    return fold(f"{len(entries)} more below the line", rows) if entries else ""


def _fixed(target: ReviewTarget, standings: FindingSummary) -> str:
    entries = standings.of(FindingStatus.FIXED)
    rows = [
        f"- {neutralise(one.title)} ({_link(one, target, standings)}){f' in {one.sha[:7]}' if one.sha else ''}"
        for one in entries[:_MAX_FIXED]
    ]
    if len(entries) > _MAX_FIXED:
        rows.append(f"- and {len(entries) - _MAX_FIXED} more")
    return fold(f"✅ {len(entries)} fixed", "\n".join(rows)) if entries else ""


def _marked(shown: str, digest: str) -> str:
    """Return the fold of a suggested test, a mark before it.

    The mark tells which change of which file it was made for and how long it is, so that the next run can take it over
    without looking into text that a model wrote.
    """
    return f"<!-- reviewer:test of={digest} size={len(shown)} -->\n{shown}"


def _shown_test(test: TestSuggestion, offered: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the beginning of a suggested test's title, its fold and the file that it tests.

    The code is only ever shown in a fence; where a comment offers it at the end of a file, there is a link instead.
    """
    appendix = test.appendix
    url = offered.get(appendix.anchor.path) if appendix else None
    path = appendix.anchor.path if appendix and url else test.path
    title = f"Suggested test: <code>{escape(path)}</code>"
    covers = f"For {code_span(test.covers)}." if test.covers else ""
    shown = f"[A comment at the end of that file]({url}) adds it with one click." if url else ""
    content = "\n\n".join(part for part in (covers, shown or fence(test.code, _language(path))) if part)
    return (
        title,
        fold(f"{title} ({test.evidence or 'not run'})", content, raw_title=True),
        test.covers.rpartition(":")[0],
    )


def earlier_tests(summary: str, anew: Iterable[str], digests: Mapping[str, str]) -> tuple[list[str], int]:
    """Return the test suggestions of an earlier summary that still hold, and how many do not any more.

    A suggestion holds while the change of the file it tests is the same; one that has the title of one of `anew` gives
    way.
    """
    summary = summary.replace("\r\n", "\n")
    current = set(digests.values())
    kept: list[str] = []
    dropped = at = 0
    while (mark := _TEST.search(summary, at)) is not None:
        shown = summary[mark.end() : mark.end() + int(mark[2])]
        at = mark.end()
        if not (shown.startswith("<details>") and shown.endswith("</details>")):
            continue
        at += len(shown)
        if shown.startswith(tuple(f"<details>\n<summary>{one}" for one in anew)):
            continue
        if mark[1] in current:
            kept.append(_marked(shown, mark[1]))
        else:
            dropped += 1
    return kept, dropped


def _language(path: str) -> str:
    ending = path.rsplit(".", 1)[-1].lower() if "." in path else ""
    return ending if re.fullmatch(r"[a-z]{1,6}", ending) else ""


def _skipped(review: Review) -> str:
    if not review.skipped:
        return ""
    rows = "\n".join(f"- {code_span(one.path)}: {neutralise(one.reason)}" for one in review.skipped)
    return fold(f"Not reviewed: {len(review.skipped)}", rows)


def _rejected(review: Review) -> str:
    if not review.rejected:
        return ""
    counts = Counter(one.reason for one in review.rejected)
    why = ", ".join(f"{number} {reason}" for reason, number in sorted(counts.items()))
    claims = "claim" if len(review.rejected) == 1 else "claims"
    return f"<sub>{len(review.rejected)} of the model's {claims} not said: {escape(why)}.</sub>"


def fold(title: str, content: str, *, raw_title: bool = False) -> str:
    """Return content that a reader may unfold."""
    shown = title if raw_title else escape(title)
    return f"<details>\n<summary>{shown}</summary>\n\n{content}\n\n</details>"


def escape(text: str) -> str:
    """Return text that says in HTML what it says."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def cut_text(text: str, most: int) -> str:
    """Return the text within so many characters; what is cut is said."""
    return text if len(text) <= most else text[: most - 20].rstrip() + f"\n\n{CUT}"


def _fit(parts: Sequence[str], footer: str, room: int) -> str:
    """Join the parts within the room. What does not fit is left out whole, and that is said."""
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
