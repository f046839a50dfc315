"""Add generated tests to a review; failing ones go under the findings that they confirm. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from reviewer.diff.model import Side
from reviewer.domain.findings import Appendix, Category, Finding, Rejected, Reproduction, Review, TestSuggestion
from reviewer.domain.severity import Confidence
from reviewer.languages.allowed_tests import refused_name
from reviewer.testgen.evidence import CodeUnit, DefectReproduction, GeneratedTests, NotRun


def with_proven(review: Review, outcome: GeneratedTests | NotRun) -> Review:
    """Return the review with the generated tests; for a `NotRun` its own tests, with a note why they were not run."""
    if isinstance(outcome, NotRun):
        return replace(review, notes=(*review.notes, outcome.reason))
    shown, alone = _with_reproductions(review, outcome.reproductions)
    tests, doubted = _without_doubted(outcome, shown.findings)
    return replace(
        shown,
        tests=(*tests, *(as_test(reproduction) for reproduction in alone)),
        rejected=(*shown.rejected, *_stopped(outcome), *doubted),
        notes=(*shown.notes, *outcome.notes),
        usage=shown.usage + outcome.usage,
        models=tuple(sorted({*shown.models, *outcome.models})),
    )


def _stopped(outcome: GeneratedTests) -> list[Rejected]:
    return [
        Rejected(
            f"test stopped at: {test.stopped.gate}", test.path[:300], f"test of {test.covers}", test.stopped.reason
        )
        for test in (*outcome.dropped, *outcome.left_out)
    ]


def as_test(reproduction: DefectReproduction) -> TestSuggestion:
    """Return a failing test that may be right as a test to show; its evidence says what is known."""
    message = reproduction.failure.message.partition("\n")[0][:500]
    if reproduction.sure:
        evidence = f"fails on the code as it is, and a second pass finds it right: {message}"
    else:
        evidence = (
            "a first version, which fails on the code as it is; a second pass could not tell whether it is right, so "
            f"it is a possible reproduction of a defect: {message}"
        )
    unit = reproduction.unit
    return TestSuggestion(reproduction.path, unit.covers, reproduction.code, evidence, reproduces=True)


def _without_doubted(
    outcome: GeneratedTests, findings: Sequence[Finding]
) -> tuple[tuple[TestSuggestion, ...], list[Rejected]]:
    """Leave out tests that pin today's behaviour of a unit about which the review has a confirmed finding."""
    kept: list[TestSuggestion] = []
    doubted: list[Rejected] = []
    for test in outcome.tests:
        unit = outcome.undecided.get(test.path)
        finding = next((found for found in findings if unit and _doubts(found, unit)), None)
        if finding is None:
            kept.append(test)
            continue
        detail = f"It pins today's behaviour, and a confirmed finding of this review is about it: {finding.title}"
        doubted.append(
            Rejected("test of code that a finding doubts", test.path[:300], f"test of {test.covers}", detail)
        )
    return tuple(kept), doubted


def _doubts(finding: Finding, unit: CodeUnit) -> bool:
    serious = finding.category in (Category.BUG, Category.SECURITY) and finding.confidence is Confidence.HIGH
    return serious and _is_in(finding, unit)


def _is_in(finding: Finding, unit: CodeUnit) -> bool:
    anchor = finding.anchor
    return anchor.path == unit.path and anchor.side is Side.RIGHT and unit.first <= anchor.line <= unit.last


