"""The verb of this package: a change in, a review out.

`ask`, `change.read_head` and `change.sources` are its only effects, and all are arguments. Two batches of prompts are
asked one after the other (find, then falsify), each followed up where a reply asks to see more or could not be read: at
most LONGEST_CHAIN calls one after the other in all.
Promises: whatever was left out is named; a part that the model could not answer for is skipped aloud; and when nothing
at all could be reviewed, the model's error is raised instead of an empty review.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from reviewer.anchoring import Located, Nowhere, locate, resolve_path
from reviewer.answering import Answer, Look, Read, answers_to
from reviewer.asking import Ask, Prompt, Usage
from reviewer.change import Change, added_text
from reviewer.chunks import Chunk, affordable, chunk, is_code, is_test
from reviewer.errors import ModelError
from reviewer.findings import Finding, Rejected, Review, Skipped, TestSuggestion
from reviewer.looking import Looker
from reviewer.neutral import postable
from reviewer.prompting import Prompter, fence_of
from reviewer.redaction import redact
from reviewer.related import gather
from reviewer.replies import FindingsReply, RawFinding, RawVerdict, read_findings, read_tests, read_verdicts
from reviewer.selection import select
from reviewer.settings import Settings
from reviewer.severity import Confidence
from reviewer.suggestions import Proven, prove
from reviewer.triage import fingerprint, triage, unique

#: Added lines of code from which a part is worth a look of its own for simpler code.
REFACTOR_FROM_LINES = 30

#: Calls one after the other in a review.
LONGEST_CHAIN = 4

#: Parts of a change for which tests are asked, and test files shown in the end.
MAX_TEST_PROMPTS, MAX_TESTS = 3, 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What a review is asked to contain beside findings, and its price: see `reviewer.models`.

    `cost_per_thousand` estimates the dollars that a thousand tokens of diff cost in all, None where it is not known.
    """

    tests: bool = True
    refactorings: bool = True
    cost_per_thousand: Decimal | None = None


def review(change: Change, settings: Settings, ask: Ask, *, salt: bytes, wish: Wish | None = None) -> Review:
    """Review a change. Raises the ModelError when the model could answer for no part of it.

    `salt` is a secret that keys the fences round untrusted text; the same change and salt give the same prompts.
    """
    wish = wish or Wish()
    files, skipped = select(change.diff, settings.review)
    chunks, unfit = chunk(files)
    chunks, dear = affordable(chunks, cost=wish.cost_per_thousand, ceiling=settings.budget.per_review_usd)
    skipped += unfit + dear
    if not chunks:
        return Review(summary="", skipped=skipped)
    gathered = gather(change, chunks)
    change = replace(change, head=gathered.head)
    prompter = Prompter(change, settings, fence_of(salt, change), gathered.related)

    look = Looker(change.sources, prompter.fence)
    found, refactored, tested = _find(prompter, chunks, wish, ask, look)
    if all(answer.error for answer in found):
        raise _nothing_reviewed(found)
    skipped += _unanswered(chunks, found)
    candidates, rejected = _candidates(change, found + refactored)
    left = LONGEST_CHAIN - 1 - max(answer.calls for answer in (*found, *refactored, *tested))
    judged, refuted, notes, checks = _falsify(prompter, chunks, candidates, ask, look, follow_ups=min(left, 2))
    result = triage(_with_proofs(change, judged), settings.review)
    tests, bad_tests = _tests(tested)
    answers = [*found, *refactored, *tested, *checks]
    return Review(
        summary=_summary(found),
        findings=result.findings,
        below=result.below,
        tests=tests,
        skipped=skipped,
        rejected=(*rejected, *refuted, *result.rejected, *bad_tests),
        notes=notes + _failures("suggestions of simpler code", refactored) + _failures("test suggestions", tested),
        usage=sum((answer.usage for answer in answers), Usage()),
        models=tuple(sorted(frozenset().union(*(answer.models for answer in answers)))),
        files_reviewed=len(
            {path for one, answer in zip(chunks, found, strict=True) if not answer.error for path in one.paths}
        ),
    )


