"""Recognise values that a test builds from results of its unit, and tell exact comparisons from loose ones. Pure."""

from __future__ import annotations

import ast
import re

from reviewer.testgen.python.gates.dotted_names import dotted

#: Calls that only build a value or look at a result: they may stand in what a test expects.
PLAIN = frozenset(
    {"len", "sorted", "list", "tuple", "set", "frozenset", "dict", "str", "repr", "bool", "int", "float", "bytes"}
    | {"range", "round", "abs", "sum", "min", "max", "approx", "date", "datetime", "timedelta", "reversed"}
    | {"isinstance"}
)
#: Comparisons that do not compare exactly.
LOOSE = frozenset({"approx", "ANY", "assertAlmostEqual", "assertCountEqual", "isinstance"})


def really_calls(node: ast.expr) -> bool:
    """Whether the expression calls something that may be the code under test: not only what builds a value."""
    calls = (dotted(part.func).rpartition(".")[2] for part in ast.walk(node) if isinstance(part, ast.Call))
    return any(name not in PLAIN and not name[:1].isupper() for name in calls) or any(
        isinstance(part, ast.Await | ast.Yield | ast.YieldFrom) for part in ast.walk(node)
    )


def is_built(node: ast.expr) -> bool:
    """Whether the expression is a new object of a class."""
    return isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2][:1].isupper()


def builds(node: ast.expr) -> bool:
    """Whether a new object of a class is part of the expression."""
    return any(isinstance(part, ast.Call) and is_built(part) for part in ast.walk(node))


def vague(call: ast.Call) -> str:
    """Return why the message of an exception may be any: no `match`, or a pattern without a word; else ""."""
    patterns = [keyword.value for keyword in call.keywords if keyword.arg == "match"]
    texts = [node.value for node in patterns if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    wordless = any(not any(letter.isalnum() for letter in re.sub(r"\\.", "", text)) for text in texts)
    return "any message" if wordless or not patterns else ""


def inexact(node: ast.expr) -> str:
    """Return what makes a comparison with this value inexact, with how inexact; "" if nothing does."""
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and dotted(part.func).rpartition(".")[2] in LOOSE:
            name = dotted(part.func)
            found.append(name + "".join(map(ast.dump, (*part.args[1:], *part.keywords))))
        elif isinstance(part, ast.Name | ast.Attribute) and dotted(part).rpartition(".")[2] == "ANY":
            found.append("ANY")
    return " ".join(sorted(found))
