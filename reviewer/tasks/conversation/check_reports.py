"""Write what failed checks say about a part of a change, for its finder. Pure.

The same reports give the same text, in whatever order GitHub lists them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reviewer.domain.change import CheckReport
from reviewer.safety.prompt_text import printable_path, prose

#: Reports in one prompt, characters of each, of the name of a check, and of all.
MAX_REPORTS, MAX_REPORT, MAX_CHECK, MAX_CHARACTERS = 20, 400, 100, 4_000


def reports_about(reports: Iterable[CheckReport], paths: Collection[str]) -> str:
    """Return the reports about those files, a line each, without secrets; what has no room is left out."""
    about = (report for report in reports if report.path in paths)
    ordered = sorted(about, key=lambda report: (report.path, report.first, report.last, report.check, report.message))
    lines: list[str] = []
    room = MAX_CHARACTERS
    for line in list(dict.fromkeys(map(_line, ordered)))[:MAX_REPORTS]:
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join(lines)


def _line(report: CheckReport) -> str:
    lines = f"{report.first}" if report.last <= report.first else f"{report.first}-{report.last}"
    check, message = _flat(report.check, MAX_CHECK), _flat(report.message, MAX_REPORT)
    return f"{printable_path(report.path)}:{lines}: {report.level} of the check `{check}`: {message}"


def _flat(text: str, most: int) -> str:
    return " ".join(prose(text, most).split())
