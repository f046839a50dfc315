"""What is posted on a pull request, planned to the last byte before anything is sent.

Promises: nothing is said twice (our own earlier comments are recognised by their hidden marks), every text fits
GitHub's limits, all text of the model is neutralised, and whatever is not said inline is named in the summary. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reviewer.findings import Finding, Review
from reviewer.neutral import code_span, fence, neutralise, suggestion_block
from reviewer.report import headline, usage_text
from reviewer.settings import FailLevel, SettingsProblem
from reviewer.severity import Severity
from reviewer.triage import place

#: https://docs.github.com/rest/checks/runs: summary and text at most 65,535 characters; comments at most 65,536.
MAX_BODY = 64_000

#: GitHub takes 50 annotations a call; what does not fit stands in the summary as well.
MAX_ANNOTATIONS = 50

CHECK_NAME = "reviewer"

_DOT = {Severity.ERROR: "🔴", Severity.WARNING: "🟡", Severity.INFO: "🔵"}
_LEVEL = {Severity.ERROR: "failure", Severity.WARNING: "warning", Severity.INFO: "notice"}
_FINDING_MARK = re.compile(r"<!-- reviewer:finding (?P<fingerprint>[0-9a-f-]+) at=(?P<place>[0-9a-f]+)")
_SUMMARY_MARK = "<!-- reviewer:summary"


@dataclass(frozen=True, slots=True)
class Posted:
    """What of ours stands on the pull request: identities of findings, of their places, and the summary comment."""

    fingerprints: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    summary_id: int | None = None
    summary_body: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a review goes. `web_url` is the pull request's page."""

    repository: str
    number: int
    head_sha: str
    web_url: str


@dataclass(frozen=True, slots=True)
class Publication:
    """The bodies to send. `review` is None when there is nothing new to say inline."""

    review: dict[str, Any] | None
    summary: str
    check: dict[str, Any]


def posted(comments: Iterable[tuple[int, str]], review_comments: Iterable[str]) -> Posted:
    """Read our own marks: issue comments as (id, body) and bodies of review comments, all of our own identity.

    A finding's mark is the last line of its comment; anywhere else it may be code that the comment shows.
    """
    last_lines = (body.rstrip().rpartition("\n")[2] for body in review_comments)
    marks = [match for line in last_lines if (match := _FINDING_MARK.match(line))]
    summary = next(((key, body) for key, body in comments if body.lstrip().startswith(_SUMMARY_MARK)), (None, ""))
    return Posted(
        frozenset(mark["fingerprint"] for mark in marks), frozenset(mark["place"] for mark in marks), *summary
    )


def plan(
    review: Review,
    target: Target,
    before: Posted,
    *,
    fail_level: FailLevel = FailLevel.NEVER,
    problems: Sequence[SettingsProblem] = (),
) -> Publication:
    """Plan the review, the summary comment and the check run."""
    new = [one for one in review.findings if not _was_said(one, before)]
    summary = summary_text(review, target, said_before=len(review.findings) - len(new), problems=problems)
    body = None
    if new:
        body = {
            "commit_id": target.head_sha,
            "event": "COMMENT",
            "body": _review_text(new, target),
            "comments": [comment(one) for one in new],
        }
    return Publication(
        body, f"{_SUMMARY_MARK} head={target.head_sha} -->\n{summary}", check(review, summary, fail_level)
    )


def _was_said(finding: Finding, before: Posted) -> bool:
    return finding.fingerprint in before.fingerprints or place(finding.anchor.path, finding.quote) in before.places


def comment(finding: Finding) -> dict[str, Any]:
    """Return one inline comment as GitHub takes it in a review.

    https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request
    """
    anchor = finding.anchor
    body: dict[str, Any] = {"path": anchor.path, "line": anchor.line, "side": anchor.side.value}
    if anchor.start_line is not None:
        body |= {"start_line": anchor.start_line, "start_side": anchor.side.value}
    return body | {"body": comment_text(finding)}


def comment_text(finding: Finding) -> str:
    """Return the text of an inline comment, our mark at its end."""
    parts = [f"{_DOT[finding.severity]} **{finding.severity}** ({finding.category}): {neutralise(finding.title)}"]
    if finding.body:
        parts.append(neutralise(finding.body))
    if finding.suggestion is not None:
        parts.append(suggestion_block(finding.suggestion))
    elif finding.advice:
        parts.append("Possible remedy (not proven to apply):\n\n" + fence(finding.advice))
    mark = f"<!-- reviewer:finding {finding.fingerprint} at={place(finding.anchor.path, finding.quote)} -->"
    return _cut("\n\n".join(parts), MAX_BODY) + f"\n\n{mark}"


def _review_text(new: Sequence[Finding], target: Target) -> str:
    what = f"{len(new)} {_plural('finding', len(new))} at {target.head_sha[:7]}."
    return f"{what}\n\n<!-- reviewer:review head={target.head_sha} -->"


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"


