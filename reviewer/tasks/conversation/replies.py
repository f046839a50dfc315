"""Parse model replies of each task, and validate every entry.

A reply that cannot be read raises `Unreadable` with the words for a repair turn; it never counts as "no findings". A
bad item is dropped alone, not with its reply; a bad field alone, where the item says without it what is wrong, and
where. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reviewer.domain.findings import Category, Rejected, TestSuggestion
from reviewer.domain.severity import Severity
from reviewer.safety.fencing import without_fence
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.answer_fields import (
    category_word,
    joined_text,
    named_as_asked,
    number_or_none,
    replacement,
    severity_or_none,
    severity_word,
    text_or_none,
    verdict_word,
)
from reviewer.tasks.conversation.json_replies import JsonForm, Unreadable, read_json
from reviewer.tasks.conversation.markdown_fences import unfence

#: Findings of one reply that are read: each is looked for in the diff. A good reply has a tenth of them.
MAX_FINDINGS = 200


class RawFinding(BaseModel):
    """One finding as the model wrote it, not checked yet. `claim` is often left out."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(min_length=1)
    line: Annotated[int | None, BeforeValidator(number_or_none)] = None
    quote: Annotated[str, BeforeValidator(joined_text)] = ""
    severity: Annotated[Severity, BeforeValidator(severity_word)] = Severity.WARNING
    category: Annotated[Category, BeforeValidator(category_word)] = Category.BUG
    title: str = Field(min_length=1)
    body: Annotated[str, BeforeValidator(joined_text)] = ""
    suggestion: Annotated[str | None, BeforeValidator(replacement)] = None
    claim: Annotated[str | None, BeforeValidator(text_or_none)] = None
    preference: Annotated[int | None, BeforeValidator(number_or_none)] = None


