"""Write the changed files as the model sees them: hunks with the line numbers of both sides, secrets replaced. Pure."""

from __future__ import annotations

from reviewer.diff.model import FileDiff, FileStatus, Hunk, Line
from reviewer.safety.prompt_text import printable
from reviewer.safety.redaction import redact


def render_file(file: FileDiff, *, partial: bool = False) -> str:
    """Return the file's change as the model sees it: a header, then hunks with old and new line numbers.

    Secrets are replaced here, before anything leaves the machine.
    """
    what = file.status.value
    if file.status in (FileStatus.RENAMED, FileStatus.COPIED):
        what += f" from {printable(file.old_path)}"
    header = f"### {printable(file.path)} ({what}{', in part' if partial else ''})"
    return "\n".join([header, *(render_hunk(hunk) for hunk in file.hunks)]) + "\n"


def render_hunk(hunk: Hunk) -> str:
    """Return one hunk: `OLD NEW |MARK code`, numbers blank on the side where a line is absent."""
    section = f" in: {printable(hunk.section)}" if hunk.section.strip() else ""
    code = redact("\n".join(printable(line.text) for line in hunk.lines))[0].split("\n")
    rows = (_row(line, text) for line, text in zip(hunk.lines, code, strict=True))
    return "\n".join([f"@@ old {hunk.old_start}, new {hunk.new_start}{section} @@", *rows])


def _row(line: Line, text: str) -> str:
    return f"{line.old or '':>5} {line.new or '':>5} |{line.kind}{text}"
