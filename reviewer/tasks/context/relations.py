"""Judge whether a place that holds a name means the definition that a change is about. Pure.

The same name in another package, or on an object of another type, usually means something else. A place counts where
imports, folders, the object's name or a distinctive name connect the two.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from reviewer.languages.outline import bare_on, members_on

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

_HUMPS = re.compile(r"[a-z0-9][A-Z]|[A-Za-z0-9]_[A-Za-z0-9]")


def is_distinctive(name: str) -> bool:
    """Whether a name is made of several words, so that two things hardly have it by chance."""
    return len(name) >= 8 and _HUMPS.search(name) is not None


def letters_of(name: str) -> str:
    """Return the letters and digits of a name, in lower case: the same for `UserCart` and `user_cart`."""
    return re.sub(r"[\W_]", "", name).lower()


def resembles(variable: str, owner: str) -> bool:
    """Whether a variable is named like a class or file: `cart` or `user_cart` like `UserCart`."""
    one, other = letters_of(variable), letters_of(owner)
    if min(len(one), len(other)) < _LEAST_SHARED:
        return one == other != ""
    return one.endswith(other) or other.endswith(one) or one.startswith(other)


def names_before(owner: str, file: str) -> list[str]:
    """Return all names that users may write before a definition: its class, and its file without endings and folder."""
    folder, _, stem = file.rpartition("/")
    return [name for name in (owner, stem, folder.rpartition("/")[2]) if name]


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


def can_mean(receivers: frozenset[str] | None, owners: Collection[str], kind: str) -> bool:
    """Whether a use of a name can mean a definition of that kind at all.

    A member of an object that comes with the language cannot, nor can a word without the object that has it as a key.
    """
    if kind == "pair":
        return any(resembles(receiver, owner) for receiver in (receivers or ()) for owner in owners)
    return not receivers or not receivers <= BUILT_IN


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
