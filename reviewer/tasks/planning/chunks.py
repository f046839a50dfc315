"""Divide a change into chunks that each fit into one prompt.

The same change gives the same chunks. Related files stay together, a large file is split between hunks, and what
does not fit is returned with its reason. Pure, and linear in the size of the change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby

from reviewer.diff.model import FileDiff, Hunk
from reviewer.domain.findings import Skipped
from reviewer.languages.paths import is_code, is_test, unit_stem
from reviewer.llm.models import planned_tokens
from reviewer.tasks.planning.rendering import render_file, render_hunk

#: Tokens of diff in one prompt. Small enough that the model reads each line, large enough that calls stay few.
CHUNK_TOKENS = 12_000

#: A last chunk of at most this share of CHUNK_TOKENS is added to the one before it.
REST_SHARE = 0.15

#: Larger hunks are skipped: they cannot be reviewed well. A hunk of this size fits every model's context window.
MAX_HUNK_TOKENS = 60_000

#: Most chunks of one review: with CHUNK_TOKENS each, GitHub's own limit of a 20,000-line diff fits.
MAX_CHUNKS = 48


@dataclass(frozen=True, slots=True)
class ChunkSection:
    """A file, or some of its hunks: `text` is how a prompt shows it, `tokens` is an estimate."""

    file: FileDiff
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Files, or hunks of one file, for one prompt.

    `id` depends on the content alone; `halves` adds `/1` and `/2` to it. `text` is how the model sees the sections,
    `tokens` is an estimate. `files` are those of the sections, the hunks of each file
    together.
    """

    id: str
    sections: tuple[ChunkSection, ...]
    files: tuple[FileDiff, ...]
    text: str
    tokens: int

    @classmethod
    def of(cls, sections: Iterable[ChunkSection], *, chunk_id: str = "") -> Chunk:
        """Join sections. Without `chunk_id` the id is a digest of the text, 16 hex digits."""
        sections = tuple(sections)
        text = "\n".join(section.text for section in sections)
        chunk_id = chunk_id or hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
        return cls(chunk_id, sections, _files(sections), text, planned_tokens(text))

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the chunk's files."""
        return tuple(file.path for file in self.files)


def _files(sections: Sequence[ChunkSection]) -> tuple[FileDiff, ...]:
    files = []
    for _, group in groupby((section.file for section in sections), key=lambda file: file.path):
        first, *others = group
        hunks = tuple(hunk for file in (first, *others) for hunk in file.hunks)
        files.append(replace(first, hunks=hunks) if others else first)
    return tuple(files)


def chunk(files: Sequence[FileDiff], *, budget: int = CHUNK_TOKENS) -> tuple[tuple[Chunk, ...], tuple[Skipped, ...]]:
    """Pack the files into chunks of about `budget` tokens. Return the chunks, and what fits in none."""
    all_sections: list[ChunkSection] = []
    skipped: list[Skipped] = []
    for file in _ordered(files):
        sections, left_out = _sections(file, budget)
        all_sections += sections
        skipped += left_out
    chunks = [Chunk.of(group) for group in _packed(all_sections, budget)]
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


def _sections(file: FileDiff, budget: int) -> tuple[list[ChunkSection], list[Skipped]]:
    """Return the file whole, or its hunks in runs that fit, and the hunks that fit nowhere."""
    whole = _section(file, file.hunks)
    if whole.tokens <= budget:
        return [whole], []
    sections: list[ChunkSection] = []
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
            sections.append(_section(file, run))
            run, size = [], 0
        run.append(hunk)
        size += tokens
    if run:
        sections.append(_section(file, run))
    return sections, skipped


def _section(file: FileDiff, hunks: Iterable[Hunk]) -> ChunkSection:
    part = replace(file, hunks=tuple(hunks))
    text = render_file(part, partial=len(part.hunks) < len(file.hunks))
    return ChunkSection(part, text, planned_tokens(text))


def _packed(sections: Iterable[ChunkSection], budget: int) -> list[list[ChunkSection]]:
    """Fill one chunk after the other, in order; a section larger than the budget gets its own chunk.

    A small last part is added to the chunk before it: a call of its own would cost more for instructions than for code.
    """
    groups: list[list[ChunkSection]] = []
    sizes: list[int] = []
    for section in sections:
        if groups and sizes[-1] + section.tokens <= budget:
            groups[-1].append(section)
            sizes[-1] += section.tokens
        else:
            groups.append([section])
            sizes.append(section.tokens)
    if len(groups) > 1 and sizes[-1] <= budget * REST_SHARE and sizes[-2] <= budget:
        rest = groups.pop()
        groups[-1] += rest
    return groups


def halves(part: Chunk) -> tuple[Chunk, ...]:
    """Return two chunks with half of the code each: some of the files, or of one file's hunks. One hunk stays whole."""
    sections = list(part.sections)
    if len(sections) == 1 and len(sections[0].file.hunks) > 1:
        file = sections[0].file
        middle = len(file.hunks) // 2
        sections = [_section(file, file.hunks[:middle]), _section(file, file.hunks[middle:])]
    if len(sections) < 2:
        return (part,)
    total, size, count = sum(section.tokens for section in sections), 0, 0
    while count < len(sections) - 1 and (count == 0 or size + sections[count].tokens <= total / 2):
        size += sections[count].tokens
        count += 1
    groups = (sections[:count], sections[count:])
    return tuple(Chunk.of(group, chunk_id=f"{part.id}/{number}") for number, group in enumerate(groups, 1))


def affordable(
    chunks: Sequence[Chunk], *, cost: Decimal | None, ceiling: Decimal | None
) -> tuple[tuple[Chunk, ...], tuple[Skipped, ...]]:
    """Keep the chunks that `ceiling` dollars pay for, at `cost` dollars for each thousand tokens of diff.

    An unknown price (None) means no ceiling. Chunks are dropped from the end: prose and configuration go first, because
    code sorts before them.
    """
    if cost is None or ceiling is None:
        return tuple(chunks), ()
    kept: list[Chunk] = []
    skipped: list[Skipped] = []
    spent = Decimal(0)
    for part in chunks:
        spent += cost * part.tokens / 1000
        if spent <= ceiling:
            kept.append(part)
        else:
            reason = f"over the budget of ${ceiling:f} for one review (`budget.per_review_usd`)"
            skipped += [Skipped(path, reason) for path in part.paths]
    return tuple(kept), tuple(skipped)
