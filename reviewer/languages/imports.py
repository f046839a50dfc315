"""Which files of the repository a file means by its imports and by the names it uses, told from paths alone.

Pure: texts and paths in, paths out, in a stable order; a module that is not in the repository gives nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reviewer.languages.paths import is_test
from reviewer.languages.registry import family_of

#: Lines of a file in which imports are looked for, and modules that one file may name.
MAX_LINES, MAX_MODULES = 400, 80

#: Files that one module may mean (a package of Go, a name that several folders have).
MAX_FILES = 8

_PYTHON = re.compile(r"\s*from\s+(\.*[\w.]*)\s+import\s+([\w\s,*()]{0,300})|\s*import\s+([\w.]+(?:\s*,\s*[\w.]+)*)")
_WEB = re.compile(r"""(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*["']([^"'\s]{1,200})["']""")
_GO = re.compile(r"""\s*(?:import\s+)?(?:[\w.]+\s+)?"([\w./-]{1,200})"\s*$""")
_JAVA = re.compile(r"\s*import\s+(?:static\s+)?([\w.]+)")
_RUBY = re.compile(r"""\s*(require_relative|require|load)\s*\(?\s*["']([^"'\s]{1,200})["']""")
_RUST = re.compile(r"\s*(?:pub\s+)?(?:use|mod)\s+([\w:]+)")
_C = re.compile(r"""\s*#\s*include\s*["<]([^">\s]{1,200})[">]""")
_PHP = re.compile(r"\s*use\s+(?:function\s+|const\s+)?([\w\\]+)")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class PathIndex:
    """The repository's files by the last part of their path without its endings. Made by `index_of`."""

    paths: frozenset[str]
    by_stem: Mapping[str, tuple[str, ...]]
    by_folder: Mapping[str, tuple[str, ...]]

    def ending_in(self, suffix: str, family: str, near: str) -> list[str]:
        """Return the files whose path without its ending is, or ends in, `suffix`: those close to `near` first."""
        stem = suffix.rpartition("/")[2]
        found = [
            path
            for path in self.by_stem.get(stem, ())
            if family_of(path) == family and f"/{_bare(path)}".endswith(f"/{suffix}")
        ]
        return sorted(found, key=lambda path: (-shared_folders(path, near), path))[:MAX_FILES]


def index_of(paths: Iterable[str]) -> PathIndex:
    """Return the index of a repository's paths."""
    stems: defaultdict[str, list[str]] = defaultdict(list)
    folders: defaultdict[str, list[str]] = defaultdict(list)
    known = sorted(set(paths))
    for path in known:
        folder, _, _ = path.rpartition("/")
        stems[_bare(path).rpartition("/")[2]].append(path)
        folders[folder].append(path)
    return PathIndex(
        frozenset(known),
        {stem: tuple(found) for stem, found in stems.items()},
        {folder: tuple(found) for folder, found in folders.items()},
    )


def shared_folders(path: str, other: str) -> int:
    """Return how many leading folders two paths have in common."""
    pairs = zip(path.split("/")[:-1], other.split("/")[:-1], strict=False)
    return next((count for count, (one, two) in enumerate(pairs) if one != two), min(path.count("/"), other.count("/")))


def imported(path: str, text: str, index: PathIndex) -> list[str]:
    """Return the files that a file imports, in the order of its lines."""
    found: dict[str, None] = {}
    for number, module in enumerate(_modules(path, text)):
        if number == MAX_MODULES:
            break
        found |= dict.fromkeys(_meant(path, module, index))
    found.pop(path, None)
    return list(found)


def named_after(names: Iterable[str], path: str, index: PathIndex) -> list[str]:
    """Return the files that bear one of the names, as classes give them theirs: Cart, cart, user_cart, user-cart."""
    family = family_of(path)
    found: dict[str, None] = {}
    for name in names:
        if len(name) > 2 and name[:1].isupper() and not name.isupper():
            words = _CAMEL.sub("_", name).lower()
            for stem in dict.fromkeys((name, words, words.replace("_", "-"))):
                found |= dict.fromkeys(index.ending_in(stem, family, path)[:2])
    found.pop(path, None)
    return list(found)


def tests_of(path: str, index: PathIndex) -> list[str]:
    """Return the tests that are named after a file, the nearest first."""
    family, stem = family_of(path), _bare(path).rpartition("/")[2]
    names = [f"test_{stem}", f"{stem}_test", f"{stem}_spec", f"{stem}-test", stem]
    names += [f"{stem}Test", f"{stem}Tests", f"{stem}Spec", f"Test{stem}"]
    found = [
        other
        for name in names
        for other in index.by_stem.get(name, ())
        if other != path and is_test(other) and family_of(other) == family
    ]
    return sorted(dict.fromkeys(found), key=lambda other: (-shared_folders(path, other), other))[:3]


def neighbours(path: str, index: PathIndex) -> list[str]:
    """Return the files of the same folder and family that are no tests, by name."""
    folder, family = path.rpartition("/")[0], family_of(path)
    near = index.by_folder.get(folder, ())
    return [other for other in near if other != path and family_of(other) == family and not is_test(other)]


def _bare(path: str) -> str:
    """Return the path without the endings of its name: a/b.test.ts -> a/b."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name[:1] + name[1:].split(".", 1)[0])


def _modules(path: str, text: str) -> Iterator[str]:
    """Yield what the imports of a text name, each in the form of a path; a leading `./` or `../` is relative."""
    if family_of(path) in _READERS:
        for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
            yield from modules_on(path, line)


def modules_on(path: str, line: str) -> list[str]:
    """Return what one line of a file imports, each in the form of a path; a leading `./` or `../` is relative."""
    read = _READERS.get(family_of(path))
    return read(line) if read and len(line) <= MAX_LINES else []


def _web(line: str) -> list[str]:
    found: list[str] = _WEB.findall(line)
    return found


def _go(line: str) -> list[str]:
    return [match[1]] if (match := _GO.match(line)) else []


def _java(line: str) -> list[str]:
    return [match[1].replace(".", "/")] if (match := _JAVA.match(line)) else []


def _ruby(line: str) -> list[str]:
    match = _RUBY.match(line)
    return [("./" if match[1] == "require_relative" else "") + match[2]] if match else []


def _rust(line: str) -> list[str]:
    match = _RUST.match(line)
    return [re.sub(r"^(?:crate|super|self)/", "", match[1].strip(":").replace("::", "/"))] if match else []


def _c(line: str) -> list[str]:
    return [_bare(match[1])] if (match := _C.match(line)) else []


def _php(line: str) -> list[str]:
    return [match[1].strip("\\").replace("\\", "/")] if (match := _PHP.match(line)) else []


def _python(line: str) -> list[str]:
    match = _PYTHON.match(line)
    if match is None:
        return []
    if match[3]:
        return [name.strip().replace(".", "/") for name in match[3].split(",")]
    module = match[1].lstrip(".")
    dots = len(match[1]) - len(module)
    folder = ("./" + "../" * (dots - 1) if dots else "") + module.replace(".", "/")
    names = (word.strip(" ()").split(" ")[0] for word in match[2].split(","))
    inner = [f"{folder.rstrip('/')}/{name}" for name in names if name.isidentifier()]
    return [folder, *inner] if module else inner


_READERS: Mapping[str, Callable[[str], list[str]]] = MappingProxyType(
    {
        "python": _python,
        "web": _web,
        "go": _go,
        "java": _java,
        "kt": _java,
        "ruby": _ruby,
        "rust": _rust,
        "c": _c,
        "php": _php,
    }
)


def _meant(path: str, module: str, index: PathIndex) -> Sequence[str]:
    """Return the files that a module means: by itself, as a folder, or as the last but one part of its name."""
    family, folder = family_of(path), path.rpartition("/")[0]
    if module.startswith("."):
        module = posixpath.normpath(posixpath.join(folder, module))
        exact = [other for other in index.ending_in(_bare(module), family, path) if _bare(other) == _bare(module)]
        return exact or _main_of(module, family, path, index)
    module = re.sub(r"^(?:@|~|src|\$lib)/", "", module).strip("/")
    if family == "go":
        return _package(module, index)
    if family == "web" and "/" not in module:
        return ()  # a package of npm
    found = index.ending_in(module, family, path) or _main_of(module, family, path, index)
    outer = module.rpartition("/")[0]
    if not found and family in ("java", "rust", "php") and outer:
        found = index.ending_in(outer, family, path)
    if not found and family in ("php", "rust"):
        found = index.ending_in(module.rpartition("/")[2], family, path)[:1]
    return found


def _main_of(module: str, family: str, path: str, index: PathIndex) -> list[str]:
    return [
        other for name in ("__init__", "index", "mod") for other in index.ending_in(f"{module}/{name}", family, path)
    ]


def _package(module: str, index: PathIndex) -> list[str]:
    """Return the files of a package of Go: those of the folder with the longest end in common with its path."""
    parts = module.split("/")
    for start in range(len(parts)):
        tail = "/".join(parts[start:])
        if files := index.by_folder.get(tail):
            return [path for path in files if path.endswith(".go") and not path.endswith("_test.go")][:MAX_FILES]
    return []
