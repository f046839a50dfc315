"""Write the changed files as the model sees them: hunks with the line numbers of both sides, secrets replaced. Pure."""

from __future__ import annotations

from reviewer.diff.model import FileDiff, FileStatus, Hunk, Line
from reviewer.safety.invisible import holds_bytes
from reviewer.safety.prompt_text import printable_code, printable_path

#: Without it, models report damaged text: they cannot know that the file is read in another encoding elsewhere.
_NOT_UTF_8 = "; not UTF-8: \ufffd stands for letters of another encoding"


def render_file(file: FileDiff, *, partial: bool = False) -> str:
    """Return the file's change as the model sees it: a header, then hunks with old and new line numbers.

    Secrets are replaced here, before anything leaves the machine.
    """
    what = file.status.value
    if file.status in (FileStatus.RENAMED, FileStatus.COPIED):
        what += f" from {printable_path(file.old_path)}"
    what += ", in part" if partial else ""
    if any(holds_bytes(line.text) for hunk in file.hunks for line in hunk.lines):
        what += _NOT_UTF_8
    header = f"### {printable_path(file.path)} ({what})"
    return "\n".join([header, *(render_hunk(hunk) for hunk in file.hunks)]) + "\n"


def render_hunk(hunk: Hunk) -> str:
    """Return one hunk: `OLD NEW |MARK code`, numbers blank on the side where a line is absent."""
    code = printable_code("\n".join(line.text for line in hunk.lines)).split("\n")
    rows = (_row(line, text) for line, text in zip(hunk.lines, code, strict=True))
    return "\n".join([f"@@ old {hunk.old_start}, new {hunk.new_start}{_section(hunk)} @@", *rows])


#: Characters of the line above a hunk that git shows; a longer one is cut there.
_SECTION_SHOWN = 76

#: A shorter one tells nothing: a bracket, or a letter that git takes for a name.
_LEAST_SECTION = 3


def _section(hunk: Hunk) -> str:
    """Return the line above the hunk, without secrets. Of one that git has cut, the last word may be part of one.

    It is the last line above that looks like a definition: the changed lines may stand in the one that follows it.
    """
    section = hunk.section.strip()
    if len(section) >= _SECTION_SHOWN:
        section = section.rpartition(" ")[0]
    return f", below: {printable_code(section)}" if len(section) >= _LEAST_SECTION else ""


def _row(line: Line, text: str) -> str:
    return f"{line.old or '':>5} {line.new or '':>5} |{line.kind}{text}"
