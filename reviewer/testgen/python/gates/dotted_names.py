"""Dotted names in Python source: `a.b.c`, as written and as imported. Pure."""

from __future__ import annotations

import ast
from collections.abc import Mapping


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for names and attributes, the empty string for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        above = dotted(node.value)
        return f"{above}.{node.attr}" if above else node.attr
    return ""


def import_origins(tree: ast.AST) -> dict[str, str]:
    """Return the dotted names of imported objects, by their names in the file."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {
                alias.asname or alias.name: f"{node.module or ''}.{alias.name}".lstrip(".") for alias in node.names
            }
    return found


def full_name(node: ast.AST, origins: Mapping[str, str]) -> str:
    """Return the dotted name with imports resolved, as far as possible."""
    head, dot, rest = dotted(node).partition(".")
    return f"{origins.get(head, head)}{dot}{rest}"
