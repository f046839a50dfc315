"""Compare what two versions of a check demand: the new one must demand as much, of what the change alters. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence

from reviewer.testgen.python.editing.check_steps import Check
from reviewer.testgen.python.editing.values import PLAIN

#: Comparisons that demand one exact result, and what may replace any other: its opposite.
_EXACT = frozenset({"Eq", "Is"})
_OPPOSITES: Mapping[str, str] = {
    "In": "NotIn", "NotIn": "In", "Lt": "GtE", "GtE": "Lt", "Gt": "LtE", "LtE": "Gt", "true": "false", "false": "true",
}  # fmt: skip
_BROAD = frozenset({"Exception", "BaseException", ""})
_ANY_OF_SEVERAL = "an exception"

#: Values of the standard library that equal nothing but themselves.
_VALUES = frozenset({"Decimal", "Fraction", "Path", "PurePath", "PurePosixPath", "UUID"})
_NAME = re.compile(r"[A-Za-z_]\w*")

#: A part of a text must be this long to say something, unless the old one was shorter.
_SHORT = 3


def weakened(pairs: Sequence[tuple[Check, Check]], steps: Iterable[str | Check], name: str) -> str:
    """Return in words what is weaker in the new checks than in the old ones; empty if nothing is.

    `steps` are those of the old test: what it names may stand in a new expectation.
    """
    known = {name for step in steps for name in _NAME.findall(_text(step))}
    for old, new in pairs:
        if not _as_strong(old, new):
            return f"It weakens what {name} expects: `{new.text}`."
        if new.kind != "raises" and (strange := sorted(_names(new.expected) - known)):
            return f"It cannot be told what `{strange[0]}` equals, which {name} did not name before."
    unsure = next((new for old, new in pairs if not _cannot_both_hold(old, new)), None)
    if unsure is not None and len(pairs) > 1:
        return f"It changes several expectations of {{}}, of which `{unsure.text}` may be one that the change leaves."
    return ""


def _text(step: str | Check) -> str:
    return f"{step.given} {step.expected}" if isinstance(step, Check) else step


def _as_strong(old: Check, new: Check) -> bool:
    """Whether the new check demands one exact result, a named exception, or the opposite of the old one."""
    both_raise = new.kind == old.kind == "raises"
    if new.loose and new.loose != old.loose and (both_raise or new.kind != "raises"):
        return False
    if new.kind == "raises":
        kind = new.expected.partition(" ")[0].rpartition(".")[2]
        return kind not in _BROAD and not new.expected.startswith(_ANY_OF_SEVERAL)
    if new.kind in _EXACT:
        return True
    kind, _, swapped = old.kind.partition(" ")
    opposite = f"{_OPPOSITES.get(kind, '')} {swapped}".strip()
    same = new.kind in (old.kind, opposite) and old.kind not in ("raises", *_EXACT)
    return same and (new.kind != old.kind or _says_as_much(old, new))


def _says_as_much(old: Check, new: Check) -> bool:
    """Whether no more results fit the new check than the old one, as far as their sizes say."""
    if new.kind == "In of":
        return _length(new.expected) >= min(_SHORT, _length(old.expected))
    if new.kind in ("In", "NotIn"):
        fewer, more = (new, old) if new.kind == "In" else (old, new)
        return _length(fewer.expected) <= _length(more.expected)
    return True


def _length(expected: str) -> int:
    """Return how long a text or a collection that is written out is; another expression counts as 1."""
    node = _parsed(expected)
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return len(node.value.strip())
    return len(node.elts) if isinstance(node, ast.List | ast.Tuple | ast.Set) else 1


def _parsed(expected: str) -> ast.expr | None:
    try:
        return ast.parse(expected, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None


def _names(expected: str) -> set[str]:
    """Return the names in an expectation that do not just build a value."""
    node = _parsed(expected)
    found = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} if node else set()
    return found - PLAIN - _VALUES


def _cannot_both_hold(old: Check, new: Check) -> bool:
    """Whether no result fits both checks, so that the old one fails where the new one holds."""
    if old.loose or new.loose:
        return False
    if "raises" in (old.kind, new.kind):
        return old.kind != new.kind
    if old.kind in _EXACT:
        return new.kind == old.kind
    kind, _, swapped = old.kind.partition(" ")
    opposite = f"{_OPPOSITES.get(kind, '')} {swapped}".strip()
    return new.kind == opposite and new.expected == old.expected
