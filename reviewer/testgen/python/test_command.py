"""Find out how a repository's tests are run, from its files or settings, and make a plan for our harness.

Pure except for reading files of the staged tree. The table has a row for each framework. The harness
(`reviewer.testgen.harness`) runs both, counts tests, measures coverage and runs mutants.
"""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reviewer.languages.parsers import parse_toml
from reviewer.languages.paths import is_test
from reviewer.testgen.evidence import NotRun
from reviewer.testgen.working_tree import text_of

#: Files that mark the folder of a project, in a repository with several projects.
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini")

#: Options that disturb a measured run: other tracers, other processes, reports, early ends, another order.
_DISTURBING_OPTIONS = re.compile(
    r"^(?:--cov(?:$|[-=])|--no-cov|-n$|-n[\dal]|--numprocesses|--dist|--junit|--html|-x$|--exitfirst|--maxfail|--lf$|--ff$"
    r"|--last-failed|--failed-first|--sw$|--stepwise|--pdb|--randomly|-p=?no:|--benchmark|--durations|-q+$|-v+$|--color"
    r"|--quiet|--verbose|--codspeed|--reruns|--basetemp|--forked|--tb|--cache-clear|--doctest)"
)
#: Those of them whose value is a separate word.
_TAKE_A_VALUE = frozenset(
    {"-n", "--numprocesses", "--dist", "--maxfail", "--durations", "--basetemp", "--tb", "--color"}
)
_TAKE_A_VALUE_TOO = frozenset(
    {"--cov", "--junitxml", "--junit-xml", "--html", "--cov-report", "--cov-config", "--reruns"}
)
_HAVE_VALUES = frozenset(
    {"-k", "-m", "-c", "-o", "-p", "-r", "-W", "--rootdir", "--import-mode", "--ignore", "--confcutdir", "--deselect"}
)


#: Names of test files if the repository does not set them: the defaults of both frameworks.
_NAMES = ("test*.py", "*_test.py")


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """How to run the tests of one project of the repository.

    `cwd` is the project's folder in the tree, `roots` are the folders before installed packages on the search path,
    `test_roots` the folders of the tests (both relative to the tree). `arguments` are options of the framework;
    `selection` are the tests that the repository's command selects, as paths of the tree. `environment` are the
    variables set in that command. `names` are patterns for the names of test files.
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
        """Whether the framework collects a file of that name."""
        return any(PurePosixPath(path).match(pattern) for pattern in self.names)


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework. `reads` turns the words after its name in a command into arguments and selection."""

    name: str
    language: str
    reads: Callable[[Sequence[str]], tuple[tuple[str, ...], tuple[str, ...]]]


def plan_for(tree: Path, files: Sequence[str], path: str, command: str | None) -> CommandPlan | NotRun:
    """Return how to run the tests of the project that contains `path`. `files` are the Python files of the tree.

    A configured command comes first, then pytest's configuration, then unittest if only it is used, else pytest.
    """
    cwd = project_of(tree, path)
    config = _pytest_options(tree, cwd)
    parsed = _parsed(command, cwd) if command else None
    if isinstance(parsed, NotRun):
        return parsed
    framework, arguments, selection, environment = parsed or (_framework(tree, files, cwd, config), (), (), ())
    if framework == "pytest" and "addopts" in config:
        kept, _ = _without_disturbing_options(_words(config["addopts"]))
        arguments = (*arguments, "-o", f"addopts={shlex.join(kept)}")
    test_roots = _test_roots(files, cwd, config)
    if framework == "unittest" and not parsed and not (tree / test_roots[0] / "__init__.py").exists():
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
    """Return the nearest folder above the file that is a project; empty for the whole tree."""
    for folder in PurePosixPath(path).parents:
        name = "" if str(folder) == "." else str(folder)
        if name == "" or any((tree / name / file).is_file() for file in _PROJECT_FILES):
            return name
    return ""


def _roots(tree: Path, cwd: str, path: str) -> tuple[str, ...]:
    """Return the search path: the project's `src` if it contains the file, and the project itself.

    Not the first folder without `__init__.py`, because a namespace package has none.
    """
    source = _join(cwd, "src")
    under = path.startswith(f"{source}/") and not (tree / source / "__init__.py").exists()
    return (source, cwd) if under else (cwd,)


