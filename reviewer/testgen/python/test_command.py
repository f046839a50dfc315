"""How a repository's tests are run: found in its files, or told, and parsed into what our harness can run.

Pure, but for reading files of the staged tree. The table has a `Framework` for each framework. Both are driven by
the harness (`reviewer.testgen.harness`), which counts tests, measures coverage and makes mutants.
"""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reviewer.languages.paths import is_test
from reviewer.testgen.evidence import NotRun
from reviewer.testgen.working_tree import text_of

#: What marks the folder of one project in a repository of several.
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini")

#: Options that would spoil a measured run: other tracers, other processes, reports, early ends, another order.
_SPOILERS = re.compile(
    r"^(?:--cov(?:$|[-=])|--no-cov|-n$|-n[\dal]|--numprocesses|--dist|--junit|--html|-x$|--exitfirst|--maxfail|--lf$|--ff$"
    r"|--last-failed|--failed-first|--sw$|--stepwise|--pdb|--randomly|-p=?no:|--benchmark|--durations|-q+$|-v+$|--color"
    r"|--quiet|--verbose|--codspeed|--reruns|--basetemp|--forked|--tb|--cache-clear|--doctest)"
)
#: Those of them whose value is a word of its own.
_TAKE_A_VALUE = frozenset(
    {"-n", "--numprocesses", "--dist", "--maxfail", "--durations", "--basetemp", "--tb", "--color"}
)
_TAKE_A_VALUE_TOO = frozenset(
    {"--cov", "--junitxml", "--junit-xml", "--html", "--cov-report", "--cov-config", "--reruns"}
)
_HAVE_VALUES = frozenset(
    {"-k", "-m", "-c", "-o", "-p", "-r", "-W", "--rootdir", "--import-mode", "--ignore", "--confcutdir", "--deselect"}
)


#: Names of test files where the repository does not tell: both frameworks' own, and what stands beside them.
_NAMES = ("test*.py", "*_test.py")


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """How to run the tests of one project of the repository.

    `cwd` is the project's folder in the tree, `roots` the folders that go before installed packages on the search path,
    `test_roots` where tests stand (both relative to the tree). `arguments` are the framework's own, without selection;
    `selection` what the repository's command asks for, as paths of the tree. `environment` is set by that command.
    `names` are patterns for the names of test files.
    """

    framework: str
    cwd: str
    roots: tuple[str, ...]
    test_roots: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    selection: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = _NAMES

    def collects(self, path: str) -> bool:
        """Whether the framework takes a file of that name for one of tests."""
        return any(PurePosixPath(path).match(pattern) for pattern in self.names)


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework: `reads` takes the words after its name in a command and gives arguments and selection."""

    name: str
    language: str
    reads: Callable[[Sequence[str]], tuple[tuple[str, ...], tuple[str, ...]]]


def plan_for(tree: Path, files: Sequence[str], path: str, command: str | None) -> CommandPlan | NotRun:
    """Return how the tests of the project that holds `path` are run. `files` are the Python files of the tree.

    A command that is told wins; else pytest's configuration, else unittest where only it is used, else pytest.
    """
    cwd = project_of(tree, path)
    config = _pytest_options(tree, cwd)
    told = _parsed(command, cwd) if command else None
    if isinstance(told, NotRun):
        return told
    framework, arguments, selection, environment = told or (_framework(tree, files, cwd, config), (), (), ())
    if framework == "pytest" and "addopts" in config:
        kept, _ = _without_spoilers(_words(config["addopts"]))
        arguments = (*arguments, "-o", f"addopts={shlex.join(kept)}")
    test_roots = _test_roots(files, cwd, config)
    if framework == "unittest" and not told and not (tree / test_roots[0] / "__init__.py").exists():
        arguments = ("discover", "-s", PurePosixPath(test_roots[0]).relative_to(cwd or ".").as_posix())
    return CommandPlan(
        framework=framework,
        cwd=cwd,
        roots=_roots(tree, cwd, path),
        test_roots=test_roots,
        arguments=arguments,
        selection=selection,
        environment=environment,
        names=tuple(_words(config.get("python_files", ""))) or _NAMES,
    )


def project_of(tree: Path, path: str) -> str:
    """Return the nearest folder above the file that is a project of its own; the empty string for the whole tree."""
    for folder in PurePosixPath(path).parents:
        name = "" if str(folder) == "." else str(folder)
        if name == "" or any((tree / name / file).is_file() for file in _PROJECT_FILES):
            return name
    return ""


def _roots(tree: Path, cwd: str, path: str) -> tuple[str, ...]:
    """Return what goes on the search path: the project's `src` where the file stands in it, and the project itself.

    Not the first folder without `__init__.py`: a namespace package has none.
    """
    source = _join(cwd, "src")
    under = path.startswith(f"{source}/") and not (tree / source / "__init__.py").exists()
    return (source, cwd) if under else (cwd,)


def _test_roots(files: Sequence[str], cwd: str, config: Mapping[str, str]) -> tuple[str, ...]:
    """Return the folders in which the project's tests stand; `tests` where it has none yet, `.` for the tree itself."""
    prefix = f"{cwd}/" if cwd else ""
    tests = [file for file in files if file.startswith(prefix) and is_test(file)]
    tops = {PurePosixPath(file).parent.as_posix() for file in tests}
    told = {_join(cwd, one) for one in _words(config.get("testpaths", "")) if "*" not in one}
    kept = {_outermost(top, cwd) for top in tops} | {one for one in told if is_test(f"{one}/test_x.py")}
    kept -= {"", "."}
    if any("/" not in file and PurePosixPath(file).match("test*.py") for file in tests):
        kept.add(".")  # not for any file with a test in its name: a new one could then stand anywhere
    return tuple(sorted(kept)) or (_join(cwd, "tests"),)


