"""The ways in which models spoil a suggestion that was right."""

from __future__ import annotations

import html
import random
import re
import textwrap
from collections.abc import Iterator

from tests.reviewer.tasks.verification.true_edits import Edit, indent, style

#: What models write for code that they leave out.
ELISIONS = (
    "...", "existing code", "rest of the function", "unchanged", "... existing code ...", "... rest unchanged",
    "rest of the code", "\u2026", "remaining code stays the same", "other methods here", "code omitted for brevity",
    "... (unchanged)", "existing implementation", "same as before",
)  # fmt: skip
SENTENCES = (
    "Use a safer call instead of this line.", "Replace the condition in this line with a check of the limit.",
    "You should validate the input before it is used here.", "Consider moving the call into the block above.",
    "Change this line to use the other value.",
)  # fmt: skip


def spoilt(edit: Edit, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield kinds of spoiling and the suggestion as a model would write it; none of them is the true text."""
    true = "\n".join(edit.new)
    if not true.strip():
        yield "empty block", "```\n```"
        return
    for spoil in (_neighbours, _elisions, _marks, _wrappings, _indentations, _words, _escapes):
        for kind, text in spoil(edit, true, chance):
            if text not in (true, true + "\n"):
                yield kind, text


def _neighbours(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    del chance
    lines = edit.lines
    for count in (1, 2, 3):
        above, below = lines[max(edit.start - count, 0) : edit.start], lines[edit.end : edit.end + count]
        if above:
            yield "lines above", "\n".join([*above, true])
            yield "lines above, first indentation lost", "\n".join([*above, true]).lstrip(" \t")
        if "".join(below):
            yield "lines below", "\n".join([true, *below])
        if above and "".join(below):
            yield "lines around", "\n".join([*above, true, *below])
    first, last = _block(lines, edit.start)
    if first < edit.start and last >= edit.end and edit.end - edit.start < last - first:
        yield "whole block", "\n".join([*lines[first : edit.start], true, *lines[edit.end : last]])


def _block(lines: list[str], number: int) -> tuple[int, int]:
    """Return the first and the last line of the outermost indented block around a line, its header included."""
    first = number
    while first > 0 and (indent(lines[first]) or not lines[first].strip()):
        first -= 1
    last = number + 1
    while last < len(lines) and (indent(lines[last]) or not lines[last].strip()):
        last += 1
    return first, last + (last < len(lines) and lines[last].strip()[:1] in ("}", ")", "]"))


def _elisions(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    begin, end, _ = style(edit.path)
    rows = true.split("\n")
    for words in chance.sample(ELISIONS, 3):
        line = f"{indent(rows[-1])}{begin}{words}{end}"
        yield "elision behind", "\n".join([*rows, line])
        yield "elision before", "\n".join([line, *rows])
        yield "elision alone", line
    yield "dots", "\n".join([*rows, f"{indent(rows[-1])}..."])


def _marks(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    words = sorted(set(re.findall(r"\b[a-z]{4,}\b", true)))
    if words:
        word = chance.choice(words)
        for mark in ("[redacted: password]", "[redacted: github token]", "[fence]", "<U+202E>", "[\u00b7INST]"):
            yield "placeholder", re.sub(rf"\b{word}\b", mark, true, count=1)
    rows = true.split("\n")
    yield "diff", "\n".join([*(f"-{line}" for line in edit.old), *(f"+{line}" for line in rows)])
    yield "rows", "\n".join(f"{edit.start + n:>5} {edit.start + n:>5} |+{line}" for n, line in enumerate(rows, 1))
    yield "numbers", "\n".join(f"{edit.start + n}: {line}" for n, line in enumerate(rows, 1))


def _wrappings(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    info = chance.choice(("", "python", "suggestion", "md"))
    for marks in ("```", "````", "~~~", "~~~~~"):
        yield "fence", f"{marks}{info}\n{true}\n{marks}"
        yield "fence", f"\n{marks}\n{true}\n{marks}\n"
    yield "words and a fence", f"Change it to:\n```\n{true}\n```"
    yield "fence that does not end", f"```{info}\n{true}"


def _indentations(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    del chance
    yield "first indentation lost", true.lstrip(" \t")
    yield "all indentation lost", textwrap.dedent(true)
    if "\t" in indent(edit.old[0]) or any(line.startswith("\t") for line in edit.new):
        for width in (2, 4, 8):
            text = "\n".join(" " * (width * len(indent(line))) + line.lstrip("\t") for line in true.split("\n"))
            yield "spaces for tabs", text
            yield "spaces for tabs, first indentation lost", text.lstrip(" ")
    elif any(line.startswith("  ") for line in edit.new):
        fours = all(len(indent(line)) % 4 in (0, 1) for line in edit.lines)  # 1: a comment's asterisk
        unit = 4 if fours or edit.path.endswith((".py", ".java", ".kt", ".kts", ".php", ".cs", ".md")) else 2
        yield (
            "tabs for spaces",
            re.sub(r"(?m)^ +", lambda spaces: "\t" * (len(spaces[0]) // unit) + " " * (len(spaces[0]) % unit), true),
        )
    yield "other line ends", true.replace("\n", "\r\n") + "\r\n"


def _words(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    begin, end, _ = style(edit.path)
    sentence = chance.choice(SENTENCES)
    if not edit.path.endswith(".md"):
        yield "sentence", sentence
        yield "sentence", indent(edit.old[0]) + sentence
        yield "sentence and code", f"{sentence}\n{true}"
        if begin.strip() and not any(line.strip().startswith(begin.strip()) for line in edit.old):
            yield "sentence in a comment", f"{indent(edit.old[0])}{begin}{sentence}{end}"


def _escapes(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    del chance
    if html.escape(true, quote=False) != true and not edit.path.endswith(".md"):
        yield "entities", html.escape(true, quote=False)
        yield "entities", html.escape(true)
    if "\n" in true:
        yield "written out", true.replace("\n", "\\n")
    if '"' in true:
        yield "escaped quotes", true.replace('"', '\\"')
