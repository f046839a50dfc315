r"""Model text made safe for posting on GitHub, and code put into Markdown.

Promises, for whatever `neutralise` is given: rendered by GitHub it holds no link, image, HTML or comment; notifies
nobody; refers to no issue, pull request or commit; starts no slash command; leaves no fence open behind it; and holds
none of our own markers. What stands in code spans and fenced blocks is not touched.
Never drops text: what is taken out of effect is still shown.

Why no Markdown parser: safety must hold for GitHub's parser (cmark-gfm), not for one we could import, and a parser
gives no text back. So nothing is *recognised* as safe here. Whatever is let through as code is written out again so
that every parser must see it as code: fences are closed by us, at their own indentation, before anything that could end
them; code spans begin and end on one line; every other backtick, bracket and `<` is escaped. Where GitHub might read a
line in two ways it gets the reading without code.

Mentions and references are broken by `&#8203;` (a zero-width space), because GitHub looks for them in the rendered
text, where a backslash or an entity has already become the character.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

#: GitHub refuses bodies over 65,536 characters; a body consists of more than one model text.
LIMIT = 30_000
_BREAK = "&#8203;"
_ELLIPSIS = "\n\n… (cut here: too long)"

# --- characters -----------------------------------------------------------------------------------------------------

#: Control, direction and invisible characters, lone surrogates. Tab and newline are text.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINERS = "\u200c\u200d"
_SELECTORS = "\ufe0e\ufe0f"


def show_invisible(text: str) -> str:
    r"""Return the text with control, direction and invisible characters written out, `{U+202E}`; tab and `\n` stay.

    What joins letters of other scripts and emoji stays behind a character that is not ASCII.
    The result can be shown in a terminal and encoded as UTF-8.
    """

    def shown(match: re.Match[str]) -> str:
        char, at = match[0], match.start()
        before = text[at - 1] if at else ""
        joins = (char in _SELECTORS and before > "\u2000" and before not in _SELECTORS) or (
            char in _JOINERS and not before.isascii() and before not in _JOINERS
        )
        return char if joins else f"{{U+{ord(char):04X}}}"

    return _INVISIBLE.sub(shown, text)


# --- code -----------------------------------------------------------------------------------------------------------

#: Info strings that GitHub does something with: a suggestion can be applied, the others are drawn.
_ACTIVE_INFO = {"suggestion", "mermaid", "geojson", "topojson", "stl", "math"}
_PLAIN_INFO = re.compile(r"[A-Za-z0-9_+#.-]{1,40}\Z")
_TICKS = re.compile(r"`+")
_MARKER = re.compile(r"<!--(?=\s*reviewer:)", re.IGNORECASE)


def fence(code: str, info: str = "") -> str:
    r"""Return a fenced block that shows the code, longer than any fence in it; ends with its last fence, no newline.

    One newline at the end of `code` belongs to its last line. Line ends become `\n`, invisible characters visible.
    """
    return _block(_unmarked(show_invisible(_lines(code))), _info(info))


def suggestion_block(code: str) -> str:
    r"""Return GitHub's suggestion block: the lines that replace the anchored ones, to the character.

    Empty: the lines are deleted. One newline at the end belongs to the last line, so `"\n"` is one empty line.
    A suggestion with our own marker, or with characters that UTF-8 cannot hold, must not be posted: see `postable`.
    https://docs.github.com/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests
    """
    return _block(code, "suggestion")


def postable(code: str) -> bool:
    """Whether the code can be posted unchanged: no marker of ours in it, and nothing that shows other than it is."""
    return not _MARKER.search(code) and not _INVISIBLE.search(code.replace("\r\n", "\n"))


def code_span(text: str) -> str:
    """Return the text as a code span on one line; empty text gives an empty string."""
    text = _unmarked(show_invisible(" ".join(_lines(text).split("\n"))))
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
    return max((len(run) for run in _TICKS.findall(text)), default=0)


def _lines(text: str) -> str:
    r"""Return the text with `\n` for every line end, a lone carriage return included, as CommonMark has it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unmarked(text: str) -> str:
    """Break our own markers even inside code: they are looked for in the body, not in what it renders to."""
    return _MARKER.sub("<!- -", text)


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
            self.out.append(_unmarked(line))
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
        match = _FENCE.match(line)
        if not match:
            return False
        quote = match["quote"]
        run = match["ticks"] or match["tildes"]
        lead = match["lead"]
        column = _column(line, match.end("lead"))
        if column - len(quote) > 3 or lead.strip():
            self.out.append(quote)  # an empty line: now this is a fence or indented code, never the paragraph's text
        lead = lead if lead.strip() else " " * (column - len(quote))
        self.open = _Fence(quote, column, run)
        self.out.append(quote + lead + run + _info(match["info"] or match["other"] or ""))
        return True


