"""The first two gates, which run nothing: may this file be added at all, and does it say anything? Pure.

Promises: a verdict on text alone, in milliseconds. It is no wall against code that hides what it does: the sandbox is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from reviewer.testgen.evidence import Candidate, CodeUnit, Gate, GateFailure
from reviewer.testgen.working_tree import is_safe_path

#: A test file that a person still reads.
MAX_BYTES, MAX_LINES = 20_000, 400

_NETWORK = frozenset(
    {"socket", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "telnetlib", "ssl"}
)
#: Names of those packages that only hold words: `from http import HTTPStatus`.
_HARMLESS = frozenset({"http", "urllib", "urllib.parse", "urllib.error"})
_PROCESSES = frozenset({"subprocess", "multiprocessing", "ctypes", "signal", "pty", "_thread"})
_UNDER = frozenset({"_pytest", "pluggy", "gc", "builtins", "coverage", "bdb", "pdb"})
_OS_CALLS = re.compile(r"^os\.(?:system|popen|fork\w*|_exit|abort|kill\w*|exec\w*|spawn\w*|posix_spawn\w*)$")
_ENDS = frozenset({"exit", "quit", "sys.exit", "os._exit", "os.abort"})
_HIDDEN = frozenset(
    {"eval", "exec", "compile", "__import__", "importlib.import_module", "importlib.reload", "sys._getframe"}
    | {"sys.settrace", "sys.setprofile", "inspect.stack", "inspect.currentframe", "atexit.register"}
)
_CLOCKS = re.compile(
    r"(?:^|\.)(?:datetime\.(?:now|utcnow|today)|date\.today|time\.(?:time|monotonic|perf_counter)(?:_ns)?)$"
)
#: Those of `time` that tell the time of now where they are not given another: with how many arguments they are.
_TOLD_TIME = {"time.localtime": 1, "time.gmtime": 1, "time.ctime": 1, "time.asctime": 1, "time.strftime": 2}
_CHANCE = re.compile(r"^(?:random\.(?!Random$|seed$)\w+|secrets\.\w+|uuid\.uuid[14]|os\.urandom)$")
_SKIPS = re.compile(
    r"^(?:pytest(?:\.mark)?|unittest(?:\.case)?)\.(?:skip|skipif|xfail|importorskip|skipIf|skipUnless|expectedFailure)$"
    r"|(?:^|\.)mark\.(?:skip|skipif|xfail)$|\.skipTest$"
)
_ENVIRONMENT = re.compile(r"^os\.(?:putenv|unsetenv|chdir|environ\.(?:update|setdefault|pop|clear))$")
_TOP = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign,
)  # fmt: skip

TestFunction = ast.FunctionDef | ast.AsyncFunctionDef


def policy(
    candidate: Candidate, *, roots: Collection[str], names: Sequence[str], taken: Collection[str]
) -> GateFailure | None:
    """Stop what may not be added: outside the test roots, over a file that exists, too large, not a plain test file.

    `names` are patterns for the names of test files, `taken` the paths that exist.
    """
    path, name = candidate.path, PurePosixPath(candidate.path).name
    if not is_safe_path(path) or not path.endswith(".py"):
        return _policy(f"`{path[:200]}` is not a path of a Python file inside the repository.")
    if path in taken:
        return _policy(f"`{path}` exists: a suggested test is a new file and never edits an existing one.")
    if name == "conftest.py" or not any(fnmatchcase(name, pattern) for pattern in names):
        return _policy(f"`{name}` is not named as a test file: use {' or '.join(f'`{one}`' for one in names[:4])}.")
    if not any(path.startswith(f"{root}/") if root != "." else "/" not in path for root in roots):
        return _policy(f"`{path}` is outside the folders of the repository's tests ({', '.join(sorted(roots))}).")
    if len(candidate.code) > MAX_BYTES or candidate.code.count("\n") > MAX_LINES:
        return _policy(f"The file is too large: at most {MAX_LINES} lines and {MAX_BYTES:,} characters.")
    try:
        tree = ast.parse(candidate.code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return _policy(f"The file does not parse: {error}.")
    for node in tree.body:
        if not isinstance(node, _TOP) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            return _policy(f"Line {node.lineno}: only imports, constants, functions and classes at the top level.")
    return None


def _policy(reason: str) -> GateFailure:
    return GateFailure(Gate.POLICY, reason, reason)


def smells(candidate: Candidate) -> GateFailure | None:
    """Stop a file whose text shows that it proves nothing, or reaches for what a unit test does not need."""
    tree = ast.parse(candidate.code)
    found = [*_reaches(tree, candidate.unit), *_says_nothing(tree)]
    if not found:
        return None
    told = "\n".join(f"- {one}" for one in dict.fromkeys(found))
    return GateFailure(Gate.SMELLS, found[0], told)


def test_functions(tree: ast.Module) -> tuple[TestFunction, ...]:
    """Return the functions that a test framework would collect: by their names, fixtures and helper classes aside.

    Where it would collect none, those that were meant to be tests.
    """
    found = [one for owner, one in _named_as_tests(tree) if owner is None or owner.bases or owner.name[:4] == "Test"]
    return tuple(found or (one for _, one in _named_as_tests(tree)))


def _named_as_tests(node: ast.Module | ast.ClassDef) -> Iterator[tuple[ast.ClassDef | None, TestFunction]]:
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            yield from ((owner or child, one) for owner, one in _named_as_tests(child))
        elif isinstance(child, TestFunction) and child.name.startswith("test") and not _is_fixture(child):
            yield None, child


def _is_fixture(function: TestFunction) -> bool:
    return any("fixture" in ast.dump(one) for one in function.decorator_list)


def _says_nothing(tree: ast.Module) -> Iterator[str]:
    tests = test_functions(tree)
    if not tests:
        yield "The file has no test."
    asserting = {node.name for node in ast.walk(tree) if isinstance(node, TestFunction) and any(_assertions(node, ()))}
    for test in tests:
        made = list(_assertions(test, asserting - {test.name}))
        if not made:
            yield f"`{test.name}` asserts nothing."
        elif all(_weak(one) for one in made):
            yield f"`{test.name}` only asserts what is always so, a type, or that something is not None."
        for node in ast.walk(test):
            if isinstance(node, ast.ExceptHandler) and all(
                isinstance(one, ast.Pass | ast.Continue) for one in node.body
            ):
                yield f"`{test.name}` swallows an exception (line {node.lineno})."


def _assertions(function: ast.AST, helpers: Collection[str]) -> Iterator[ast.AST]:
    """Yield what asserts: statements, `raises`, unittest's methods, and calls of the file's functions that assert."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            yield node.test
        elif isinstance(node, ast.Call):
            name = dotted(node.func).rpartition(".")[2]
            if name in ("raises", "warns", "fail") or re.match(r"assert[A-Z_]", name) or name in helpers:
                yield node


