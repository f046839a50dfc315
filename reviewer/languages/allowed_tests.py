"""Say where a suggested test may be written: a list of what may be written, for each language. Everything else may not.

Promises: the file is named as a test of its language, lies in a test folder (or beside the code it tests, where that is
the habit), is no file that a tool obeys (`conftest.py`, `setup.py`, `jest.config.js`, workflows), and is neither there
already nor one file with another on machines that ignore case. Reads nothing itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

#: The longest path that is written.
MAX_PATH = 400


class PathKind(StrEnum):
    """What stands at a path. A link may lead anywhere; `OTHER` is a submodule or something unknown."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


#: Returns what a folder of the repository holds, by name; the folder "" is the top. None: there is no such folder.
Listing = Callable[[str], Mapping[str, PathKind] | None]


@dataclass(frozen=True, slots=True)
class TestNames:
    """What the tests of a language are called, and where they may lie.

    `folders` are folders for tests, by name or path (`src/test/java`); `only_there`: nowhere else, even where tests lie
    elsewhere already; `directly`: not below such a folder; `beside`: also beside the code. From the folders `never`
    tools load or serve every file. `code` are the endings of the language.
    """

    __test__ = False

    name: re.Pattern[str]
    code: tuple[str, ...]
    folders: tuple[str, ...]
    beside: bool = False
    only_there: bool = False
    directly: bool = False
    never: tuple[str, ...] = ()


#: Folders of other people's code, and of data that tests read, in every language.
_NEVER = (
    "node_modules", "vendor", "third_party", "site-packages", "dist-packages", "venv", "env", "virtualenv", "testdata",
    "__fixtures__", "__mocks__", "__snapshots__", "__pycache__",
)  # fmt: skip
_DATA = ("fixtures", "snapshots")
_TESTS = ("tests", "test")

_PYTHON = TestNames(
    re.compile(r"(?:test\w*|check_\w+|\w+_tests?)\.py"),
    (".py",),
    (*_TESTS, "testing"),
    never=(*_DATA, "management/commands", "migrations", "alembic/versions"),
)
_JAVASCRIPT = TestNames(
    re.compile(
        r"(?:[\w-]+(?:\.[\w-]+)*\.(?:test|spec)|[\w-]+[_-](?:test|spec)|(?:test|spec)[_-][\w-]+)\.[cm]?[jt]sx?"
    ),
    (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"),
    (*_TESTS, "__tests__", "spec", "specs"),
    beside=True,
    never=(
        *_DATA, "pages", "app/routes", "server/api", "server/routes", "server/middleware", "server/plugins", "public",
        "static", "netlify", "supabase", "cypress", "support", "dist",
    ),
)  # fmt: skip
_GO = TestNames(re.compile(r"[A-Za-z0-9]\w*_test\.go"), (".go",), _TESTS, beside=True)
_RUST = TestNames(
    re.compile(r"(?!(?:main|mod|lib|build|common)\.rs)\w+\.rs"), (".rs",), ("tests",), only_there=True, directly=True
)
_RUBY = TestNames(
    re.compile(r"(?!(?:spec|rails|test)_helper)(?:\w+_(?:spec|test)|test_\w+)\.rb"),
    (".rb",),
    (*_TESTS, "spec", "specs"),
    never=(*_DATA, "support", "factories", "config", "db", "tasks", "shared", "dummy"),
)
_JAVA = TestNames(
    re.compile(r"(?:Test[A-Z]\w*|[A-Z]\w*(?:Tests?|TestCase|IT|Spec))\.(?:java|kt)"),
    (".java", ".kt"),
    ("src/test/java", "src/test/kotlin"),
    only_there=True,
)

#: The languages whose tests are written into repositories, by the ending of a file's name.
_BY_ENDING: Mapping[str, TestNames] = {
    ending: names for names in (_PYTHON, _JAVASCRIPT, _GO, _RUST, _RUBY, _JAVA) for ending in names.code
}

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$)(?:\..*)?", re.IGNORECASE)

_NOT_A_PATH = "is not a path that the reviewer writes to"
_NOT_A_TEST_FOLDER = "is not in a folder of the repository's tests"


def refused_path(path: str) -> str | None:
    """Return why nothing may be written to this path of any repository, or None."""
    is_safe = len(path) <= MAX_PATH and all(map(_is_safe_part, path.split("/")))
    return None if is_safe else _NOT_A_PATH


