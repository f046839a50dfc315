"""Read what the model asks to see instead of answering, in every form in which models write it. Pure.

The form that prompts offer is one JSON object with some of the keys of `LookupKind`, each a list of texts. What the
texts name is not checked here: only the repository knows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reviewer.tasks.conversation.json_replies import objects_in

#: Lookups of one request that are answered, and characters of one.
MAX_LOOKUPS, MAX_TEXT = 8, 500

#: Characters of a text that are read at all: the name of a lookup may stand before it, with blanks.
_LONGEST = MAX_TEXT + 100

#: Keys beside those of lookups that do not make an object something else, and keys that hold lookups of any kind.
_REMARKS = frozenset({"reason", "reasons", "why", "note", "notes", "thought", "thoughts", "explanation"})
_ANY_KIND = frozenset({"request", "requests", "lookup", "lookups", "look_up"})

#: A kind of lookup at the beginning of a text, as in `definition parse_range`.
_LEADING = re.compile(r"\s*(definition|callers|outline|read|search|history)\s*[: ]\s*(?=\S)", re.IGNORECASE)

_OPENING_FENCE = re.compile(r"\A```[a-z]{0,10}\s*")


class LookupKind(StrEnum):
    """What can be asked for; the values are the keys of the object."""

    DEFINITION = "definition"
    CALLERS = "callers"
    OUTLINE = "outline"
    READ = "read"
    SEARCH = "search"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Lookup:
    """One thing to look up: `text` is as the model wrote it, such as `src/cart.py:10-60` or `parse_range`."""

    kind: LookupKind
    text: str


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """The lookups of one reply, each once; `left_out` counts those beyond MAX_LOOKUPS."""

    lookups: tuple[Lookup, ...]
    left_out: int = 0


def read_request(text: str, *, complete: bool = True) -> LookupRequest | None:
    """Return what a reply asks to see, several objects joined; None if it asks for nothing."""
    objects = [value for value in objects_in(text, complete=complete) if _is_request(value)]
    if not objects:
        return None
    found = dict.fromkeys(lookup for value in objects for lookup in _lookups(value))
    return LookupRequest(tuple(found)[:MAX_LOOKUPS], max(0, len(found) - MAX_LOOKUPS))


def is_only_a_request(text: str) -> bool:
    """Whether the whole text is one request: for tasks whose answer may be any text."""
    bare = _OPENING_FENCE.sub("", text.strip(), count=1).removesuffix("```").rstrip()
    return bare.startswith("{") and bare.endswith("}") and read_request(bare) is not None


def _is_request(value: dict[Any, Any]) -> bool:
    keys = {str(key).strip().lower() for key in value}
    return bool(keys & (set(LookupKind) | _ANY_KIND)) and keys <= set(LookupKind) | _ANY_KIND | _REMARKS


def _lookups(value: dict[Any, Any]) -> Iterator[Lookup]:
    for key, items in value.items():
        name = str(key).strip().lower()
        for text in _texts(items):
            leading = _LEADING.match(text)
            if name in set(LookupKind):
                kind = LookupKind(name)
                bare = text[leading.end() :] if leading and leading[1].lower() == name else text
                yield Lookup(kind, bare.strip()[:MAX_TEXT])
            elif name in _ANY_KIND and leading:
                yield Lookup(LookupKind(leading[1].lower()), text[leading.end() :].strip()[:MAX_TEXT])


def _texts(items: Any) -> list[str]:
    """Return the texts of a list, of a single text, or of objects such as `{"path": "a.py", "lines": "1-9"}`."""
    listed = items if isinstance(items, list) else [items]
    texts = [_of_object(item) if isinstance(item, dict) else item for item in listed[:50]]
    return [text.strip()[:_LONGEST] for text in texts if isinstance(text, str) and text.strip()]


def _of_object(item: dict[Any, Any]) -> str:
    """Return an object's values as the text that was meant."""
    values = {str(key).lower(): str(value) for key, value in item.items() if isinstance(value, (str, int))}
    first, last = (
        _first_of(values, names) for names in (("first", "start", "start_line"), ("last", "end", "end_line"))
    )
    path = _first_of(values, ("path", "file"))
    name = _first_of(values, ("name", "symbol", "word", "query", "text"))
    lines = _first_of(values, ("lines", "range")) or "-".join(filter(None, (first, last)))
    glob = _first_of(values, ("in", "glob"))
    base = "base:" if str(values.get("side", values.get("revision", ""))).lower() in ("left", "base") else ""
    target = f"{base}{path}#{name}" if path and name else path or name
    return target + (f":{lines}" if lines and not name else "") + (f" in {glob}" if glob else "")


def _first_of(values: dict[str, str], names: Sequence[str]) -> str:
    return next((values[name] for name in names if values.get(name)), "")
