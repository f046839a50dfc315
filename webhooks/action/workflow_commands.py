"""Format annotations, outputs and the job summary for the GitHub runner. Pure.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from reviewer.domain.findings import Finding
from reviewer.domain.severity import Severity
from reviewer.safety.code_blocks import break_markers
from reviewer.safety.invisible import show_invisible
from reviewer.safety.redaction import redact
from webhooks.publishing.text import cut_text

#: The runner shows at most ten annotations of a kind for a step; the others are in the job summary.
MAX_OF_A_KIND = 10

#: The summary of a step may hold 1 MiB; a larger one is discarded.
MAX_SUMMARY_BYTES = 1_000_000

_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def command(name: str, message: str, **properties: object) -> str:
    """Return one workflow command, on one line whatever the message contains, without secrets and escapes."""
    pairs = ",".join(
        f"{key}={_property(_plain(str(value)))}" for key, value in properties.items() if value not in (None, "")
    )
    return f"::{name}{' ' + pairs if pairs else ''}::{_data(_plain(message))}"


def _plain(text: str) -> str:
    """Return text as a log and an annotation may show it."""
    shown = "\r".join(show_invisible(part) for part in redact(text)[0].split("\r"))
    return break_markers(shown).replace("##[", "# #[")


def annotation_commands(findings: Iterable[Finding]) -> list[str]:
    """Return the findings as annotations, as many of each kind as the runner shows."""
    shown = dict.fromkeys(Severity, 0)
    lines: list[str] = []
    for finding in findings:
        shown[finding.severity] += 1
        if shown[finding.severity] <= MAX_OF_A_KIND:
            anchor = finding.anchor
            first = anchor.start_line or anchor.line
            text = finding.body or finding.title
            lines.append(
                command(
                    _COMMAND[finding.severity],
                    text,
                    file=anchor.path,
                    line=first,
                    endLine=anchor.line,
                    title=finding.title,
                )
            )
    return lines


def output_lines(values: Mapping[str, str]) -> str:
    """Return the text that sets a step's outputs, each between delimiters that its value cannot guess."""
    text = ""
    for name, value in values.items():
        delimiter = f"end-{secrets.token_hex(16)}"
        text += f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
    return text


def summary_within_limit(markdown: str) -> str:
    """Return the job summary, cut between two blocks so that the runner keeps it."""
    data = markdown.encode("utf-8", "replace")
    if len(data) <= MAX_SUMMARY_BYTES:
        return markdown
    most = len(data[:MAX_SUMMARY_BYTES].decode("utf-8", "ignore"))
    return f"{cut_text(markdown, most)}\n\nThis summary was too long and ends here.\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