def summary_text(
    review: Review, target: Target, *, said_before: int = 0, problems: Sequence[SettingsProblem] = ()
) -> str:
    """Return the summary as Markdown: verdict first, then what a reader may want to unfold."""
    parts = [_verdict(review, target)]
    if review.summary:
        parts.append(neutralise(review.summary))
    if review.findings:
        parts.append("\n".join(_line(one, target) for one in review.findings))
    if said_before:
        stands = "stands" if said_before == 1 else "stand"
        parts.append(f"{said_before} of these {stands} in comments that were posted before; they are not repeated.")
    parts += [f"⚠️ {neutralise(note)}" for note in review.notes]
    parts += [f"⚠️ {neutralise(str(problem))}" for problem in problems]
    parts += [_below(review, target), *_tests(review), _skipped(review), _rejected(review)]
    footer = f"<sub>{_escape(usage_text(review.usage, review.models))}</sub>"
    return _fit([part for part in parts if part], footer)


def _verdict(review: Review, target: Target) -> str:
    return f"**{headline(review).removesuffix('.')}** at {target.head_sha[:7]}."


def _line(finding: Finding, target: Target) -> str:
    return f"- {_DOT[finding.severity]} {neutralise(finding.title)} ({_link(finding, target)})"


def _link(finding: Finding, target: Target) -> str:
    """Return a link to the line in the pull request's view of changed files."""
    anchor = finding.anchor
    file = hashlib.sha256(anchor.path.encode("utf-8", "surrogateescape")).hexdigest()
    label = code_span(f"{anchor.path}:{anchor.line}")
    return f"[{label}]({target.web_url}/files#diff-{file}{anchor.side.value[0]}{anchor.line})"


def _below(review: Review, target: Target) -> str:
    if not review.below:
        return ""
    rows = "\n".join(f"{_line(one, target)}, {one.confidence} confidence" for one in review.below)
    return _fold(f"{len(review.below)} more below the line", rows)


def _tests(review: Review) -> list[str]:
    """Return one fold for each suggested test file; the code is only ever shown in a fence."""
    folds = []
    for test in review.tests:
        what = f"Suggested test: <code>{_escape(test.path)}</code> ({test.evidence or 'not run'})"
        covers = f"For {code_span(test.covers)}.\n\n" if test.covers else ""
        folds.append(_fold(what, covers + fence(test.code, _language(test.path)), raw_title=True))
    return folds


def _language(path: str) -> str:
    ending = path.rsplit(".", 1)[-1].lower() if "." in path else ""
    return ending if re.fullmatch(r"[a-z]{1,6}", ending) else ""


def _skipped(review: Review) -> str:
    if not review.skipped:
        return ""
    rows = "\n".join(f"- {code_span(one.path)}: {neutralise(one.reason)}" for one in review.skipped)
    return _fold(f"Not reviewed: {len(review.skipped)}", rows)


def _rejected(review: Review) -> str:
    if not review.rejected:
        return ""
    number = len(review.rejected)
    counts: dict[str, int] = {}
    for one in review.rejected:
        counts[one.reason] = counts.get(one.reason, 0) + 1
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    return f"<sub>{number} of the model's {_plural('claim', number)} not said: {_escape(why)}.</sub>"


def check(review: Review, summary: str, fail_level: FailLevel) -> dict[str, Any]:
    """Return the body that completes the check run: https://docs.github.com/rest/checks/runs#update-a-check-run ."""
    said = (*review.findings, *review.below)
    if any(fail_level.fails(one.severity) for one in review.findings):
        conclusion = "failure"
    elif said or not review.files_reviewed:
        conclusion = "neutral"
    else:
        conclusion = "success"
    title = headline(review).removesuffix(".")
    return completed(conclusion, title, summary)


def completed(conclusion: str, title: str, summary: str) -> dict[str, Any]:
    """Return the body of a completed check run."""
    output = {"title": title[:250], "summary": _cut(summary, MAX_BODY)}
    return {"status": "completed", "conclusion": conclusion, "output": output}


def annotations_of(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return the findings as annotations of a check run, for when they cannot be posted as comments."""
    return [
        {
            "path": one.anchor.path,
            "start_line": one.anchor.start_line or one.anchor.line,
            "end_line": one.anchor.line,
            "annotation_level": _LEVEL[one.severity],
            "title": one.title[:250],
            "message": (one.body or one.title)[:4000],
        }
        for one in findings
    ][:MAX_ANNOTATIONS]


def _fold(title: str, content: str, *, raw_title: bool = False) -> str:
    shown = title if raw_title else _escape(title)
    return f"<details>\n<summary>{shown}</summary>\n\n{content}\n\n</details>"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 20].rstrip() + "\n\n[cut]"


def _fit(parts: Sequence[str], footer: str) -> str:
    """Join the parts within GitHub's limit. What does not fit is left out whole, and that is said."""
    room = MAX_BODY - len(footer) - 200
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