class RawVerdict(BaseModel):
    """One verdict as the model wrote it. The last three are optional."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[int, BeforeValidator(number_or_none)]
    verdict: Annotated[str, BeforeValidator(verdict_word)]
    reason: Annotated[str, BeforeValidator(joined_text)] = ""
    case: Annotated[str | None, BeforeValidator(lambda value: value if isinstance(value, str) else None)] = None
    refuted_if: Annotated[str | None, BeforeValidator(text_or_none)] = None
    severity: Annotated[Severity | None, BeforeValidator(severity_or_none)] = None


@dataclass(frozen=True, slots=True)
class FindingsReply:
    """A readable answer to `findings` or `refactor`. `spared`: findings that lack a field which did not fit."""

    summary: str
    findings: tuple[RawFinding, ...]
    rejected: tuple[Rejected, ...]
    spared: int = 0


def _as_findings(value: Mapping[str, Any]) -> FindingsReply:
    if not isinstance(value.get("findings"), list):
        raise Unreadable('the object must have the keys "summary" (a string) and "findings" (a list).')
    good: list[RawFinding] = []
    bad: list[Rejected] = []
    problem, spared = "", 0
    for item in value["findings"][:MAX_FINDINGS]:
        try:
            finding, is_whole = _finding(item)
            good.append(finding)
            spared += not is_whole
        except ValidationError as error:
            problem = _validator_words(error)
            known = item if isinstance(item, dict) else {}
            bad.append(
                Rejected("malformed", _start(known.get("path", ""), 300), _start(known.get("title", ""), 200), problem)
            )
    if bad and not good:
        raise Unreadable(f'no entry of "findings" is usable: {problem}')
    if (over := len(value["findings"]) - MAX_FINDINGS) > 0:
        bad.append(Rejected("too many", "", f"{over:,} more findings", f"of one reply, {MAX_FINDINGS} are read"))
    summary = value.get("summary")
    return FindingsReply(summary if isinstance(summary, str) else "", tuple(good), tuple(bad), spared)


#: Fields that a finding can do without.
_DISPENSABLE = frozenset({"severity", "category", "title", "body", "suggestion"})


def _finding(item: Any) -> tuple[RawFinding, bool]:
    """Return the finding, and whether each of its fields fits. Raises ValidationError.

    Where it quotes code and says what is wrong, the field that does not fit is left out instead of the finding.
    """
    item = named_as_asked(item) if isinstance(item, dict) else item
    try:
        return RawFinding.model_validate(item), True
    except ValidationError as error:
        wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
        spoken = [item.get(key) for key in ("title", "body", "claim")] if isinstance(item, dict) else []
        title = next((text for text in spoken if isinstance(text, str) and text.strip()), "")
        if not (wrong and wrong <= _DISPENSABLE and item.get("quote") and title):
            raise
        kept = {key: entry for key, entry in item.items() if key not in wrong}
        return RawFinding.model_validate({"title": title, **kept}), False


def join_findings(replies: Sequence[FindingsReply]) -> FindingsReply:
    """Join several answers. A finding that is repeated counts once, in its last form."""
    findings: dict[tuple[str, str, str], RawFinding] = {}
    for reply in replies:
        for finding in reply.findings:
            place = " ".join(finding.quote.split()) or str(finding.line)
            findings[finding.path, place, finding.title.casefold().strip(" .")] = finding
    rejected = dict.fromkeys(rejected for reply in replies for rejected in reply.rejected)
    summary = next((reply.summary for reply in replies if reply.summary), "")
    return FindingsReply(summary, tuple(findings.values()), tuple(rejected), sum(reply.spared for reply in replies))


_FINDINGS = JsonForm(
    "findings", "path", _as_findings, join_findings, lambda reply: not (reply.rejected or reply.spared)
)


def read_findings(text: str, *, complete: bool = True) -> FindingsReply:
    """Read the answer to `findings` or `refactor`. `complete`: the finish reason is `stop`."""
    return read_json(text, _FINDINGS, complete=complete)


def _start(value: Any, most: int) -> str:
    """Return the beginning of a value as text, without secrets."""
    return redact(str(value))[0][:most]


@dataclass(frozen=True, slots=True)
class _VerdictsReply:
    """The verdicts of one object, and how many entries were unusable."""

    verdicts: tuple[RawVerdict, ...]
    unusable: int


def _as_verdicts(value: Mapping[str, Any]) -> _VerdictsReply:
    if not isinstance(value.get("verdicts"), list):
        raise Unreadable('the object must have the key "verdicts" (a list).')
    verdicts: list[RawVerdict] = []
    problem = ""
    for item in value["verdicts"]:
        try:
            verdicts.append(RawVerdict.model_validate(item))
        except ValidationError as error:
            problem = _validator_words(error)
    if problem and not verdicts:
        raise Unreadable(f'no entry of "verdicts" is usable: {problem}')
    return _VerdictsReply(tuple(verdicts), len(value["verdicts"]) - len(verdicts))


def _join_verdicts(replies: Sequence[_VerdictsReply]) -> _VerdictsReply:
    verdicts = tuple(verdict for reply in replies for verdict in reply.verdicts)
    return _VerdictsReply(verdicts, sum(reply.unusable for reply in replies))


_VERDICTS = JsonForm("verdicts", "id", _as_verdicts, _join_verdicts, lambda reply: not reply.unusable)


def read_verdicts(text: str, *, complete: bool = True) -> dict[int, RawVerdict]:
    """Read the answer to `verify`: verdicts by the number of the claim.

    Two verdicts that contradict each other are Unreadable.
    """
    verdicts: dict[int, RawVerdict] = {}
    for verdict in read_json(text, _VERDICTS, complete=complete).verdicts:
        earlier = verdicts.setdefault(verdict.id, verdict)
        if earlier.verdict != verdict.verdict:
            raise Unreadable(f"it has two different verdicts on claim {verdict.id}.")
    return verdicts


def _validator_words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the entry'}: {first['msg']}."


_QUOTED = r"""(?:[^>"'\n]|"[^"\n]*+"|'[^'\n]*+')*+"""
_TEST_TAG = re.compile(
    rf"^[ \t]*+(?:<test\s(?P<attributes>{_QUOTED})>|(?P<end></test>)[ \t\r]*+$)", re.MULTILINE | re.IGNORECASE
)
_LATE_END = re.compile(r"</test>[ \t\r]*+$", re.MULTILINE | re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<!\w)(\w{1,40}+)\s{0,20}+=\s{0,20}+(?:"([^"]*)"|'([^']*)'|([^\s"'>]{1,300}+))""")
_NONE = re.compile(r"NONE\s*(?:$|[.:;,!(\n\u2013\u2014-])|none\s*(?:$|[.:!\n])", re.IGNORECASE)
_UNCLOSED = 'it holds no <test path="..." covers="..."> element that is closed by </test>.'


def read_tests(text: str, *, complete: bool = True) -> tuple[TestSuggestion, ...]:
    """Read the answer to `tests`. NONE and an empty answer mean no tests; another answer without a test is Unreadable.

    A last file without its closing tag, in a reply that was cut off, is left out, unless it is the only one.
    """
    text = without_fence(text)
    found: list[TestSuggestion] = []
    opened: re.Match[str] | None = None
    for tag in _TEST_TAG.finditer(text):
        if opened is not None:
            end = tag.start() if tag["end"] else _late_end(text, opened.end(), tag.start())
            found.append(_test(opened, text[opened.end() : end]))
        elif tag["end"]:
            raise Unreadable("it holds a </test> without the <test> that it closes.")
        opened = None if tag["end"] else tag
    if opened is not None and (complete or not found or _LATE_END.search(text, opened.end())):
        found.append(_test(opened, text[opened.end() : _late_end(text, opened.end(), len(text))]))
    if found or (complete and _says_none(text)):
        return tuple(found)
    raise Unreadable(_UNCLOSED)


def _late_end(text: str, start: int, end: int) -> int:
    """Return where the file ends whose closing tag stands at the end of a line of code. Raises Unreadable."""
    ends = list(_LATE_END.finditer(text, start, end))
    if not ends:
        raise Unreadable(_UNCLOSED)
    return ends[-1].start()


def _test(opened: re.Match[str], contents: str) -> TestSuggestion:
    written = _ATTRIBUTE.findall(opened["attributes"][:4000])
    attributes = {name.lower(): "".join(values) for name, *values in written}
    path, covers = _path(attributes.get("path", "")), _path(attributes.get("covers", ""))
    code = _unfenced(_bare(contents))
    if not path or not code.strip():
        raise Unreadable("a <test> element has no path or no code.")
    return TestSuggestion(path, covers, code)


def _path(written: str) -> str:
    """Return a path as git writes it, without quotes and steps that lead nowhere."""
    path = written.strip().strip("`'\"").strip()
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def _bare(contents: str) -> str:
    """Return the code of a file without a section of character data round the whole of it."""
    code = contents.strip()
    if code.startswith("<![CDATA[") and code.endswith("]]>"):
        return code.removeprefix("<![CDATA[").removesuffix("]]>").strip("\r\n")
    first, _, rest = contents.partition("\n")
    return contents if first.strip() else rest


def _says_none(text: str) -> bool:
    """Whether the reply says that there are no tests: NONE alone, with a remark, or at its end."""
    bare = text.strip(" \t\r\n`*_.\"'")
    return not bare or _NONE.match(bare) is not None or bare.rpartition("\n")[2].strip(" \t\r`*_.") == "NONE"


def _unfenced(code: str) -> str:
    """Return the code with a newline at its end, and without a Markdown fence round the whole of it."""
    return unfence(code).rstrip() + "\n"
