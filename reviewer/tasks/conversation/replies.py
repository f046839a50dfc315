"""Parse model replies: strict JSON, then fenced blocks, then embedded objects, then json-repair; all are validated.

A reply that cannot be read raises `Unreadable` with the words for a repair turn; it never counts as "no findings". A
bad item is dropped alone, not with its reply. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reviewer.domain.findings import Category, Rejected, TestSuggestion
from reviewer.domain.severity import Severity
from reviewer.safety.fencing import without_fence, without_fences
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.json_candidates import candidates, repairable

T = TypeVar("T")

#: Other words that models use for the three severities and the six categories.
_SEVERITIES = {
    "critical": "error", "blocker": "error", "high": "error", "major": "error", "fatal": "error",
    "medium": "warning", "moderate": "warning", "warn": "warning",
    "low": "info", "minor": "info", "note": "info", "notice": "info", "nit": "info", "suggestion": "info",
}  # fmt: skip
_CATEGORIES = {
    "correctness": "bug", "logic": "bug", "error": "bug", "defect": "bug", "concurrency": "bug", "reliability": "bug",
    "resource": "bug", "compatibility": "bug", "api": "bug", "data": "bug",
    "vulnerability": "security", "perf": "performance", "efficiency": "performance",
    "refactor": "refactoring", "simplification": "refactoring",
    "style": "maintainability", "readability": "maintainability", "documentation": "maintainability",
    "tests": "test", "testing": "test",
}  # fmt: skip


class Unreadable(Exception):
    """The reply is not what was asked for. The message tells the model what to correct."""


def _synonym(words: dict[str, str]) -> Callable[[Any], Any]:
    def mapped(value: Any) -> Any:
        word = value.strip().lower() if isinstance(value, str) else value
        return words.get(word, word) if isinstance(word, str) else word

    return mapped


def _number(value: Any) -> Any:
    """Accept `"12"`, `12.0` and `"10-12"` (its last number) as 12; anything else means no number."""
    if isinstance(value, str):
        digits = re.findall(r"\d+", value[-100:])
        value = int(digits[-1]) if digits else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_LARGEST < value < _LARGEST:
        return None
    return int(value)


#: No line or claim has such a number; infinity, which JSON may spell `1e999`, is no number at all.
_LARGEST = 10**9


def _text(value: Any) -> Any:
    """Accept a list of lines as a text, and null as an empty text."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return "" if value is None else value


def _word_or_none(value: Any) -> Any:
    """Treat an unknown severity as a missing one: the field is optional."""
    word = _synonym(_SEVERITIES)(value)
    return word if isinstance(word, str) and word in set(Severity) else None


def _text_or_none(value: Any) -> Any:
    value = _text(value)
    return value if isinstance(value, str) else None


class RawFinding(BaseModel):
    """One finding as the model wrote it, not checked yet. `claim` is often left out."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(min_length=1)
    line: Annotated[int | None, BeforeValidator(_number)] = None
    quote: Annotated[str, BeforeValidator(_text)] = ""
    severity: Annotated[Severity, BeforeValidator(_synonym(_SEVERITIES))] = Severity.WARNING
    category: Annotated[Category, BeforeValidator(_synonym(_CATEGORIES))] = Category.BUG
    title: str = Field(min_length=1)
    body: Annotated[str, BeforeValidator(_text)] = ""
    suggestion: str | None = None
    claim: Annotated[str | None, BeforeValidator(_text_or_none)] = None


class RawVerdict(BaseModel):
    """One verdict as the model wrote it. The last three are optional."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[int, BeforeValidator(_number)]
    verdict: Annotated[
        str, BeforeValidator(_synonym({"confirm": "confirmed", "valid": "confirmed", "refute": "refuted"}))
    ]
    reason: Annotated[str, BeforeValidator(_text)] = ""
    case: Annotated[str | None, BeforeValidator(lambda value: value if isinstance(value, str) else None)] = None
    refuted_if: Annotated[str | None, BeforeValidator(_text_or_none)] = None
    severity: Annotated[Severity | None, BeforeValidator(_word_or_none)] = None


@dataclass(frozen=True, slots=True)
class FindingsReply:
    """A readable answer to `findings` or `refactor`."""

    summary: str
    findings: tuple[RawFinding, ...]
    rejected: tuple[Rejected, ...]


def read_findings(text: str, *, complete: bool = True) -> FindingsReply:
    """Read the answer to `findings` or `refactor`. `complete`: the finish reason is `stop`."""
    return read_json(text, _as_findings, complete=complete)


def read_verdicts(text: str, *, complete: bool = True) -> dict[int, RawVerdict]:
    """Read the answer to `verify`: verdicts by the number of the claim."""
    return read_json(text, _as_verdicts, complete=complete)


