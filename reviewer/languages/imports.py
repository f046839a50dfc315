"""Find the files of the repository that a file imports or refers to by name, from paths alone.

Pure: texts and paths in, paths out, in a stable order; a module that is not in the repository is left out.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reviewer.languages.import_readers import without_endings
from reviewer.languages.paths import is_test
from reviewer.languages.registry import family_of, language_of

#: Most lines of a file that are searched for imports, and most modules of one file.
MAX_LINES, MAX_MODULES = 400, 80

#: Most files that one module may mean, such as a package of Go or a name in several folders.
MAX_FILES = 8

#: Names of the main file of a folder.
_MAIN = frozenset(("__init__", "index", "mod", "lib", "main", "__main__"))

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class PathIndex:
    """The repository's files by the last part of their path without its endings. Made by `index_of`.

    `by_tail` has the paths without endings by their last two parts: thousands may be called `__init__`.
    """

    paths: frozenset[str]
    by_stem: Mapping[str, tuple[str, ...]]
    by_folder: Mapping[str, tuple[str, ...]]
    by_tail: Mapping[str, tuple[tuple[str, str], ...]]

    def ending_in(self, suffix: str, family: str, near: str) -> list[str]:
        """Return the files whose path without its ending is, or ends in, `suffix`: those close to `near` first."""
        parts = suffix.split("/")
        if len(parts) == 1:
            found = [path for path in self.by_stem.get(suffix, ()) if family_of(path) == family]
        else:
            likely = self.by_tail.get("/".join(parts[-2:]), ())
            ending = f"/{suffix}"
            found = [path for bare, path in likely if f"/{bare}".endswith(ending) and family_of(path) == family]
        return sorted(found, key=lambda path: (-shared_folders(path, near), path))[:MAX_FILES]


def index_of(paths: Iterable[str]) -> PathIndex:
    """Return the index of a repository's paths."""
    stems: defaultdict[str, list[str]] = defaultdict(list)
    folders: defaultdict[str, list[str]] = defaultdict(list)
    tails: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    known = sorted(set(paths))
    for path in known:
        folder, slash, name = path.rpartition("/")
        stem = name[:1] + name[1:].split(".", 1)[0]
        stems[stem].append(path)
        folders[folder].append(path)
        if slash:
            tails[f"{folder.rpartition('/')[2]}/{stem}"].append((f"{folder}/{stem}", path))
    return PathIndex(
        frozenset(known),
        {stem: tuple(found) for stem, found in stems.items()},
        {folder: tuple(found) for folder, found in folders.items()},
        {tail: tuple(found) for tail, found in tails.items()},
    )


def shared_folders(path: str, other: str) -> int:
    """Return how many leading folders two paths have in common."""
    pairs = zip(path.split("/")[:-1], other.split("/")[:-1], strict=False)
    return next((count for count, (a, b) in enumerate(pairs) if a != b), min(path.count("/"), other.count("/")))


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
    """Return the files named after one of the classes: UserCart may be in UserCart, user_cart or user-cart."""
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
    family, stem = family_of(path), without_endings(path).rpartition("/")[2]
    names = [f"test_{stem}", f"{stem}_test", f"{stem}_spec", f"{stem}-test", stem]
    names += [f"{stem}Test", f"{stem}Tests", f"{stem}Spec", f"Test{stem}"]
    found = [
        other
        for name in names
        for other in index.by_stem.get(name, ())
        if other != path and is_test(other) and family_of(other) == family
        if stem not in _MAIN or _is_parallel(path, other)
    ]
    return sorted(dict.fromkeys(found), key=lambda other: (-shared_folders(path, other), other))[:3]


def _is_parallel(path: str, other: str) -> bool:
    """Whether two files are in one folder, or in folders of one name below different first ones.

    Every folder may have an `index` or `main`: the name alone connects no test with it.
    """
    here, there = path.split("/")[:-1], other.split("/")[:-1]
    return here == [part for part in there if part not in ("test", "tests", "__tests__")] or here[1:] == there[1:]


def neighbours(path: str, index: PathIndex) -> list[str]:
    """Return the files of the same folder and family that are no tests, by name."""
    folder, family = path.rpartition("/")[0], family_of(path)
    near = index.by_folder.get(folder, ())
    return [other for other in near if other != path and family_of(other) == family and not is_test(other)]


def _modules(path: str, text: str) -> Iterator[str]:
    """Yield the modules that a text imports, written as paths; a leading `./` or `../` is relative."""
    language = language_of(path)
    if language is not None and language.imports is not None:
        for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
            yield from modules_on(path, line)


def modules_on(path: str, line: str) -> list[str]:
    """Return the modules that one line of a file imports, written as paths; a leading `./` or `../` is relative."""
    language = language_of(path)
    rules = language.imports if language else None
    return rules.read(line) if rules and len(line) <= MAX_LINES else []


def _meant(path: str, module: str, index: PathIndex) -> Sequence[str]:
    """Return the files that a module may mean: a file, a folder, or a file with the name of the last but one part."""
    family, folder = family_of(path), path.rpartition("/")[0]
    if module.startswith("."):
        module = posixpath.normpath(posixpath.join(folder, module))
        bare = without_endings(module)
        exact = [other for other in index.ending_in(bare, family, path) if without_endings(other) == bare]
        return exact or _main_of(module, family, path, index)
    language = language_of(path)
    rules = language.imports if language else None
    if rules is None:
        return ()
    module = re.sub(r"^(?:@|~|src|\$lib)/", "", module).strip("/")
    if rules.names_folders:
        return _package(module, family, index)
    if rules.plain_names_are_packages and "/" not in module:
        return ()
    found = index.ending_in(module, family, path) or _main_of(module, family, path, index)
    outer = module.rpartition("/")[0]
    if not found and rules.may_end_in_member and outer:
        found = index.ending_in(outer, family, path)
    if not found and rules.may_mean_last_part:
        found = index.ending_in(module.rpartition("/")[2], family, path)[:1]
    return found


def _main_of(module: str, family: str, path: str, index: PathIndex) -> list[str]:
    return [
        other for name in ("__init__", "index", "mod") for other in index.ending_in(f"{module}/{name}", family, path)
    ]


def _package(module: str, family: str, index: PathIndex) -> list[str]:
    """Return the files of a package: those in the folder whose path has the longest common end with it."""
    parts = module.split("/")
    for start in range(len(parts)):
        if files := index.by_folder.get("/".join(parts[start:])):
            code = [path for path in files if family_of(path) == family]
            return [path for path in code if not is_test(path.rpartition("/")[2])][:MAX_FILES]
    return []
