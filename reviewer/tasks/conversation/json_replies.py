"""Read the JSON that was asked for out of a reply: all of it or nothing.

An answer is an object with the key that was asked for. Several answers are joined, and where one of several cannot be
read, none counts. A bare list counts only as the whole reply or a whole fenced block: brackets in prose are no answer.
A reply that cannot be read raises `Unreadable` with the words for a repair turn. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from reviewer.safety.fencing import without_fences
from reviewer.tasks.conversation.json_candidates import (
    BrokenPart,
    FencedBlock,
    JsonObject,
    broken_parts,
    decode,
    fenced_blocks,
    json_objects,
    repairable,
)

T = TypeVar("T")

#: More broken answers than this in one reply are not repaired.
_MOST_BROKEN = 5

_CUT_OFF = "it was cut off. Say less: only the most important points, in short sentences."


class Unreadable(Exception):
    """The reply is not what was asked for. The message tells the model what to correct."""


@dataclass(frozen=True, slots=True)
class JsonForm(Generic[T]):
    """What a task's answer looks like: an object with a list under `key`, and in each entry the key `entry`.

    `parse` reads the object and raises Unreadable. `join` makes one value of several. `is_whole` says whether nothing
    in the value was unusable: only such a value counts where the JSON had to be repaired.
    """

    key: str
    entry: str
    parse: Callable[[Mapping[str, Any]], T]
    join: Callable[[Sequence[T]], T]
    is_whole: Callable[[T], bool] = lambda _: True


def read_json(text: str, form: JsonForm[T], *, complete: bool) -> T:
    """Return the answer in the text; raise Unreadable if there is none, or if a part of it cannot be read.

    json-repair comes last, and only for replies that the model ended itself: it closes a truncated object silently,
    which would turn a cut-off list of findings into a short one.
    """
    text = text.strip().removeprefix("\ufeff").lstrip()
    try:
        return _read(text, form, complete=complete)
    except Unreadable:
        if complete:
            raise
        raise Unreadable(_CUT_OFF) from None


def objects_in(text: str, *, complete: bool) -> list[dict[Any, Any]]:
    """Return the objects of any kind that the reply holds and that are not only quoted, in order.

    If there is none and the reply is `complete`, that is what json-repair makes of it.
    """
    text = text.strip()
    objects = [without_fences(found.value) for found in json_objects(text, fenced_blocks(text)) if not found.quoted]
    if not objects and complete and text.startswith("{"):
        objects = [value] if isinstance(value := _loaded(text), dict) else []
    return objects


def _read(text: str, form: JsonForm[T], *, complete: bool) -> T:
    blocks = fenced_blocks(text)
    objects = json_objects(text, blocks)
    answers = [found for found in objects if form.key in found.value]
    # What is quoted from code, as `{"findings": []}`, says nothing; a list with entries says something wherever it is.
    spoken = [(found.start, found.value) for found in answers if found.value[form.key] or not _is_mention(text, found)]
    lists = list(_bare_lists(text, blocks, form))
    says_something = bool(spoken) or any(entries for _, entries in lists)
    spoken += [(start, {form.key: entries}) for start, entries in lists if entries or not says_something]
    broken = broken_parts(text, form.key, answers)
    spoken += _entries_beside(objects, form) if spoken else []
    if not spoken and not broken:
        spoken = [(0, value) for value in _entries_alone(text, objects, form)]
    if not complete and _ends_in_json(text, answers):
        raise Unreadable(_CUT_OFF)
    values = [(start, form.parse(without_fences(value))) for start, value in spoken]
    if not (values or broken) and text.startswith(("{", "[")):
        broken = [BrokenPart(text, 0, cut=False, alone=True)]
    if broken and (not complete or len(broken) > _MOST_BROKEN):
        raise Unreadable(_not_json(broken[0].text))
    values += [(part.start, _repaired(part, form)) for part in broken]
    if not values:
        raise Unreadable(_nothing_read(objects, form))
    # In the order of the text, because what is said later corrects what was said before.
    in_order = [value for _, value in sorted(values, key=lambda placed: placed[0])]
    return in_order[0] if len(in_order) == 1 else form.join(in_order)


def _is_mention(text: str, found: JsonObject) -> bool:
    """Whether an empty answer is only spoken of: as code, or within a sentence and without any other key."""
    before = text[text.rfind("\n", 0, found.start) + 1 : found.start].strip(" \t[*_")
    after = text[found.end :].partition("\n")[0].strip(" \t]*_.")
    return found.quoted or (len(found.value) == 1 and before != "" and (after != "" or not before.endswith(":")))


def _bare_lists(text: str, blocks: Sequence[FencedBlock], form: JsonForm[T]) -> Iterator[tuple[int, list[Any]]]:
    """Yield the lists, with their places, that are all of the reply or of a fenced block and may be the answer."""
    for block in (FencedBlock("", 0, len(text)), *blocks):
        contents = text[block.start : block.end].strip()
        if not contents.startswith("["):
            continue
        try:
            value = decode(contents)
        except ValueError:
            continue
        if not isinstance(value, list):
            continue
        if value:
            if all(isinstance(entry, dict) and form.entry in entry for entry in value):
                yield block.start, value
        elif len(blocks) <= 1 and _may_be_empty(text, block):
            yield block.start, value


def _may_be_empty(text: str, block: FencedBlock) -> bool:
    """Whether an empty list in this block is an answer: not in a block of code, nor of anything between two texts."""
    before, after = text[: block.start].strip(), text[block.end :].strip()
    alone = before in ("", "```", "~~~") or after in ("", "```", "~~~")
    return not block.holds_code and (block.label.startswith("json") or alone)


def _entries_alone(text: str, objects: Sequence[JsonObject], form: JsonForm[T]) -> list[dict[Any, Any]]:
    """Return the entries as an answer, where the reply is nothing but entries, one after the other or in a list."""
    if not objects or not all(form.entry in found.value for found in objects):
        return []
    ends = [0, *(found.end for found in objects)]
    starts = [*(found.start for found in objects), len(text)]
    around = "".join(text[end:start] for end, start in zip(ends, starts, strict=True))
    around = re.sub(r"[\s,]|```(?:jsonl?)?|~~~", "", around)
    return [{form.key: [found.value for found in objects]}] if around in ("", "[]") else []


def _entries_beside(objects: Sequence[JsonObject], form: JsonForm[T]) -> list[tuple[int, dict[Any, Any]]]:
    """Return the entries that stand beside an answer instead of in it, each as an answer, with their places."""
    beside = []
    for found in objects:
        if found.quoted or form.key in found.value or form.entry not in found.value:
            continue
        answer = {form.key: [found.value]}
        try:
            form.parse(without_fences(answer))
        except Unreadable:
            continue
        beside.append((found.start, answer))
    return beside


def _ends_in_json(text: str, answers: Sequence[JsonObject]) -> bool:
    """Whether a text that was cut off had begun another object after its last answer."""
    last = max((found.end for found in answers), default=0)
    rest = text[last:]
    return re.search(r'\{\s{0,200}+(?:"|$)', rest) is not None and rest.count("{") > rest.count("}")


def _repaired(broken: BrokenPart, form: JsonForm[T]) -> T:
    """Return what json-repair makes of a part that is not quite JSON, if nothing of it is lost or mixed up."""
    part = broken.text
    problem = _not_json(part)
    if broken.cut or not part.startswith(("{", "[")):
        raise Unreadable(problem)
    value = _loaded(part)
    if isinstance(value, list) and value and part.startswith("["):
        value = {form.key: value}
    if not isinstance(value, dict) or not isinstance(value.get(form.key), list):
        raise Unreadable(problem)
    written = len(re.findall(rf"""(?<!\\)["'\u201c]{form.entry}["'\u201d]\s{{0,50}}+:""", part))
    try:
        read = form.parse(value)
    except Unreadable:
        raise Unreadable(problem) from None
    if written > len(value[form.key]) or not form.is_whole(read):
        raise Unreadable(problem)
    if not (value[form.key] or broken.alone):
        raise Unreadable(problem)
    return read


def _loaded(part: str) -> Any:
    """Return what json-repair makes of a text, None where it may not or cannot have a try."""
    if not repairable(part):
        return None
    from json_repair import loads  # noqa: PLC0415 - needed by few replies

    try:
        return without_fences(loads(part))
    except (ValueError, RecursionError):
        return None


def _nothing_read(objects: Sequence[JsonObject], form: JsonForm[T]) -> str:
    """Return what is wrong with a reply without an answer: what its last object lacks, or that it has none."""
    if objects:
        try:
            form.parse(objects[-1].value)
        except Unreadable as error:
            return str(error)
    return "it holds no JSON object."


def _not_json(part: str) -> str:
    try:
        decode(part)
    except ValueError as error:
        return f"it is not valid JSON ({error})."
    return "it is not the JSON object that was asked for."
