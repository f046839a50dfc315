"""Count the blocks that lines begin and end, where no parser does: those that end with a word, code in YAML. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reviewer.languages.registry import family_of
from reviewer.tasks.verification.replacements.replaced_lines import ReplacedLines

#: Languages, by family, whose blocks end with a word.
WORD_FAMILIES = frozenset({"shell", "lua", "ruby", "elixir", "julia"})

_BEGIN = re.compile(
    r"[ \t]*(?:(?:if|unless|for|while|until|case|select|begin|def|defp|defmodule|defmacro|class|module|struct|try|let"
    r"|quote|(?:local[ \t]+)?function|cond|macro)\b|[\w.\[\]]{1,80}[ \t]*=[ \t]*(?:if|case|begin|unless|while|cond)\b)"
)
_BEGIN_LATE = re.compile(
    r"(?:\bdo(?:[ \t]*\|[^|\n]{0,200}\|)?|\bfunction[ \t]*\([^()\n]{0,200}\)|\bfn\b[^\n]{0,80}->)[ \t]*$"
)
_END = re.compile(r"[ \t]*(?:end|fi|done|esac)\b|\b(?:end|fi|done|esac)[ \t);,]*$")
_ONE_LINE = re.compile(r"[^\n]{0,400}\bdo:|[ \t]*def\b[^\n]{0,200}\)[ \t]*=[ \t]")


#: A line of code that begins a block, by its end; one that ends a block, by its beginning.
_OPENED, _CLOSED = re.compile(r"[{(\[][ \t]*$"), re.compile(r"[ \t]*[})\]]")


def ends_other_blocks(new: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether the lines begin more blocks than they end, or fewer, otherwise than those that they replace."""
    family = family_of(replaced.path)
    if family == "yaml":  # code in a text of several lines
        return _open_brackets(new) != _open_brackets(replaced.old)
    return family in WORD_FAMILIES and _open_blocks(new) != _open_blocks(replaced.old)


def _open_brackets(lines: Sequence[str]) -> int:
    return sum(bool(_OPENED.search(line[-80:])) - bool(_CLOSED.match(line)) for line in lines)


def _open_blocks(lines: Sequence[str]) -> int:
    begins = sum(
        bool(_BEGIN.match(line) or _BEGIN_LATE.search(line[-400:])) and not _ONE_LINE.match(line) for line in lines
    )
    return begins - sum(_END.match(line) is not None or _END.search(line[-80:]) is not None for line in lines)