def _weak(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant)
    if isinstance(node, ast.BoolOp):
        return all(_weak(value) for value in node.values)
    if isinstance(node, ast.Compare):
        return _weak_comparison(node)
    if isinstance(node, ast.Call):
        name = dotted(node.func).rpartition(".")[2]
        if name in ("isinstance", "hasattr", "callable", "issubclass", "assertIsInstance", "assertIsNotNone"):
            return True
        if name in ("assertTrue", "assertFalse") and node.args:
            return _weak(node.args[0])
        if name in ("assertEqual", "assertIs") and len(node.args) >= 2:
            return ast.dump(node.args[0]) == ast.dump(node.args[1])
    return False


def _weak_comparison(node: ast.Compare) -> bool:
    left, right, op = node.left, node.comparators[0], node.ops[0]
    if ast.dump(left) == ast.dump(right) or (isinstance(left, ast.Constant) and isinstance(right, ast.Constant)):
        return True
    if isinstance(op, ast.IsNot | ast.NotEq) and isinstance(right, ast.Constant) and right.value is None:
        return True
    if isinstance(left, ast.Call) and dotted(left.func) == "type":
        return True
    sized = isinstance(left, ast.Call) and dotted(left.func) == "len"
    return sized and isinstance(op, ast.GtE) and isinstance(right, ast.Constant) and right.value == 0


