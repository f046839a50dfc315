"""Find the quoted code in the diff. The model's line number only chooses between several matches.

Returns an anchor only if the quoted code is in the diff, otherwise the reason why there is none. Pure.

The quote is looked for in steps, each less strict than the one before: to the letter, but for white space, without what
models write around code, as a part of a line, decoded, with other signs (a hyphen for a dash), but for letters of
another encoding, similar. The first step that finds something decides: where it finds two places and the number chooses
neither, nothing looser is tried. Loose steps need the line's number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from reviewer.diff.model import Anchor, Diff, Line, Side
from reviewer.domain.findings import QuoteMatch
from reviewer.tasks.verification.quoting.line_runs import (
    HunkSide,
    Match,
    is_commentable,
    matching_parts,
    matching_runs,
    rewritten,
    sides_of,
    squeezed,
    typed_plainly,
    with_bytes,
    without_foreign,
)
from reviewer.tasks.verification.quoting.quotes import QuoteReading, decoded_readings, readings
from reviewer.tasks.verification.quoting.similar_lines import most_similar

#: Models are often off by so many lines: of several matches, one that near to the model's line number is taken.
NEAR = 2

#: A quote needs so many letters and digits to be found without its line number.
_TELLING = 3

#: A part of a line needs so many letters and digits to be found at all, and so many without the line's number.
_TELLING_PART, _TELLING_ALONE = 4, 12

#: A line of a quote that is otherwise nowhere needs so many to stand for it.
_TELLING_LINE = 24


@dataclass(frozen=True, slots=True)
class LocatedQuote:
    """Where a quote was found and how. `lines` are the diff's lines there."""

    anchor: Anchor
    lines: tuple[Line, ...]
    match: QuoteMatch = QuoteMatch.EXACT

    @property
    def exact(self) -> bool:
        """Whether the quote is those lines, all of them and no more."""
        return self.match.is_whole


@dataclass(frozen=True, slots=True)
class NotLocated:
    """Why a quote has no place: `reason` is a word or two, `detail` a sentence."""

    reason: str
    detail: str


#: What a step finds: a place and how, the reason why there is none, or None: the next step may find one.
_Found = tuple[Match, QuoteMatch] | NotLocated | None


def locate(diff: Diff, path: str, quote: str, line: int | None) -> LocatedQuote | NotLocated:
    """Find the quote in that file of the diff.

    Both sides are searched. Of several matches, the one at the line number is taken; else the only one that the change
    touches; else none. A part of a line must stand in one place only, next to the number. If the whole quote is
    nowhere, but the line with the given number is one of its lines, it is anchored at that line. At last it is its
    longest line, if that is telling and the change has it once.
    """
    file = diff.file(path)
    if file is None:
        return NotLocated("unknown file", f"{path} is not part of the change")
    plain = list(readings(quote))
    if not plain:
        return NotLocated("no quote", "it quotes no code")
    for found in _steps(sides_of(file), quote, plain, line):
        if isinstance(found, NotLocated):
            return found
        if found is not None:
            return _located(diff, path, *found)
    return NotLocated("quote not found", "the quoted code does not stand in the diff of that file")


def _steps(sides: Sequence[HunkSide], quote: str, plain: Sequence[QuoteReading], line: int | None) -> Iterator[_Found]:
    """Yield what each step finds, the strictest first."""
    yield from _found_in(sides, plain, line)
    yield from _found_in(sides, list(decoded_readings(quote)), line)
    typed = [replace(_rewritten(each, typed_plainly), match=QuoteMatch.DECODED) for each in plain]
    yield from _found_in(rewritten(sides, typed_plainly), typed, line)
    yield from _found_in(with_bytes(sides), [_rewritten(each, without_foreign) for each in plain], line)
    yield _by_number(sides, plain[0].lines, line)
    for reading in plain if line is not None else ():
        match = most_similar(sides, reading.lines, line or 0, NEAR)
        yield None if match is None else (match, QuoteMatch.SIMILAR)
    yield _by_longest_line(sides, plain[0].lines)


def _rewritten(reading: QuoteReading, rewrite: Callable[[str], str]) -> QuoteReading:
    return replace(reading, lines=tuple(map(rewrite, reading.lines)))


def _found_in(sides: Sequence[HunkSide], readings_: Sequence[QuoteReading], line: int | None) -> Iterator[_Found]:
    yield from (_whole(sides, reading, line) for reading in readings_)
    yield from (_part(sides, reading, line) for reading in readings_ if not reading.shortened)


def _whole(sides: Sequence[HunkSide], reading: QuoteReading, line: int | None) -> _Found:
    """Find the reading as a run of whole lines: line by line, then without regard to where lines end."""
    for normalise in (_verbatim, _without_indent, _without_space):
        needle = [normalise(text) for text in reading.lines]
        if not any(needle):
            return NotLocated("no quote", "it quotes no code")
        if matches := list(_matches(sides, needle, normalise)):
            space = QuoteMatch.EXACT if normalise is _verbatim else QuoteMatch.WHITE_SPACE
            return _chosen(matches, reading, line, space)
    matches = matching_runs(sides, "\n".join(reading.lines))
    return _chosen(matches, reading, line, QuoteMatch.WHITE_SPACE) if matches else None


