r"""Make the model's Markdown safe to post on GitHub.

Whatever `neutralise` is given, its result as GitHub renders it has no link, image, HTML or comment; notifies nobody;
refers to no issue, pull request or commit; starts no slash command; leaves no fence open; and contains none of our own
markers. Code spans and fenced blocks stay as they are. No text is dropped: what is disabled is still shown.

Why no Markdown parser: the result must be safe for GitHub's parser (cmark-gfm), not for one that we could import, and a
parser does not return text. So nothing is recognised as safe here. What may stay code is written again so that every
parser sees code: we close fences, at their own indentation, before anything that could end them; a code span begins and
ends on one line; every other backtick, bracket and `<` is escaped. Where GitHub could read a line in two ways, it is
written so that it is not code.

Mentions and references are broken by `&#8203;` (a zero-width space), because GitHub looks for them in the rendered
text, where a backslash or an entity has already become the character.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from reviewer.safety.code_blocks import TICKS, break_markers, info_string, unix_lines
from reviewer.safety.invisible import show_invisible

#: GitHub refuses bodies over 65,536 characters; a body consists of more than one model text.
LIMIT = 30_000
_BREAK = "&#8203;"
_ELLIPSIS = "\n\n… (cut here: too long)"

# --- blocks ---------------------------------------------------------------------------------------------------------

_FENCE = re.compile(
    r"(?P<quote>(?: {0,3}>)*)(?P<lead>[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)"
    r"(?:(?P<ticks>`{3,})(?P<info>[^`]*)|(?P<tildes>~{3,})(?P<other>.*))\Z"
)


@dataclass(slots=True)
class _Fence:
    """An open fenced block: what its lines begin with, the column of its fence, and the fence."""

    quote: str
    column: int
    run: str

    def holds(self, line: str) -> bool:
        """Whether the line is inside the block by every reading: same quote marks, indented at least as its fence."""
        rest = line[len(self.quote) :]
        if not line.startswith(self.quote):
            return False
        return not rest.strip(" \t") or _column(line, len(line) - len(rest.lstrip(" \t"))) >= self.column

    def ended_by(self, line: str) -> bool:
        """Whether the line might be the closing fence, at whatever indentation."""
        bare = line.removeprefix(self.quote).strip(" \t")
        return len(bare) >= len(self.run) and not bare.strip(self.run[0])

    @property
    def closing(self) -> str:
        """A line that ends the block by every reading."""
        return self.quote + " " * (self.column - len(self.quote)) + self.run


def _column(line: str, index: int) -> int:
    return len(line[:index].expandtabs(4))


@dataclass(slots=True)
class _Page:
    """The text on its way out, line by line. `tables` are the numbers of lines that may be rows of a table."""

    tables: frozenset[int]
    out: list[str] = field(default_factory=list)
    open: _Fence | None = None

    def add(self, number: int, line: str) -> None:
        """Put out a line: of the open block, its end, the opening of one, or text."""
        if self.open and not self.open.ended_by(line) and self.open.holds(line):
            self.out.append(break_markers(line))
            return
        ended = self.open is not None and self.open.ended_by(line)
        self.close()
        if not ended and not self._opens(line):
            self.out.append(_inline(line, table=number in self.tables))

    def close(self) -> None:
        """Put out the end of the open block, if there is one."""
        if self.open:
            self.out.append(self.open.closing)
            self.open = None

    def _opens(self, line: str) -> bool:
        match = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if match is None:
            return False
        quote = match["quote"]
        run = match["ticks"] or match["tildes"]
        lead = match["lead"]
        column = _column(line, match.end("lead"))
        if column - len(quote) > 3 or lead.strip():
            self.out.append(quote)  # an empty line: now this is a fence or indented code, never the paragraph's text
        lead = lead if lead.strip() else " " * (column - len(quote))
        self.open = _Fence(quote, column, run)
        self.out.append(quote + lead + run + info_string(match["info"] or match["other"] or ""))
        return True


def _table_lines(lines: list[str]) -> frozenset[int]:
    """Return the numbers of the lines that GitHub may read as rows of a table, where a `|` ends a code span."""
    found: set[int] = set()
    inside = False
    for number, line in enumerate(lines):
        bare = line.lstrip(" \t>")
        if "|" in bare and "-" in bare and not bare.strip("|:- \t"):  # the row of dashes under a table's head
            inside = True
            found.add(number - 1)
        inside = inside and bool(bare)
        if inside:
            found.add(number)
    return frozenset(found)


# --- one line -------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""
    (?P<escape>\\[!-/:-@\[-`{-~])
  | (?P<code>`+)
  | (?P<url>(?:(?<![A-Za-z0-9+-])[A-Za-z][A-Za-z0-9+-]{0,31})?://[^\s`<>|\[\]\\]{0,2000}+)
  | (?P<www>[Ww]{3}(?=\.))
  | (?P<at>@(?=\w))
  | (?P<hash>\#(?=\d))
  | (?P<gh>[Gg][Hh]\\?-(?=\d))
  | (?P<sha>(?<![0-9A-Za-z])[0-9A-Fa-f]{7,40}(?![0-9A-Za-z]))
  | (?P<entity>&(?:lt|gt|amp|quot|nbsp);)
  | (?P<amp>&(?=[\#A-Za-z]))
  | (?P<lt><)
  | (?P<bracket>[\[\]])
  | (?P<tildes>~{3,})
  | (?P<dollar>\$(?=`))
    """,
    re.VERBOSE,
)
_COMMAND = re.compile(r"(\s*)/(?=\w)")
_SPLITTING_PIPE = re.compile(r"(?<!\\)\||\\\\\|")


