"""What is compiled of a mutated file: the same code as from the whole file, in a fraction of its time."""

from __future__ import annotations

import ast
import importlib.util
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewer.testgen.python.harness_client import HARNESS
from tests.paths import ROOT

TRICKY = '''#!/usr/bin/env python
# -*- coding: {coding} -*-
"""Words."""
from __future__ import annotations, division
import os; import sys
__secret = "é"

if os.sep:
    def in_a_branch(a: int = 1) -> list[int]:
        return [a, __secret]
else:
    @staticmethod
    def in_a_branch(a): return a

def outer(a):
    global late
    late = b = a
    def middle():
        nonlocal b
        class Inside:
            def method(self):
                return super().__init__, b, self.__hidden
        b += 1
        return Inside, lambda: (b, "é")
    return middle

@(lambda
  kind: kind)
class Held(
    dict,
):
    """Words
    over lines."""
    __slots__ = ()
    global late
    late = 2

    # odd comment
    class Deeper(Exception):
        def __init__(self, __a):
            super().__init__(self.__slots, __class__, late)

        @property

        # a comment between
        def value(self):
            return f"{{self.__value!r}} é" \\
                + "\\
two rows"

    async def waits(self): return [one async for one in self.__ones()]
    def last(self):
        return """é
of rows"""'''


def swapping() -> types.ModuleType:
    """Return the harness's module, which is a script beside others and no part of the package."""
    spec = importlib.util.spec_from_file_location("swapping", HARNESS / "swapping.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield the code objects inside one, at any depth."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from codes(constant)


def told(code: types.CodeType) -> tuple[object, ...]:
    """Return what the code objects of two equal functions have in common, inner functions included."""
    return (code, code.co_qualname, code.co_flags, code.co_freevars, code.co_cellvars, tuple(code.co_lines()))


class Bound(ast.NodeTransformer):
    """Makes a module bind names without importing them: CPython calls what it sees imported by other instructions."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef  # type: ignore[assignment]  # noqa: N815

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> ast.AST:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return node
        return ast.copy_location(ast.Pass(), node)

    visit_ImportFrom = visit_Import  # noqa: N815


def same_code(path: Path) -> int:
    """Compile each function of the file alone and compare it with the whole file's; return how many there are."""
    file = swapping().File(str(path))
    module = Bound().visit(ast.parse(file.data))
    whole = {told(one) for one in codes(compile(module, str(path), "exec", dont_inherit=True))}
    count = 0
    for node in ast.walk(ast.parse(file.data)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        at = file.starts[node.body[0].lineno - 1] + node.body[0].col_offset
        made = file.compiled({"start": at, "end": at, "before": "", "after": ""})
        alone = {told(one) for one in codes(made) if one.co_name == node.name}
        assert alone, node.name
        assert alone <= whole, node.name
        count += 1
    return count


@pytest.mark.parametrize("coding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_function_compiled_alone_is_the_one_of_the_file(
    coding: str, newline: str, mark: bytes, tmp_path: Path
) -> None:
    """Encoding, `from __future__`, mangled names, closures, decorators and branches come to the same code."""
    path = tmp_path / "tricky.py"
    path.write_bytes(
        (mark if coding == "utf-8" else b"") + TRICKY.format(coding=coding).replace("\n", newline).encode()
    )
    assert same_code(path) == 9


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["reviewer", "webhooks", "tests/fakes"])
def test_functions_of_real_files_compile_alone(folder: str) -> None:
    """Every function of our own sources comes to the same code, alone or with its file."""
    assert sum(map(same_code, sorted((ROOT / folder).rglob("*.py")))) > 5


def test_only_the_function_is_compiled(tmp_path: Path) -> None:
    """What stands beside the mutant in its file and its class is not compiled again for it."""
    path = tmp_path / "long.py"
    method = "    def f{0}(self):\n        return {0}\n"
    path.write_text("class A:\n" + "".join(method.format(number) for number in range(2000)), encoding="utf-8")
    file = swapping().File(str(path))
    start = file.data.index(b"return 1500") + len("return ")
    code = file.compiled({"start": start, "end": start + 4, "before": "1500", "after": "7"})
    (function,) = (one for one in codes(code) if one.co_name != "A")
    assert (function.co_qualname, function.co_firstlineno, function.co_consts[-1]) == ("A.f1500", 3002, 7)


def test_another_file_than_the_mutated_is_refused(tmp_path: Path) -> None:
    """Where other bytes stand than the mutant replaces, nothing is compiled."""
    path = tmp_path / "m.py"
    path.write_text("def f():\n    return 2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="not the one that was mutated"):
        swapping().File(str(path)).compiled({"start": 20, "end": 21, "before": "1", "after": "2"})
    assert swapping().read(str(tmp_path / "none.py")) is None
