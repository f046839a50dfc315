"""Take a Markdown fence off a suggestion where the model put it there; leave it where it is the document's. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reviewer.languages.paths import is_prose
from reviewer.tasks.conversation.markdown_fences import fence_marks, may_be_fence, open_fence, wrapped
from reviewer.tasks.verification.replacements.replaced_lines import ReplacedLines

#: Languages that mean the document itself, not a block in it.
_DOCUMENT = frozenset({"md", "markdown", "mdx", "suggestion", "gfm", "rst"})

#: What may stand before a fence in the comment of a program.
_COMMENT = re.compile(r"[ \t]*(?:///?!?|#|\*|--|;+|%|>)?[ \t]*")


def without_wrapping(suggestion: str, replaced: ReplacedLines) -> str | None:
    """Return the suggestion without the model's own fence; None where the fence may as well belong to the file."""
    block = wrapped(suggestion)
    if block is None:
        return suggestion
    inside = block.inner.split("\n")
    if any(fence_marks(line.strip()) for line in replaced.old):
        # The lines are a block, or its edge: a fence round the whole of them is one more than they have.
        return block.inner if any(fence_marks(line.strip()) for line in inside) else suggestion
    info = (block.info.split() or [""])[0].lower()
    if not is_prose(replaced.path) or info in _DOCUMENT or open_fence(list(replaced.above)):
        return block.inner
    return None


def breaks_blocks(new: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether the lines below would be inside of a code block where they were outside, or the other way round.

    In a program, fences stand in comments and texts: there they must stay in pairs, and be nothing new to the file.
    """
    fences, had = _fences(new), _fences(replaced.old)
    if (fences - had) % 2:
        return True
    if not is_prose(replaced.path):
        return fences > 0 and not had and not _fences(replaced.lines)
    if open_fence(list(replaced.above)):
        return fences != had
    return open_fence([*replaced.above, *replaced.old]) != open_fence([*replaced.above, *new])


def _fences(lines: Sequence[str]) -> int:
    full = [line for line in lines if may_be_fence(line)]
    return sum(bool(fence_marks(_COMMENT.sub("", line, count=1).strip())) for line in full)
