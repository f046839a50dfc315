"""Edits of the files that leave them sound, as a person would make them, and what a click does."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reviewer.diff.model import Diff
from reviewer.diff.parser import parse_diff
from reviewer.languages.syntax import errors_in
from reviewer.tasks.verification.anchoring import LocatedQuote, locate
from tests.reviewer.tasks.verification.clicked_files import FILES

#: By the end of a path: what begins a comment, what ends it, and a line that may be put in anywhere in a block.
_STYLES = {
    "py": ("# ", "", "check({n})"), "js": ("// ", "", "check({n});"), "go": ("// ", "", "check({n})"),
    "yaml": ("# ", "", "extra{n}: {n}"), "md": ("<!-- ", " -->", "A new line with number {n}."),
    "sh": ("# ", "", "check {n}"), "sql": ("-- ", "", "-- number {n}"), "java": ("/* ", " */", "check({n});"),
    "kt": ("// ", "", "check({n})"), "rb": ("# ", "", "check({n})"), "css": ("/* ", " */", "width: {n}px;"),
    "lua": ("-- ", "", "check({n})"), "c": ("/* ", " */", "check({n});"), "": ("# ", "", "RUN check {n}"),
    "yml": ("# ", "", "extra{n}: {n}"), "toml": ("# ", "", "extra{n} = {n}"), "ts": ("// ", "", "check({n});"),
    "tsx": ("// ", "", "check({n});"), "rs": ("// ", "", "check({n});"), "h": ("/* ", " */", "int number{n};"),
    "php": ("// ", "", "check({n});"), "kts": ("// ", "", "check({n})"), "cs": ("// ", "", "Check({n});"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edit:
    """A true edit: the lines from `start` (from 0) up to `end` become `new`."""

    path: str
    start: int
    end: int
    new: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        return FILES[self.path].replace("\r\n", "\n").split("\n")

    @property
    def old(self) -> list[str]:
        return self.lines[self.start : self.end]

    @property
    def after(self) -> str:
        """The true file after the edit."""
        return with_lines(FILES[self.path], self.start, self.end, self.new)

    def located(self) -> LocatedQuote:
        place = locate(added(self.path), self.path, "\n".join(self.old), self.end)
        assert isinstance(place, LocatedQuote), self
        return place


def with_lines(text: str, start: int, end: int, new: tuple[str, ...]) -> str:
    """Return the text with those lines replaced, in its own line ends."""
    lines = text.replace("\r\n", "\n").split("\n")
    joined = "\n".join([*lines[:start], *new, *lines[end:]])
    return joined.replace("\n", "\r\n") if "\r\n" in text else joined


def clicked(text: str, place: LocatedQuote, suggestion: str) -> str:
    """Return the text after a click: GitHub replaces the anchored lines by those of the suggestion."""
    lines = text.split("\n")
    start = (place.anchor.start_line or place.anchor.line) - 1
    return "\n".join([*lines[:start], *(suggestion.split("\n") if suggestion else []), *lines[place.anchor.line :]])


def added(path: str) -> Diff:
    """Return the diff that adds the file."""
    rows = FILES[path].split("\n")
    last = rows.pop()
    body = "".join(f"+{row}\n" for row in rows) + (f"+{last}\n\\ No newline at end of file\n" if last else "")
    count = len(rows) + bool(last)
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n"
    return parse_diff((head + body).encode())


def style(path: str) -> tuple[str, str, str]:
    name = path.rpartition("/")[2]
    return _STYLES[name.rpartition(".")[2] if "." in name else ""]


def indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


# ----------------------------------------------------------------------- true edits


def true_edits(path: str, chance: random.Random, count: int) -> Iterator[Edit]:
    """Yield edits that leave the file as sound as it was."""
    lines = FILES[path].replace("\r\n", "\n").split("\n")
    last = len(lines) - (lines[-1] == "")
    found: set[Edit] = set()
    for _ in range(60 * count):
        start = chance.randrange(last)
        end = min(start + chance.choice((1, 1, 1, 2, 3)), last)
        old = lines[start:end]
        if not old[0].strip() or not old[-1].strip() or sum(map(str.isalnum, "".join(old))) < 6:
            continue
        new = chance.choice((_other_number, _other_word, _longer, _line_more, _line_less, _without))(old, path, chance)
        edit = Edit(path, start, end, tuple(new))
        # Text that ends with an empty line cannot be told from text that ends with a newline.
        if new != old and edit not in found and new[-1:] != [""] and _is_sound(edit):
            found.add(edit)
            yield edit
        if len(found) == count:
            return


#: Words that cannot be renamed.
_KEYWORDS = frozenset(
    [
        "class",
        "def",
        "function",
        "local",
        "package",
        "private",
        "public",
        "const",
        "return",
        "raise",
        "static",
        "void",
        "import",
    ]
)


def _other_number(old: list[str], path: str, chance: random.Random) -> list[str]:
    del path
    number = chance.randrange(11, 99)
    return [re.sub(r"(?<![\w#])\d+(?!\w)", str(number), line, count=1) for line in old]


def _other_word(old: list[str], path: str, chance: random.Random) -> list[str]:
    del path
    words = sorted(set(re.findall(r"\b[a-z]{4,}\b", "\n".join(old))) - _KEYWORDS)
    word = chance.choice(words) if words else "none"
    return re.sub(rf"\b{word}\b", f"{word}_new", "\n".join(old), count=1).split("\n")


def _longer(old: list[str], path: str, chance: random.Random) -> list[str]:
    return _line_more(_other_word(old, path, chance), path, chance)


def _line_more(old: list[str], path: str, chance: random.Random) -> list[str]:
    at = chance.randrange(len(old) + 1)
    deeper = at > 0 and re.search(r"[{:(]$|^\s*(?:def|class|if|for|while)\b", old[at - 1].rstrip()) is not None
    if deeper and at == len(old):
        return old
    here = old[min(at, len(old) - 1)]
    line = indent(here if here.strip() else old[at - 1]) + style(path)[2].format(n=chance.randrange(100, 999))
    return [*old[:at], line, *old[at:]]


def _line_less(old: list[str], path: str, chance: random.Random) -> list[str]:
    del path
    at = chance.randrange(len(old))
    return [*old[:at], *old[at + 1 :]] if len(old) > 1 else old


def _without(old: list[str], path: str, chance: random.Random) -> list[str]:
    del path
    return [] if chance.random() < 0.3 else old


def _is_sound(edit: Edit) -> bool:
    before, after = errors_in(edit.path, FILES[edit.path]), errors_in(edit.path, edit.after)
    if before is not None and after is not None and (after > before or not edit.path.endswith(".rb")):
        return after <= before
    text, old = "\n".join(edit.new), "\n".join(edit.old)
    balanced = re.findall(r"[][(){}]", text) == re.findall(r"[][(){}]", old)
    words = r"(?m)^\s*(?:if|fi|do|done|for|end|function|case|esac|while|class|def|```|~~~)\b|```|~~~"
    return balanced and sorted(re.findall(words, text)) == sorted(re.findall(words, old))


# ----------------------------------------------------------------------- spoilt suggestions
