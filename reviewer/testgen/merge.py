"""Add generated tests to a review; failing ones go under the findings that they confirm. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reviewer.diff.model import Side
from reviewer.domain.findings import Appendix, Finding, Rejected, Reproduction, Review, TestSuggestion
from reviewer.domain.severity import Confidence
from reviewer.languages.allowed_tests import refused_name
from reviewer.testgen.evidence import DefectReproduction, GeneratedTests, NotRun


def with_proven(review: Review, outcome: GeneratedTests | NotRun) -> Review:
    """Return the review with the generated tests; for a `NotRun` its own tests, with a note why they were not run."""
    if isinstance(outcome, NotRun):
        return replace(review, notes=(*review.notes, outcome.reason))
    shown = _with_reproductions(review, outcome.reproductions)
    return replace(
        shown,
        tests=outcome.tests,
        rejected=(*shown.rejected, *_stopped(outcome)),
        notes=(*shown.notes, *outcome.notes),
        usage=shown.usage + outcome.usage,
        models=tuple(sorted({*shown.models, *outcome.models})),
    )


def _stopped(outcome: GeneratedTests) -> list[Rejected]:
    return [
        Rejected(
            f"test stopped at: {test.stopped.gate}", test.path[:300], f"test of {test.covers}", test.stopped.reason
        )
        for test in outcome.dropped
    ]


def _with_reproductions(review: Review, reproductions: Sequence[DefectReproduction]) -> Review:
    """Attach each failing test to the best finding about its unit; a finding that was cut from the review is restored.

    Without such a finding the test is only counted: a failing test alone is as often wrong as the code.
    """
    findings, below, rejected = list(review.findings), list(review.below), list(review.rejected)
    for reproduction in reproductions:
        place = next((index for index, finding in enumerate(findings) if _is_about(finding, reproduction)), None)
        if place is not None:
            findings[place] = _reproduced(findings[place], reproduction)
            continue
        lifted = next((finding for finding in below if _is_about(finding, reproduction)), None)
        if lifted is not None:
            below.remove(lifted)
            findings.append(_reproduced(lifted, reproduction))
            continue
        what = f"test of {reproduction.unit.covers}"
        rejected.append(
            Rejected(
                "failing test without a finding about it",
                reproduction.path[:300],
                what,
                reproduction.failure.message[:500],
            )
        )
    return replace(review, findings=tuple(findings), below=tuple(below), rejected=tuple(rejected))


def _is_about(finding: Finding, reproduction: DefectReproduction) -> bool:
    anchor = finding.anchor
    inside = reproduction.unit.first <= anchor.line <= reproduction.unit.last
    return (
        anchor.path == reproduction.unit.path and anchor.side is Side.RIGHT and inside and finding.reproduction is None
    )


def _reproduced(finding: Finding, reproduction: DefectReproduction) -> Finding:
    failure = f"{reproduction.failure.test}: {reproduction.failure.message}"[:1_000]
    return replace(
        finding, confidence=Confidence.HIGH, reproduction=Reproduction(reproduction.path, reproduction.code, failure)
    )


def patch_of(tests: Sequence[TestSuggestion]) -> str:
    """Return the tests as one patch for `git apply`, for the head they were run on.

    They are new files, whose places in the repository were checked before, or additions at the end of files of the
    change. A file that is not named as a test is left out.
    """
    appendices: dict[str, list[Appendix]] = {}
    for test in tests:
        if test.appendix is not None:
            appendices.setdefault(test.appendix.anchor.path, []).append(test.appendix)
    new = [_patch_of_new_file(test) for test in tests if test.appendix is None and refused_name(test.path) is None]
    return "".join([*new, *(_patch_of_appendices(path, parts) for path, parts in appendices.items())])


def _patch_of_new_file(test: TestSuggestion) -> str:
    lines = test.code.removesuffix("\n").split("\n")
    quoted = _quoted(f"b/{test.path}")
    head = [
        f"diff --git {_quoted(f'a/{test.path}')} {quoted}",
        "new file mode 100644",
        "--- /dev/null",
        f"+++ {quoted}",
        f"@@ -0,0 +1,{len(lines)} @@",
    ]
    return "\n".join([*head, *(f"+{line}" for line in lines)]) + "\n"


def _patch_of_appendices(path: str, parts: Sequence[Appendix]) -> str:
    above, last = parts[0].above.split("\n"), parts[0].anchor.line
    below = "\n".join(part.code for part in parts).split("\n")
    start, old, new = last - len(above) + 1, _quoted(f"a/{path}"), _quoted(f"b/{path}")
    head = [
        f"diff --git {old} {new}",
        f"--- {old}",
        f"+++ {new}",
        f"@@ -{start},{len(above)} +{start},{len(above) + len(below)} @@",
    ]
    return "\n".join([*head, *(f" {line}" for line in above), *(f"+{line}" for line in below)]) + "\n"


def _quoted(name: str) -> str:
    """Return the name as git writes it, quoted if it contains special characters.

    https://git-scm.com/docs/git-config#Documentation/git-config.txt-corequotePath
    """
    if name.isascii() and '"' not in name and "\\" not in name and " " not in name:
        return name
    octal = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in name.encode("utf-8", "surrogateescape")
    )
    return f'"{octal}"'
