"""Review a change: find defects, then try to refute each of them. Added secrets are found without the model.

`ask`, `change.read_head` and `change.sources` are the only effects, and all are arguments. Two batches of prompts are
asked one after the other (find, then falsify), each with follow-ups for lookups and for replies that cannot be read; a
last call puts several findings in order. At most `ReviewOptions.chain` calls follow one another.
The review names everything that was left out, also parts without an answer. Without any, it raises the model's error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from reviewer.diff.model import FileDiff
from reviewer.domain.change import Change
from reviewer.domain.context_report import ContextReport
from reviewer.domain.findings import Finding, Rejected, Review, Skipped, TestSuggestion
from reviewer.domain.settings import ReviewSettings, Settings
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask
from reviewer.llm.usage import Usage
from reviewer.safety.redaction import redact
from reviewer.tasks.context.related import RelatedCode, gather_related
from reviewer.tasks.context.repository_cache import RepositoryCache
from reviewer.tasks.conversation.divisions import DivisionByCode
from reviewer.tasks.conversation.follow_ups import Answer, Look, ask_and_read_both
from reviewer.tasks.conversation.prompts import MOST_REFACTORINGS, Prompter, fence_of
from reviewer.tasks.conversation.replies import FindingsReply, join_findings, read_findings, read_tests
from reviewer.tasks.lookups.handler import LookupBudget, LookupHandler
from reviewer.tasks.planning.chunks import Chunk, affordable, chunk
from reviewer.tasks.planning.file_filter import searched_for_secrets, select
from reviewer.tasks.planning.lenses import Depth, depth_of
from reviewer.tasks.suggest_tests import added_code, join_tests, testable, usable_tests
from reviewer.tasks.verification.added_secrets import AddedSecrets, added_secrets, drop_repeated
from reviewer.tasks.verification.editor import EditedFindings, edit_findings
from reviewer.tasks.verification.falsifier import FalsifiedClaims, Falsifier
from reviewer.tasks.verification.triage import Triaged, placed, triage, unwanted_note, without_unwanted

#: A chunk with at least so many added lines of code also gets a prompt for simpler code.
REFACTOR_FROM_LINES = 30

#: With `deeper`: most refactorings in one prompt, and in the review.
DEEP_REFACTORINGS = 10

#: Most calls one after the other in a review.
LONGEST_CHAIN = 8

#: Calls of the longest chain that finders may not use to look things up or to repair an answer: their own first, two
#: of the falsifier, one of the editor. And those that the falsifier may not use: its own first, one of the editor.
_KEPT_BY_FINDERS, _KEPT = 4, 2


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """What a review contains beside findings, and its estimated price.

    `deeper` looks for simpler code in every chunk that adds code, and shows more of it than the settings allow. `chain`
    is how many calls may follow one another, at least 2: with fewer than 4 there are fewer repairs and lookups.
    `cost_per_thousand` is the estimated total cost in dollars of a thousand tokens of diff, None if not known.
    """

    tests: bool = True
    refactorings: bool = True
    deeper: bool = False
    chain: int = LONGEST_CHAIN
    cost_per_thousand: Decimal | None = None


def review(
    change: Change, settings: Settings, ask: Ask, *, salt: bytes, options: ReviewOptions | None = None
) -> Review:
    """Review a change. Raises the ModelError if no part of it could be reviewed.

    `salt` is a secret that keys the fences round untrusted text; the same change and salt give the same prompts.
    """
    options = options or ReviewOptions()
    files, skipped = select(change.diff, settings.review)
    secrets = added_secrets(change.diff, searched_for_secrets(change.diff, settings.review))
    chunks, left_out = _chunks(files, options, settings)
    if not chunks:
        return replace(_secrets_alone(secrets, (*skipped, *left_out), settings), unfit=len(left_out))
    change, gathered = _with_context(change, chunks)
    prompter = Prompter(change, settings, fence_of(salt, change), gathered.related, gathered.outline)
    depth = depth_of(chunks, cost=options.cost_per_thousand, ceiling=settings.budget.per_review_usd)
    look = _looking(change, prompter, gathered.library)
    found = _find(prompter, chunks, depth, options, ask, look)
    claims, rejected = _claims(change, found, secrets)
    falsifier = Falsifier(prompter, ask, look, follow_ups=max(0, options.chain - _KEPT - _longest(found.answers())))
    judged = _wanted(change, falsifier.judge(chunks, claims, two_opinions=depth.two_opinions))
    left = options.chain - _longest(found.answers()) - _longest(judged.answers)
    edited, result = _edited(prompter, judged, secrets, replace(options, chain=left), ask)
    tests, bad_tests = usable_tests(found.tests)
    return replace(
        _billed((*found.answers(), *judged.answers, *edited.answers)),
        summary=_summary(found.general),
        findings=result.findings,
        below=result.below,
        tests=tests,
        skipped=(*skipped, *left_out, *_unanswered(chunks, found.general)),
        rejected=(*rejected, *judged.refuted, *edited.rejected, *bad_tests),
        notes=(*secrets.notes, *_notes(found, judged, depth, settings)),
        files_reviewed=_files(chunks, found.general),
        chain=options.chain - left + _longest(edited.answers),
        unfit=len(left_out),
        unanswered=sum(answer.error is not None for answer in found.general),
        unjudged=judged.unjudged,
        context=ContextReport(tuple(prompter.tokens.items()), gathered.shown, look.counts),
    )


def _with_context(change: Change, chunks: Sequence[Chunk]) -> tuple[Change, RelatedCode]:
    """Return the change with the files that were read, and the code beside it."""
    gathered = gather_related(change, chunks)
    return replace(change, head=gathered.head), gathered


def _edited(
    prompter: Prompter, judged: FalsifiedClaims, secrets: AddedSecrets, options: ReviewOptions, ask: Ask
) -> tuple[EditedFindings, Triaged]:
    """Return the findings in their order, and which of them are shown inline; `options.chain` calls are left."""
    caps = _caps(prompter.settings.review, options)
    proven: Sequence[Finding] = ()
    if judged.kept:
        from reviewer.tasks.verification.candidates import with_proofs  # noqa: PLC0415 - slow, and needed with findings only

        proven = with_proofs(prompter.change, judged.kept)
    edited = edit_findings(proven, secrets.findings, prompter, ask, calls=options.chain, most=caps.max_comments)
    return edited, placed(edited.findings, caps, edited.listed)


def _wanted(change: Change, judged: FalsifiedClaims) -> FalsifiedClaims:
    """Return the claims without those that only a preference of the maintainers stops; these are among the refuted."""
    kept, unwanted = without_unwanted(judged.kept, change.preferences)
    return replace(judged, kept=tuple(kept), refuted=(*judged.refuted, *unwanted))


def _looking(change: Change, prompter: Prompter, library: RepositoryCache | None) -> LookupHandler:
    """Return what answers requests to see code, within a part of what the review may cost."""
    budget = LookupBudget.within(prompter.settings.budget.per_review_usd)
    return LookupHandler.of(change, prompter.fence, library=library, budget=budget)


def _billed(answers: Sequence[Answer[Any]]) -> Review:
    """Return an empty review with what the calls used, and the models that answered."""
    models = frozenset().union(*(answer.models for answer in answers))
    return Review("", usage=sum((answer.usage for answer in answers), Usage()), models=tuple(sorted(models)))


def _claims(change: Change, found: _Found, secrets: AddedSecrets) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    """Return the model's findings that have a place, without what is known of the added secrets already."""
    if not (replies := [reply for reply in found.replies() if reply.findings or reply.rejected]):
        return (), ()
    from reviewer.tasks.verification.candidates import candidates  # noqa: PLC0415 - slow, and needed with findings only

    placed, rejected = candidates(change, replies)
    claims, repeated = drop_repeated(placed, secrets.findings)
    return claims, (*rejected, *repeated)