def _outermost(folder: str, cwd: str) -> str:
    """Return the folder up to the part that is named as one of tests, or the folder itself."""
    parts = PurePosixPath(folder).parts
    start = len(PurePosixPath(cwd).parts) if cwd else 0
    for index in range(start, len(parts)):
        if is_test(f"{parts[index]}/x.py"):
            return "/".join(parts[: index + 1])
    return folder


def _framework(tree: Path, files: Sequence[str], cwd: str, config: Mapping[str, str]) -> str:
    """Return unittest only where tests use it and nothing speaks of pytest."""
    if config:
        return "pytest"
    prefix = f"{cwd}/" if cwd else ""
    tests = [file for file in files if file.startswith(prefix) and is_test(file)][:50]
    texts = [text_of(tree, file) or "" for file in tests]
    uses = any(re.search(r"^\s*(?:import|from) unittest\b", text, re.MULTILINE) for text in texts)
    speaks = any(re.search(r"^\s*(?:import|from) pytest\b|^def test", text, re.MULTILINE) for text in texts)
    return "unittest" if uses and not speaks else "pytest"


#: Where pytest looks, in its order, and the section of each file.
#: https://docs.pytest.org/en/stable/reference/customize.html#configuration-file-formats
_CONFIGURATION = (
    ("pytest.toml", "pytest"), (".pytest.toml", "pytest"), ("pytest.ini", "pytest"), (".pytest.ini", "pytest"),
    ("pyproject.toml", "tool"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest"),
)  # fmt: skip


def _pytest_options(tree: Path, cwd: str) -> dict[str, str]:
    """Return pytest's own configuration, by the file that pytest would take; empty when there is none."""
    for name, section in _CONFIGURATION:
        if (text := text_of(tree, _join(cwd, name))) is None:
            continue
        options = _toml_options(text, section) if name.endswith(".toml") else _ini_options(text, section)
        if options or "pytest." in name:  # a file of pytest's own counts when it is empty, too
            return {"configured": name, **options}
    return {}


def _toml_options(text: str, section: str) -> dict[str, str]:
    try:
        table = tomllib.loads(text).get(section, {})
    except tomllib.TOMLDecodeError:
        return {}
    if section == "tool":
        table = table.get("pytest", {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        return {}
    options = table.get("ini_options", table) if section == "tool" else table  # pytest 9 also reads [tool.pytest]
    words = {key: shlex.join(value) if isinstance(value, list) else str(value) for key, value in options.items()}
    return words | ({"configured": section} if table else {})


def _words(text: str) -> list[str]:
    """Split an option's text as a shell does; what cannot be split is left out."""
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _ini_options(text: str, section: str) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return dict(parser[section]) if parser.has_section(section) else {}


_Parsed = tuple[str, tuple[str, ...], tuple[str, ...], tuple[tuple[str, str], ...]]


def _parsed(command: str, cwd: str) -> _Parsed | NotRun:
    """Read the repository's command: what stands before the framework's name is how its environment is entered."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        return NotRun(f"The test command `{command}` cannot be read ({error}). Mend `tests.command`.")
    environment: list[tuple[str, str]] = []
    while words and re.match(r"^[A-Za-z_]\w*=", words[0]):
        name, _, value = words.pop(0).partition("=")
        environment.append((name, value))
    for index, word in enumerate(words):
        runner = RUNNERS.get({"py.test": "pytest"}.get(word, PurePosixPath(word).name))
        if runner and (index == 0 or word == "pytest" or words[index - 1] in ("-m", "run", "exec")):
            arguments, selection = runner.reads(words[index + 1 :])
            paths = tuple(_join(cwd, one) if runner.name == "pytest" else one for one in selection)
            return runner.name, arguments, paths, tuple(environment)
    return NotRun(
        f"The test command `{command}` is neither pytest nor unittest, so its tests cannot be counted. "
        "Set `tests.command` to the pytest or unittest command that it runs in the end."
    )


def _pytest_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kept, selection = _without_spoilers(words)
    return tuple(kept), tuple(selection)


def _without_spoilers(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return pytest's options without what spoils a measured run, and its paths."""
    kept: list[str] = []
    paths: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "-p" and rest and rest[0].startswith("no:"):
            kept += [word, rest.pop(0)]
        elif _SPOILERS.match(word):
            valued = word in _TAKE_A_VALUE | _TAKE_A_VALUE_TOO
            if valued and rest and not rest[0].startswith("-") and not rest[0].endswith(".py") and rest[0] != "tests":
                rest.pop(0)
        elif word in _HAVE_VALUES and rest:
            kept += [word, rest.pop(0)]
        elif word.startswith("-"):
            kept.append(word)
            if rest and _is_value(word, rest[0]):
                kept.append(rest.pop(0))
        else:
            paths.append(word)
    return kept, paths


def _is_value(option: str, word: str) -> bool:
    """Whether a word belongs to an option that we do not know: one of a plugin, `--timeout 30`, `--log-level DEBUG`."""
    plain = re.fullmatch(r"\d+(?:\.\d+)?|[A-Z]+|no|yes|on|off|auto|all|none|strict|short|fd|sys", word)
    return option.startswith("--") and "=" not in option and plain is not None


def _unittest_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    plain = [word for word in words if word not in ("-v", "--verbose", "-q", "-b", "-f", "--failfast", "--buffer")]
    return tuple(plain), ()


#: The table: frameworks by the name in a command.
RUNNERS: Mapping[str, Framework] = {
    "pytest": Framework("pytest", "Python", _pytest_words),
    "unittest": Framework("unittest", "Python", _unittest_words),
}


def _join(folder: str, path: str) -> str:
    joined = PurePosixPath(folder, path).as_posix() if folder else PurePosixPath(path).as_posix()
    return "" if joined == "." else joined
