"""Find what differs between runs (hashes, ids, order of sets, file times), and what asks how it is run. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from reviewer.testgen.python.gates.dotted_names import dotted, full_name

#: Calls whose result has an order; `sorted` gives a set one that is always the same.
_ORDERED = frozenset({"list", "tuple", "next", "iter", "enumerate", "str", "repr", "join", "dumps"})
_FILE_TIMES = re.compile(r"^os\.path\.get[amc]time$|\.st_[amc]time(?:_ns)?$")
#: Ways to find out whether a test is measured, mutated or run in a copy.
_ASKING = re.compile(
    r"^(?:sys\.(?:gettrace|getprofile|argv|monitoring|orig_argv|flags)|os\.(?:getpid|getppid|getpgid|getcwd|listdir)"
    r"|threading\.(?:gettrace|getprofile)|inspect\.(?:stack|currentframe)|psutil|resource|gc\.get_objects)\b"
)
_SOURCE = re.compile(r"^inspect\.getsource(?:lines|file)?$|\.__code__$")
_HARNESS = re.compile(r"REVIEWER_|PYTEST_CURRENT_TEST|PYTHONHASHSEED|COVERAGE|\bmutat|\bharness\b", re.IGNORECASE)


def unsteady(tree: ast.Module, origins: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each thing whose value differs between runs, or that asks how the test is run."""
    compared = _both_sides(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _called(node, compared)
        if isinstance(node, ast.Attribute | ast.Name):
            name = full_name(node, origins)
            name = f".{node.attr}" if isinstance(node, ast.Attribute) and node.attr.startswith("st_") else name
            if _SOURCE.search(name):
                yield f"Line {node.lineno}: `{dotted(node)}` reads code instead of running it."
            elif _FILE_TIMES.search(name):
                yield f"Line {node.lineno}: `{dotted(node)}`: times of files differ between runs."
            elif _ASKING.match(name) or name == "sys.modules":
                yield f"Line {node.lineno}: `{dotted(node)}` asks how the test is run: it must not matter."
        if isinstance(node, ast.Subscript | ast.Call | ast.Compare):
            yield from _asks_environment(node, origins)


def _both_sides(tree: ast.Module) -> set[int]:
    """Return the calls of `hash` and `id` that are compared with another one: that holds in every run."""
    found: set[int] = set()
    for node in ast.walk(tree):
        sides: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2].startswith("assert"):
            sides = node.args[:2]
        calls = [side for side in sides if isinstance(side, ast.Call) and dotted(side.func) in ("hash", "id")]
        if len(calls) > 1:
            found |= {id(call) for call in calls}
    return found


def _called(node: ast.Call, compared: set[int]) -> Iterator[str]:
    name = dotted(node.func)
    if name in ("hash", "id") and id(node) not in compared:
        yield f"Line {node.lineno}: `{name}()` gives another value in each process."
    if name.rpartition(".")[2] in _ORDERED and node.args and _is_set(node.args[0]):
        yield f"Line {node.lineno}: `{name}` of a set: its order differs between runs; use `sorted`."


def _is_set(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        inner = dotted(node.func)
        return inner in ("set", "frozenset") or (inner == "iter" and bool(node.args) and _is_set(node.args[0]))
    return isinstance(node, ast.SetComp) or (isinstance(node, ast.Set) and len(node.elts) > 1)


def _asks_environment(node: ast.Subscript | ast.Call | ast.Compare, origins: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence if a variable is read that our harness or a test framework sets."""
    if isinstance(node, ast.Compare):
        name, words = full_name(node.comparators[0], origins), [node.left]
    elif isinstance(node, ast.Subscript):
        name, words = full_name(node.value, origins), [node.slice]
    else:
        name, words = full_name(node.func, origins), node.args[:1]
    if name not in ("os.environ", "os.getenv", "os.environ.get"):
        return
    for word in words:
        if isinstance(word, ast.Constant) and isinstance(word.value, str) and _HARNESS.search(word.value):
            yield f"Line {node.lineno}: `{word.value[:60]}` asks how the test is run: it must not matter."