def _chunks(
    files: Sequence[FileDiff], options: ReviewOptions, settings: Settings
) -> tuple[tuple[Chunk, ...], tuple[Skipped, ...]]:
    """Return the parts to review, and the files that fit into none or cost too much."""
    chunks, unfit = chunk(files)
    ceiling = settings.budget.per_review_usd
    chunks, too_dear = affordable(chunks, cost=options.cost_per_thousand, ceiling=ceiling)
    return chunks, (*unfit, *too_dear)


def _secrets_alone(secrets: AddedSecrets, skipped: tuple[Skipped, ...], settings: Settings) -> Review:
    """Return the review of a change of which nothing is shown to the model."""
    result = triage(secrets.findings, settings.review)
    return Review(summary="", findings=result.findings, below=result.below, skipped=skipped, notes=secrets.notes)


def _longest(answers: Sequence[Answer[Any]]) -> int:
    """Return the most calls in a row that one prompt of a batch took."""
    return max((answer.calls for answer in answers), default=0)


def _files(chunks: Sequence[Chunk], found: Sequence[Answer[Any]]) -> int:
    """Count the files of the parts that were reviewed."""
    answered = [(part, answer) for part, answer in zip(chunks, found, strict=True) if answer.value is not None]
    return len({path for part, answer in answered for path in part.paths if path not in answer.lost})