def _info(info: str) -> str:
    word = info.split(maxsplit=1)[0] if info.strip() else ""
    if word.lower() in _ACTIVE_INFO:
        return "text"
    return word if _PLAIN_INFO.match(word) else ""


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
    runs: dict[int, list[int]] = defaultdict(list)
    for run in _TICKS.finditer(line):
        runs[len(run[0])].append(run.start())
    text = _spanned(line, runs)
    if table and any(_SPLITTING_PIPE.search(span) for span in text[1::2]):
        text = _spanned(line, {})
    flat = "".join(text)
    return _COMMAND.sub(r"\1\\/", flat, count=1) if _COMMAND.match(line) else flat


def _spanned(line: str, runs: Mapping[int, list[int]]) -> list[str]:
    """Return inert text and code spans by turns. `runs`: where the backtick runs of each length begin."""
    pieces = [""]
    at = 0
    while match := _TOKEN.search(line, at):
        pieces[-1] += line[at : match.start()]
        at = match.end()
        if match.lastgroup != "code":
            text, at = _inert(match, line)
            pieces[-1] += text
            continue
        ends = runs.get(len(match[0]), [])
        later = bisect_left(ends, at)
        if later == len(ends):
            pieces[-1] += "\\`" * len(match[0])
        else:
            at = ends[later] + len(match[0])
            pieces += [_unmarked(line[match.start() : at]), ""]
    pieces[-1] += line[at:]
    return pieces


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
        broken = (text == "\\@" and follows.isalnum()) or (text == "\\#" and follows.isdigit())
        return text + _BREAK * broken, end
    plain = {"amp": "&amp;", "lt": "&lt;", "bracket": f"\\{text}", "tildes": "\\~" * len(text), "entity": text}
    return plain.get(kind or "", text + _BREAK), end


def _plain_url(match: re.Match[str], line: str) -> tuple[str, int]:
    """Show an address as code, which nothing links, unless a backtick beside it would join in."""
    address = match[0].rstrip(".,;:!?'\"*_~)")
    end = match.start() + len(address)
    beside = line[match.start() - 1 : match.start()] + line[end : end + 1]
    cut = len(match[0]) > 2000  # the token's bound
    if cut or address.endswith("://") or address.startswith(":") or "`" in beside or "\\" in beside or "$" in beside:
        scheme = match[0].partition("://")[0]
        return f"{_spanned(scheme, {})[0]}:{_BREAK}//", match.start() + len(scheme) + 3
    return f"`{_unmarked(address)}`", end


# --- the whole ------------------------------------------------------------------------------------------------------


def neutralise(markdown: str, *, limit: int = LIMIT) -> str:
    """Return the model's Markdown, safe for posting on GitHub and still readable. At most `limit` characters.

    What is cut off is replaced by a visible ellipsis. A fence left open is closed.
    """
    text = show_invisible(_lines(markdown))
    short = text[:limit]
    safe = _neutral(short)
    while len(safe) > limit - (len(_ELLIPSIS) if len(short) < len(text) else 0):
        keep = min(len(short) - 1, int(len(short) * 0.95 * limit / len(safe)) - len(_ELLIPSIS))
        short = short[: max(0, keep)]
        safe = _neutral(short)
        if not short:
            return _ELLIPSIS.strip()[:limit]
    return safe if len(short) == len(text) else safe + _ELLIPSIS


def _neutral(text: str) -> str:
    lines = text.split("\n")
    page = _Page(_table_lines(lines))
    for number, line in enumerate(lines):
        page.add(number, line)
    page.close()
    return "\n".join(page.out)
