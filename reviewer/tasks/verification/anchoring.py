"""Find the quoted code in the diff. The model's line number only chooses between several matches.

Returns an anchor only if the quoted code is in the diff, otherwise the reason why there is none. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reviewer.diff.model import Anchor, Diff, FileDiff, Line, Side
from reviewer.safety.prompt_text import printable, printable_code, printable_path

#: Models are often off by so many lines: of several matches, one that near to the model's line number is taken.
NEAR = 2

#: A comment on more lines would not point at anything.
MAX_LINES = 40

#: How the prompt shows a line: its numbers on both sides, either of which may be missing, and a mark.
_PROMPT_ROW = re.compile(r"(?=\s|\d++\s)\s*+(?:\d++\s++)?+(?:\d++\s*+)?+\|[-+ ]")

#: A quote needs so many letters and digits to be found without its line number.
_TELLING = 3


@dataclass(frozen=True, slots=True)
class LocatedQuote:
    """Where a quote was found. `lines` are the diff's lines there; `exact`: all of the quote was found there."""

    anchor: Anchor
    lines: tuple[Line, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class NotLocated:
    """Why a quote has no place: `reason` is a word or two, `detail` a sentence."""

    reason: str
    detail: str


def resolve_path(diff: Diff, path: str) -> str | None:
    """Return the diff's path that the model meant: as written, without `a/` or `./`, or the only one with its end."""
    for candidate in (path, path.strip().strip("`"), re.sub(r"^(?:\./|[ab]/|/)", "", path.strip())):
        if diff.file(candidate) is not None:
            return candidate
    # A path is shown without secrets and tokens.
    shown = [file.path for file in diff.files if printable_path(file.path) == path]
    if len(shown) == 1:
        return shown[0]
    ending = "/" + path.strip().lstrip("./")
    matches = [file.path for file in diff.files if ("/" + file.path).endswith(ending) or file.old_path == path]
    return matches[0] if len(matches) == 1 else None


def locate(diff: Diff, path: str, quote: str, line: int | None) -> LocatedQuote | NotLocated:
    """Find the quote in that file of the diff.

    Both sides are searched, first exactly, then ignoring white space. Of several matches, the one at the line number is
    taken; else the only one that the change touches; else none. If the whole quote is nowhere, but the line with the
    given number is one of its lines, it is anchored at that line.
    """
    file = diff.file(path)
    if file is None:
        return NotLocated("unknown file", f"{path} is not part of the change")
    quoted = _quoted(quote)
    if not quoted:
        return NotLocated("no quote", "it quotes no code")
    for normalise in (_verbatim, _without_indent, _without_space):
        needle = [normalise(text) for text in quoted]
        if not any(needle):
            return NotLocated("no quote", "it quotes no code")
        matches = list(_matches(file, needle, normalise))
        if matches:
            chosen = _choose(matches, line, telling=_is_telling(needle))
            if chosen is None and len(matches) == 1:
                return NotLocated("ambiguous", "the quote is next to nothing, and its line number is elsewhere")
            if chosen is None:
                return NotLocated("ambiguous", f"the quoted code stands in {len(matches)} places")
            return _located(diff, path, chosen, exact=True)
    return _by_number(diff, file, quoted, line)


def _quoted(quote: str) -> list[str]:
    """Return the lines of a quote, without empty ones around it and without the prompt's own numbers and marks."""
    lines = [printable(text) for text in quote.split("\n")]
    if all(_PROMPT_ROW.match(text) for text in lines if text.strip()):
        lines = [re.sub(r"^[\s\d]*\|[-+ ]", "", text) for text in lines]
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines[:MAX_LINES]


def _verbatim(text: str) -> str:
    return text.rstrip()


def _without_indent(text: str) -> str:
    return text.strip()


def _without_space(text: str) -> str:
    """Return the text without white space, and without a diff mark that the model may have left at the front."""
    return re.sub(r"^[-+](?=\s)|\s+", "", re.sub(r"^\s*[-+](?=\s)", "", text))


def _matches(
    file: FileDiff, needle: Sequence[str], normalise: Callable[[str], str]
) -> Iterator[tuple[Side, tuple[Line, ...]]]:
    """Yield each run of lines, on one side of one hunk, that equals the needle."""
    for hunk in file.hunks:
        for side, kind in ((Side.RIGHT, "-"), (Side.LEFT, "+")):
            lines = [line for line in hunk.lines if line.kind != kind]
            texts = [normalise(printable(line.text)) for line in lines]
            redacted: list[str] | None = None
            for start in range(len(lines) - len(needle) + 1):
                window = texts[start : start + len(needle)]
                if window != list(needle):
                    if redacted is None:
                        redacted = _redacted(lines, normalise)
                    if redacted[start : start + len(needle)] != list(needle):
                        continue
                run = tuple(lines[start : start + len(needle)])
                if side is Side.RIGHT or all(line.kind == "-" for line in run):
                    yield side, run


def _redacted(lines: Sequence[Line], normalise: Callable[[str], str]) -> list[str]:
    """Return the lines as the model saw them, secrets replaced."""
    shown = printable_code("\n".join(line.text for line in lines)).split("\n")
    return [normalise(text) for text in shown]


def _number(side: Side, line: Line) -> int:
    return (line.new if side is Side.RIGHT else line.old) or 0


def _is_telling(needle: Sequence[str]) -> bool:
    """Whether the quote alone shows which code is meant: a closing bracket does not."""
    return sum(char.isalnum() for text in needle for char in text) >= _TELLING


def _choose(
    matches: list[tuple[Side, tuple[Line, ...]]], line: int | None, *, telling: bool
) -> tuple[Side, tuple[Line, ...]] | None:
    """Return the match that is meant, or None where that would be a guess."""
    if not telling and line is not None:
        matches = [match for match in matches if _gap(match, line) <= NEAR]
    if len(matches) <= 1:
        return matches[0] if matches else None
    if line is not None:
        nearest = sorted(matches, key=lambda match: (_gap(match, line), not _touched(match[1])))
        gaps = [_gap(match, line) for match in nearest[:2]]
        if gaps[0] == 0 or (gaps[0] <= NEAR and gaps[0] < gaps[1]):
            return nearest[0]
    touched = [match for match in matches if match[0] is Side.RIGHT and _touched(match[1])]
    return touched[0] if len(touched) == 1 else None


def _gap(match: tuple[Side, tuple[Line, ...]], line: int) -> int:
    """Return the distance in lines from the number to the match; models name the first line as often as the last."""
    side, run = match
    first, last = _number(side, run[0]), _number(side, run[-1])
    return max(first - line, line - last, 0)


def _touched(run: Sequence[Line]) -> bool:
    return any(line.kind != " " for line in run)


def _by_number(diff: Diff, file: FileDiff, quoted: list[str], line: int | None) -> LocatedQuote | NotLocated:
    """Anchor at the given number if the line there is one of the quoted lines; else report that it was not found."""
    known = {_without_space(text) for text in quoted if len(_without_space(text)) > NEAR}
    for hunk in file.hunks if line is not None else ():
        for candidate in hunk.lines:
            side = Side.LEFT if candidate.kind == "-" else Side.RIGHT
            if _number(side, candidate) == line and _without_space(printable(candidate.text)) in known:
                return _located(diff, file.path, (side, (candidate,)), exact=False)
    return NotLocated("quote not found", "the quoted code does not stand in the diff of that file")


def _located(diff: Diff, path: str, match: tuple[Side, tuple[Line, ...]], *, exact: bool) -> LocatedQuote | NotLocated:
    side, run = match
    first, last = _number(side, run[0]), _number(side, run[-1])
    anchor = diff.anchor(path, last, first if first < last else None, side)
    if anchor is None:
        return NotLocated("not commentable", f"GitHub takes no comment at {path}:{last}")
    return LocatedQuote(anchor, run, exact)
