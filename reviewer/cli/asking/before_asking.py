"""Show what is about to leave the machine and what it is likely to cost, and ask if that is more than expected."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from decimal import Decimal

from reviewer.cli.console import say
from reviewer.errors import UsageError
from reviewer.llm.client import Client
from reviewer.output.wording import cost_text, one_line
from reviewer.tasks.planning.preview import ReviewPreview

#: On a terminal, a review that is likely to cost more dollars than this is asked about first.
USUAL_LIMIT = Decimal(1)

#: Lines that name files; the others are counted.
_MOST_NAMED = 40


def show_preview(
    preview: ReviewPreview, client: Client, untracked: frozenset[str], progress: Callable[[str], None]
) -> None:
    """Say which files go where, about how many tokens they are, and what the review is likely to cost."""
    progress(f"to {client.model} at {client.base_url}:")
    for path, tokens in preview.files[:_MOST_NAMED]:
        progress(f"  {one_line(path)}{' (untracked)' if path in untracked else ''}: {tokens:,} tokens of diff")
    if len(preview.files) > _MOST_NAMED:
        progress(f"  and {len(preview.files) - _MOST_NAMED} more files")
    for skipped in preview.skipped[:_MOST_NAMED]:
        progress(f"  not {one_line(skipped.path)}: {skipped.reason}")
    if not preview.files:
        progress("no call: there is nothing to ask the model about")
        return
    price = "cost unknown: set REVIEWER_PRICES" if preview.cost_usd is None else f"about ${preview.cost_usd:.3f}"
    progress(f"in about {preview.calls} calls that read {preview.prompt_tokens:,} tokens: {price}")


def check_limit(preview: ReviewPreview, options: argparse.Namespace) -> None:
    """Raise UsageError if the review is likely to cost more than `--max-usd`, unless the person agrees to it.

    Without a terminal nobody can be asked: then `--max-usd` stops the review, and there is no limit without it.
    """
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    limit = options.max_usd if options.max_usd is not None else USUAL_LIMIT if asks else None
    if limit is None or not preview.files:
        return
    if preview.cost_usd is None:
        if options.max_usd is not None:
            raise UsageError("--max-usd cannot hold: the price of the model is not known. Set REVIEWER_PRICES.")
        return
    if preview.cost_usd <= limit:
        return
    message = f"This is likely to cost {cost_text(preview.cost_usd)}, more than {cost_text(limit)}"
    if not asks:
        raise UsageError(f"{message} (--max-usd). Nothing was sent. Name fewer paths, or a higher --max-usd.")
    say(f"{message}. Go on? [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("Nothing was sent.")
