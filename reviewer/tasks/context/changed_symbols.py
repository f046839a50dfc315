"""Find which definitions the change of a file touches or removes, and which names its new lines use.

Pure. Very common names are left out: a search for them finds nothing useful.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from reviewer.diff.model import FileDiff, FileStatus, Hunk
from reviewer.languages.outline import CONTROL, Outline, bare_on, defined_on, members_on, remarks_of, used_on
from reviewer.languages.treesitter import Definition
from reviewer.tasks.context.fields import fields_set_on

#: At most so many names of one file are looked up.
MAX_USED, MAX_CHANGED, MAX_REMOVED, MAX_REPLACED = 60, 20, 20, 6

#: Names of constructors. Callers write the name of the class instead.
_CONSTRUCTORS = frozenset(("__init__", "__new__", "constructor", "initialize", "__construct"))
_CLASS = re.compile(r"class|struct|interface|trait|enum|record|impl|module|type_spec|object")
_FUNCTION = re.compile(r"function|method")
_DECLARED = "variable_declarator"
#: Members of an object of JavaScript, which leave the function around it with the object.
_MEMBERS = frozenset(("method_definition", "pair", "field_definition", "public_field_definition"))
#: Names for the object or class that a method belongs to.
_SELF = frozenset(("self", "this", "cls", "Self", "static"))
_REMARK = re.compile(r"\s*(?://|/\*|\*/|\*\s|\*$|#\s)")
#: A variable, and a line that begins a function or a block of its statements.
_VARIABLE = re.compile(r"\s+(?:var|let|val|const|auto)\s")
_BODY = re.compile(r"\b(?:fun|func|fn|function|def|sub|if|else|for|while|try|catch|when|switch|match|do)\b|=>")
_OUTCOME = re.compile(r"\b(?:return|yield|raise|throw|throws|panic|Err|None|null|nil)\b")

_PAGE = """
    self cls true false none null nil undefined void bool boolean string str int integer float double char byte
    long short unsigned signed var let const def class func function fun type struct enum interface trait impl
    public private protected static final abstract override virtual async export default extends implements break
    val inline internal operator companion suspend lateinit pub mut crate dyn
    continue pass global nonlocal lambda finally ensure rescue begin end then done module namespace package object
    unknown never bigint symbol True False NotImplemented
    group groups left right upper lower empty encode decode url path title status state
    result results type types error errors
    any number map list dict set tuple array vec option result some get put add remove pop push append insert
    update delete keys values items len size length count sum min max abs all sorted reversed range enumerate zip
    filter reduce join split strip trim replace format find index test exec run call apply bind open close read
    write print println printf log info debug warn error exit main init new copy clone equals hash toString
    valueOf next iter hasNext contains startsWith endsWith has isinstance hasattr getattr setattr super property
    staticmethod classmethod require console Promise Error Exception Object Array String Number Boolean Math JSON
    Date List Map Set HashMap ArrayList Optional Some None Ok Err Vec Result Option Box fmt make cap usize i32 i64
    u8 u32 u64 f64 args kwargs params options value data name key item response request context ctx err id
