"""Demonstrate the findings of a review in a checkout: copy it, find a sandbox, run, remove the copies.

This is the entry for the command line and the Action. The checkout itself is only read. Without a sandbox nothing is
run, unless a person asked to run without one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from reviewer.demonstration.request import DemonstrationRequest
from reviewer.demonstration.rounds import Rounds
from reviewer.demonstration.subject import DemonstrationSubject
from reviewer.diff.model import FileStatus
from reviewer.domain.change import Change
from reviewer.domain.findings import Category, Finding, Review
from reviewer.domain.settings import Settings
from reviewer.domain.severity import DemonstrateLevel
from reviewer.errors import NoSandbox, WorktreeError
from reviewer.llm.messages import Ask
from reviewer.sandbox.api import SandboxRunner
from reviewer.sandbox.sandbox import find_sandbox
from reviewer.sandbox.staging import StagedTree, stage_revision, stage_working_tree
from reviewer.sandbox.unconfined import unconfined_runner
from reviewer.testgen.session import CheckoutToTest


def demonstrated(
    review: Review,
    change: Change,
    settings: Settings,
    checkout: CheckoutToTest,
    ask: Ask,
    *,
    salt: bytes,
    request: DemonstrationRequest,
) -> Review:
    """Return the review with what running tests showed about its findings. `salt` is as in `review`."""
    chosen = findings_to_prove(review, request)
    if not worth_running(review, request):
        return review
    limits = request.limits
    if settings.budget.per_review_usd is not None:
        spent = review.usage.cost_usd or Decimal(0)
        limits = replace(limits, usd=max(settings.budget.per_review_usd - spent, Decimal(0)))
    try:
        execute: SandboxRunner = find_sandbox(private=checkout.private) if checkout.sandboxed else unconfined_runner()
        added = [file.path for file in change.diff.files if file.status is FileStatus.ADDED]
        with (
            stage_working_tree(checkout.root, share=checkout.sandboxed) as head,
            _base(checkout, added) as base,
        ):
            subject = DemonstrationSubject(
                change,
                _with_command(settings, checkout.command),
                head.tree,
                base,
                checkout.root,
                checkout.python,
                Path.home(),
                execute,
                sandboxed=checkout.sandboxed,
            )
            return Rounds(subject, ask, salt, limits, time.monotonic).run(review, chosen[: limits.findings])
    except NoSandbox as error:
        note = (f"Findings were not demonstrated, because there is no sandbox here: {error}",) if request.asked else ()
        return replace(review, notes=(*review.notes, *note))


def _with_command(settings: Settings, command: str | None) -> Settings:
    """Return the settings with the test command that comes before the configured one, if there is one."""
    if command is None:
        return settings
    return settings.model_copy(update={"tests": settings.tests.model_copy(update={"command": command})})


def worth_running(review: Review, request: DemonstrationRequest) -> bool:
    """Whether there is anything to run: a finding to demonstrate, or a suggestion that might break a test."""
    if request.level is DemonstrateLevel.OFF and not request.only:
        return False
    has_suggestion = any(finding.suggestion is not None for finding in review.findings)
    return has_suggestion or bool(findings_to_prove(review, request))


def findings_to_prove(review: Review, request: DemonstrationRequest) -> list[Finding]:
    """Return the findings to demonstrate, those that are shown inline first, the most severe first."""
    every = [*review.findings, *review.below]
    if request.only:
        return [finding for finding in every if finding.fingerprint in request.only]
    chosen = [
        finding
        for finding in every
        if finding.category not in (Category.REFACTORING, Category.TEST) and request.level.includes(finding.severity)
    ]
    return sorted(chosen, key=lambda finding: -finding.severity.rank)


@contextmanager
def _base(checkout: CheckoutToTest, added: Sequence[str]) -> Iterator[Path | None]:
    """Yield a copy of the base, if git has it: a shallow clone may lack it."""
    with ExitStack() as stack:
        base: StagedTree | None = None
        with suppress(WorktreeError):
            base = stack.enter_context(
                stage_revision(checkout.root, checkout.base_sha, without=added, share=checkout.sandboxed)
            )
        yield base.tree if base else None