def _test_roots(files: Sequence[str], cwd: str, config: Mapping[str, str]) -> tuple[str, ...]:
    """Return the folders of the project's tests; `tests` if it has none yet, `.` for the tree itself."""
    prefix = f"{cwd}/" if cwd else ""
    tests = [file for file in files if file.startswith(prefix) and is_test(file)]
    tops = {PurePosixPath(file).parent.as_posix() for file in tests}
    configured = {_join(cwd, folder) for folder in _words(config.get("testpaths", "")) if "*" not in folder}
    kept = {_outermost(top, cwd) for top in tops} | {folder for folder in configured if is_test(f"{folder}/test_x.py")}
    kept -= {"", "."}
    if any("/" not in file and PurePosixPath(file).match("test*.py") for file in tests):
        kept.add(".")  # only for names of test files: otherwise a new test could be put anywhere
    return tuple(sorted(kept)) or (_join(cwd, "tests"),)


def _outermost(folder: str, cwd: str) -> str:
    """Return the folder up to its first part with a name for tests, or the folder itself."""
    parts = PurePosixPath(folder).parts
    start = len(PurePosixPath(cwd).parts) if cwd else 0
    for index in range(start, len(parts)):
        if is_test(f"{parts[index]}/x.py"):
            return "/".join(parts[: index + 1])
    return folder


def _framework(tree: Path, files: Sequence[str], cwd: str, config: Mapping[str, str]) -> str:
    """Return unittest only if tests use it and none uses pytest."""
    if config:
        return "pytest"
    prefix = f"{cwd}/" if cwd else ""
    tests = [file for file in files if file.startswith(prefix) and is_test(file)][:50]
    texts = [text_of(tree, file) or "" for file in tests]
    uses = any(re.search(r"^[ \t]*+(?:import|from) unittest\b", text, re.MULTILINE) for text in texts)
    speaks = any(re.search(r"^[ \t]*+(?:import|from) pytest\b|^def test", text, re.MULTILINE) for text in texts)
    return "unittest" if uses and not speaks else "pytest"


#: The files where pytest looks for its configuration, in its order, with the section of each.
#: https://docs.pytest.org/en/stable/reference/customize.html#configuration-file-formats
_CONFIGURATION = (
    ("pytest.toml", "pytest"), (".pytest.toml", "pytest"), ("pytest.ini", "pytest"), (".pytest.ini", "pytest"),
    ("pyproject.toml", "tool"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest"),
)  # fmt: skip


def _pytest_options(tree: Path, cwd: str) -> dict[str, str]:
    """Return pytest's configuration from the file that pytest would use; empty if there is none."""
    for name, section in _CONFIGURATION:
        if (text := text_of(tree, _join(cwd, name))) is None:
            continue
        options = _toml_options(text, section) if name.endswith(".toml") else _ini_options(text, section)
        if options or "pytest." in name:  # pytest's own file counts even if it is empty
            return {"configured": name, **options}
    return {}


def _toml_options(text: str, section: str) -> dict[str, str]:
    try:
        table = parse_toml(text).get(section, {})
    except ValueError:
        return {}
    if section == "tool":
        table = table.get("pytest", {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        return {}
    options = table.get("ini_options", table) if section == "tool" else table  # pytest 9 also reads [tool.pytest]
    if not isinstance(options, dict):
        return {}
    words = {
        key: shlex.join(map(str, value)) if isinstance(value, list) else str(value) for key, value in options.items()
    }
    return words | ({"configured": section} if table else {})


def _words(text: str) -> list[str]:
    """Split an option's text as a shell does; empty if that fails."""
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
    """Parse the repository's command; the words before the framework's name only enter its environment."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        return NotRun(f"The test command `{command}` cannot be parsed ({error}). Correct `tests.command`.")
    environment: list[tuple[str, str]] = []
    while words and re.match(r"^[A-Za-z_]\w*=", words[0]):
        name, _, value = words.pop(0).partition("=")
        environment.append((name, value))
    for index, word in enumerate(words):
        runner = RUNNERS.get({"py.test": "pytest"}.get(word, PurePosixPath(word).name))
        if runner and (index == 0 or word == "pytest" or words[index - 1] in ("-m", "run", "exec")):
            arguments, selection = runner.reads(words[index + 1 :])
            paths = tuple(_join(cwd, path) if runner.name == "pytest" else path for path in selection)
            return runner.name, arguments, paths, tuple(environment)
    return NotRun(
        f"The test command `{command}` is neither pytest nor unittest, so its tests cannot be counted. "
        "Set `tests.command` to the pytest or unittest command that it runs in the end."
    )


def _pytest_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kept, selection = _without_disturbing_options(words)
    return tuple(kept), tuple(selection)


def _without_disturbing_options(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return pytest's options without those that disturb a measured run, and its paths."""
    kept: list[str] = []
    paths: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "-p" and rest and rest[0].startswith("no:"):
            kept += [word, rest.pop(0)]
        elif _DISTURBING_OPTIONS.match(word):
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
    """Whether a word is the value of an unknown option, such as a plugin's `--timeout 30` or `--log-level DEBUG`."""
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
