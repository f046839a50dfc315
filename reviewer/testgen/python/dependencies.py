"""Show the author of a test the class of a changed function and the definitions that it uses.

Names are resolved by Python's rules for imports; a name that cannot be resolved is left out. The size is limited. Pure
except for `read`, which returns the texts of the tree.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from reviewer.languages.parsers import python_tree
from reviewer.testgen.evidence import CodeUnit

#: The most definitions shown, lines of a definition shown whole, and modules through which a name is followed.
MOST_DEFINITIONS, MOST_LINES, MOST_HOPS = 12, 14, 3

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

#: Methods that create objects of a class.
_MAKERS = ("__init__", "__new__", "__post_init__")


@dataclass(frozen=True, slots=True)
class DefinitionLookup:
    """Where definitions are looked up: `read` returns a file's text (None: no such file), `roots` are for imports."""

    read: Callable[[str], str | None]
    roots: Sequence[str]


def used_by(unit: CodeUnit, repository: DefinitionLookup) -> str:
    """Return the unit's class and the definitions of the repository that it uses, as code with path and line."""
    module = _Module.of(unit.path, unit.source)
    if module is None:
        return ""
    parts = [part for part in (_own_class(unit, module),) if part]
    for name in _names(unit, module.tree):
        found = _definition(module, name, repository, MOST_HOPS)
        if found is None:
            continue
        where, node = found
        inside = where.path == unit.path and node.lineno <= unit.last and (node.end_lineno or 0) >= unit.first
        if not inside:
            parts.append(f"# {where.path}:{node.lineno}\n{_source_of(node, where.rows)}")
        if len(parts) == MOST_DEFINITIONS:
            break
    return "\n\n".join(parts)


@dataclass(frozen=True, slots=True)
class _Module:
    path: str
    tree: ast.Module
    rows: tuple[str, ...]

    @classmethod
    def of(cls, path: str, text: str | None) -> _Module | None:
        """Return the module, None for a text that does not parse."""
        try:
            return None if text is None else cls(path, python_tree(text), tuple(text.split("\n")))
        except (SyntaxError, ValueError, RecursionError):
            return None


def _own_class(unit: CodeUnit, module: _Module) -> str:
    """Return the head of the innermost class around the unit, with its fields and constructors."""
    around = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.lineno < unit.first and (node.end_lineno or 0) >= unit.last
    ]
    if not around:
        return ""
    own = max(around, key=lambda node: node.lineno)
    return f"# {module.path}:{own.lineno}\n{_class(own, module.rows, without=range(unit.first, unit.last + 1))}"


def _names(unit: CodeUnit, tree: ast.Module) -> list[str]:
    """Return the names that the unit's lines use (`name` or `name.member`); names in annotations come last."""
    nodes = [node for node in ast.walk(tree) if unit.first <= getattr(node, "lineno", 0) <= unit.last]
    types = {id(inner) for node in nodes for outer in _annotations(node) for inner in ast.walk(outer)}
    found: dict[tuple[bool, int, int], str] = {}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.setdefault((id(node) in types, node.lineno, node.col_offset), node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found[id(node) in types, node.lineno, node.col_offset] = f"{node.value.id}.{node.attr}"
    names = [found[place] for place in sorted(found)]
    return list(dict.fromkeys(names))


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the declared types of a parameter, function or variable."""
    for field in ("annotation", "returns"):
        if isinstance(found := getattr(node, field, None), ast.expr):
            yield found


def _definition(module: _Module, name: str, repository: DefinitionLookup, hops: int) -> tuple[_Module, ast.stmt] | None:
    """Return where a name, or a member of a module with that name, is defined in the repository."""
    first, _, member = name.partition(".")
    for statement in module.tree.body:
        if first in _bound(statement):
            return module, statement
    for node in ast.walk(module.tree) if hops else ():
        names = node.names if isinstance(node, ast.ImportFrom | ast.Import) else ()
        alias = next((candidate for candidate in names if (candidate.asname or candidate.name) == first), None)
        if alias and isinstance(node, ast.ImportFrom):
            folders = _folder(module.path, node, repository.roots)
            inner = [f"{folder}/{alias.name}" if folder else alias.name for folder in folders]
            found = _in(folders, alias.name, repository, hops)
            return found or (_in(inner, member, repository, hops) if member else None)
        if alias and member:
            return _in(_places(alias.name, repository.roots), member, repository, hops)
    return None


def _in(places: Sequence[str], name: str, repository: DefinitionLookup, hops: int) -> tuple[_Module, ast.stmt] | None:
    """Return the definition in the first existing module of `places`, which are paths without suffix."""
    for place in places:
        for path in (f"{place}.py", f"{place}/__init__.py" if place else "__init__.py"):
            if module := _Module.of(path, repository.read(path)):
                return _definition(module, name, repository, hops - 1)
    return None


def _folder(path: str, node: ast.ImportFrom, roots: Sequence[str]) -> list[str]:
    """Return the modules that a `from` import may mean, as paths without suffix."""
    module = (node.module or "").replace(".", "/")
    if not node.level:
        return _places(node.module or "", roots)
    base = PurePosixPath(path)
    for _ in range(node.level):
        base = base.parent
    return [(base / module).as_posix().removeprefix("./")] if module or base.name else [""]


def _places(dotted: str, roots: Sequence[str]) -> list[str]:
    path = dotted.replace(".", "/")
    return [f"{root}/{path}" if root else path for root in dict.fromkeys([*roots, ""])]


def _bound(node: ast.stmt) -> set[str]:
    """Return the names that a statement of a module defines."""
    if isinstance(node, _DEFINITIONS):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _source_of(node: ast.stmt, rows: Sequence[str]) -> str:
    """Return a short definition whole, and of a longer one only what its callers need."""
    whole = _rows(node, rows)
    if len(whole) <= MOST_LINES:
        return "\n".join(whole)
    if isinstance(node, ast.ClassDef):
        return _class(node, rows)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return "\n".join(_head(node, rows))
    return "\n".join([*whole[:MOST_LINES], "..."])


def _class(node: ast.ClassDef, rows: Sequence[str], *, without: range = range(0)) -> str:
    """Return a class without the bodies of its methods, except for constructors."""
    shown = list(rows[_first(node) - 1 : node.body[0].lineno - 1])
    for member in node.body:
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
            maker = member.name in _MAKERS and (member.end_lineno or 0) - member.lineno <= 2 * MOST_LINES
            shown += [] if member.lineno in without else _rows(member, rows) if maker else _head(member, rows)
        elif isinstance(member, ast.Assign | ast.AnnAssign):
            shown += _rows(member, rows)[:MOST_LINES]
    return "\n".join(shown[: 4 * MOST_LINES])


def _head(node: ast.FunctionDef | ast.AsyncFunctionDef, rows: Sequence[str]) -> list[str]:
    """Return the signature of a function and the first line of its documentation."""
    end = max(node.lineno, node.body[0].lineno - 1)
    about = (ast.get_docstring(node) or "").partition("\n")[0]
    indent = " " * (node.col_offset + 4)
    return [*rows[_first(node) - 1 : end], f'{indent}"""{about}"""' if about else f"{indent}..."]


def _rows(node: ast.stmt, rows: Sequence[str]) -> list[str]:
    return list(rows[_first(node) - 1 : node.end_lineno])


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])