def _chosen(matches: list[Match], reading: QuoteReading, line: int | None, space: QuoteMatch) -> _Found:
    chosen = _choose(matches, line, telling=_is_telling(reading.lines))
    if chosen is None and len(matches) == 1:
        return NotLocated("ambiguous", "the quote has hardly any code, and its line number is elsewhere")
    if chosen is None:
        return NotLocated("ambiguous", f"the quoted code stands in {len(matches)} places")
    if reading.cut:
        return chosen, QuoteMatch.PART
    return chosen, space if reading.match is QuoteMatch.EXACT else reading.match


def _part(sides: Sequence[HunkSide], reading: QuoteReading, line: int | None) -> _Found:
    """Find the reading as a part of a line, or from within one line into another, that stands nowhere else."""
    text = "\n".join(reading.lines)
    size = sum(char.isalnum() for char in text)
    if size < (_TELLING_PART if line is not None else _TELLING_ALONE):
        return None
    matches = matching_parts(sides, text)
    matches = [match for match in matches if match[0] is Side.RIGHT] or matches
    if len(matches) > 1:
        return NotLocated("ambiguous", f"the quoted part of a line stands in {len(matches)} places")
    if not matches or (line is not None and _gap(matches[0], line) > NEAR):
        return None
    return matches[0], QuoteMatch.DECODED if reading.match is QuoteMatch.DECODED else QuoteMatch.PART


def _verbatim(text: str) -> str:
    return text.rstrip()


def _without_indent(text: str) -> str:
    return text.strip()


def _without_space(text: str) -> str:
    """Return the text without white space, and without a diff mark that the model may have left at the front."""
    bare = text.lstrip()
    return squeezed(bare[1:] if bare.startswith(("+", "-")) and bare[1:2].isspace() else bare)


def _matches(sides: Sequence[HunkSide], needle: Sequence[str], normalise: Callable[[str], str]) -> Iterator[Match]:
    """Yield each run of lines, on one side of one hunk, that equals the needle."""
    for each in sides:
        texts = [normalise(text) for text in each.texts()]
        redacted = [normalise(text) for text in each.texts(redacted=True)] if each.hides_secrets() else texts
        for start in _starts(texts, redacted, needle):
            run = tuple(each.lines[start : start + len(needle)])
            if is_commentable(each.side, run):
                yield each.side, run


def _starts(texts: Sequence[str], redacted: Sequence[str], needle: Sequence[str]) -> Iterator[int]:
    """Yield where the lines equal the needle, as they are or as the model saw them."""
    count = len(needle)
    for start in range(len(texts) - count + 1):
        for lines in (texts, redacted):
            if lines[start] == needle[0] and lines[start : start + count] == needle:
                yield start
                break


def _number(side: Side, line: Line) -> int:
    return (line.new if side is Side.RIGHT else line.old) or 0


def _is_telling(needle: Sequence[str]) -> bool:
    """Whether the quote alone shows which code is meant: a closing bracket does not."""
    return sum(char.isalnum() for text in needle for char in text) >= _TELLING


def _choose(matches: list[Match], line: int | None, *, telling: bool) -> Match | None:
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


def _gap(match: Match, line: int) -> int:
    """Return the distance in lines from the number to the match; models name the first line as often as the last."""
    side, run = match
    first, last = _number(side, run[0]), _number(side, run[-1])
    return max(first - line, line - last, 0)


def _touched(run: Sequence[Line]) -> bool:
    return any(line.kind != " " for line in run)


def _by_number(sides: Sequence[HunkSide], quoted: Sequence[str], line: int | None) -> _Found:
    """Return the line with the given number if it is one of the quoted lines; the new file's before the old one's."""
    known = {_without_space(text) for text in quoted if len(_without_space(text)) > NEAR}
    for each in sorted(sides, key=lambda each: each.side is Side.LEFT) if line is not None else ():
        for candidate, text in zip(each.lines, each.texts(), strict=True):
            run = (candidate,)
            if (
                _number(each.side, candidate) == line
                and is_commentable(each.side, run)
                and _without_space(text) in known
            ):
                return (each.side, run), QuoteMatch.ONE_LINE
    return None


def _by_longest_line(sides: Sequence[HunkSide], quoted: Sequence[str]) -> _Found:
    """Return the longest line of a quote of several, if it stands once only and half of the quote is right there.

    Models shorten one line of a quote, or write it from memory, and copy the others.
    """
    lines = [_without_space(text) for text in quoted if sum(map(str.isalnum, text)) >= _TELLING_PART]
    longest = max(lines, key=len, default="")
    if len(lines) < 2 or sum(map(str.isalnum, longest)) < _TELLING_LINE:
        return None
    places = [
        (each, number)
        for each in sides
        for number, text in enumerate(map(_without_space, each.texts()))
        if text == longest and is_commentable(each.side, each.lines[number : number + 1])
    ]
    if len(places) != 1:
        return None
    each, number = places[0]
    near = {_without_space(text) for text in each.texts()[max(0, number - len(lines)) : number + len(lines) + 1]}
    if 2 * sum(line in near for line in lines) < len(lines):
        return None
    return (each.side, (each.lines[number],)), QuoteMatch.ONE_LINE


def _located(diff: Diff, path: str, place: Match, match: QuoteMatch) -> LocatedQuote | NotLocated:
    side, run = place
    first, last = _number(side, run[0]), _number(side, run[-1])
    anchor = diff.anchor(path, last, first if first < last else None, side)
    if anchor is None:
        return NotLocated("not commentable", f"GitHub takes no comment at {path}:{last}")
    return LocatedQuote(anchor, run, match)