"""

#: Keywords, names from tutorials, and methods of lists and strings.
COMMON = CONTROL | frozenset(_PAGE.split())


@dataclass(frozen=True, slots=True)
class ChangedDefinition:
    """A definition that the change touches; `contract`: its signature, or what it returns or raises, is touched.

    `owner` is the class or type that it belongs to, empty for a plain function. `scope` is the function around it,
    outside of which nobody can use it.
    """

    name: str
    spot: Definition
    contract: bool
    owner: str = ""
    scope: Definition | None = None


@dataclass(frozen=True, slots=True)
class ChangedSymbols:
    """The change of a file. `used` are the names on its new lines, and whether each is called there.

    `members` are pairs of names on the lines of its hunks at head: an object, and its member that is used.
    `own` are methods of the changed classes that the new lines call, whose names are too common to be searched for.
    `bare` are names that stand on the new lines without an object before them. `replaced` are functions that only the
    removed lines call: what they did tells what is different now. `fields` are those that changed lines set on
    their own object.
    """

    path: str
    changed: tuple[ChangedDefinition, ...]
    removed: tuple[str, ...]
    used: tuple[tuple[str, bool], ...]
    lines: frozenset[int]
    members: frozenset[tuple[str, str]] = frozenset()
    own: tuple[Definition, ...] = ()
    bare: frozenset[str] = frozenset()
    replaced: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    def meant(self) -> Iterator[tuple[str, str]]:
        """Yield the names whose definitions are worth reading, each with what the change does with it."""
        yield from ((name, "called before") for name in self.replaced)
        yield from ((name, "calls" if called else "names") for name, called in self.used)

    def owner(self, name: str) -> str:
        """Return the class of a changed definition, empty for one without and for other names."""
        return next((definition.owner for definition in self.changed if definition.name == name), "")

    def scope(self, name: str) -> Definition | None:
        """Return the function outside of which a changed definition of that name cannot be used."""
        return next((definition.scope for definition in self.changed if definition.name == name), None)

    def receivers(self, name: str) -> frozenset[str] | None:
        """Return the objects whose member of that name is used; None where the name also stands alone."""
        return None if name in self.bare else frozenset(of for of, member in self.members if member == name)


def changed_symbols_of(file: FileDiff, outline: Outline) -> ChangedSymbols:
    """Return the symbols that the change of a file touches; `outline` is that of the file at head."""
    rows = [line for hunk in file.hunks for line in hunk.lines]
    remarks = remarks_of(file.path, outline.lines)
    new = [line.text for line in rows if line.kind == "+" and line.new not in remarks]
    used = used_on(file.path, new)
    worth = [(name, called) for name, called in used.items() if is_telling(name)]
    return ChangedSymbols(
        path=file.path,
        # New definitions have no users yet: the same name elsewhere means something else.
        changed=()
        if file.status in (FileStatus.REMOVED, FileStatus.ADDED)
        else tuple(_changed(file, outline, remarks)[:MAX_CHANGED]),
        removed=tuple(_removed(file, outline)[:MAX_REMOVED]),
        used=tuple(worth[:MAX_USED]),
        lines=frozenset(line.new for line in rows if line.new is not None),
        members=members_on(file.path, [line.text for line in rows if line.kind != "-"]),
        own=tuple(_own(file, outline)),
        bare=bare_on(file.path, new),
        replaced=tuple(_replaced(file)[:MAX_REPLACED]),
        fields=()
        if file.status is FileStatus.ADDED
        else fields_set_on(file.path, [line.text for line in rows if line.kind != " "]),
    )


def is_class(spot: Definition) -> bool:
    """Whether a definition is a class, or else holds others: a type, an interface, a module."""
    return _CLASS.search(spot.kind) is not None


def is_telling(name: str) -> bool:
    """Whether the name is rare enough to be worth a search."""
    return len(name) > 2 and name not in COMMON and not (name.startswith("__") and name.endswith("__"))


def _own(file: FileDiff, outline: Outline) -> Iterator[Definition]:
    """Yield the methods with common names that new lines call on their own class, as in `self.get(...)`."""
    rows = [line for hunk in file.hunks for line in hunk.lines if line.kind == "+" and line.new is not None]
    seen: set[Definition] = set()
    for line in rows:
        taken = {name for of, name in members_on(file.path, [line.text]) if of in _SELF and not is_telling(name)}
        classes = [spot for spot in outline.around(line.new or 0) if is_class(spot)] if taken else []
        for spot in outline.spots if classes else ():
            if spot.name in taken and spot not in seen and classes[-1].first < spot.first <= classes[-1].last:
                seen.add(spot)
                yield spot


def _changed(file: FileDiff, outline: Outline, remarks: Collection[int]) -> list[ChangedDefinition]:
    """Return the definitions that are touched; `remarks` are the lines of comments: who changes one changes no code."""
    found: dict[str, ChangedDefinition] = {}
    for touch in _touched(file.hunks):
        if _REMARK.match(touch.text) or (touch.line in remarks and touch.text == outline.lines[touch.line - 1]):
            continue
        around = outline.around(touch.line)
        for spot in around[-2:]:
            if is_class(spot) and spot is not around[-1]:
                continue  # a method changed, not its class
            name = _called_by(spot, around)
            signature = touch.new and spot.first <= touch.line <= spot.head
            contract = signature or (spot is around[-1] and bool(_OUTCOME.search(touch.text)))
            if is_telling(name):
                before = found.get(name)
                contract = contract or bool(before and before.contract)
                found[name] = ChangedDefinition(name, spot, contract, _owner(spot, around), scope_of(spot, around))
    return list(found.values())


def _called_by(spot: Definition, around: Iterable[Definition]) -> str:
    """Return the name that callers of the definition write."""
    if spot.name not in _CONSTRUCTORS:
        return spot.name
    classes = [outer.name for outer in around if outer is not spot and is_class(outer)]
    return classes[-1] if classes else spot.name


def _owner(spot: Definition, around: Iterable[Definition]) -> str:
    """Return the class or type around a method; of a class itself, and of what callers name by the class, nothing."""
    if spot.name in _CONSTRUCTORS or is_class(spot):
        return ""
    classes = [outer.name for outer in around if outer is not spot and is_class(outer)]
    return classes[-1] if classes else ""


def scope_of(spot: Definition, around: Sequence[Definition]) -> Definition | None:
    """Return the innermost function around a definition; a method of a class or an object inside a function has none.

    A variable stands in no object's text: what is around it is a function, or else a class.
    """
    if spot.kind in _MEMBERS:
        return None
    outer = [place for place in around if place.first <= spot.first and place is not spot]
    local = outer and (_FUNCTION.search(outer[-1].kind) or (spot.kind == _DECLARED and not is_class(outer[-1])))
    return outer[-1] if local else None


@dataclass(frozen=True, slots=True)
class _Touch:
    """A line at head that is new, or follows removed lines; `text` is the added or removed text."""

    line: int
    text: str
    new: bool


def _touched(hunks: Iterable[Hunk]) -> list[_Touch]:
    """Return where the hunks touch the head. Replaced lines count at the place of the new ones."""
    touched: list[_Touch] = []
    for hunk in hunks:
        last = max(1, hunk.new_start)
        gone: list[str] = []
        for line in (*hunk.lines, None):
            if line is not None and line.kind == "-":
                gone.append(line.text)
                continue
            replaced = line is not None and line.kind == "+" and line.new is not None
            at = line.new if line is not None and line.new is not None and replaced else last
            touched += [_Touch(at, text, replaced) for text in gone if text.strip()]
            gone = []
            if line is not None and line.new is not None:
                last = line.new
                touched += [_Touch(last, line.text, new=True)] if replaced and line.text.strip() else []
    return touched


def _replaced(file: FileDiff) -> list[str]:
    """Return the names that removed lines call and no other line of the hunks holds."""
    rows = [line for hunk in file.hunks for line in hunk.lines]
    before = used_on(file.path, [line.text for line in rows if line.kind == "-"])
    kept = used_on(file.path, [line.text for line in rows if line.kind != "-"])
    return [name for name, called in before.items() if called and is_telling(name) and name not in kept]


def _removed(file: FileDiff, outline: Outline) -> list[str]:
    """Return the names that removed lines define and no line at head defines; those inside a function are nobody's."""
    kept = {defined_on(line.text) for hunk in file.hunks for line in hunk.lines if line.kind != "-"}
    lines = (line for hunk in file.hunks for line in _removed_lines(hunk, outline))
    names = (defined_on(line) for line in lines if not line.startswith(" " * 12))
    gone = [name for name in dict.fromkeys(names) if name and name not in kept and is_telling(name)]
    return [name for name in gone if not outline.named(name)]


def _removed_lines(hunk: Hunk, outline: Outline) -> Iterator[str]:
    """Yield the removed lines but for variables that stand inside a function: in the hunk, or at that place at head."""
    last = max(1, hunk.new_start)
    above: list[str] = []
    for line in hunk.lines:
        if line.kind == "-" and not (_VARIABLE.match(line.text) and _is_in_function(line.text, above, last, outline)):
            yield line.text
        if line.text.strip():
            above.append(line.text)
        last = line.new or last


def _is_in_function(text: str, above: Sequence[str], last: int, outline: Outline) -> bool:
    """Whether a removed line stands inside a function; `above` are the hunk's lines before it."""
    width = _width(text)
    outer = next((line for line in reversed(above) if _width(line) < width and line.strip()[:1] not in ")]}"), None)
    if outer is None:
        around = [outline.lines[spot.first - 1] for spot in outline.around(last) if spot.first < last]
        outer = around[-1] if around and _width(around[-1]) < width else ""
    return _BODY.search(outer) is not None


def _width(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))