def _find(
    prompter: Prompter, chunks: Sequence[Chunk], wish: Wish, ask: Ask, look: Look
) -> tuple[list[Answer], list[Answer], list[Answer]]:
    """Ask everything that can be asked of the bare change, in one parallel batch."""
    large = [one for one in chunks if _added_code(one) >= REFACTOR_FROM_LINES] if wish.refactorings else []
    testable = [one for one in chunks if _added_code(one)][:MAX_TEST_PROMPTS] if wish.tests else []
    batch: list[tuple[Prompt, Read]] = [
        *((prompter.findings(one), read_findings) for one in chunks),
        *((prompter.refactor(one), read_findings) for one in large),
        *((prompter.tests(one), read_tests) for one in testable),
    ]
    answers = answers_to(batch, ask, look=look, follow_ups=LONGEST_CHAIN - 2)
    return answers[: len(chunks)], answers[len(chunks) : len(chunks) + len(large)], answers[len(chunks) + len(large) :]


def _added_code(one: Chunk) -> int:
    """Count the added lines of program text in the chunk that are not tests."""
    files = [file for file in one.files if is_code(file.path) and not is_test(file.path)]
    return sum(
        line.kind == "+" and bool(line.text.strip()) for file in files for hunk in file.hunks for line in hunk.lines
    )


def _nothing_reviewed(found: Sequence[Answer]) -> ModelError:
    """Return the first error, carrying the attempts of all."""
    errors = [answer.error for answer in found if answer.error]
    errors[0].attempts = tuple(attempt for error in errors for attempt in error.attempts)
    return errors[0]


def _unanswered(chunks: Sequence[Chunk], found: Sequence[Answer]) -> tuple[Skipped, ...]:
    return tuple(
        Skipped(path, f"the model could not answer for it: {answer.error}")
        for one, answer in zip(chunks, found, strict=True)
        if answer.error
        for path in one.paths
    )


def _failures(what: str, answers: Sequence[Answer]) -> tuple[str, ...]:
    errors = [answer.error for answer in answers if answer.error]
    return (f"No {what} for {len(errors)} of {len(answers)} parts: {errors[0]}",) if errors else ()


def _candidates(change: Change, answers: Sequence[Answer]) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    """Give each finding of the model its place in the diff, or the reason why it has none; keep one of each."""
    placed: list[Finding] = []
    rejected: list[Rejected] = []
    for answer in answers:
        if isinstance(answer.value, FindingsReply):
            rejected += answer.value.rejected
            for raw in answer.value.findings:
                one = _placed(change, raw)
                (placed if isinstance(one, Finding) else rejected).append(one)  # type: ignore[arg-type]
    once, duplicates = unique(placed)
    return once, (*rejected, *duplicates)


def _placed(change: Change, raw: RawFinding) -> Finding | Rejected:
    path = resolve_path(change.diff, raw.path)
    if path is None:
        return Rejected("unknown file", raw.path[:300], raw.title[:200], "the file is not part of the change")
    located = locate(change.diff, path, raw.quote, raw.line)
    if isinstance(located, Nowhere):
        return Rejected(located.reason, path, raw.title[:200], located.detail)
    quote = "\n".join(line.text for line in located.lines)
    title = redact(" ".join(raw.title.split()))[0][:200]
    return Finding(
        anchor=located.anchor,
        severity=raw.severity,
        category=raw.category,
        title=title,
        body=redact(raw.body.strip())[0][:4000],
        quote=quote,
        confidence=Confidence.LOW,
        fingerprint=fingerprint(path, raw.category, quote, title),
        advice=raw.suggestion,
    )


