"""Add a sentence to `review.instructions` in the text of a settings file, and leave all else as it is. Pure.

Promises: the result reads as before but for that sentence, or there is none: each edit is read again and compared.
"""

from __future__ import annotations

import re
from typing import Any

from reviewer.domain.settings_parts.yaml_text import read_yaml

_REVIEW = re.compile(r"review:[ \t]*(?:#[^\n]*)?")
_BLOCK = re.compile(r"[|>][-+]?[ \t]*(?:#[^\n]*)?")


def with_instruction(text: str, sentence: str) -> str | None:
    """Return the settings file with the sentence at the end of the instructions for all files.

    None where the file cannot be read, says it already, or is written in a way that cannot be added to safely.
    """
    before = read_yaml(text)
    data = {} if before.value is None else before.value
    if before.problems or not isinstance(data, dict) or not isinstance(data.get("review") or {}, dict):
        return None
    written = (data.get("review") or {}).get("instructions") or ""
    if not isinstance(written, str) or says(written, sentence):
        return None
    edited = _edited(text.splitlines(), written, sentence)
    if edited is None:
        return None
    new = "\n".join(edited) + "\n"
    return new if _reads_as(new, data, written, sentence) else None


def says(text: str, sentence: str) -> bool:
    """Whether the text holds the sentence, however its lines are broken."""
    return _flat(sentence) in _flat(text)


def _edited(lines: list[str], written: str, sentence: str) -> list[str] | None:
    """Return the lines with the sentence, in a block of their own form where there is one."""
    at = next((number for number, line in enumerate(lines) if _REVIEW.fullmatch(line)), None)
    if at is None:
        if any(line.startswith("review") for line in lines):
            return None  # in one line, with quotes or braces
        return [*lines, *([""] if lines and lines[-1].strip() else []), "review:", *_block("  ", "", sentence)]
    end = _end_of(lines, at + 1, 0)
    indent = next((_indent(line) for line in lines[at + 1 : end] if _is_text(line)), "  ")
    place = next((n for n in range(at + 1, end) if lines[n].startswith(f"{indent}instructions:")), None)
    if place is None:
        return [*lines[: at + 1], *_block(indent, "", sentence), *lines[at + 1 :]]
    value, after = lines[place].partition(":")[2].strip(), _end_of(lines, place + 1, len(indent))
    if not _BLOCK.fullmatch(value):
        return [*lines[:place], *_block(indent, written, sentence), *lines[after:]]
    last = next((n for n in range(after - 1, place, -1) if lines[n].strip()), place)
    inner = next((_indent(lines[n]) for n in range(place + 1, last + 1) if lines[n].strip()), f"{indent}  ")
    gap = [""] if value.startswith(">") and last > place else []  # a folded block joins neighbours
    return [*lines[: last + 1], *gap, f"{inner}{sentence}", *lines[last + 1 :]]


def _block(indent: str, written: str, sentence: str) -> list[str]:
    rows = [*written.splitlines(), sentence]
    return [f"{indent}instructions: |", *(f"{indent}  {row}" if row.strip() else "" for row in rows)]


def _end_of(lines: list[str], start: int, indent: int) -> int:
    """Return the line behind the block that begins there and is indented deeper."""
    for number in range(start, len(lines)):
        if lines[number].strip() and len(_indent(lines[number])) <= indent:
            return number
    return len(lines)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" "))]


def _is_text(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _reads_as(text: str, data: dict[str, Any], written: str, sentence: str) -> bool:
    """Whether the text says what the data did, with the sentence behind the instructions."""
    after = read_yaml(text)
    if after.problems or not isinstance(after.value, dict):
        return False
    new = {name: dict(value) if isinstance(value, dict) else value for name, value in after.value.items()}
    old = {name: dict(value) if isinstance(value, dict) else value for name, value in data.items()}
    instructions = new.get("review", {}).pop("instructions", "")
    old.setdefault("review", {})
    old["review"] = {key: value for key, value in (old["review"] or {}).items() if key != "instructions"}
    return isinstance(instructions, str) and _flat(instructions) == _flat(f"{written} {sentence}") and new == old


def _flat(text: str) -> str:
    return " ".join(text.split())
