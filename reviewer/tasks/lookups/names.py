"""Answer lookups about a name: where it is defined, who uses it, and where a word stands.

The best places come first. Translations, other people's code, generated and minified files are left out unless a
pattern asks for them; how many were left out is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from reviewer.diff.model import Side
from reviewer.domain.path_patterns import PathPatterns
from reviewer.domain.sources import Hit
from reviewer.languages.outline import defined_on, members_on, used_on
from reviewer.languages.paths import is_code, is_test, is_written_by_hand
from reviewer.languages.treesitter import Definition
from reviewer.safety.prompt_text import printable_path
from reviewer.tasks.context.relations import resembles
from reviewer.tasks.context.snippets import numbered
from reviewer.tasks.lookups.files import definition_rows, not_shown
from reviewer.tasks.lookups.repository_view import RepositoryView, file_names
from reviewer.tasks.lookups.results import LookupResult
from reviewer.tasks.lookups.targets import SymbolTarget, WordTarget, symbol_target, word_target

#: Files that are read to answer one lookup, places that are written out, files of a pattern that are read, and places
#: of one word that are weighed: those in the folders nearest to the change.
MAX_READ, MAX_PLACES, MAX_MATCHING, MAX_WEIGHED = 12, 200, 300, 4_000

#: Places of one file that are written out where other files hold the name too, and of one test or text.
MOST_IN_FILE, MOST_IN_TEST = 20, 6

NO_NAME = "it holds no name that can be looked for; write a single name, such as `parse_range` or `Cart.total`"
_IMPORT = re.compile(r"\s*(?:import|from|use|using|require|include|#\s*include|export\s.*\bfrom)\b")


def definitions_of(view: RepositoryView, text: str, title: str) -> LookupResult:
    """Return what is defined under a name, whole where it is short, the most likely first."""
    target = symbol_target(text)
    if target is None:
        return LookupResult(title, note=NO_NAME)
    hits, left_out = _weighed(view, target.word)
    ranked = view.ranked(hits, target.word, owner=target.owners[-1] if target.owners else "")
    view.library.fetch(_first_files(ranked))
    found = _defined(view, target, ranked)
    if not found:
        return _not_defined(view, target, ranked, left_out, title)
    parts = [_definition(view, path, spot) for path, spot in found]
    left = _left_out(
        len(parts), "definitions", f"ask for `definition OWNER.{target.name}` or `read PATH#{target.name}`"
    )
    return LookupResult(title, tuple(parts), left, _note(view, left_out))


def _definition(view: RepositoryView, path: str, spot: Definition) -> str:
    rows = definition_rows(spot, view.outline(path, Side.RIGHT))
    return "\n".join(filter(None, (f"{printable_path(path)}:", *rows, not_shown(path, spot))))


def callers_of(view: RepositoryView, text: str, title: str) -> LookupResult:
    """Return the places that use a name, each with the signature of the definition around it."""
    target = symbol_target(text)
    if target is None:
        return LookupResult(title, note=NO_NAME)
    hits, left_out = _weighed(view, target.word)
    uses, others = _by_owner(target, [hit for hit in hits if _is_use(hit, target.word)])
    ranked = view.ranked(uses)
    view.library.fetch(_first_files(ranked))
    by_file: dict[str, list[Hit]] = {}
    for hit in ranked[:MAX_PLACES]:
        by_file.setdefault(hit.path, []).append(hit)
    parts = [_uses(view, path, places, alone=len(by_file) == 1) for path, places in by_file.items()]
    note = "; ".join(filter(None, (others, _note(view, left_out))))
    if not parts:
        return LookupResult(title, note="; ".join(filter(None, ("no use of it was found", note))))
    how = f"ask for `search {target.word} in GLOB`{_most_of(ranked)}"
    left = _left_out(len(by_file), "files with uses", how)
    more = "more than " if len(view.library.places(target.word, view.near())) > MAX_WEIGHED else ""
    title = f"{title}: {more}{_count(len(uses), 'use')} in {_count(len(by_file), 'file')}"
    return LookupResult(title, tuple(parts), left, note)


def places_of(view: RepositoryView, text: str, title: str) -> LookupResult:
    """Return the lines that hold a word or a text, in the files of a pattern if there is one."""
    target = word_target(text)
    if target is None:
        return LookupResult(title, note="it holds no word that can be searched for; write a whole word of it")
    hits, left_out = _searched(view, target)
    note = _note(view, left_out)
    if target.text != target.word:
        exact = [hit for hit in hits if target.text in hit.text]
        if hits and not exact:
            note = "; ".join(filter(None, (f"the whole of it is nowhere: these hold `{target.word}`", note)))
        hits = exact or [hit for hit in hits if target.word in hit.text]
    ranked = view.ranked(hits, target.word)
    rows = [f"{printable_path(hit.path)}:{hit.line} | {_code(hit)}" for hit in _spread(ranked)[:MAX_PLACES]]
    if not rows:
        return LookupResult(title, note="; ".join(filter(None, ("it is nowhere", note))))
    how = f"ask for `search {target.word} in GLOB`{_most_of(ranked)}"
    found = max(len(hits), len(view.library.places(target.word, view.near())) if _is_everywhere(view, target) else 0)
    files = "" if found > len(hits) else f" in {_count(len({hit.path for hit in hits}), 'file')}"
    title = f"{title}: {_count(found, 'place')}{files}"
    return LookupResult(title, tuple(rows), _left_out(found, "places", how), note)


def _spread(ranked: Sequence[Hit]) -> list[Hit]:
    """Leave out places of files that hold so many that the others' would not be seen, most of all those of tests."""
    if len({hit.path for hit in ranked}) == 1:
        return list(ranked)
    counts: Counter[str] = Counter()
    kept: list[Hit] = []
    for hit in ranked:
        counts[hit.path] += 1
        if counts[hit.path] <= _most_in(hit.path):
            kept.append(hit)
    return kept


