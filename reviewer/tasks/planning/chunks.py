"""The parts of a change that each go into one prompt: packed to a size, written with the line numbers of both sides.

Promises: the same change gives the same chunks; related files travel together; a file that is split is split between
hunks; whatever does not fit is returned with its reason. Pure, and linear in the size of the change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from reviewer.diff.model import FileDiff, FileStatus, Hunk, Line
from reviewer.domain.findings import Skipped
from reviewer.languages.paths import is_code, is_test, unit_stem
from reviewer.llm.models import planned_tokens
from reviewer.safety.prompt_text import printable
from reviewer.safety.redaction import redact

#: Tokens of diff in one prompt. Small enough that the model reads each line, large enough that calls stay few.
CHUNK_TOKENS = 12_000

#: Share of CHUNK_TOKENS up to which what is left at the end of a change gets no prompt of its own.
REST_SHARE = 0.15

#: A single hunk beyond this is not a change that can be reviewed; it still fits every model's window.
MAX_HUNK_TOKENS = 60_000

#: Most chunks of one review: with CHUNK_TOKENS each, GitHub's own limit of a 20,000-line diff fits.
MAX_CHUNKS = 48

_PROSE = re.compile(r"\.(?:md|mdx|rst|adoc)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Files, or hunks of one file, for one prompt. `text` is how the model sees them; `tokens` is an estimate.

    `whole` is the text of the part that this one is made from, where prose was left out of it.
    """

    files: tuple[FileDiff, ...]
    text: str
    tokens: int
    whole: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the chunk's files."""
        return tuple(file.path for file in self.files)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What cannot be divided further: a file, or some hunks of one."""

    file: FileDiff
    text: str
    tokens: int


def chunk(files: Sequence[FileDiff], *, budget: int = CHUNK_TOKENS) -> tuple[tuple[Chunk, ...], tuple[Skipped, ...]]:
    """Pack the files into chunks of about `budget` tokens. Returns the chunks and what fits into none."""
    pieces: list[_Piece] = []
    skipped: list[Skipped] = []
    for file in _ordered(files):
        made, left_out = _pieces(file, budget)
        pieces += made
        skipped += left_out
    chunks = [_join(group) for group in _packed(pieces, budget)]
    for late in chunks[MAX_CHUNKS:]:
        skipped += [
            Skipped(path, f"the change is too large: only {MAX_CHUNKS} parts are reviewed") for path in late.paths
        ]
    return tuple(chunks[:MAX_CHUNKS]), tuple(skipped)


def _ordered(files: Sequence[FileDiff]) -> list[FileDiff]:
    """Return source code first, each file with the tests that are named after it, then other tests, then the rest."""
    units: dict[str, list[str]] = {}
    for path in (file.path for file in files if is_code(file.path) and not is_test(file.path)):
        units.setdefault(unit_stem(path), []).append(path)

    def key(file: FileDiff) -> tuple[int, str, bool, str]:
        path, test = file.path, is_test(file.path)
        if not is_code(path):
            return (2, path, test, path)
        akin = units.get(unit_stem(path), ()) if test else (path,)
        nearest = max(akin, key=lambda unit: (len(_folders(unit) & _folders(path)), unit), default="")
        return (0, nearest, test, path) if nearest else (1, path, test, path)

    return sorted(files, key=key)


def _folders(path: str) -> set[str]:
    return set(path.split("/")[:-1])


def _pieces(file: FileDiff, budget: int) -> tuple[list[_Piece], list[Skipped]]:
    """Return the file whole, or its hunks in runs that fit, and the hunks that fit nowhere."""
    whole = _piece(file, file.hunks)
    if whole.tokens <= budget:
        return [whole], []
    pieces: list[_Piece] = []
    skipped: list[Skipped] = []
    run: list[Hunk] = []
    size = 0
    for hunk in file.hunks:
        tokens = planned_tokens(render_hunk(hunk))
        if tokens > MAX_HUNK_TOKENS:
            where = f"lines {hunk.new_start}-{hunk.new_start + max(hunk.new_count, 1) - 1}"
            skipped.append(Skipped(file.path, f"{where}: one change of {hunk.new_count:,} lines is too large"))
            continue
        if run and size + tokens > budget:
            pieces.append(_piece(file, run))
            run, size = [], 0
        run.append(hunk)
        size += tokens
    if run:
        pieces.append(_piece(file, run))
    return pieces, skipped


def _piece(file: FileDiff, hunks: Iterable[Hunk]) -> _Piece:
    part = FileDiff(
        path=file.path,
        old_path=file.old_path,
        status=file.status,
        hunks=tuple(hunks),
        old_mode=file.old_mode,
        new_mode=file.new_mode,
    )
    text = render_file(part, partial=len(part.hunks) < len(file.hunks))
    return _Piece(part, text, planned_tokens(text))


def _packed(pieces: Iterable[_Piece], budget: int) -> list[list[_Piece]]:
    """Fill one chunk after the other, in order; a piece larger than the budget stands alone.

    A small rest goes with what is before it: a call of its own would cost more in instructions than it reads.
    """
    groups: list[list[_Piece]] = []
    sizes: list[int] = []
    for piece in pieces:
        if groups and sizes[-1] + piece.tokens <= budget:
            groups[-1].append(piece)
            sizes[-1] += piece.tokens
        else:
            groups.append([piece])
            sizes.append(piece.tokens)
    if len(groups) > 1 and sizes[-1] <= budget * REST_SHARE and sizes[-2] <= budget:
        rest = groups.pop()
        groups[-1] += rest
    return groups


def _join(pieces: list[_Piece]) -> Chunk:
    text = "\n".join(piece.text for piece in pieces)
    files = []
    for _, same in groupby(pieces, key=lambda piece: piece.file.path):
        parts = list(same)
        files.append(parts[0].file if len(parts) == 1 else _merged([part.file for part in parts]))
    return Chunk(tuple(files), text, planned_tokens(text))


def without_prose(part: Chunk, keep: Collection[str] = ()) -> Chunk:
    """Return the part without what was written for people, for prompts that are about code alone.

    Files in `keep` stay. A part of nothing else is returned as it is.
    """
    gone = {file.path for file in part.files if _PROSE.search(file.path) and file.path not in keep}
    if not gone or len(gone) == len({file.path for file in part.files}):
        return part
    heads = tuple(f"### {printable(path)} (" for path in gone)
    # No row of a hunk begins like a header: rows begin with numbers or spaces.
    sections = [one for one in re.split(r"(?m)^(?=### )", part.text) if not one.startswith(heads)]
    text = "".join(sections).rstrip("\n") + "\n"
    files = tuple(file for file in part.files if file.path not in gone)
    return Chunk(files, text, planned_tokens(text), part.whole or part.text)


def _merged(parts: list[FileDiff]) -> FileDiff:
    first = parts[0]
    hunks = tuple(hunk for part in parts for hunk in part.hunks)
    return FileDiff(first.path, first.old_path, first.status, hunks, first.old_mode, first.new_mode)


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


def affordable(
    chunks: Sequence[Chunk], *, cost: Decimal | None, ceiling: Decimal | None
) -> tuple[tuple[Chunk, ...], tuple[Skipped, ...]]:
    """Keep the chunks that `ceiling` dollars pay for, at `cost` dollars for each thousand tokens of diff.

    Unknown prices (None) cannot be held to a ceiling. What falls away is the end: prose and configuration go first,
    because code sorts before them.
    """
    if cost is None or ceiling is None:
        return tuple(chunks), ()
    kept: list[Chunk] = []
    skipped: list[Skipped] = []
    spent = Decimal(0)
    for one in chunks:
        spent += cost * one.tokens / 1000
        if spent <= ceiling:
            kept.append(one)
        else:
            reason = f"over the budget of ${ceiling:f} for one review (`budget.per_review_usd`)"
            skipped += [Skipped(path, reason) for path in one.paths]
    return tuple(kept), tuple(skipped)
