"""`reviewer diff --prove`: run tests that show the findings of a local review, and their fixes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reviewer.cli.proving.checkout import checkout_to_test
from reviewer.demonstration.request import DemonstrationRequest
from reviewer.demonstration.session import demonstrated, findings_to_prove
from reviewer.domain.change import Change
from reviewer.domain.demonstrations import FixDemonstration
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.domain.severity import DemonstrateLevel
from reviewer.errors import UsageError
from reviewer.llm.messages import Ask
from reviewer.testgen.evidence import NotRun

_NO_CLONE = "Findings were not demonstrated: with --diff there is no clone to run tests in."


def demonstrate_local(
    review: Review,
    change: Change,
    settings: Settings,
    options: argparse.Namespace,
    ask: Ask,
    salt: bytes,
    progress: Callable[[str], None],
) -> Review:
    """Return the review with what running tests showed; a note says why where nothing could be run."""
    if options.diff is not None:
        return replace(review, notes=(*review.notes, _NO_CLONE))
    request = DemonstrationRequest(_level(settings, options), asked=True)
    chosen = findings_to_prove(review, request)
    if not chosen and not any(finding.suggestion is not None for finding in review.findings):
        note = f"No finding is of severity {request.level} or above, so nothing was demonstrated (--prove-level)."
        return replace(review, notes=(*review.notes, note)) if review.findings else review
    checkout = checkout_to_test(settings, options, progress, what="tests of the findings")
    if isinstance(checkout, NotRun):
        return replace(review, notes=(*review.notes, checkout.reason))
    result = demonstrated(review, change, settings, checkout, ask, salt=salt, request=request)
    if options.patch is not None and result.joint_fix is not None:
        _write_patch(result.joint_fix, options.patch, append=options.tests and Path(options.patch).exists())
        progress(f"git apply {options.patch}   # fixes what was demonstrated")
    return result


def _level(settings: Settings, options: argparse.Namespace) -> DemonstrateLevel:
    """Return the person's level, else the repository's; a person who asks for it is not stopped by `off`."""
    if options.prove_level:
        return DemonstrateLevel(options.prove_level)
    configured = settings.tests.demonstrate
    return DemonstrateLevel.ERROR if configured is DemonstrateLevel.OFF else configured


def _write_patch(fix: FixDemonstration, place: str, *, append: bool) -> None:
    """Write the fix and its tests as a patch, behind the suggested tests where there are any. Raises UsageError."""
    try:
        with Path(place).open("a" if append else "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(fix.patch_with_tests)
    except OSError as error:
        raise UsageError(f"Cannot write {place}: {error.strerror}.") from error