def _most_in(path: str) -> int:
    return MOST_IN_FILE if is_code(path) and not is_test(path) else MOST_IN_TEST


def _by_owner(target: SymbolTarget, uses: list[Hit]) -> tuple[list[Hit], str]:
    """Return the uses that can be of the owner's name, and words on those of other objects, which are left out.

    Of a name that few use all are shown: a variable need not be named like its class.
    """
    if not target.owners or len(uses) <= MOST_IN_FILE:
        return uses, ""
    owner = target.owners[-1]

    def is_owners(hit: Hit) -> bool:
        objects = {of for of, member in members_on(hit.path, [hit.text]) if member == target.name}
        return any(resembles(of, owner) for of in objects)

    meant = [hit for hit in uses if is_owners(hit)]
    if not meant:
        return uses, ""
    left = len(uses) - len(meant)
    return meant, f"{_count(left, 'use')} of `{target.name}` on other objects left out" if left else ""


def _is_everywhere(view: RepositoryView, target: WordTarget) -> bool:
    """Whether only the nearest places of a word were looked at."""
    return not target.glob and len(view.library.places(target.word, view.near())) > MAX_WEIGHED


def _searched(view: RepositoryView, target: WordTarget) -> tuple[list[Hit], int]:
    """Return the hits, and how many were left out because nobody wrote their file by hand."""
    if not target.glob:
        return _weighed(view, target.word)
    matches = PathPatterns([target.glob, f"{target.glob.rstrip('/')}/**"])
    inside = [path for path in sorted(view.paths) if matches(path)]
    if len(inside) > MAX_MATCHING:
        return [hit for hit in view.library.places(target.word, inside) if matches(hit.path)], 0
    view.library.fetch(inside)  # a search of everything may stop before it comes to them
    whole = re.compile(rf"(?<![\w$]){re.escape(target.word)}(?![\w$])")
    found = [
        Hit(path, number, line[:400])
        for path in inside
        for number, line in enumerate(view.library.texts.get(path, "").split("\n"), 1)
        if whole.search(line)
    ]
    return found, 0


def _defined(view: RepositoryView, target: SymbolTarget, ranked: Sequence[Hit]) -> list[tuple[str, Definition]]:
    """Return the definitions of the name in the best files; with an owner, only its own, if there are any."""
    paths = [path for path in _first_files(ranked) if path in view.library.texts]
    found = [(path, spot) for path in paths for spot in view.outline(path, Side.RIGHT).named(target.name)]
    if not target.owners:
        return found
    owner = target.owners[-1]
    inside = [(path, spot) for path, spot in found if owner in _around(view, path, spot)]
    return inside or [(path, spot) for path, spot in found if owner.lower() in file_names(path)] or found


def _around(view: RepositoryView, path: str, spot: Definition) -> set[str]:
    """Return the names of what a definition stands in, and the words of its line before it, such as a receiver."""
    outline = view.outline(path, Side.RIGHT)
    before = outline.lines[spot.first - 1].partition(spot.name)[0]
    return {around.name for around in outline.around(spot.first) if around != spot} | set(re.findall(r"\w+", before))


