"""Tell what a review would send, and about how many calls, tokens and dollars it takes, before anything is asked. Pure.

The number of calls is what a review makes without repairs and look-ups. Tokens and dollars are averages of earlier
reviews (`reviewer.tasks.planning.cost_estimate`): a change may cost half of it or twice as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from reviewer.diff.model import Diff
from reviewer.domain.findings import Skipped
from reviewer.domain.settings import Settings
from reviewer.languages.paths import is_code, is_test
from reviewer.tasks.planning.chunks import Chunk, affordable, chunk
from reviewer.tasks.planning.cost_estimate import read_tokens
from reviewer.tasks.planning.file_filter import select
from reviewer.tasks.planning.lenses import billed_tokens, depth_of


@dataclass(frozen=True, slots=True)
class ReviewPreview:
    """What would be sent: each file with its tokens of diff, in so many parts.

    `cost_usd` is None where the model's price is unknown.
    """

    files: tuple[tuple[str, int], ...]
    parts: int
    skipped: tuple[Skipped, ...]
    calls: int
    prompt_tokens: int
    cost_usd: Decimal | None


def preview_of(diff: Diff, settings: Settings, *, cost: Decimal | None) -> ReviewPreview:
    """Return what a review of the diff would send. `cost` is the dollars for a thousand tokens of diff, if known."""
    files, skipped = select(diff, settings.review)
    chunks, unfit = chunk(files)
    ceiling = settings.budget.per_review_usd
    chunks, too_dear = affordable(chunks, cost=cost, ceiling=ceiling)
    depth = depth_of(chunks, cost=cost, ceiling=ceiling)
    looks = sum(map(len, depth.looks))
    tokens = billed_tokens(chunks, depth)
    return ReviewPreview(
        files=tuple(_tokens_of_files(chunks).items()),
        parts=len(chunks),
        skipped=(*skipped, *unfit, *too_dear),
        calls=len(chunks) * (3 if depth.two_opinions else 2) + looks,  # each part is judged once more, or twice
        prompt_tokens=read_tokens(tokens),
        cost_usd=None if cost is None else cost * tokens / 1000,
    )


def preview_of_tests(diff: Diff, settings: Settings, *, cost: Decimal | None) -> ReviewPreview:
    """Return what suggesting tests would send: the changed code, each part asked about once and judged once."""
    files, skipped = select(diff, settings.review)
    chunks, unfit = chunk([file for file in files if is_code(file.path) and not is_test(file.path)])
    tokens = sum(part.tokens for part in chunks)
    return ReviewPreview(
        files=tuple(_tokens_of_files(chunks).items()),
        parts=len(chunks),
        skipped=(*skipped, *unfit),
        calls=len(chunks) * 2,
        prompt_tokens=read_tokens(tokens),
        cost_usd=None if cost is None else cost * tokens / 1000,
    )


def _tokens_of_files(chunks: Sequence[Chunk]) -> dict[str, int]:
    """Share the tokens of each part out among its files, by the size of their changed text."""
    tokens: dict[str, int] = {}
    for part in chunks:
        sizes = {
            file.path: sum(len(line.text) + 8 for hunk in file.hunks for line in hunk.lines) for file in part.files
        }
        whole = sum(sizes.values()) or 1
        for path, size in sizes.items():
            tokens[path] = tokens.get(path, 0) + part.tokens * size // whole
    return tokens