def read_json(text: str, shape: Callable[[Any], T], *, complete: bool) -> T:
    """Return the first reading of the text with that shape, strict ones first; raise Unreadable if there is none.

    json-repair comes last, and only for replies that the model ended itself: it closes a truncated object silently,
    which would turn a cut-off list of findings into a short one.
    """
    problem = "it holds no JSON object."
    for candidate in candidates(text):
        try:
            value = without_fences(json.loads(candidate, strict=False))
        except (ValueError, RecursionError) as error:
            if "{" in candidate:
                problem = f"it is not valid JSON ({error})."
            continue
        try:
            return shape(value)
        except Unreadable as error:
            problem = str(error)
    if complete and (found := re.search(r"[{\[]", text)) and repairable(text):
        from json_repair import loads  # noqa: PLC0415 - needed by few replies

        try:
            return shape(without_fences(loads(text[found.start() :])))
        except (Unreadable, ValueError, RecursionError):
            pass
    if not complete:
        problem = "it was cut off. Say less: only the most important points, in short sentences."
    raise Unreadable(problem)


def _as_findings(value: Any) -> FindingsReply:
    if isinstance(value, list):
        value = {"findings": value}
    if not isinstance(value, dict) or not isinstance(value.get("findings"), list):
        raise Unreadable('the object must have the keys "summary" (a string) and "findings" (a list).')
    good: list[RawFinding] = []
    bad: list[Rejected] = []
    problem = ""
    for item in value["findings"]:
        try:
            good.append(RawFinding.model_validate(item))
        except ValidationError as error:
            problem = _validator_words(error)
            known = item if isinstance(item, dict) else {}
            bad.append(
                Rejected("malformed", _start(known.get("path", ""), 300), _start(known.get("title", ""), 200), problem)
            )
    if bad and not good:
        raise Unreadable(f'no entry of "findings" is usable: {problem}')
    summary = value.get("summary")
    return FindingsReply(summary if isinstance(summary, str) else "", tuple(good), tuple(bad))


def _start(value: Any, most: int) -> str:
    """Return the beginning of a value as text, without secrets."""
    return redact(str(value))[0][:most]


def _as_verdicts(value: Any) -> dict[int, RawVerdict]:
    if isinstance(value, list):
        value = {"verdicts": value}
    if not isinstance(value, dict) or not isinstance(value.get("verdicts"), list):
        raise Unreadable('the object must have the key "verdicts" (a list).')
    verdicts: dict[int, RawVerdict] = {}
    problem = ""
    for item in value["verdicts"]:
        try:
            verdict = RawVerdict.model_validate(item)
        except ValidationError as error:
            problem = _validator_words(error)
        else:
            verdicts[verdict.id] = verdict
    if problem and not verdicts:
        raise Unreadable(f'no entry of "verdicts" is usable: {problem}')
    return verdicts


def _validator_words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the entry'}: {first['msg']}."


_TEST_TAG = re.compile(r"^[ \t]*+(?:<test\s(?P<attributes>[^>\n]*+)>|(?P<end></test>))[ \t\r]*+$", re.MULTILINE)
_ATTRIBUTE = re.compile(r"""(?<!\w)(\w{1,40}+)\s{0,20}+=\s{0,20}+(?:"([^"]*)"|'([^']*)')""")


def read_tests(text: str, *, complete: bool = True) -> tuple[TestSuggestion, ...]:
    """Read the answer to `tests`. NONE and an empty answer mean no tests; another answer without a test is Unreadable.

    A last file without its closing tag was cut off. It is left out, unless it is the only one.
    """
    found: list[TestSuggestion] = []
    text = without_fence(text)
    opened: re.Match[str] | None = None
    for tag in _TEST_TAG.finditer(text):
        if tag["end"] is None:
            opened = tag
            continue
        if opened is not None:
            written = _ATTRIBUTE.findall(opened["attributes"][:4000])
            attributes = {name: first or second for name, first, second in written}
            code = _unfenced(text[opened.end() : tag.start()].removeprefix("\n"))
            if attributes.get("path") and code.strip():
                found.append(TestSuggestion(attributes["path"].strip(), attributes.get("covers", "").strip(), code))
        opened = None
    if found or (complete and text.strip(" \t\r\n`*_.").upper() in ("", "NONE")):
        return tuple(found)
    raise Unreadable('it holds no <test path="..." covers="..."> element that is closed by </test>.')


def _unfenced(code: str) -> str:
    """Return the code with a newline at its end, and without a Markdown fence round the whole of it."""
    return unfence(code).rstrip() + "\n"


def unfence(code: str) -> str:
    """Remove a Markdown fence round the whole of a text, if there is one."""
    lines = code.strip().split("\n")
    if len(lines) > 1 and lines[0].startswith(("```", "~~~")) and lines[-1].strip() == lines[0][:3]:
        return "\n".join(lines[1:-1])
    return code