def _not_defined(
    view: RepositoryView, target: SymbolTarget, ranked: Sequence[Hit], left_out: int, title: str
) -> LookupResult:
    """Say that a name has no definition, and show what imports or seems to define it."""
    seems = [hit for hit in ranked if defined_on(hit.text) in (target.name, target.word) or _IMPORT.match(hit.text)]
    rows = [f"{printable_path(hit.path)}:{hit.line} | {_code(hit)}" for hit in seems[:5]]
    where = "it is imported here, and may come from a library" if rows else "it may come from a library, or be built in"
    used = "" if ranked else "; the word is nowhere in the repository"
    note = "; ".join(filter(None, (f"no definition of it was found{used}: {where}", _note(view, left_out))))
    return LookupResult(title, tuple(rows), note=note)


def _is_use(hit: Hit, name: str) -> bool:
    if defined_on(hit.text) == name or _IMPORT.match(hit.text):
        return False
    return not is_code(hit.path) or name in used_on(hit.path, [hit.text])


def _uses(view: RepositoryView, path: str, hits: Sequence[Hit], *, alone: bool) -> str:
    """Return the lines of one file that use a name, under the signatures of what is around them.

    Unless it is the only file, a few of many are enough.
    """
    tested = [hit for hit in hits if view.library.is_tested(hit)]
    few = [hit for hit in hits if hit not in tested][: _most_in(path)] + tested[:MOST_IN_TEST]
    left = 0 if alone else len(hits) - len(few)
    hits = hits if alone else few
    more = [f"({_count(left, 'more use')} in this file left out)"] if left else []
    outline = view.outline(path, Side.RIGHT) if path in view.library.texts else None
    if outline is None:
        return "\n".join([f"{printable_path(path)}:", *(f"{hit.line:>5} | {_code(hit)}" for hit in hits), *more])
    numbers: set[int] = set()
    for hit in hits:
        around = outline.around(hit.line)[-2:]
        numbers |= {spot.first for spot in around} | set(range(max(1, hit.line - 1), hit.line + 2))
    lines = sorted(number for number in numbers if outline.lines[number - 1 : number] not in ((), ("",)))
    return "\n".join([f"{printable_path(path)}:", *numbered(lines, outline.lines), *more])


def _weighed(view: RepositoryView, word: str) -> tuple[list[Hit], int]:
    """Return the places of a word in files that people wrote, and the number of those in others.

    Of a word that is everywhere, only the places in the nearest folders are looked at.
    """
    everything = view.library.places(word, view.near())
    if len(everything) <= MAX_WEIGHED:
        return _by_hand(everything)
    by_folder: dict[str, list[Hit]] = {}
    for hit in everything:
        by_folder.setdefault(hit.path.rpartition("/")[0], []).append(hit)
    nearest = sorted(by_folder, key=lambda folder: (-view.shared(folder), folder))
    return _by_hand([hit for folder in nearest for hit in by_folder[folder]][:MAX_WEIGHED])


def _by_hand(hits: Iterable[Hit]) -> tuple[list[Hit], int]:
    """Return the hits in files that people wrote, and the number of the others."""
    everything = list(hits)
    kinds = {path: is_written_by_hand(path) for path in {hit.path for hit in everything}}
    kept = [hit for hit in everything if kinds[hit.path]]
    return kept, len(everything) - len(kept)


def _first_files(ranked: Iterable[Hit]) -> list[str]:
    paths: dict[str, None] = {}
    for hit in ranked:
        paths[hit.path] = None
        if len(paths) == MAX_READ:
            break
    return list(paths)


def _code(hit: Hit) -> str:
    return numbered([1], [hit.text.strip()])[0].partition("| ")[2][:300]


def _note(view: RepositoryView, left_out: int) -> str:
    hidden = f"{_count(left_out, 'place')} in generated, vendored or translated files left out; `in GLOB` shows them"
    unsearched = view.library.sources.unsearched()
    were = "file farther from the change was" if unsearched == 1 else "files farther from the change were"
    partly = f"{unsearched:,} {were} not searched"
    return "; ".join([hidden] * bool(left_out) + [partly] * bool(unsearched))


def _most_of(ranked: Sequence[Hit]) -> str:
    """Return words that name the folders with most of the places."""
    folders = Counter(hit.path.rpartition("/")[0] for hit in ranked).most_common(3)
    named = [f"{printable_path(folder)}/ ({count:,})" for folder, count in folders if folder]
    return f"; most are in {', '.join(named)}" if len(named) > 1 else ""


def _left_out(total: int, unit: str, how: str) -> Callable[[int], str]:
    def left(shown: int) -> str:
        return f"{total - shown:,} more {unit} are left out: {how}" if shown < total else ""

    return left


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
