"""Make mutants by text replacement, for languages other than Python: each changes one changed line. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_Replacement = tuple[re.Pattern[str], str]


def _replacements(*pairs: tuple[str, str]) -> tuple[_Replacement, ...]:
    return tuple((re.compile(pattern), other) for pattern, other in pairs)


#: Replacements, the most useful first. Operators are between spaces, as formatters write them. Conditions are inverted
#: before their boundary is moved, because `n < low` and `n <= low` often mean the same.
_REPLACEMENTS = _replacements(
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
_BOUNDARIES = _replacements((r" <= ", " < "), (r" >= ", " > "), (r" < ", " <= "), (r" > ", " >= "))

#: For lines without any of these, by the suffix of the file: a whole condition inverted, a text replaced, an error that
#: is not raised or not returned, a statement or a bare call left out. What does not build then is not counted.
_CALL = (
    r"^(\s*)(?:await )?(?!return\b|if\b|for\b|while\b|switch\b|func\b|function\b|super\b|assert\b)"
    r"[\w.$]{1,80}\([^{}]*\);?$"
)
_BRACED = (
    (r"^(\s*)throw [^{}]*;$", r"\1;"),
    (r"\bif \((.+)\) \{", r"if (!(\1)) {"),
    (r"\breturn (?:\"[^\"\\]*\"|'[^'\\]*')", 'return "XX"'),
    (r"\breturn (\w[^;{}]*);$", "return null;"),
)
_GO = (
    (r"\breturn ((?:[^,{}\n]+, )+)(?!nil\b)(?:err\w*|\w*Err\w*|(?:fmt\.Errorf|errors\.New)\(.*\))$", r"return \1nil"),
    (r"\breturn (?:err\w*|\w*Err\w*|(?:fmt\.Errorf|errors\.New)\(.*\))$", "return nil"),
    (r"^(\s*)panic\(.*\)$", r"\1"),
)
_LEFT_OUT = ((_CALL, r"\1"), (r"^(\s*)(?:this|self|[a-z]\w*)\.[\w.\[\]]{1,80} (?:[-+*/|&]?=) [^={][^{}]*;?$", r"\1"))
_BARE = ((r"\bif (?!let\b)([^;{]+) \{$", r"if !(\1) {"), (r"\breturn \"[^\"\\]*\"", 'return "XX"'))
_RUBY = (
    (r"\bif (.+)$", r"unless \1"),
    (r"\bunless (.+)$", r"if \1"),
    (r"\breturn (?!if\b|unless\b)(\S+)", "return nil"),
)
_FALLBACKS: Mapping[str, tuple[_Replacement, ...]] = {
    **dict.fromkeys(
        ("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "java"), _replacements(*_BRACED, *_LEFT_OUT)
    ),
    "go": _replacements(*_GO, *_BARE, *_LEFT_OUT),
    "rs": _replacements(*_BARE, (_CALL, r"\1")),
    "rb": _replacements(*_RUBY),
}

#: Lines that nobody tests.
_UNTESTED = re.compile(
    r"^\s*(?://|#|\*|/\*|import\b|use\b|package\b|require\b|\}|console\.|log\.|fmt\.Print|puts\b|println!)"
)


@dataclass(frozen=True, slots=True)
class TextMutant:
    """A changed line of a file. `line` is 1-based."""

    path: str
    line: int
    before: str
    after: str

    def applied(self, text: str) -> str:
        """Return the text of the file with this mutant."""
        lines = text.split("\n")
        lines[self.line - 1] = self.after
        return "\n".join(lines)


def text_mutants(path: str, text: str, lines: Iterable[int], *, most: int) -> list[TextMutant]:
    """Return at most `most` mutants of those lines, the first of each line first."""
    rows = text.split("\n")
    by_line = [list(_of(path, number, rows[number - 1])) for number in sorted(lines) if 0 < number <= len(rows)]
    rounds = max((len(mutants) for mutants in by_line), default=0)
    return [mutants[round_] for round_ in range(rounds) for mutants in by_line if round_ < len(mutants)][:most]


def _of(path: str, number: int, row: str) -> Iterator[TextMutant]:
    if _UNTESTED.match(row) or len(row) > 400:
        return
    found = [*_applied(_REPLACEMENTS, row)]
    found = found or [*_applied(_FALLBACKS.get(path.rpartition(".")[2], ()), row)]
    for after in dict.fromkeys([*found, *_applied(_BOUNDARIES, row)]):
        yield TextMutant(path, number, row, after)


def _applied(replacements: Iterable[_Replacement], row: str) -> Iterator[str]:
    for pattern, other in replacements:
        after = pattern.sub(other, row, count=1)
        if after != row:
            yield after