@dataclass(frozen=True, slots=True)
class _Found:
    """The answers of the first batch, each group in the order of the chunks."""

    general: tuple[Answer[FindingsReply], ...]
    closer: tuple[Answer[FindingsReply], ...]
    simpler: tuple[Answer[FindingsReply], ...]
    tests: tuple[Answer[tuple[TestSuggestion, ...]], ...]

    def answers(self) -> tuple[Answer[Any], ...]:
        """Return all of them."""
        return (*self.general, *self.closer, *self.simpler, *self.tests)

    def replies(self) -> Iterator[FindingsReply]:
        """Yield the readable replies that hold findings."""
        for answer in (*self.general, *self.closer, *self.simpler):
            if answer.value is not None:
                yield answer.value


def _caps(review: ReviewSettings, options: ReviewOptions) -> ReviewSettings:
    """Return the settings, with room for more refactorings if `deeper` was asked for."""
    if not options.deeper:
        return review
    most = max(review.max_refactorings, DEEP_REFACTORINGS)
    return review.model_copy(update={"max_refactorings": most, "max_comments": review.max_comments + most})


def _notes(found: _Found, judged: FalsifiedClaims, depth: Depth, settings: Settings) -> tuple[str, ...]:
    """Return a note for everything that was not done, or only in part."""
    many = f"{judged.unjudged} findings could not be double-checked, so they are only listed."
    single = "1 finding could not be double-checked, so it is only listed."
    notes = [single if judged.unjudged == 1 else many] * bool(judged.unjudged)
    if depth.unpaid:
        ceiling = settings.budget.per_review_usd
        notes.append(
            f"{depth.unpaid} closer looks at risky code were left out to stay within ${ceiling:f} for one review "
            "(`budget.per_review_usd`)."
        )
    notes += unwanted_note(judged.refuted)
    return (
        *notes,
        *_failures("closer looks at risky code", found.closer),
        *_failures("suggestions of simpler code", found.simpler),
        *_failures("test suggestions", found.tests),
    )


def _find(
    prompter: Prompter, chunks: Sequence[Chunk], depth: Depth, options: ReviewOptions, ask: Ask, look: Look
) -> _Found:
    """Ask for findings, closer looks, simpler code and tests, in one parallel batch. Raises if no part was reviewed."""
    least = 1 if options.deeper else REFACTOR_FROM_LINES
    large = [part for part in chunks if added_code(part) >= least] if options.refactorings or options.deeper else []
    tested = testable(chunks) if options.tests else []
    most = DEEP_REFACTORINGS if options.deeper else MOST_REFACTORINGS
    divide = DivisionByCode(read_findings, join_findings)
    divide_tests = DivisionByCode(read_tests, join_tests)
    general = [divide.prompt(part, prompter.findings) for part in chunks]
    closer = [
        divide.prompt(part, partial(prompter.findings, lens=lens))
        for part, lenses in zip(chunks, depth.looks, strict=True)
        for lens in lenses
    ]
    simpler = [divide.prompt(part, partial(prompter.refactor, most=most)) for part in large]
    answers, tests = ask_and_read_both(
        [(prompt, read_findings) for prompt in (*general, *closer, *simpler)],
        [(divide_tests.prompt(part, prompter.tests), read_tests) for part in tested],
        ask,
        look=look,
        divide=(divide, divide_tests),
        follow_ups=max(0, options.chain - _KEPT_BY_FINDERS),
    )
    if all(answer.value is None for answer in answers[: len(general)]):
        raise _nothing_reviewed(answers[: len(general)])
    rest = iter(answers)
    return _Found(
        general=tuple(islice(rest, len(general))),
        closer=tuple(islice(rest, len(closer))),
        simpler=tuple(islice(rest, len(simpler))),
        tests=tuple(tests),
    )


def _nothing_reviewed(found: Sequence[Answer[Any]]) -> ModelError:
    """Return the first error, carrying the attempts of all."""
    errors = [answer.error for answer in found if answer.error]
    errors[0].attempts = tuple(attempt for error in errors for attempt in error.attempts)
    return errors[0]


def _unanswered(chunks: Sequence[Chunk], found: Sequence[Answer[Any]]) -> tuple[Skipped, ...]:
    return tuple(
        Skipped(path, f"the model could not answer for it: {answer.error}", is_unanswered=True)
        for part, answer in zip(chunks, found, strict=True)
        if answer.error
        for path in (answer.lost or part.paths)
    )


def _failures(what: str, answers: Sequence[Answer[Any]]) -> tuple[str, ...]:
    errors = [answer.error for answer in answers if answer.error]
    return (f"No {what} for {len(errors)} of {len(answers)} parts: {errors[0]}",) if errors else ()


def _summary(found: Sequence[Answer[FindingsReply]]) -> str:
    """Join the summaries of the chunks, a sentence or two each."""
    texts = [" ".join(answer.value.summary.split()) for answer in found if answer.value]
    texts = [redact(text)[0][:600] for text in dict.fromkeys(texts) if text]
    return texts[0] if len(texts) == 1 else "\n".join(f"- {text}" for text in texts)
