"""Read what a finding claims: which exception, which input, which wrong result. Pure.

The words of a model are only searched for a few certain forms. What is not recognised leaves a claim as it is.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from reviewer.diff.model import Diff, Side
from reviewer.domain.findings import Finding

#: Characters of a claim that are read.
_MOST = 4_000

_EXCEPTION = re.compile(
    r"\b(?:[A-Za-z_]\w{0,60}\.){0,4}(?P<name>[A-Z]\w{0,60}(?:Error|Exception|Warning|Exit|Interrupt|Iteration|Timeout))\b"
)
#: Words before what ought to be: an exception or a result after them is demanded, not what goes wrong.
_DEMANDED = re.compile(
    r"(?:should|must|ought|instead\s+of|rather\s+than|expected?|never|not|no|without|supposed|want|promises?|documented)"
    r"\W{1,3}(?:\w{1,20}\W{1,3}){0,3}$",
    re.IGNORECASE,
)
_PANICS = re.compile(r"\bpanic(?:s|ked|king)?\b|\bcrash(?:es|ed)?\b|\bthrows?\b", re.IGNORECASE)
_CALL = re.compile(r"\b(?P<name>[A-Za-z_]\w{0,60})\((?P<inside>[^()\n]{0,80})\)")
_LITERAL_TEXT = (
    r"""(?:"[^"\n]{0,60}"|'[^'\n]{0,60}'|(?<![\w.])-?\d[\d_]{0,20}(?:\.\d{1,12})?(?![\w.]*\w)"""
    r"|\bNone\b|\bnull\b|\bnil\b|\bTrue\b|\bFalse\b|\btrue\b|\bfalse\b|\[\]|\{\})"
)
_LITERAL = re.compile(_LITERAL_TEXT)
_RESULT = re.compile(
    r"\b(?:returns?|gives?|yields?|produces?|results?\s+in|evaluates?\s+to|becomes?|prints?|is)\s+[`'\"]{0,2}"
    rf"(?P<value>{_LITERAL_TEXT})",
    re.IGNORECASE,
)
_ASSERTION = re.compile(
    r"assert|expect|should|\braises\b|\bt\.(?:Error|Fatal)|[!=]=|\bwant\b|throws|equal", re.IGNORECASE
)

