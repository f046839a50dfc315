"""Check the shape of request bodies: which keys are permitted, of what type, how long.

Each mistake has GitHub's own message (from its JSON schema checker). What the keys mean is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.github.refusals import invalid_request

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One key. `items` are the keys of an object or of each in an array; `longest` counts characters or items."""

    name: str
    kind: str = "string"
    required: bool = False
    choices: Sequence[str] = ()
    longest: int | None = None
    items: Sequence[Field] = ()


def check(body: dict[str, Any], *fields: Field) -> None:
    """Check a body against its keys. Raises Refusal (422) naming everything that is wrong."""
    problems = list(_problems(body, fields))
    if problems:
        raise invalid_request(*problems)


def _problems(body: dict[str, Any], fields: Sequence[Field]) -> Iterator[str]:
    known = {field.name: field for field in fields}
    strange = [f'"{name}"' for name in body if name not in known]
    if strange:
        yield f"{', '.join(strange)} {'is not a permitted key' if len(strange) == 1 else 'are not permitted keys'}."
    for field in fields:
        if field.name in body:
            yield from _value_problems(body[field.name], field)
        elif field.required:
            yield f'"{field.name}" wasn\'t supplied.'


def _value_problems(value: Any, field: Field) -> Iterator[str]:
    where = f"For 'properties/{field.name}', "
    right = isinstance(value, _TYPES[field.kind]) and not (field.kind == "integer" and isinstance(value, bool))
    if not right:
        article = "an" if field.kind[0] in "aio" else "a"
        yield f"{where}{_shown(value)} is not {article} {field.kind}."
        return
    if field.choices and value not in field.choices:
        yield f"{where}{_shown(value)} is not a member of {json.dumps(list(field.choices))}."
    if field.longest is not None and len(value) > field.longest:
        unit = "items are" if field.kind == "array" else "characters are"
        verb = "No more than" if field.kind == "array" else "Only"
        yield f"{verb} {field.longest} {unit} allowed; {len(value)} were supplied."
    if field.kind == "object":
        yield from _problems(value, field.items)
    for item in value if field.kind == "array" and field.items else ():
        yield from (
            _problems(item, field.items) if isinstance(item, dict) else [f"{where}{_shown(item)} is not an object."]
        )


def _shown(value: Any) -> str:
    return "nil" if value is None else json.dumps(value)
