"""The verb of this package: a change in, a review out.

`ask`, `change.read_head` and `change.sources` are its only effects, and all are arguments. Two batches of prompts are
asked one after the other (find, then falsify), each followed up where a reply asks to see more or could not be read: at
most `ReviewOptions.chain` calls one after the other in all.
Promises: whatever was left out is named; a part that the model could not answer for is skipped aloud; and when nothing
at all could be reviewed, the model's error is raised instead of an empty review.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice

from reviewer.domain.change import Change
from reviewer.domain.findings import Review, Skipped
from reviewer.domain.settings import ReviewSettings, Settings
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt
from reviewer.llm.usage import Usage
from reviewer.safety.redaction import redact
from reviewer.tasks.context.related import gather_related
from reviewer.tasks.conversation.follow_ups import Answer, Look, ReplyReader, ask_and_read
from reviewer.tasks.conversation.lookups import LookupHandler
from reviewer.tasks.conversation.prompts import MOST_REFACTORINGS, Prompter, fence_of
from reviewer.tasks.conversation.replies import FindingsReply, read_findings, read_tests
from reviewer.tasks.planning.chunks import Chunk, affordable, chunk
from reviewer.tasks.planning.file_filter import select
from reviewer.tasks.planning.lenses import Depth, depth_of
from reviewer.tasks.suggest_tests import added_code, testable, usable_tests
from reviewer.tasks.verification.candidates import candidates, with_proofs
from reviewer.tasks.verification.falsifier import FalsifiedClaims, Falsifier
from reviewer.tasks.verification.triage import triage

#: Added lines of code from which a part is worth a look of its own for simpler code.
REFACTOR_FROM_LINES = 30

#: Refactorings of a deeper look: in one prompt, and said in the end.
DEEP_REFACTORINGS = 10

#: Calls one after the other in a review.
LONGEST_CHAIN = 4


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """What a review is asked to contain beside findings, and its price: see `reviewer.llm.models`.

    `deeper` looks for simpler code in every part that adds any, and says more of it than the settings allow. `chain` is
    how many calls may follow one another, from 2 on: with fewer than 4, less is repaired and shown on request.
    `cost_per_thousand` estimates the dollars that a thousand tokens of diff cost in all, None where it is not known.
    """

    tests: bool = True
    refactorings: bool = True
    deeper: bool = False
    chain: int = LONGEST_CHAIN
    cost_per_thousand: Decimal | None = None


def review(change: Change, settings: Settings, ask: Ask, *, salt: bytes, wish: ReviewOptions | None = None) -> Review:
    """Review a change. Raises the ModelError when the model could answer for no part of it.

    `salt` is a secret that keys the fences round untrusted text; the same change and salt give the same prompts.
    """
    wish = wish or ReviewOptions()
    files, skipped = select(change.diff, settings.review)
    chunks, unfit = chunk(files)
    chunks, dear = affordable(chunks, cost=wish.cost_per_thousand, ceiling=settings.budget.per_review_usd)
    skipped += unfit + dear
    if not chunks:
        return Review(summary="", skipped=skipped)
    gathered = gather_related(change, chunks)
    change = replace(change, head=gathered.head)
    prompter = Prompter(change, settings, fence_of(salt, change), gathered.related)
    depth = depth_of(chunks, cost=wish.cost_per_thousand, ceiling=settings.budget.per_review_usd)
    look = LookupHandler(change.sources, prompter.fence)

    found = _find(prompter, chunks, depth, wish, ask, look)
    if all(answer.error for answer in found.general):
        raise _nothing_reviewed(found.general)
    claims, rejected = candidates(change, found.replies())
    sceptics = Falsifier(prompter, ask, look, follow_ups=min(wish.chain - 1 - _longest(found.answers()), 2))
    judged = sceptics.judge(chunks, claims, two_opinions=depth.two_opinions)
    result = triage(with_proofs(change, judged.kept), _caps(settings.review, wish))
    tests, bad_tests = usable_tests(found.tests)
    answers = (*found.answers(), *judged.answers)
    return Review(
        summary=_summary(found.general),
        findings=result.findings,
        below=result.below,
        tests=tests,
        skipped=skipped + _unanswered(chunks, found.general),
        rejected=(*rejected, *judged.refuted, *result.rejected, *bad_tests),
        notes=_notes(found, judged, depth, settings),
        files_reviewed=_files(chunks, found.general),
        chain=_longest(found.answers()) + _longest(judged.answers),
        usage=sum((answer.usage for answer in answers), Usage()),
        models=tuple(sorted(frozenset().union(*(answer.models for answer in answers)))),
    )


def _longest(answers: Sequence[Answer]) -> int:
    """Return how many calls had to wait for one another in a batch."""
    return max((answer.calls for answer in answers), default=0)


def _files(chunks: Sequence[Chunk], found: Sequence[Answer]) -> int:
    """Count the files of the parts that were answered for."""
    answered = (one for one, answer in zip(chunks, found, strict=True) if not answer.error)
    return len({path for one in answered for path in one.paths})


@dataclass(frozen=True, slots=True)
class _Found:
    """The answers to what was asked of the bare change, each group in the order of the parts."""

    general: tuple[Answer, ...]
    closer: tuple[Answer, ...]
    simpler: tuple[Answer, ...]
    tests: tuple[Answer, ...]

    def answers(self) -> tuple[Answer, ...]:
        """Return all of them."""
        return (*self.general, *self.closer, *self.simpler, *self.tests)

    def replies(self) -> Iterator[FindingsReply]:
        """Yield the readable replies that hold findings."""
        for answer in (*self.general, *self.closer, *self.simpler):
            if isinstance(answer.value, FindingsReply):
                yield answer.value


def _caps(review: ReviewSettings, wish: ReviewOptions) -> ReviewSettings:
    """Return the settings with room for more refactorings where a deeper look for them was asked for."""
    if not wish.deeper:
        return review
    most = max(review.max_refactorings, DEEP_REFACTORINGS)
    return review.model_copy(update={"max_refactorings": most, "max_comments": review.max_comments + most})


def _notes(found: _Found, judged: FalsifiedClaims, depth: Depth, settings: Settings) -> tuple[str, ...]:
    """Tell what was not done, or not done as well as it could be."""
    notes = [f"{judged.unjudged} findings could not be double-checked, so they are only listed."] * bool(
        judged.unjudged
    )
    if depth.unpaid:
        ceiling = settings.budget.per_review_usd
        notes.append(
            f"{depth.unpaid} closer looks at risky code were left out to stay within ${ceiling:f} for one review "
            "(`budget.per_review_usd`)."
        )
    return (
        *notes,
        *_failures("closer looks at risky code", found.closer),
        *_failures("suggestions of simpler code", found.simpler),
        *_failures("test suggestions", found.tests),
    )


def _find(
    prompter: Prompter, chunks: Sequence[Chunk], depth: Depth, wish: ReviewOptions, ask: Ask, look: Look
) -> _Found:
    """Ask everything that can be asked of the bare change, in one parallel batch."""
    least = 1 if wish.deeper else REFACTOR_FROM_LINES
    large = [one for one in chunks if added_code(one) >= least] if wish.refactorings or wish.deeper else []
    tested = testable(chunks) if wish.tests else []
    most = DEEP_REFACTORINGS if wish.deeper else MOST_REFACTORINGS
    groups: tuple[list[tuple[Prompt, ReplyReader]], ...] = (
        [(prompter.findings(one), read_findings) for one in chunks],
        [
            (prompter.findings(one, lens), read_findings)
            for one, looks in zip(chunks, depth.looks, strict=True)
            for lens in looks
        ],
        [(prompter.refactor(one, most=most), read_findings) for one in large],
        [(prompter.tests(one), read_tests) for one in tested],
    )
    answers = iter(ask_and_read([one for group in groups for one in group], ask, look=look, follow_ups=wish.chain - 2))
    return _Found(*(tuple(islice(answers, len(group))) for group in groups))


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


def _summary(found: Sequence[Answer]) -> str:
    """Join what the model said of each part; one sentence or two a part."""
    texts = [" ".join(answer.value.summary.split()) for answer in found if isinstance(answer.value, FindingsReply)]
    texts = [redact(text)[0][:600] for text in dict.fromkeys(texts) if text]
    return texts[0] if len(texts) == 1 else "\n".join(f"- {text}" for text in texts)