def refused_name(path: str) -> str | None:
    """Return why no test may have this path in any repository, or None. Judges the text alone."""
    parts = path.split("/")
    if refused_path(path):
        return _NOT_A_PATH
    names = _names_of(path)
    if names is None:
        return "is of a language whose tests the reviewer does not write"
    if not _PLAIN.fullmatch(parts[-1]) or not names.name.fullmatch(parts[-1]):
        return "is not named as a test file of its language"
    inside = f"/{'/'.join(parts[:-1])}/".lower()
    if any(f"/{folder}/" in inside for folder in (*_NEVER, *names.never)):
        return "is in a folder that does not hold tests of the repository itself"
    return _NOT_A_TEST_FOLDER if names.only_there and not _holds_tests(parts[:-1], path, {}) else None


def refused_place(path: str, listing: Listing) -> str | None:
    """Return why a test may not be written to this path of a repository, or None. `listing` is asked folder by folder.

    New folders are made only below a folder for tests, or as the first such folder of a project.
    """
    if reason := refused_name(path):
        return reason
    *folders, name = path.split("/")
    above, held = "", listing("")
    for depth, part in enumerate(folders):
        if held is None:
            break
        if reason := _blocked(part, held):
            return reason
        if part not in held and not (_PLAIN.fullmatch(part) and depth >= _first_test_folder(folders, path)):
            return "is in a folder that the repository does not have"
        above = f"{above}/{part}" if above else part
        held = listing(above) if part in held else None
    if held is None:
        new = folders[above.count("/") + 1 if above else 0 :]
        return None if all(map(_PLAIN.fullmatch, new)) and _holds_tests(folders, path, {}) else _NOT_A_TEST_FOLDER
    if name in held:
        return "exists already"
    if (other := _same_on_some_machines(name, held)) is not None:
        return f"would be the same file as `{other}` where case does not count"
    return None if _holds_tests(folders, path, held) else _NOT_A_TEST_FOLDER


def refused_update(path: str, listing: Listing) -> str | None:
    """Return why the file at this path may not be changed as an existing test, or None. Asks like `refused_place`."""
    if reason := refused_name(path):
        return reason
    parts = path.split("/")
    for end, part in enumerate(parts):
        held = listing("/".join(parts[:end])) or {}
        if held.get(part) is not (PathKind.FILE if end == len(parts) - 1 else PathKind.FOLDER):
            return "is not a file of the repository at that commit"
    return None if _holds_tests(parts[:-1], path, held) else _NOT_A_TEST_FOLDER


def folders_above(path: str) -> list[str]:
    """Return the folders that `refused_place` asks about: the top, as "", and those above the file."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts))]


def _names_of(path: str) -> TestNames | None:
    return _BY_ENDING.get(f".{path.rpartition('.')[2]}") if "." in path else None


def _is_safe_part(part: str) -> bool:
    """Whether one part of a path is a plain name on every system. Nothing may begin with a dot: tools obey such files.

    A name that looks like another, since it is written with other characters, is not plain: NFKC would change it.
    """
    return (
        bool(part)
        and part[0] not in ".~-"
        and part[-1] not in ". "
        and part.isprintable()
        and not set(part) & set('\\:*?"<>|`$%')
        and not _RESERVED.fullmatch(part)
        and not part.lower().startswith("git~")
        and unicodedata.normalize("NFKC", part) == part
    )


def _blocked(part: str, held: Mapping[str, PathKind]) -> str | None:
    """Return why the path cannot go on through this folder, or None."""
    if part in held:
        kind = held[part]
        if kind is PathKind.LINK:
            return f"cannot be created: `{part}` is a link"
        return None if kind is PathKind.FOLDER else f"cannot be created: `{part}` is a file"
    other = _same_on_some_machines(part, held)
    return f"would be in the same folder as `{other}` where case does not count" if other else None


def _same_on_some_machines(name: str, held: Mapping[str, PathKind]) -> str | None:
    """Return a name of the folder that is the same one to a file system that ignores case or the form of letters."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return next((other for other in held if unicodedata.normalize("NFKC", other).casefold() == folded), None)


def _first_test_folder(folders: list[str], path: str) -> int:
    """Return the number of the first part of the path that belongs to a folder for tests; of none, a large number."""
    names = _names_of(path)
    inside = f"/{'/'.join(folders)}/"
    starts = [inside.find(f"/{folder}/") for folder in (names.folders if names else ())]
    return min((inside.count("/", 0, start) for start in starts if start >= 0), default=MAX_PATH)


def _holds_tests(folders: list[str], path: str, held: Mapping[str, PathKind]) -> bool:
    """Whether the folder is for tests: by its name, by the tests in it, or by the code that tests lie beside."""
    names = _names_of(path)
    if names is None:
        return False
    if names.directly:
        return bool(folders) and folders[-1] in names.folders
    if _first_test_folder(folders, path) < MAX_PATH:
        return True
    files = [name for name, kind in held.items() if kind is PathKind.FILE and name.endswith(names.code)]
    return any(names.name.fullmatch(name) for name in files) or (names.beside and bool(files))
