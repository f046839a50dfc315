"""Read the answers to `prove` and `fix`. A reply that cannot be read raises `Unreadable`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reviewer.demonstration.runs import Edit, ProposedTest
from reviewer.tasks.conversation.json_replies import JsonForm, Unreadable, read_json
from reviewer.tasks.conversation.replies import read_tests


def read_proof(text: str, *, complete: bool = True) -> tuple[ProposedTest, ...]:
    """Read the answer to `prove`: one test, or none for NONE. Of several the first counts."""
    return tuple(ProposedTest(test.path, test.code) for test in read_tests(text, complete=complete)[:1])


def _lines(value: Any) -> Any:
    """Accept a list of lines as a text, and null as an empty text."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return "" if value is None else value


class _RawEdit(BaseModel):
    model_config = ConfigDict(frozen=True)

    path: str = Field(min_length=1)
    quote: Annotated[str, BeforeValidator(_lines)] = ""
    replacement: Annotated[str, BeforeValidator(_lines)] = ""


def _as_edits(value: Mapping[str, Any]) -> tuple[Edit, ...]:
    """Read all edits or none: a fix of which a part is missing is another fix."""
    if not isinstance(value.get("edits"), list):
        raise Unreadable('the object must have the key "edits" (a list).')
    try:
        raw = [_RawEdit.model_validate(item) for item in value["edits"]]
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the entry"
        raise Unreadable(f'an entry of "edits" cannot be used: {where}: {first["msg"]}.') from error
    return tuple(Edit(edit.path.strip().removeprefix("./"), edit.quote, edit.replacement) for edit in raw)


def _last(replies: Sequence[tuple[Edit, ...]]) -> tuple[Edit, ...]:
    """Of several answers the last counts: the model corrected itself."""
    return replies[-1]


_EDITS = JsonForm("edits", "path", _as_edits, _last)


def read_edits(text: str, *, complete: bool = True) -> tuple[Edit, ...]:
    """Read the answer to `fix`: the edits in their order."""
    return read_json(text, _EDITS, complete=complete)
