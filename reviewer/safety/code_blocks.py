"""Code put into Markdown: fenced blocks, suggestion blocks and code spans that nothing in the code can end."""

from __future__ import annotations

import re

from reviewer.safety.invisible import INVISIBLE, show_invisible

#: Info strings that GitHub does something with: a suggestion can be applied, the others are drawn.
_ACTIVE_INFO = {"suggestion", "mermaid", "geojson", "topojson", "stl", "math"}
_PLAIN_INFO = re.compile(r"[A-Za-z0-9_+#.-]{1,40}\Z")


#: How each hidden marker of our own comments begins. It is broken wherever somebody else wrote it.
MARKER_PREFIX = "<!-- reviewer:"

TICKS = re.compile(r"`+")
_MARKER = re.compile(r"<!--(?=\s*reviewer:)", re.IGNORECASE)


def fence(code: str, info: str = "") -> str:
    r"""Return a fenced block that shows the code, longer than any fence in it; ends with its last fence, no newline.

    One newline at the end of `code` belongs to its last line. Line ends become `\n`, invisible characters visible.
    """
    return _block(break_markers(show_invisible(unix_lines(code))), info_string(info))


def suggestion_block(code: str) -> str:
    r"""Return GitHub's suggestion block: the lines that replace the anchored ones, to the character.

    Empty: the lines are deleted. One newline at the end belongs to the last line, so `"\n"` is one empty line.
    A suggestion with our own marker, or with characters that UTF-8 cannot hold, must not be posted: see `postable`.
    https://docs.github.com/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests
    """
    return _block(code, "suggestion")


def suggestion_in(text: str) -> str | None:
    """Return the code of the first suggestion block of a comment, as `suggestion_block` took it; None if it has none.

    A block that is shown inside another one does not count.
    """
    rows = unix_lines(text).split("\n")
    place = 0
    while place < len(rows):
        info = rows[place].lstrip("`")
        ticks, first = len(rows[place]) - len(info), place + 1
        place += 1
        if ticks < 3 or "`" in info:
            continue
        while place < len(rows) and not _ends(rows[place], ticks):
            place += 1
        if info == "suggestion" and place < len(rows):
            code = rows[first:place]
            return "\n" if code == [""] else "\n".join(code)
        place += 1
    return None


def _ends(row: str, ticks: int) -> bool:
    """Whether the row ends a fenced block that began with so many backticks."""
    bare = row.rstrip()
    return len(bare) >= ticks and not bare.strip("`")


def postable(code: str) -> bool:
    """Whether the code can be posted unchanged: no marker of ours in it, and nothing that shows other than it is."""
    return not _MARKER.search(code) and not INVISIBLE.search(code.replace("\r\n", "\n"))


def code_span(text: str) -> str:
    """Return the text as a code span on one line; empty text gives an empty string."""
    text = break_markers(show_invisible(" ".join(unix_lines(text).split("\n"))))
    if not text:
        return ""
    ticks = "`" * (_longest_run(text) + 1)
    # One space at both ends is taken off again (https://spec.commonmark.org/0.31.2/#code-spans).
    pad = " " if "`" in text[0] + text[-1] or (text[0] == text[-1] == " " and text.strip(" ")) else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _block(code: str, info: str) -> str:
    ticks = "`" * max(3, _longest_run(code) + 1)
    body = code if not code or code.endswith("\n") else f"{code}\n"
    return f"{ticks}{info}\n{body}{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in TICKS.findall(text)), default=0)


def unix_lines(text: str) -> str:
    r"""Return the text with `\n` for every line end, a lone carriage return included, as CommonMark has it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def break_markers(text: str) -> str:
    """Break our own markers even inside code: they are looked for in the body, not in what it renders to."""
    return _MARKER.sub("<!- -", text)


def info_string(info: str) -> str:
    """Return the language of a fenced block; empty or `text` where GitHub would do more than colour it."""
    word = info.split(maxsplit=1)[0] if info.strip() else ""
    if word.lower() in _ACTIVE_INFO:
        return "text"
    return word if _PLAIN_INFO.match(word) else ""