#: Ways to demand that something is raised, or to go on after it: with them a test passes where a claim says it crashes.
_CATCHES = re.compile(
    r"\braises\b|\bassertRaises|(?<!not\.)\btoThrow|\bassertThrows|\bassert\.throws|\bassert_raises|\bshould_panic"
    r"|\brecover\(|(?<!not_to )(?<!to_not )\braise_error|\brescue\b|\bcatch\b|\bcatch_unwind|^except\b|\bsuppress\("
)
#: What stands behind a call that a claim speaks of: `fee(14)` costs 1.
_AFTER_CALL = re.compile(
    rf"[`'\"]{{0,2}}\s{{1,3}}(?:\w{{2,20}}\s{{1,3}}){{1,3}}[`'\"]{{0,2}}(?P<value>{_LITERAL_TEXT})"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a finding says in recognisable words.

    `exceptions` are all that it names, `failures` those that it says are raised. `calls` are calls with literal
    arguments, as `bare_code` writes them; `literals` are all its literals. `results` are wrong results. `crashes`: it
    says that the code panics or throws.
    """

    exceptions: frozenset[str] = frozenset()
    failures: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    literals: frozenset[str] = frozenset()
    results: frozenset[str] = frozenset()
    crashes: bool = False

    @property
    def names_an_input(self) -> bool:
        """Whether it names a concrete input."""
        return bool(self.calls or self.literals - self.results)

    def is_tried_by(self, code: str) -> bool:
        """Whether a test uses the input that the claim names: its call, or where it names none, one of its literals."""
        if self.calls:
            bare = bare_code(code)
            return any(re.search(rf"(?<!\w){re.escape(call)}", bare) for call in self.calls)
        inputs = self.literals - self.results
        return bool(inputs & {normal(literal) for literal in _LITERAL.findall(code)})

    def is_expected_by(self, code: str) -> str:
        """Return what a test demands that the claim calls wrong; empty if there is nothing of the kind."""
        for row in (line.strip()[:400] for line in code.split("\n")):
            if not (_ASSERTION.search(row) or _CATCHES.search(row)) or row.startswith(
                ("#", "//", "def ", "func ", "import ", "from ")
            ):
                continue
            if (found := next((name for name in sorted(self.failures) if name in row), None)) is not None:
                return found
            catching = _CATCHES.search(row) if self.failures or self.crashes else None
            if catching is not None and not any(name in row for name in self.exceptions - self.failures):
                return catching[0]
            literals = {normal(literal) for literal in _LITERAL.findall(_without_calls(row))}
            if wrong := sorted(literals & self.results):
                return wrong[0]
        return ""


def claim_of(finding: Finding) -> Claim:
    """Return what the finding says in recognisable words."""
    text = f"{finding.title}\n{finding.claim}\n{finding.body}"[:_MOST]
    exceptions = list(_EXCEPTION.finditer(text))
    calls = [
        call
        for call in _CALL.finditer(text)
        if _LITERAL.search(call["inside"]) is not None and _LITERAL.sub("", call["inside"]).strip(" ,[]{}()-") == ""
    ]
    behind = (_AFTER_CALL.match(text, call.end()) for call in calls)
    results = {
        normal(found["value"])
        for found in (*_RESULT.finditer(text), *filter(None, behind))
        if not _DEMANDED.search(text[max(0, found.start("value") - 60) : found.start("value")].rstrip("`'\" ") + " ")
    }
    return Claim(
        exceptions=frozenset(found["name"] for found in exceptions),
        failures=frozenset(
            found["name"]
            for found in exceptions
            if not _DEMANDED.search(text[max(0, found.start() - 60) : found.start()])
        ),
        calls=frozenset(spelling for call in calls for spelling in _spellings(call.group())),
        literals=frozenset(normal(literal) for literal in _LITERAL.findall(text)) | _spelled(text),
        results=frozenset(results),
        crashes=_PANICS.search(text) is not None,
    )


def _spelled(text: str) -> frozenset[str]:
    """Return the literals for inputs that stand in words."""
    found: set[str] = set()
    if re.search(r"\bempty\b", text, re.IGNORECASE):
        found |= {"[]", "{}", '""', "()"}
    if re.search(r"\bzero\b", text, re.IGNORECASE):
        found.add("0")
    return frozenset(found)


def _spellings(call: str) -> tuple[str, str]:
    """Return a call as it is written, and as Python spells it: `f(1_000)` is `f(1000)`."""
    try:
        return bare_code(call), bare_code(ast.unparse(ast.parse(call, mode="eval")))
    except (SyntaxError, ValueError):
        return bare_code(call), bare_code(call)


def bare_code(code: str) -> str:
    """Return code with white space only between words, one blank each, and with one kind of quotes."""
    return re.sub(r"(?<!\w) | (?!\w)", "", " ".join(code.split())).replace("'", '"')


def normal(literal: str) -> str:
    """Return a literal in one spelling."""
    return literal.replace("'", '"').replace("_", "") if literal[:1] not in "\"'" else literal.replace("'", '"')


def _without_calls(row: str) -> str:
    """Return an assertion without the arguments of the innermost calls: they are inputs, not expectations."""
    return _CALL.sub(lambda call: call["name"] + "()" if call["name"] not in _CHECKS else call.group(), row)


_CHECKS = frozenset({"expect", "assert", "toBe", "toEqual", "toStrictEqual", "equal", "strictEqual", "assertEqual"})


def head_lines(finding: Finding, diff: Diff) -> frozenset[int]:
    """Return the lines at head that a finding is about: of removed lines, those that are left beside them."""
    anchor = finding.anchor
    first = anchor.start_line or anchor.line
    if anchor.side is Side.RIGHT:
        return frozenset(range(first, anchor.line + 1))
    file = diff.file(anchor.path)
    for hunk in file.hunks if file else ():
        rows = list(hunk.lines)
        places = [index for index, row in enumerate(rows) if row.kind == "-" and first <= (row.old or 0) <= anchor.line]
        if places:
            above = next((row.new for row in reversed(rows[: places[0]]) if row.new), None)
            below = next((row.new for row in rows[places[-1] :] if row.new), None)
            return frozenset(line for line in (above, below) if line)
    return frozenset()