def _inline(line: str, *, table: bool) -> str:
    """Return a line of text with everything but its code spans made inert."""
    if not line:
        return line
    runs: dict[int, list[int]] = defaultdict(list)
    for run in TICKS.finditer(line):
        runs[len(run[0])].append(run.start())
    text = _spanned(line, runs)
    if table and any(_SPLITTING_PIPE.search(span) for span in text[1::2]):
        text = _spanned(line, {})
    flat = "".join(text)
    return _COMMAND.sub(r"\1\\/", flat, count=1) if _COMMAND.match(line) else flat


def _spanned(line: str, runs: Mapping[int, list[int]]) -> list[str]:
    """Return inert text and code spans by turns. `runs`: where the backtick runs of each length begin."""
    pieces: list[str] = []
    flat: list[str] = []  # what the inert text at the end is made of
    at = 0
    while match := _TOKEN.search(line, at):
        flat.append(line[at : match.start()])
        at = match.end()
        if match.lastgroup != "code":
            text, at = _inert(match, line)
            flat.append(text)
            continue
        ends = runs.get(len(match[0]), [])
        later = bisect_left(ends, at)
        if later == len(ends):
            flat.append("\\`" * len(match[0]))
        else:
            at = ends[later] + len(match[0])
            pieces += ["".join(flat), break_markers(line[match.start() : at])]
            flat = []
    return [*pieces, "".join([*flat, line[at:]])]


def _inert(match: re.Match[str], line: str) -> tuple[str, int]:
    """Return what stands for the token, and where the text goes on."""
    text, end, kind = match[0], match.end(), match.lastgroup
    if kind == "url":
        return _plain_url(match, line)
    if kind == "sha":
        return _BREAK.join(text[i : i + 6] for i in range(0, len(text), 6)), end
    if kind == "escape":
        follows = line[end : end + 1]
        if text == "\\<":
            return "&lt;", end
        is_name = follows.isalnum() or follows == "_"  # as `@` without an escape
        broken = (text == "\\@" and is_name) or (text == "\\#" and follows.isdigit())
        return text + _BREAK * broken, end
    if kind == "tildes":
        return "\\~" * len(text), end
    return _INERT.get(text, text if kind == "entity" else text + _BREAK), end


#: What stands for a sign of Markdown or HTML.
_INERT = {"&": "&amp;", "<": "&lt;", "[": "\\[", "]": "\\]"}


def _plain_url(match: re.Match[str], line: str) -> tuple[str, int]:
    """Show an address as code, which nothing links, unless a backtick beside it would join in."""
    address = match[0].rstrip(".,;:!?'\"*_~)")
    end = match.start() + len(address)
    beside = line[match.start() - 1 : match.start()] + line[end : end + 1]
    cut = len(match[0]) > 2000  # the token's bound
    if cut or address.endswith("://") or address.startswith(":") or "`" in beside or "\\" in beside or "$" in beside:
        scheme = match[0].partition("://")[0]
        return f"{_spanned(scheme, {})[0]}:{_BREAK}//", match.start() + len(scheme) + 3
    return f"`{break_markers(address)}`", end


# --- the whole ------------------------------------------------------------------------------------------------------


def neutralise(markdown: str, *, limit: int = LIMIT) -> str:
    """Return the model's Markdown, safe for posting on GitHub and still readable. At most `limit` characters.

    What is cut off is replaced by a visible ellipsis. A fence left open is closed.
    """
    text = show_invisible(unix_lines(markdown))
    short = text[:limit]
    safe = _neutral(short)
    while len(safe) > limit - (len(_ELLIPSIS) if len(short) < len(text) else 0):
        if not short:
            return _ELLIPSIS.strip()[:limit]
        keep = min(len(short) - 1, int(len(short) * 0.95 * limit / len(safe)) - len(_ELLIPSIS))
        short = short[: max(0, keep)]
        safe = _neutral(short)
    return safe if len(short) == len(text) else safe + _ELLIPSIS


def _neutral(text: str) -> str:
    lines = text.split("\n")
    page = _Page(_table_lines(lines))
    for number, line in enumerate(lines):
        page.add(number, line)
    page.close()
    return "\n".join(page.out)
