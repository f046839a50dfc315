"""Answer lookups about one file: lines of it, its outline, something defined in it, now or before the change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reviewer.diff.model import Side
from reviewer.languages.outline import Outline
from reviewer.languages.treesitter import Definition
from reviewer.safety.prompt_text import printable_path
from reviewer.tasks.context.changed_symbols import is_class
from reviewer.tasks.context.snippets import definition_lines, numbered
from reviewer.tasks.lookups.repository_view import RepositoryView
from reviewer.tasks.lookups.results import LookupResult
from reviewer.tasks.lookups.targets import FileTarget, file_target, symbol_target

#: Lines of one range, lines of a file that is shown whole, and lines above and below a single line.
MAX_LINES, MAX_WHOLE_FILE, BESIDE = 300, 200, 20

#: Lines of a definition that is shown whole; of a longer class its signature and those inside it are shown.
MAX_WHOLE = 100

OUTSIDE = "it is not a path inside the repository"


def read_lines(view: RepositoryView, text: str, title: str) -> LookupResult:
    """Return the lines or the definition of a file that the text names."""
    target = file_target(text, view.paths)
    if target is None:
        return LookupResult(title, note=OUTSIDE)
    return _shown(view, target, title)


def read_before(view: RepositoryView, text: str, title: str) -> LookupResult:
    """Return what the text names as it was before the change, also where the file had another name."""
    target = file_target(text, view.paths)
    if target is None:
        return LookupResult(title, note=OUTSIDE)
    path = view.old_paths.get(target.path, target.path)
    before = FileTarget(path, Side.LEFT, target.first, target.last, target.name)
    return _shown(view, before, title)


def outline_of_file(view: RepositoryView, text: str, title: str) -> LookupResult:
    """Return what a file defines, or the files of a folder."""
    target = file_target(text, view.paths)
    if target is None:
        return LookupResult(title, note=OUTSIDE)
    contents = view.text(target.path, target.side)
    if contents is None:
        folder = target.path.rstrip("/")
        inside = sorted(path for path in view.paths if path.startswith(f"{folder}/"))
        return _listed(inside, title) if inside else LookupResult(title, note=view.why_not(target.path, target.side))
    outline = view.outline(target.path, target.side)
    rows = [_signature(spot, outline) for spot in outline.spots if spot.name]
    size = _length(outline)
    if not rows:
        return LookupResult(title, note=f"nothing is recognised as a definition in its {size:,} lines; read them")
    left = _more(len(rows), "definitions", f"search for a name `in {printable_path(target.path)}`")
    return LookupResult(f"{title}: {size:,} lines", tuple(rows), left)


def _shown(view: RepositoryView, target: FileTarget, title: str) -> LookupResult:
    text = view.text(target.path, target.side)
    if text is None:
        return LookupResult(title, note=view.why_not(target.path, target.side))
    outline = view.outline(target.path, target.side)
    when = ", before the change" if target.side is Side.LEFT else ""
    title = f"{title}{when}: {_length(outline):,} lines in all"
    if target.name:
        return _named(target, outline, title)
    return _range(target, outline, title)


def _named(target: FileTarget, outline: Outline, title: str) -> LookupResult:
    symbol = symbol_target(target.name)
    spots = outline.named(symbol.name) if symbol else ()
    if symbol and symbol.owners:
        owned = [spot for spot in spots if symbol.owners[-1] in {outer.name for outer in outline.around(spot.first)}]
        spots = tuple(owned) or spots
    if not spots:
        names = ", ".join(dict.fromkeys(spot.name for spot in outline.spots))[:400]
        return LookupResult(title, note=f"it defines nothing of that name{f'; it defines {names}' if names else ''}")
    rows = [row for spot in spots for row in definition_rows(spot, outline, most=MAX_LINES)]
    reference, last = _reference(target), spots[-1].last

    def left(shown: int) -> str:
        following = next((row.partition("|")[0].strip() for row in rows[shown:] if "|" in row[:12]), "")
        return f"lines {following} to {last} are left out: read `{reference}:{following}-{last}`" if following else ""

    return LookupResult(title, tuple(rows), left)


def _range(target: FileTarget, outline: Outline, title: str) -> LookupResult:
    size = _length(outline)
    if not target.first and size > MAX_WHOLE_FILE:
        rows = [_signature(spot, outline) for spot in outline.spots]
        hint = f"it is long, so this is its outline; read lines of it as `{_reference(target)}:FIRST-LAST`"
        if rows:
            return LookupResult(title, tuple(rows), _more(len(rows), "definitions", "read lines"), hint)
    first, last = (target.first or 1), (target.last or size)
    if first > size:
        return LookupResult(title, note=f"it has only {size:,} lines")
    if target.first and target.first == target.last:
        first, last = max(1, first - BESIDE), last + BESIDE
    last = min(last, size)
    rows = numbered(range(first, min(last, first + MAX_LINES - 1) + 1), outline.lines)
    reference = _reference(target)

    def left(shown: int) -> str:
        following = first + shown
        return f"lines {following} to {last} are left out: read `{reference}:{following}-{last}`" * (following <= last)

    return LookupResult(title, tuple(rows), left)


def definition_rows(spot: Definition, outline: Outline, *, most: int = MAX_WHOLE) -> list[str]:
    """Return the numbered lines of a definition.

    All of a short one; of a long class its signature and those inside it; of a long function the first `most` lines.
    """
    if spot.last - spot.first >= MAX_WHOLE and is_class(spot):
        return numbered(definition_lines(spot, outline), outline.lines)
    return numbered(range(spot.first, min(spot.last, spot.first + most - 1) + 1), outline.lines)


def not_shown(path: str, spot: Definition) -> str:
    """Return words on what `definition_rows` leaves out, with how to ask for it; empty if it is nothing."""
    if spot.last - spot.first < MAX_WHOLE:
        return ""
    shown = printable_path(path)
    if is_class(spot):
        return f"(of what is inside, signatures only: ask for `read {shown}#{spot.name}.NAME`)"
    following = spot.first + MAX_WHOLE
    return f"(lines {following} to {spot.last} are left out: read `{shown}:{following}-{spot.last}`)"


def _signature(spot: Definition, outline: Outline) -> str:
    depth = sum(outer.first < spot.first for outer in outline.around(spot.first))
    _, _, code = numbered([spot.first], outline.lines)[0].partition("| ")
    return f"{spot.first:>5}-{spot.last} | {'  ' * depth}{code.strip()[:200]}"


def _listed(paths: Sequence[str], title: str) -> LookupResult:
    rows = tuple(printable_path(path) for path in paths[:500])
    return LookupResult(f"{title}: {len(paths):,} files", rows, _more(len(paths), "files", "name a folder inside it"))


def _more(total: int, unit: str, how: str) -> Callable[[int], str]:
    def left(shown: int) -> str:
        return f"{total - shown:,} more {unit} are left out: {how}" if shown < total else ""

    return left


def _reference(target: FileTarget) -> str:
    return f"{'base:' if target.side is Side.LEFT else ''}{printable_path(target.path)}"


def _length(outline: Outline) -> int:
    """Return the number of lines; a last line break begins no line."""
    return len(outline.lines) - (outline.lines[-1:] == ("",))
