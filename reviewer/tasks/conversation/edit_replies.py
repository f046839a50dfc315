"""Read the answer to `edit`: the order of the findings, their severity, their place, and which are one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from reviewer.domain.severity import Severity
from reviewer.tasks.conversation.answer_fields import number_or_none, severity_or_none
from reviewer.tasks.conversation.json_replies import JsonForm, Unreadable, read_json


class FindingPlace(StrEnum):
    """Where a finding is shown: as a comment at its line, or in the list of the summary."""

    INLINE = "inline"
    LIST = "list"


def _place_or_none(value: Any) -> Any:
    word = value.strip().lower() if isinstance(value, str) else None
    return word if word in set(FindingPlace) else None


class RawEdit(BaseModel):
    """What the model decides about one finding, by its number in the prompt. None: it keeps what it has."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[int, BeforeValidator(number_or_none)]
    place: Annotated[FindingPlace | None, BeforeValidator(_place_or_none)] = None
    severity: Annotated[Severity | None, BeforeValidator(severity_or_none)] = None
    same_as: Annotated[int | None, BeforeValidator(number_or_none)] = None


def _as_edits(value: Mapping[str, Any]) -> tuple[RawEdit, ...]:
    entries = value.get("findings")
    if not isinstance(entries, list):
        raise Unreadable('the object must have the key "findings" (a list).')
    edits: list[RawEdit] = []
    for entry in entries:
        try:
            edits.append(RawEdit.model_validate(entry))
        except ValidationError:
            continue
    if entries and not edits:
        raise Unreadable('no entry of "findings" has the number of a finding as "id".')
    return tuple(edits)


def _join(replies: Sequence[tuple[RawEdit, ...]]) -> tuple[RawEdit, ...]:
    return tuple({edit.id: edit for edits in replies for edit in edits}.values())


_FORM = JsonForm("findings", "id", _as_edits, _join)


def read_edits(text: str, *, complete: bool = True) -> tuple[RawEdit, ...]:
    """Read the answer to `edit`, the most important finding first, each number once. Raises Unreadable."""
    return _join([read_json(text, _FORM, complete=complete)])