def _falsify(
    prompter: Prompter,
    chunks: Sequence[Chunk],
    candidates: Sequence[Finding],
    ask: Ask,
    look: Look,
    *,
    follow_ups: int,
) -> tuple[list[Finding], list[Rejected], tuple[str, ...], list[Answer]]:
    """Put each candidate to a sceptical pass that sees the code; drop what it refutes."""
    by_chunk: dict[int, list[Finding]] = defaultdict(list)
    for one in candidates:
        by_chunk[next(index for index, part in enumerate(chunks) if _holds(part, one))].append(one)
    groups = sorted(by_chunk.items())
    prompts = [prompter.verify(chunks[index], claims, last=not follow_ups) for index, claims in groups]
    answers = answers_to([(one, read_verdicts) for one in prompts], ask, look=look, follow_ups=follow_ups)
    kept: list[Finding] = []
    refuted: list[Rejected] = []
    unchecked = 0
    for (_, claims), answer in zip(groups, answers, strict=True):
        verdicts: dict[int, RawVerdict] = answer.value if isinstance(answer.value, dict) else {}
        unchecked += len(claims) if answer.error else 0
        for number, claim in enumerate(claims, 1):
            verdict = verdicts.get(number)
            if verdict is not None and verdict.verdict == "refuted":
                detail = redact(verdict.reason)[0][:500]
                refuted.append(Rejected("refuted", claim.anchor.path, claim.title, detail))
            else:
                sure = verdict is not None and verdict.verdict == "confirmed"
                kept.append(replace(claim, confidence=Confidence.HIGH if sure else Confidence.LOW))
    note = f"{unchecked} findings could not be double-checked, so they are only listed." if unchecked else ""
    return kept, refuted, (note,) if note else (), answers


def _holds(part: Chunk, finding: Finding) -> bool:
    """Whether the chunk shows the finding's line (a large file's hunks may be spread over several chunks)."""
    anchor = finding.anchor
    return any(
        (line.old if anchor.side == "LEFT" else line.new) == anchor.line
        and (line.kind == "-") == (anchor.side == "LEFT")
        for file in part.files
        if file.path == anchor.path
        for hunk in file.hunks
        for line in hunk.lines
    )


def _with_proofs(change: Change, findings: Sequence[Finding]) -> list[Finding]:
    """Turn the advice that can be proven to apply into one-click suggestions. Reads each file once."""
    paths = sorted({one.anchor.path for one in findings if one.advice is not None})
    head = {path: text for path in paths if (file := change.diff.file(path)) and (text := added_text(file)) is not None}
    head |= {path: change.head[path] for path in paths if path in change.head}
    if unknown := [path for path in paths if path not in head]:
        head.update(change.read_head(unknown))
    return [_proven(change, one, head.get(one.anchor.path)) for one in findings]


def _proven(change: Change, finding: Finding, head: str | None) -> Finding:
    if finding.advice is None:
        return finding
    located = locate(change.diff, finding.anchor.path, finding.quote, finding.anchor.line)
    result = prove(located, finding.advice, head) if isinstance(located, Located) else None
    if isinstance(result, Proven) and postable(result.text) and redact(result.text)[1] == 0:
        return replace(finding, suggestion=result.text, advice=None)
    return replace(finding, advice=redact(finding.advice)[0][:4000].strip("\n") or None)


def _tests(answers: Sequence[Answer]) -> tuple[tuple[TestSuggestion, ...], tuple[Rejected, ...]]:
    """Return the suggested test files, one for each path, and those that are no sensible place for a file."""
    kept: dict[str, TestSuggestion] = {}
    rejected: list[Rejected] = []
    for answer in answers:
        for one in answer.value if isinstance(answer.value, tuple) else ():
            parts = one.path.split("/")
            if one.path.startswith("/") or ".." in parts or not one.path.isprintable() or "\\" in one.path:
                rejected.append(Rejected("bad test path", one.path[:300], "suggested test", "it leaves the repository"))
            elif one.path in kept or len(kept) == MAX_TESTS:
                rejected.append(Rejected("one test too many", one.path, "suggested test"))
            else:
                kept[one.path] = replace(one, code=redact(one.code)[0])
    return tuple(kept.values()), tuple(rejected)


def _summary(found: Sequence[Answer]) -> str:
    """Join what the model said of each part; one sentence or two a part."""
    texts = [" ".join(answer.value.summary.split()) for answer in found if isinstance(answer.value, FindingsReply)]
    texts = [redact(text)[0][:600] for text in dict.fromkeys(texts) if text]
    return texts[0] if len(texts) == 1 else "\n".join(f"- {text}" for text in texts)
