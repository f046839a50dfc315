"""Find where the repository still names removed files, and lists of a folder's files that lack a new file.

A name that could mean another file does not count as the removed one. A list is shown only if the new file is missing
from it. Pure: paths and hits in, snippets out, in a stable order.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reviewer.diff.model import FileDiff, FileStatus
from reviewer.domain.sources import Hit
from reviewer.languages.imports import modules_on
from reviewer.languages.paths import is_code, is_test
from reviewer.tasks.context.snippets import Rank, Snippet

#: Files of one change that are looked up, and places of one file that are shown.
MAX_FILES, MAX_PLACES = 20, 6

#: Files of a folder that are searched for; the number and the share of them that make a place a list.
MAX_SIBLINGS, LEAST_LISTED, LISTED_SHARE = 12, 3, 0.6

#: Lines above and below a mention that are shown.
BESIDE = 1

#: Main files of a folder, and names that every repository has.
_MAIN = frozenset(("__init__", "index", "mod", "lib", "main", "__main__"))
_EVERYWHERE = frozenset(("readme", "license", "changelog", "makefile", "dockerfile", "conftest", "setup", "config"))

#: Where a Python project lists its packages, unless setuptools finds them itself.
#: https://setuptools.pypa.io/en/latest/userguide/package_discovery.html
MANIFESTS = ("setup.cfg", "setup.py", "pyproject.toml")
_PACKAGES = re.compile(r"^\s*packages\s*=\s*(?!.*\bfind)")
_SECTION = re.compile(r"^\[(.+)\]\s*$")
#: Change logs and documentation: they may name what is gone.
_PROSE = re.compile(r"\.(?:md|mdx|rst|txt|adoc)$|(?:^|/)(?:change(?:s|log)|history|news)\b[^/]*$", re.IGNORECASE)
_PART = re.compile(r"\w+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mentions:
    """What to search for because of the files that a change removes, moves and adds. Made by `mentions_of`.

    `gone` and `new` are paths; `siblings` are the other files of the folder of a new one.
    """

    gone: tuple[str, ...]
    new: tuple[str, ...]
    packages: tuple[str, ...]
    siblings: Mapping[str, tuple[str, ...]]

    @property
    def words(self) -> list[str]:
        """The words to search for."""
        listed = [path for new in self.new for path in (new, *self.siblings[new])]
        return list(dict.fromkeys(word for path in (*self.gone, *listed) if (word := _word(_stem(path)))))

    def pieces(self, hits: Mapping[str, Sequence[Hit]], changed: Mapping[str, Collection[int]]) -> list[Snippet]:
        """Return the places that name what is gone, and lists without what is new.

        `hits` are lines by the word that they hold, `changed` the numbers of lines that the diff shows.
        """
        found: list[Snippet] = []
        for path in self.gone:
            near = (hit for hit in hits.get(_word(_stem(path)), ()) if hit.line not in changed.get(hit.path, ()))
            places = [hit for hit in near if not _PROSE.search(hit.path) and _means(hit, path)]
            by_file: defaultdict[str, list[int]] = defaultdict(list)
            for hit in sorted(places, key=_code_first)[:MAX_PLACES]:
                by_file[hit.path].append(hit.line)
            reason = f"still names {path}, which is not there any more"
            found += [Snippet(Rank.STILL_USED, where, _beside(lines), reason) for where, lines in by_file.items()]
        listed = {path: _places_of(path, hits) for new in self.new for path in self.siblings[new]}
        for path in self.new:
            knows = {hit.path for hit in hits.get(_word(_stem(path)), ())}
            found += _lists(path, {other: listed[other] for other in self.siblings[path]}, knows)
        return found

    def packaged(self, manifests: Mapping[str, str]) -> list[Snippet]:
        """Return where the packages of the project are listed one by one, if a new one is not among them."""
        missing = {
            path: [package for package in self.packages if not _listed(package, text)]
            for path, text in manifests.items()
        }
        return [
            Snippet(
                Rank.CALLER_OF_CONTRACT, path, tuple(range(row, row + 6)),
                f"lists what is packaged; {missing[path][0]} is a new package",
            )
            for path, text in manifests.items()
            for row in (_list_of_packages(path, text) if missing[path] else ())
        ]  # fmt: skip


def mentions_of(files: Sequence[FileDiff], paths: Collection[str]) -> Mentions:
    """Return what to search for; `paths` are all files at head."""
    left = [file.old_path if file.status is FileStatus.RENAMED else file.path for file in files if _left(file)]
    found = _found_at_head(paths) if left else frozenset()
    gone = [path for path in left if not _still_there(path, found) and _stem(path).lower() not in _EVERYWHERE]
    added = [file.path for file in files if file.status in (FileStatus.ADDED, FileStatus.RENAMED, FileStatus.COPIED)]
    own = [path for path in added if is_code(path) and not is_test(path) and not _is_main(path)]
    new = [path for path in own if not _stem(path).startswith("_")]  # private files are not listed anywhere
    # A folder that moved as a whole has its own list, or none.
    before = set(paths).difference(added) if added else set()
    siblings = {path: _siblings(path, before) for path in new[:MAX_FILES]}
    mains = [path.rpartition("/")[0] for path in added if path.endswith("/__init__.py") and not is_test(path)]
    known = {path.rpartition("/")[0] for path in before} if mains else set()
    return Mentions(
        gone=tuple(gone[:MAX_FILES]),
        new=tuple(path for path, others in siblings.items() if len(others) >= LEAST_LISTED),
        packages=tuple(folder for folder in mains if folder not in known),
        siblings=siblings,
    )


def _left(file: FileDiff) -> bool:
    return file.status is FileStatus.REMOVED or (file.status is FileStatus.RENAMED and file.old_path != file.path)


def _found_at_head(paths: Iterable[str]) -> frozenset[str]:
    """Return the names that can mean a file at head: the last one or two parts of its path, and its folders."""
    found: set[str] = set()
    for path in paths:
        parts = _bare(path).split("/")
        found |= {parts[-1], "/".join(parts[-2:])}
        found.update("/".join(parts[:depth]) + "/" for depth in range(1, len(parts) + 1))
    return frozenset(found)


def _still_there(path: str, found: Collection[str]) -> bool:
    """Whether a mention of the path may mean something at head: a path with the same end, or a folder of that name."""
    bare = _bare(path)
    return "/".join(bare.split("/")[-2:]) in found or f"{bare}/" in found


def _stem(path: str) -> str:
    """Return the name that other files use for the file."""
    return _bare(path).rpartition("/")[2]


def _is_main(path: str) -> bool:
    return path.rpartition("/")[2].split(".", 1)[0] in _MAIN


def _word(stem: str) -> str:
    """Return the longest word of a name: searches know whole words only."""
    word = max(_PART.findall(stem), key=len, default="")
    return word if len(word) > 2 else ""


def _means(hit: Hit, gone: str) -> bool:
    """Whether a line means the removed file: it imports it, or contains the end of its path."""
    bare = _bare(gone)
    if bare.rpartition("/")[2] not in hit.text:
        return False
    folder = hit.path.rpartition("/")[0]
    for module in modules_on(hit.path, hit.text):
        if module.startswith("."):
            if _bare(posixpath.normpath(posixpath.join(folder, module))) == bare:
                return True
        elif f"/{bare}".endswith(f"/{module}") and ("/" in module or "/" not in bare):
            return True
    return bool(_end_of_path(gone).search(hit.text))


def _end_of_path(gone: str) -> re.Pattern[str]:
    """Return a pattern for the last two parts of the path; for a file that is not code, the name is enough."""
    bare = _bare(gone)
    above, _, name = bare.rpartition("/")
    parent, name = re.escape(above.rpartition("/")[2]), re.escape(name)
    if not is_code(gone):
        return re.compile(rf"(?<![\w/.-])(?:\./)?{name}(?![\w-])" + (rf"|\b{parent}/{name}(?![\w-])" if parent else ""))
    if not parent:
        return re.compile(r"(?!)")
    ending = re.escape(gone.rpartition(".")[2])
    slashed = rf"/{name}(?:\.(?:{ending}|js)\b|(?![\w/-]|\.\w))"
    return re.compile(rf"(?<![\w-]){parent}(?:{slashed}|(?:\.|::|\\){name}(?![\w-]))")


def _bare(path: str) -> str:
    """Return the path as imports write it: code without its ending, and the folder for its main file."""
    if not is_code(path):
        return path
    bare = path.rsplit(".", 1)[0]
    folder, _, name = bare.rpartition("/")
    return folder if name in _MAIN and folder else bare


def _siblings(path: str, paths: Collection[str]) -> tuple[str, ...]:
    folder, ending = path.rpartition("/")[0], path.rpartition(".")[2]
    beside = (other for other in paths if other.rpartition("/")[0] == folder and other.endswith(f".{ending}"))
    others = (other for other in beside if other != path and not is_test(other) and not _is_main(other))
    return tuple(sorted(others)[:MAX_SIBLINGS])


def _code_first(hit: Hit) -> tuple[bool, bool, str, int]:
    return (is_test(hit.path), not is_code(hit.path), hit.path, hit.line)


def _places_of(path: str, hits: Mapping[str, Sequence[Hit]]) -> dict[str, int]:
    """Return where a file is named outside of tests: the first such line of each file."""
    name = path.rpartition("/")[2]
    found: dict[str, int] = {}
    for hit in hits.get(_word(_stem(path)), ()):
        if hit.path != path and not is_test(hit.path) and (_means(hit, path) or name in hit.text):
            found[hit.path] = min(hit.line, found.get(hit.path, hit.line))
    return found


def _lists(path: str, listed: Mapping[str, Mapping[str, int]], knows: Collection[str]) -> list[Snippet]:
    """Return the files that name nearly all siblings of the new file but not the new file itself."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for places in listed.values():
        for where, line in places.items():
            rows[where].append(line)
    reason = f"names the other files of its folder, not {path}"
    return [
        Snippet(Rank.CALLER_OF_CONTRACT, where, tuple(sorted(set(lines))), reason)
        for where, lines in sorted(rows.items())
        if where not in knows and len(lines) >= max(LEAST_LISTED, LISTED_SHARE * len(set(listed) - {where}))
    ][:MAX_PLACES]


def _list_of_packages(path: str, text: str) -> list[int]:
    """Return the 1-based lines where a list of packages begins. Only setuptools needs every package in it."""
    found: list[int] = []
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        if opened := _SECTION.match(line):
            section = opened[1]
        if _PACKAGES.match(line) and (not path.endswith(".toml") or section == "tool.setuptools"):
            found.append(number)
    return found


def _listed(package: str, text: str) -> bool:
    """Whether a manifest names the package, by dots or slashes, whatever folder the sources are in."""
    parts = package.split("/")
    ends = (parts[start:] for start in range(len(parts) - 1 if len(parts) > 1 else 1))
    return any(re.search(rf"(?<![\w.]){'[./]'.join(map(re.escape, end))}(?![\w.])", text) for end in ends)


def _beside(lines: Iterable[int]) -> tuple[int, ...]:
    steps = range(-BESIDE, BESIDE + 1)
    return tuple(sorted({number + step for number in lines for step in steps if number + step > 0}))
