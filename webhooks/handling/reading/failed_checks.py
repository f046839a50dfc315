"""Read why the checks of a commit failed: their annotations, and the ends of their logs. Never writes.

Promises: within a fixed number of requests and characters; secrets are replaced before anything else is done with the
text. What cannot be read is named.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from reviewer.safety.redaction import redact
from webhooks.github.errors import Forbidden, GitHubError
from webhooks.github.repository import Repository
from webhooks.github.types import CheckAnnotation, FailedCheck
from webhooks.publishing.checks import CHECK_NAME

log = logging.getLogger(__name__)

#: Checks that are read, annotations of each, logs of all, and characters of each log that are read and shown.
MOST_CHECKS, MOST_ANNOTATIONS, MOST_LOGS, READ_OF_LOG, SHOWN_OF_LOG = 8, 30, 4, 60_000, 5_000

#: Characters of a title, a summary and an annotation.
_MAX_TITLE, _MAX_SUMMARY, _MAX_ANNOTATION = 300, 1_500, 600

#: What GitHub Actions writes before each line of a log, and what colours it.
_TIMES = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]{8,20}Z ?", re.MULTILINE)
_COLOURS = re.compile(r"\x1b\[[\d;]{0,20}[A-Za-z]")


_NO_LOGS = (
    "The logs could not be read, so this rests on annotations alone. Logs take the permission *actions: read*: it is "
    "added in the App's settings, then an owner here accepts it; a workflow names it under `permissions`."
)


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """A check that failed, with what it says: annotations and the end of its log, both without secrets."""

    check: FailedCheck
    annotations: tuple[CheckAnnotation, ...] = ()
    log: str = ""


@dataclass(frozen=True, slots=True)
class FailedChecks:
    """The checks that failed, and sentences on what could not be read."""

    failures: tuple[CheckFailure, ...] = ()
    notes: tuple[str, ...] = ()


def read_failed_checks(repository: Repository, number: int, sha: str, *, logs: bool) -> FailedChecks:
    """Return the failed checks of other programs on the commit; with `logs`, the ends of those of GitHub Actions."""
    checks = [check for check in repository.failed_checks(sha) if not _is_ours(repository, number, check)]
    notes: list[str] = []
    failures: list[CheckFailure] = []
    left = MOST_LOGS if logs else 0
    for check in checks[:MOST_CHECKS]:
        annotations = read_annotations(repository, check) if check.annotations else ()
        text = ""
        if left and check.has_log:
            left -= 1
            text = _log(repository, check, notes)
        failures.append(CheckFailure(check, annotations, text))
    if len(checks) > MOST_CHECKS:
        notes.append(f"{len(checks) - MOST_CHECKS} more checks failed and were not read.")
    return FailedChecks(tuple(failures), tuple(dict.fromkeys(notes)))


def _is_ours(repository: Repository, number: int, check: FailedCheck) -> bool:
    if check.name != CHECK_NAME or not check.id:
        return False
    return f"{check.app}[bot]".lower() == repository.identity(number).lower()


def read_annotations(repository: Repository, check: FailedCheck) -> tuple[CheckAnnotation, ...]:
    """Return the first annotations of a check that failed; none where they cannot be read."""
    try:
        return tuple(repository.annotations(check.id, MOST_ANNOTATIONS))
    except GitHubError as error:
        log.info("annotations not read", extra={"repository": repository.name, "why": str(error)})
        return ()


def _log(repository: Repository, check: FailedCheck, notes: list[str]) -> str:
    try:
        text = repository.log_end(check.id, READ_OF_LOG)
    except Forbidden:
        notes.append(_NO_LOGS)
        return ""
    except GitHubError as error:
        log.info("log not read", extra={"repository": repository.name, "why": str(error)})
        notes.append("Some logs could not be read: they may be gone.")
        return ""
    return telling_lines(redact(_COLOURS.sub("", _TIMES.sub("", text.replace("\r\n", "\n"))))[0], SHOWN_OF_LOG)


_ERROR = re.compile(r"\b(?:error|failed|failure|fatal|exception|panic|traceback|assert)", re.IGNORECASE)


def telling_lines(text: str, most: int) -> str:
    """Return so many characters of a log: around its first error, and its end."""
    if len(text) <= most:
        return text
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if _ERROR.search(line[:2_000])), None)
    end = text[-most // 2 :].partition("\n")[2]
    if first is None:
        return end
    start = "\n".join(line[:500] for line in lines[max(0, first - 5) : first + 40])[: most // 2]
    return f"{start}\n[...]\n{end}"


def text_of_failures(found: Sequence[CheckFailure]) -> str:
    """Return what is known of the failed checks as text, without secrets."""
    return "\n\n".join(_text_of(failure) for failure in found)


def _text_of(failure: CheckFailure) -> str:
    check = failure.check
    parts = [f"Check: {_line(check.name, _MAX_TITLE)}"]
    if check.title:
        parts.append(f"Title: {_line(check.title, _MAX_TITLE)}")
    if check.summary:
        parts.append(redact(check.summary)[0][:_MAX_SUMMARY])
    for annotation in failure.annotations:
        lines = f"{annotation.first}" + (f"-{annotation.last}" if annotation.last > annotation.first else "")
        where = f"{annotation.path}:{lines}"
        parts.append(f"{annotation.level} at {_line(where, _MAX_TITLE)}: {_line(annotation.message, _MAX_ANNOTATION)}")
    if failure.log:
        parts.append(f"Of its log:\n{failure.log}")
    return "\n".join(parts)


def _line(text: str, most: int) -> str:
    return " ".join(redact(text)[0].split())[:most]
