"""Mutants by text, for languages that have no mutator of ours: one small change of one changed line each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_Exchange = tuple[re.Pattern[str], str]


def _exchanges(*pairs: tuple[str, str]) -> tuple[_Exchange, ...]:
    return tuple((re.compile(pattern), other) for pattern, other in pairs)


#: What is exchanged for what, the likeliest to matter first. Operators stand between spaces, as formatters write them.
#: Conditions are turned round before their boundary is moved: `n < low` may well mean the same as `n <= low`.
_EXCHANGES = _exchanges(
    (r" <= ", " > "),
    (r" >= ", " < "),
    (r" < ", " >= "),
    (r" > ", " <= "),
    (r" === ", " !== "),
    (r" !== ", " === "),
    (r" == ", " != "),
    (r" != ", " == "),
    (r" && ", " || "),
    (r" \|\| ", " && "),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \* ", " / "),
    (r" / ", " * "),
    (r" \+= ", " -= "),
    (r" -= ", " += "),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"(?<![\w.])0(?![\w.])", "1"),
    (r"(?<![\w.])1(?![\w.])", "2"),
    (r"(?<![\w.])([2-9]\d{0,8}|1\d{1,8})(?![\w.])", r"\g<1>1"),
)
_BOUNDARIES = _exchanges((r" <= ", " < "), (r" >= ", " > "), (r" < ", " <= "), (r" > ", " >= "))

#: For rows that hold none of these, by the ending of the file: a whole condition turned round, a text replaced.
_BRACED = (
    (r"\bif \((.+)\) \{", r"if (!(\1)) {"),
    (r"\breturn (?:\"[^\"\\]*\"|'[^'\\]*')", 'return "XX"'),
    (r"\breturn (\w[^;{}]*);$", "return null;"),
)
_BARE = ((r"\bif (?!let\b)([^;{]+) \{$", r"if !(\1) {"), (r"\breturn \"[^\"\\]*\"", 'return "XX"'))
_RUBY = (
    (r"\bif (.+)$", r"unless \1"),
    (r"\bunless (.+)$", r"if \1"),
    (r"\breturn (?!if\b|unless\b)(\S+)", "return nil"),
)
_OTHERWISE: Mapping[str, tuple[_Exchange, ...]] = {
    **dict.fromkeys(("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "java"), _exchanges(*_BRACED)),
    **dict.fromkeys(("go", "rs"), _exchanges(*_BARE)),
    "rb": _exchanges(*_RUBY),
}

#: Lines whose change nobody tests.
_ARID = re.compile(
    r"^\s*(?://|#|\*|/\*|import\b|use\b|package\b|require\b|\}|console\.|log\.|fmt\.Print|puts\b|println!)"
)


@dataclass(frozen=True, slots=True)
class TextMutant:
    """A line of a file in another form. `line` is 1-based."""

    path: str
    line: int
    before: str
    after: str

    def applied(self, text: str) -> str:
        """Return the file with it."""
        lines = text.split("\n")
        lines[self.line - 1] = self.after
        return "\n".join(lines)


def text_mutants(path: str, text: str, lines: Iterable[int], *, most: int) -> list[TextMutant]:
    """Return mutants of those lines, one a line first, at most so many."""
    rows = text.split("\n")
    made = [list(_of(path, number, rows[number - 1])) for number in sorted(lines) if 0 < number <= len(rows)]
    turns = max((len(one) for one in made), default=0)
    return [one[turn] for turn in range(turns) for one in made if turn < len(one)][:most]


def _of(path: str, number: int, row: str) -> Iterator[TextMutant]:
    if _ARID.match(row) or len(row) > 400:
        return
    found = [*_applied(_EXCHANGES, row)]
    found = found or [*_applied(_OTHERWISE.get(path.rpartition(".")[2], ()), row)]
    for after in dict.fromkeys([*found, *_applied(_BOUNDARIES, row)]):
        yield TextMutant(path, number, row, after)


def _applied(exchanges: Iterable[_Exchange], row: str) -> Iterator[str]:
    for pattern, other in exchanges:
        after = pattern.sub(other, row, count=1)
        if after != row:
            yield after
