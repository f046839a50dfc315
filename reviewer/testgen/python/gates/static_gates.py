"""The first two gates, which run nothing: may the file be added, and do its tests assert something? Pure.

They judge the text only, in milliseconds. They cannot stop code that hides what it does; the sandbox does that.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from reviewer.languages.allowed_tests import refused_name
from reviewer.languages.parsers import python_tree
from reviewer.testgen.evidence import Candidate, Gate, GateFailure
from reviewer.testgen.python.gates.assertions import empty_tests
from reviewer.testgen.python.gates.dotted_names import import_origins
from reviewer.testgen.python.gates.side_effects import side_effects
from reviewer.testgen.python.gates.unsteady_smells import unsteady
from reviewer.testgen.working_tree import is_safe_path

#: The largest test file that a person would still read.
MAX_BYTES, MAX_LINES = 20_000, 400

_TOP = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign,
)  # fmt: skip


def policy(
    candidate: Candidate, *, roots: Collection[str], names: Sequence[str], taken: Collection[str]
) -> GateFailure | None:
    """Stop a file that may not be added: outside the test roots, existing, too large, or not a plain test file.

    `names` are patterns for the names of test files, `taken` the paths that exist.
    """
    path, name = candidate.path, PurePosixPath(candidate.path).name
    if not is_safe_path(path) or not path.endswith(".py"):
        return _policy(f"`{path[:200]}` is not a path of a Python file inside the repository.")
    if path in taken:
        return _policy(f"`{path}` exists: a suggested test is a new file and never edits an existing one.")
    if refused_name(path) or not any(fnmatchcase(name, pattern) for pattern in names):
        return _policy(
            f"`{name}` is not named as a test file: use {' or '.join(f'`{pattern}`' for pattern in names[:4])}."
        )
    if not any(path.startswith(f"{root}/") if root != "." else "/" not in path for root in roots):
        return _policy(f"`{path}` is outside the folders of the repository's tests ({', '.join(sorted(roots))}).")
    if len(candidate.code) > MAX_BYTES or candidate.code.count("\n") > MAX_LINES:
        return _policy(f"The file is too large: at most {MAX_LINES} lines and {MAX_BYTES:,} characters.")
    try:
        tree = python_tree(candidate.code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return _policy(f"The file does not parse: {error}.")
    for node in tree.body:
        if not isinstance(node, _TOP) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            return _policy(f"Line {node.lineno}: only imports, constants, functions and classes at the top level.")
    return None


def _policy(reason: str) -> GateFailure:
    return GateFailure(Gate.POLICY, reason, reason)


def smells(candidate: Candidate) -> GateFailure | None:
    """Stop a file whose text shows that it proves nothing, or that it does what a unit test must not do."""
    tree = python_tree(candidate.code)
    found = [*side_effects(tree, candidate.unit), *unsteady(tree, import_origins(tree)), *empty_tests(tree)]
    if not found:
        return None
    feedback = "\n".join(f"- {sentence}" for sentence in dict.fromkeys(found))
    return GateFailure(Gate.SMELLS, found[0], feedback)
