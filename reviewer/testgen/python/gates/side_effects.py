"""Find what a unit test must not do: network, processes, sleeping, clocks, chance, skips, doubles of the unit. Pure.

This judges the text alone. It cannot stop code that hides what it does; the sandbox does that.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from reviewer.testgen.evidence import CodeUnit
from reviewer.testgen.python.gates.dotted_names import dotted, full_name, import_origins

_NETWORK = frozenset(
    {"socket", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "telnetlib", "ssl"}
)
#: Parts of those packages without network access: `from http import HTTPStatus`.
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
    r"(?:^|\.)(?:datetime\.(?:now|utcnow|today)|date\.today|time\.(?:(?:process_|thread_)?time|monotonic|perf_counter)(?:_ns)?)$"
)
#: Functions that use the current time, or chance, if they have fewer arguments than this.
_TOLD_TIME = {
    "time.localtime": 1, "time.gmtime": 1, "time.ctime": 1, "time.asctime": 1, "time.strftime": 2, "random.Random": 1,
    "random.seed": 1,
}  # fmt: skip
_CHANCE = re.compile(r"^(?:random\.(?!Random$|seed$)\w+|secrets\.\w+|uuid\.uuid[14]|os\.urandom)$")
_SKIPS = re.compile(
    r"^(?:pytest(?:\.mark)?|unittest(?:\.case)?)\."
    r"(?:skip|skipif|xfail|importorskip|skipIf|skipUnless|expectedFailure)$"
    r"|(?:^|\.)mark\.(?:skip|skipif|xfail)$|\.skipTest$"
)
_ENVIRONMENT = re.compile(r"^os\.(?:putenv|unsetenv|chdir|environ\.(?:update|setdefault|pop|clear))$")


def side_effects(tree: ast.Module, unit: CodeUnit) -> Iterator[str]:
    """Yield a sentence for each thing in the file that a unit test must not do."""
    origins = import_origins(tree)
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
        elif isinstance(node, ast.Attribute | ast.Name) and _SKIPS.search(full_name(node, origins)):
            yield f"Line {node.lineno}: `{dotted(node)}`: a test that does not run proves nothing."


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
    name = full_name(node.func, origins)
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
    """Whether a patching call replaces the unit itself, by its dotted name or by object and attribute.

    The part before a function's name must be its module or a package above it: `m.json.dumps` is not `m.dumps`.
    """
    words = [
        argument.value
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    above, _, function = unit.name.rpartition(".")
    owners = {above.rpartition(".")[2]} if above else set(unit.path.removesuffix(".py").split("/"))
    if any(
        word.rpartition(".")[2] == function and word.rpartition(".")[0].rpartition(".")[2] in owners for word in words
    ):
        return True
    owner = full_name(node.args[0], origins).rpartition(".")[2] if node.args else ""
    return function in words and owner in owners


def _writes(node: ast.Call, last: str) -> bool:
    literal = isinstance(node.args[0], ast.Constant) if node.args else False
    if last == "open" and literal and isinstance(node.func, ast.Name):
        modes = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
        return any(isinstance(mode, ast.Constant) and re.search("[wax+]", str(mode.value)) for mode in modes)
    if last in ("write_text", "write_bytes", "mkdir", "touch", "unlink", "symlink_to") and isinstance(
        node.func, ast.Attribute
    ):
        path = node.func.value
        return isinstance(path, ast.Call) and dotted(path.func).endswith("Path") and _literal(path.args)
    return False


def _literal(arguments: Sequence[ast.expr]) -> bool:
    return bool(arguments) and all(isinstance(argument, ast.Constant) for argument in arguments)


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
            yield f"Line {node.lineno}: which plugins are used is for the repository to decide."


def _is_the_unit(name: str, unit: str) -> bool:
    """Whether assigning the attribute replaces the unit; setting a property on an instance does not."""
    owner, _, last = name.rpartition(".")
    above, _, function = unit.rpartition(".")
    return last == function and (owner.rpartition(".")[2] == above.rpartition(".")[2] if above else owner != "self")