def _with_reproductions(
    review: Review, reproductions: Sequence[DefectReproduction]
) -> tuple[Review, list[DefectReproduction]]:
    """Attach each failing test to the best finding about its unit; a finding that was cut from the review is restored.

    Without such a finding, or where the second pass could not decide, it is returned: it is no finding by itself,
    because a failing test alone is as often wrong as the code.
    """
    findings, below = list(review.findings), list(review.below)
    alone: list[DefectReproduction] = []
    for reproduction in reproductions:
        if not reproduction.sure:
            alone.append(reproduction)
            continue
        place = next((index for index, finding in enumerate(findings) if _is_about(finding, reproduction)), None)
        if place is not None:
            findings[place] = _reproduced(findings[place], reproduction)
            continue
        lifted = next((finding for finding in below if _is_about(finding, reproduction)), None)
        if lifted is not None:
            below.remove(lifted)
            findings.append(_reproduced(lifted, reproduction))
            continue
        alone.append(reproduction)
    return replace(review, findings=tuple(findings), below=tuple(below)), alone


def _is_about(finding: Finding, reproduction: DefectReproduction) -> bool:
    return finding.reproduction is None and _is_in(finding, reproduction.unit)


def _reproduced(finding: Finding, reproduction: DefectReproduction) -> Finding:
    failure = f"{reproduction.failure.test}: {reproduction.failure.message}"[:1_000]
    return replace(
        finding, confidence=Confidence.HIGH, reproduction=Reproduction(reproduction.path, reproduction.code, failure)
    )


def patch_of(tests: Sequence[TestSuggestion]) -> str:
    """Return the tests as one patch for `git apply`, for the head they were run on.

    They are new files, whose places in the repository were checked before, additions at the end of files of the
    change, or updates of existing tests. A file that is not named as a test is left out.
    """
    appendices: dict[str, list[Appendix]] = {}
    for test in tests:
        if test.appendix is not None:
            appendices.setdefault(test.appendix.anchor.path, []).append(test.appendix)
    new = [_patch_of_new_file(test) for test in tests if test.appendix is None and is_new_file(test)]
    updates = [test.patch for test in tests if test.patch and refused_name(test.path) is None]
    return "".join([*new, *updates, *(_patch_of_appendices(path, parts) for path, parts in appendices.items())])


def is_new_file(test: TestSuggestion) -> bool:
    """Whether the test may be added as a new file: it did not fail, and its name is one of a test."""
    return not test.reproduces and not test.patch and refused_name(test.path) is None


def patch_of_text(path: str, before: str | None, after: str) -> str:
    """Return the change of one file as a section of a patch; `before` is None for a new file."""
    old, new = quoted_name(f"a/{path}"), quoted_name(f"b/{path}")
    rows = difflib.unified_diff(_rows(before or ""), _rows(after), "/dev/null" if before is None else old, new)
    head = f"diff --git {old} {new}\n" + ("new file mode 100644\n" if before is None else "")
    return head + "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)


def _rows(text: str) -> list[str]:
    r"""Return the lines as git counts them: only `\n` ends one."""
    *whole, last = text.split("\n")
    return [f"{row}\n" for row in whole] + ([last] if last else [])


def _patch_of_new_file(test: TestSuggestion) -> str:
    lines = test.code.removesuffix("\n").split("\n")
    quoted = quoted_name(f"b/{test.path}")
    head = [
        f"diff --git {quoted_name(f'a/{test.path}')} {quoted}",
        "new file mode 100644",
        "--- /dev/null",
        f"+++ {quoted}",
        f"@@ -0,0 +1,{len(lines)} @@",
    ]
    return "\n".join([*head, *(f"+{line}" for line in lines)]) + "\n"


def _patch_of_appendices(path: str, parts: Sequence[Appendix]) -> str:
    above, last = parts[0].above.split("\n"), parts[0].anchor.line
    below = "\n".join(part.code for part in parts).split("\n")
    start, old, new = last - len(above) + 1, quoted_name(f"a/{path}"), quoted_name(f"b/{path}")
    head = [
        f"diff --git {old} {new}",
        f"--- {old}",
        f"+++ {new}",
        f"@@ -{start},{len(above)} +{start},{len(above) + len(below)} @@",
    ]
    return "\n".join([*head, *(f" {line}" for line in above), *(f"+{line}" for line in below)]) + "\n"


def quoted_name(name: str) -> str:
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
