"""Evaluate the GitHub expressions that actions use: literals, contexts, operators, status checks, a few functions.

Coerces types as GitHub does (https://docs.github.com/actions/reference/workflows-and-actions/expressions).
Anything unknown, which GitHub would silently read as an empty string, is an `ExpressionError`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?)|(?P<string>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[!<>().,]))"
)
INTERPOLATION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
CONSTANTS = {"true": True, "false": False, "null": None}
STATUS_CHECKS = {"always", "cancelled", "failure", "success"}


class ExpressionError(Exception):
    """The expression is not supported here, or names something that does not exist."""


@dataclass(frozen=True, slots=True)
class Open:
    """A context of which any member may be missing, such as the event or a step's outputs: missing is null."""

    members: Mapping[str, Any]


def interpolate(text: Any, contexts: Mapping[str, Any]) -> str:
    """Return `text` with every `${{ }}` in it replaced by its value as text."""
    return INTERPOLATION.sub(lambda found: as_text(evaluate(found[1], contexts)), as_text(text))


def holds(condition: Any, contexts: Mapping[str, Any], *, failed: bool) -> bool:
    """Whether a step with this `if:` runs; without a status check in it, only while nothing has failed."""
    text = as_text(True if condition is None else condition).strip()
    whole = INTERPOLATION.fullmatch(text)
    parser = Parser(whole[1] if whole else text, contexts, failed=failed)
    value = truthy(parser.parse())
    return value if parser.checked_status else value and not failed


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    """Return the value of one expression, written without `${{ }}`."""
    return Parser(text, contexts, failed=False).parse()


class Parser:
    """Evaluates while it parses, by recursive descent: or, and, comparison, not, value."""

    def __init__(self, text: str, contexts: Mapping[str, Any], *, failed: bool) -> None:
        self.text = text
        self.contexts = contexts
        self.failed = failed
        self.checked_status = False
        self.tokens: list[tuple[str, str]] = []

    def parse(self) -> Any:
        position = 0
        stripped = self.text.rstrip()
        while position < len(stripped):
            found = TOKEN.match(stripped, position)
            if not found:
                raise self.error(f"unreadable at {stripped[position:]!r}")
            self.tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
            position = found.end()
        value = self.either()
        if self.tokens:
            raise self.error(f"unexpected {self.tokens[0][1]!r}")
        return value

    def error(self, reason: str) -> ExpressionError:
        return ExpressionError(f"{self.text.strip()!r}: {reason}")

    def take(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise self.error(f"{sign!r} is missing")

    def either(self) -> Any:
        value = self.both()
        while self.take("||"):
            other = self.both()
            value = value if truthy(value) else other
        return value

    def both(self) -> Any:
        value = self.comparison()
        while self.take("&&"):
            other = self.comparison()
            value = other if truthy(value) else value
        return value

    def comparison(self) -> Any:
        value = self.negation()
        while sign := self.take("==", "!=", "<=", ">=", "<", ">"):
            value = compare(sign, value, self.negation())
        return value

    def negation(self) -> Any:
        if self.take("!"):
            return not truthy(self.negation())
        return self.value()

    def value(self) -> Any:
        if self.take("("):
            inner = self.either()
            self.need(")")
            return inner
        kind, token = self.tokens.pop(0) if self.tokens else ("", "the end")
        if kind == "number":
            return float(token)
        if kind == "string":
            return token[1:-1].replace("''", "'")
        if kind != "name":
            raise self.error(f"unexpected {token!r}")
        if token in CONSTANTS:
            return CONSTANTS[token]
        return self.call(token) if self.take("(") else self.context(token)

    def call(self, name: str) -> Any:
        arguments = []
        while not self.take(")"):
            arguments.append(self.either())
            if not self.take(","):
                self.need(")")
                break
        if name in STATUS_CHECKS and not arguments:
            self.checked_status = True
            return {"always": True, "cancelled": False, "failure": self.failed, "success": not self.failed}[name]
        if name not in FUNCTIONS:
            raise self.error(f"unknown function {name}")
        return FUNCTIONS[name](*arguments)

    def context(self, name: str) -> Any:
        if name not in self.contexts:
            raise self.error(f"unknown context {name}")
        value, path = self.contexts[name], name
        while self.take("."):
            _, member = self.tokens.pop(0) if self.tokens else ("", "")
            path += f".{member}"
            if isinstance(value, Open) or value is None:
                value = open_member(value, member)
            elif isinstance(value, Mapping) and member in value:
                value = value[member]
            else:
                raise self.error(f"{path} does not exist")
        return value


def open_member(value: Open | None, member: str) -> Any:
    """Return a member that may be missing; its own members may be missing too."""
    found = None if value is None else value.members.get(member)
    return Open(found) if isinstance(found, Mapping) else found


def truthy(value: Any) -> bool:
    """Whether GitHub counts the value as true: all but false, 0, NaN, the empty string and null."""
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def as_text(value: Any) -> str:
    """Return a value as GitHub writes it into a string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, str | int):
        return str(value)
    raise ExpressionError(f"{value!r} is not text")


def as_number(value: Any) -> float:
    """Return a value as GitHub compares it with one of another type."""
    if isinstance(value, str):
        try:
            return float(value) if value.strip() else 0.0
        except ValueError:
            return math.nan
    if value is None or isinstance(value, bool | int | float):
        return float(value or 0)
    return math.nan


def compare(sign: str, left: Any, right: Any) -> bool:
    """Compare as GitHub does: strings without regard to case, different types as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.casefold(), right.casefold()
    elif type(left) is not type(right):
        left, right = as_number(left), as_number(right)
    elif left is None:
        left = right = 0
    match sign:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
    return bool(left >= right)


def _contains(whole: Any, part: Any) -> bool:
    """Whether a list has an element, or a text another one; capitals do not count."""
    if isinstance(whole, list):
        return any(as_text(one).casefold() == as_text(part).casefold() for one in whole)
    return as_text(part).casefold() in as_text(whole).casefold()


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "contains": _contains,
    "endsWith": lambda whole, part: as_text(whole).casefold().endswith(as_text(part).casefold()),
    "fromJSON": lambda text: json.loads(as_text(text)),
    "startsWith": lambda whole, part: as_text(whole).casefold().startswith(as_text(part).casefold()),
}
