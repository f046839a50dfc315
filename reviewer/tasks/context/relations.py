"""Judge whether a place that holds a name means the definition that a change is about. Pure.

The same name in another package, or on an object of another type, usually means something else. A place counts where
imports, folders, the object's name or a distinctive name connect the two.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from reviewer.languages.import_readers import without_endings
from reviewer.languages.outline import Outline, bare_on, members_on

#: The shortest name of an object or class that may be a part of another's.
_LEAST_SHARED = 4

#: Names for the object or class that code belongs to.
SELF = frozenset(("self", "this", "cls", "Self", "static", "super"))

#: Objects that come with a language: their members are not the repository's.
_BUILT_IN = """
    Object Array Reflect JSON Math Promise Symbol Number String Date console process window document
    Arrays Collections Objects Collectors System Integer Long Double Boolean Optional Stream Files Paths
"""
BUILT_IN = frozenset(_BUILT_IN.split())

#: How languages write that a name is a variable, field or parameter of a type: Go; Java, C# and C++; TypeScript, Rust
#: and Python. Only so much of a text is searched.
_DECLARATIONS = (
    r"(?:\bvar\s|[(,]\s?|^\t+)NAME\s+\*?(?P<type>[a-z]\w{0,60}\.[A-Z]\w{0,60}|[A-Z]\w{0,60})(?=[\s,)=]|$)",
    r"(?<![\w.])(?P<type>(?:\w{1,60}(?:\.|::)){0,4}[A-Z]\w{0,60})(?:<[^<>;(){}\n]{0,80}>)?[\s*&]{1,4}NAME\s?[=;,)]",
    r"(?<![\w.])NAME\??\s?:\s?&?(?:mut\s)?(?P<type>(?:\w{1,60}(?:\.|::)){0,4}[A-Z]\w{0,60})",
)
_MOST_TEXT = 200_000

#: The type that a method of Go belongs to.
_RECEIVER = re.compile(r"^func \((?:\w{1,60} )?\*?(\w{1,60})")

_HUMPS = re.compile(r"[a-z0-9][A-Z]|[A-Za-z0-9]_[A-Za-z0-9]")


def is_distinctive(name: str) -> bool:
    """Whether a name is made of several words, so that two things hardly have it by chance."""
    return len(name) >= 8 and _HUMPS.search(name) is not None


def letters_of(name: str) -> str:
    """Return the letters and digits of a name, in lower case: the same for `UserCart` and `user_cart`."""
    return re.sub(r"[\W_]", "", name).lower()


def resembles(variable: str, owner: str) -> bool:
    """Whether a variable is named like a class or file: `cart` or `user_cart` like `UserCart`."""
    letters, other = letters_of(variable), letters_of(owner)
    if min(len(letters), len(other)) < _LEAST_SHARED:
        return letters == other != ""
    return letters.endswith(other) or other.endswith(letters) or letters.startswith(other)


def names_before(owner: str, file: str) -> list[str]:
    """Return all names that users may write before a definition: its class, and its file without endings and folder."""
    folder, _, stem = file.rpartition("/")
    return [name for name in (owner, stem, folder.rpartition("/")[2]) if name]


def owners_of(outline: Outline, path: str, line: int) -> list[str]:
    """Return the names of what a definition on that line stands in, of the type that it belongs to, and of its file."""
    outer = [spot.name for spot in outline.around(line) if spot.first < line]
    return [*outer, *_RECEIVER.findall(outline.lines[line - 1]), without_endings(path).rpartition("/")[2]]


def means_definition(receivers: frozenset[str] | None, owners: Collection[str], name: str, *, only: bool) -> bool:
    """Whether a use of a name may mean a definition that was found by its name alone.

    `receivers` are the objects before the name, None where it also stands alone. `owners` are names of what the
    definition stands in, and of its file. `only`: there is no other definition of that name.
    """
    if receivers is None:
        return True
    if any(resembles(receiver, owner) for receiver in receivers - SELF for owner in owners):
        return True
    return only and is_distinctive(name)


def can_mean(
    receivers: frozenset[str] | None, owners: Collection[str], kind: str, types: Mapping[str, str] | None = None
) -> bool:
    """Whether a use of a name can mean a definition of that kind at all.

    A member of an object that comes with the language cannot, nor can a word without the object that has it as a key.
    Where `types` tell the types of all objects before the name, one of them must be where the definition stands.
    """
    if kind == "pair":
        return any(resembles(receiver, owner) for receiver in (receivers or ()) for owner in owners)
    if not receivers:
        return True
    if types and types.keys() >= receivers:
        return any(resembles(types[receiver], owner) for receiver in receivers for owner in owners)
    return not receivers <= BUILT_IN


def declared_types(names: Collection[str], text: str) -> Mapping[str, str]:
    """Return the types that a text declares the names with, without their package: `Map` for `var jobs sync.Map`.

    A name that is declared with two types is left out.
    """
    if not names:
        return {}
    either = "|".join(sorted(re.escape(name) for name in names))
    found: dict[str, set[str]] = {}
    for pattern in _DECLARATIONS:
        for match in re.finditer(pattern.replace("NAME", rf"(?P<name>{either})\b"), text[:_MOST_TEXT], re.MULTILINE):
            found.setdefault(match["name"], set()).add(re.split(r"[.:]", match["type"])[-1])
    return {name: types.pop() for name, types in found.items() if len(types) == 1}


def uses_definition(path: str, line: str, name: str, owners: Collection[str], defined_in: str, *, method: bool) -> bool:
    """Whether a line of another file that names a changed definition is likely to use it.

    A method is called on an object that is named like its class; a plain function stands alone, or behind the name of
    its module. A distinctive name, or the same folder, is enough.
    """
    if is_distinctive(name) or path.rpartition("/")[0] == defined_in.rpartition("/")[0]:
        return True
    receivers = {of for of, member in members_on(path, [line]) if member == name}
    if any(resembles(receiver, owner) for receiver in receivers for owner in owners):
        return True
    return not method and name in bare_on(path, [line])