def _reaches(tree: ast.Module, unit: CodeUnit) -> Iterator[str]:
    origins = _origins(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imported(node)
        elif isinstance(node, ast.Call):
            yield from _called(node, unit, origins)
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
            yield from _assigned(node, unit.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("pytest_"):
                yield f"Line {node.lineno}: `{node.name}` is a hook of pytest, not a test."
            if node.name in ("load_tests", "setUpModule"):
                yield f"Line {node.lineno}: `{node.name}` changes what is collected or run."
        elif isinstance(node, ast.Attribute | ast.Name) and _SKIPS.search(_full(node, origins)):
            yield f"Line {node.lineno}: `{dotted(node)}`: a test that does not run proves nothing."


def _origins(tree: ast.AST) -> dict[str, str]:
    """Return the dotted names of what is imported, by the names it has in the file."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {one.asname or one.name: f"{node.module or ''}.{one.name}".lstrip(".") for one in node.names}
    return found


def _full(node: ast.AST, origins: Mapping[str, str]) -> str:
    """Return the dotted name of what a name or attribute was imported as, else as it stands there."""
    head, dot, rest = dotted(node).partition(".")
    return f"{origins.get(head, head)}{dot}{rest}"


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    for name in names:
        top = name.split(".")[0]
        if top in _NETWORK and name not in _HARMLESS:
            yield f"Line {node.lineno}: `{name}`: no network in a unit test."
        if top in _PROCESSES:
            yield f"Line {node.lineno}: `{name}`: no other processes in a unit test."
        if top in _UNDER:
            yield f"Line {node.lineno}: `{name}` reaches under the test framework."
    if isinstance(node, ast.ImportFrom):
        yield from _taken_out(node)


def _taken_out(node: ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        full = f"{node.module}.{alias.name}"
        if full == "time.sleep":
            yield f"Line {node.lineno}: no sleeping in a test."
        elif _OS_CALLS.match(full) or full in _ENDS | _HIDDEN or _SKIPS.search(full) or _CHANCE.match(full):
            yield f"Line {node.lineno}: `{full}` has no place in a unit test."


def _called(node: ast.Call, unit: CodeUnit, origins: Mapping[str, str]) -> Iterator[str]:
    name = _full(node.func, origins)
    last = name.rpartition(".")[2]
    where = f"Line {node.lineno}"
    if last == "sleep":
        yield f"{where}: no sleeping in a test."
    elif _OS_CALLS.match(name) or name in _ENDS:
        yield f"{where}: `{name}` starts or ends processes."
    elif name in _HIDDEN:
        yield f"{where}: `{name}` hides what the test does."
    elif _ENVIRONMENT.match(name):
        yield f"{where}: `{name}` changes the process for every other test; use monkeypatch."
    elif _CLOCKS.search(name) or _CHANCE.match(name) or len(node.args) < _TOLD_TIME.get(name, 0):
        yield f"{where}: `{name}` gives another value each time."
    elif last in ("patch", "object", "setattr", "dict", "multiple") and _patches(node, unit, origins):
        yield f"{where}: the unit under test (`{unit.name}`) is replaced by a double: the test tests the double."
    elif _writes(node, last):
        yield f"{where}: writes to a fixed path; use tmp_path."


def _patches(node: ast.Call, unit: CodeUnit, origins: Mapping[str, str]) -> bool:
    """Whether a patching call aims at the unit itself: by its dotted name, or by object and attribute.

    What stands before a function's name must be its module or a package above it: `m.json.dumps` is not `m.dumps`.
    """
    words = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    above, _, function = unit.name.rpartition(".")
    owners = {above.rpartition(".")[2]} if above else set(unit.path.removesuffix(".py").split("/"))
    if any(
        word.rpartition(".")[2] == function and word.rpartition(".")[0].rpartition(".")[2] in owners for word in words
    ):
        return True
    owner = _full(node.args[0], origins).rpartition(".")[2] if node.args else ""
    return function in words and owner in owners


def _writes(node: ast.Call, last: str) -> bool:
    literal = isinstance(node.args[0], ast.Constant) if node.args else False
    if last == "open" and literal and isinstance(node.func, ast.Name):
        modes = [*node.args[1:2], *(one.value for one in node.keywords if one.arg == "mode")]
        return any(isinstance(mode, ast.Constant) and re.search("[wax+]", str(mode.value)) for mode in modes)
    if last in ("write_text", "write_bytes", "mkdir", "touch", "unlink", "symlink_to") and isinstance(
        node.func, ast.Attribute
    ):
        made = node.func.value
        return isinstance(made, ast.Call) and dotted(made.func).endswith("Path") and _literal(made.args)
    return False


def _literal(arguments: Sequence[ast.expr]) -> bool:
    return bool(arguments) and all(isinstance(one, ast.Constant) for one in arguments)


def _assigned(node: ast.Assign | ast.AugAssign | ast.Delete, unit: str) -> Iterator[str]:
    targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
    for target in targets:
        name = dotted(target.value) if isinstance(target, ast.Subscript) else dotted(target)
        if isinstance(target, ast.Subscript) and name in ("os.environ", "sys.modules"):
            yield f"Line {node.lineno}: `{name}` is changed for every other test; use monkeypatch."
        elif isinstance(target, ast.Attribute) and name.split(".")[0] in ("pytest", "unittest", "sys", "os"):
            yield f"Line {node.lineno}: `{name}` is replaced under the test framework."
        elif isinstance(target, ast.Attribute) and _is_the_unit(name, unit):
            yield f"Line {node.lineno}: the unit under test (`{unit}`) is replaced: the test tests the double."
        elif name == "pytest_plugins":
            yield f"Line {node.lineno}: plugins are the repository's business."


def _is_the_unit(name: str, unit: str) -> bool:
    """Whether an assignment to that attribute puts something in the unit's place; a property is set on an instance."""
    owner, _, last = name.rpartition(".")
    above, _, function = unit.rpartition(".")
    return last == function and (owner.rpartition(".")[2] == above.rpartition(".")[2] if above else owner != "self")


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for names and attributes, the empty string for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        above = dotted(node.value)
        return f"{above}.{node.attr}" if above else node.attr
    return ""
