r"""Remove the thinking from an assistant message, and find a tool call that leaked into it.

MiniMax's models think inside the content, between `<think>` and `</think>`; MiniMax-M3 writes `<mm:think>` on some
hosts (https://github.com/MiniMax-AI/MiniMax-Provider-Verifier/issues/17), and `(think)` is reported for M2
(https://github.com/MiniMax-AI/MiniMax-M2/issues/105). Hosts deliver broken forms of these blocks: without the opening
tag (the chat template puts it in the prompt), without the closing tag, twice, or in the middle of JSON. An answer about
code may also quote the tags as text; those must stay.

A tool call in the model's own syntax leaks into the text now and then, although no tool was offered
(https://github.com/MiniMax-AI/MiniMax-M3/issues/31, https://github.com/MiniMax-AI/MiniMax-M2.5/issues/10).

Other hosts send the thinking in fields of its own, or text and thinking as typed parts of a list
(https://docs.mistral.ai/capabilities/reasoning, https://github.com/vercel/ai/issues/13703).

Returns a part of the message without thinking, or an empty text. Never repairs the answer itself. Each character is
looked at a fixed number of times, however many tags there are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from reviewer.safety.quotations import Quotations

_TAG = re.compile(
    r"<\s{0,5}+(?P<close>/?)\s{0,5}+(?:[a-z]\w{0,19}+:)?(?:think(?:ing)?|thoughts?|reasoning)(?:\s[^<>/]{0,200}+)?"
    r"\s{0,5}+(?P<alone>/?)>"
    r"|\((?P<closed>/?)think(?:ing)?\)",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"\s{0,2000}+(?:\{|```|<test\b)")
_ANSWER_AFTER_CODE = re.compile(r"\s{0,2000}+(?:\{|```\w|<test\b)")
_TEST = re.compile(r"\s{0,2000}+<test\b")

_LEAK = re.compile(
    r"\]<\]\s{0,5}+minimax\s{0,5}+\[>\["
    r"|</?minimax:tool_calls?\b|minimax:tool_call\b"
    r"|</?tool_calls?>|\[/?TOOL_CALLS?\]|<\|/?tool_calls?(?:_begin|_end)?\|>"
    r"|</?function_calls?>|<?\binvoke name=[\"']",
    re.IGNORECASE,
)

# What ends a sentence, or stands before the answer for another reason; how no answer begins, but a cut one does.
_SENTENCE_ENDS = set(".!?:;…。！？)]}\"'`*_>|")  # noqa: RUF001 - the model may think in Chinese
_MID_SENTENCE = re.compile(r"[a-z,.;:)\]}]")
_SHORTEST_SENTENCE = 3  # words
# A block within a line that is longer than this is thinking, not a sentence about the tags.
_LONGEST_MENTION = 60


_THOUGHTS = ("thinking", "reasoning", "summary", "text")


def parts_of(message: Mapping[str, Any]) -> tuple[str, str]:
    """Return the text and the thinking of a message or of a piece of one; each is empty where there is none."""
    content = message.get("content")
    if isinstance(content, str):
        return content, _thinking_beside(message, ())
    parts = content if isinstance(content, list) else []
    return "".join(_typed_text(part, ("text", "output_text")) for part in parts), _thinking_beside(message, parts)


def _typed_text(part: Any, types: Collection[str]) -> str:
    text = part.get("text") if isinstance(part, dict) and part.get("type") in types else ""
    return text if isinstance(text, str) else ""


def _thinking_beside(message: Mapping[str, Any], parts: Sequence[Any]) -> str:
    """Return the thinking of the first place that has any, because they repeat each other."""
    for name in ("reasoning_content", "reasoning"):
        if isinstance(found := message.get(name), str) and found:
            return found
    details = message.get("reasoning_details")
    for thoughts in (details if isinstance(details, list) else [], parts):
        if found := "".join(map(_thought_part, thoughts)):
            return found
    return ""


def answer_at_end(thinking: str) -> str:
    """Return the JSON object with which the thinking ends, empty where anything follows it.

    A host that misses the end of the thinking takes the answer for a part of it:
    https://github.com/vllm-project/vllm/issues/36632 and others.
    """
    text = thinking.rstrip()
    start = text.rfind("\n{") + 1
    return text[start:] if text.endswith("}") and text.startswith("{", start) else ""


def _thought_part(part: Any) -> str:
    """Return the thinking of a part, whose text may again be a list of parts."""
    if not isinstance(part, dict) or part.get("type") in ("text", "output_text"):
        return ""
    inner = next((part[name] for name in _THOUGHTS if part.get(name)), "")
    if isinstance(inner, str):
        return inner
    return "".join(_typed_text(part, ("text", "summary_text")) for part in (inner if isinstance(inner, list) else ()))


def strip_reasoning(content: str, *, separate: bool = False) -> str:
    """Return the answer in `content` without white space at both ends; empty if there is only thinking.

    `separate` says that the host delivered the thinking separately: then a tag counts only if it cannot be a quoted
    one.
    """
    answer = _without_blocks(content)
    trusted = not separate and answer == content
    return _after_thinking(answer, trusted=trusted).strip()


def begins_in_reasoning(content: str, answer: str, thinking: str = "") -> bool:
    """Whether the beginning of the answer was lost: it goes on with a sentence that the thinking began.

    `thinking` is what the host delivered separately.
    """
    if _MID_SENTENCE.match(answer) is None:
        return False
    text = content.rstrip()
    before = text[: len(text) - len(answer)] if text.endswith(answer) else ""
    if not before.strip():
        before = thinking if before == "" else ""
    elif (end := _last_tag(before)) is None:
        return False
    else:
        before = before[:end]
    sentence = before.rstrip(" \t")[-400:].rpartition("\n")[2].split()
    return len(sentence) >= _SHORTEST_SENTENCE and sentence[-1][-1] not in _SENTENCE_ENDS


def leak_in(answer: str, shown: Iterable[str]) -> re.Match[str] | None:
    """Return the first mark of a leaked tool call, None if there is none.

    A reply about code with such marks may quote them: in a string of JSON, in code, or where what was `shown` to the
    model has them, too.
    """
    place, position = Quotations(), 0
    texts = list(shown)
    may_quote: dict[str, bool] = {}
    in_json: re.Match[str] | None = None
    for leak in _LEAK.finditer(answer):
        place.add(answer[position : leak.start()])
        position = leak.start()
        bare = leak[0].strip("<>/[]|")
        if bare not in may_quote:
            may_quote[bare] = any(bare in text for text in texts)
        if place.in_string:
            in_json = in_json or leak
        elif not may_quote[bare] and not _ends_quotation(answer, leak.end(), place):
            return leak
    place.add(answer[position:])
    # A string of JSON that is never closed quotes nothing: the call leaked into the middle of it.
    return in_json if place.depth else None


def _ends_quotation(text: str, position: int, place: Quotations) -> bool:
    """Whether the code that we are in ends further down."""
    if place.fence:
        return text.find(f"\n{place.fence}", position) >= 0
    end = text.find("\n", position)
    return place.in_code and text.find("`", position, len(text) if end < 0 else end) >= 0


def _last_tag(text: str) -> int | None:
    """Return where the tag begins that the text ends with, not counting spaces; None if there is none."""
    bare = text.rstrip(" \t")
    ends = [tag.start() for tag in _TAG.finditer(bare, max(0, len(bare) - 300)) if tag.end() == len(bare)]
    return ends[-1] if ends else None


def _is_close(tag: re.Match[str]) -> bool:
    return bool(tag["close"] or tag["closed"])


def _without_blocks(text: str) -> str:
    """Remove every `<think>...</think>`, and everything after a block that is not closed."""
    return _strip(text, from_the_start=False, trusted=False)


def _after_thinking(text: str, *, trusted: bool) -> str:
    """Return what follows the last `</think>` that has no opening tag; all of the text if there is none.

    `trusted`: accept the first one anywhere, because in `reasoning</think>answer` nothing else marks it.
    """
    return _strip(text, from_the_start=True, trusted=trusted)


def _strip(text: str, *, from_the_start: bool, trusted: bool) -> str:
    """Remove the blocks; with `from_the_start`, also what a closing tag without an opening one ends."""
    kept = _Kept()
    position, inside = 0, False
    for tag, following in _with_following(text):
        if inside:
            inside = not _is_close(tag)
            position = tag.end()
            continue
        kept.add(text[position : tag.start()])
        position = tag.end()
        if tag["alone"]:
            kept.add("" if kept.expects_markup() else tag[0])
            continue
        if from_the_start and _is_close(tag) and kept.ends_thinking(tag, trusted=trusted):
            kept, trusted = _Kept(), False
            continue
        inside = not _is_close(tag) and (kept.expects_markup() or kept.holds_thinking(tag, following))
        if not inside:
            kept.add(tag[0])
            kept.mentions = kept.mentions or not _is_close(tag)
    if not inside:
        kept.add(text[position:])
    return kept.text()


def _with_following(text: str) -> Iterator[tuple[re.Match[str], re.Match[str] | None]]:
    """Yield each tag with the one after it."""
    last: re.Match[str] | None = None
    for tag in _TAG.finditer(text):
        if last is not None:
            yield last, tag
        last = tag
    if last is not None:
        yield last, None


class _Kept:
    """The text before a tag, piece by piece, and what decides whether the tag is markup."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._place = Quotations()
        self._end = ""  # the end of the text, without white space
        self.mentions = False  # whether it speaks of an opening tag

    def add(self, piece: str) -> None:
        """Put a piece at the end."""
        if not piece:
            return
        self._pieces.append(piece)
        self._place.add(piece)
        self._end = piece.rstrip()[-1:] or self._end

    def text(self) -> str:
        """Return all pieces."""
        return "".join(self._pieces)

    def expects_markup(self) -> bool:
        """Whether a tag here is markup, not text: at the start, in JSON outside its strings, or at a line's start."""
        place = self._place
        if not place.begun:
            return True
        if place.depth:
            return not place.in_string
        return not place.quoted and place.last == "\n"

    def holds_thinking(self, tag: re.Match[str], following: re.Match[str] | None) -> bool:
        """Whether a tag within a line of prose opens a block of thinking, and is not a mention of the tag."""
        if self._place.quoted or following is None or not _is_close(following) or tag["closed"] is not None:
            return False
        inside = tag.string[tag.end() : following.start()]
        if self._end in ".!?":
            return True
        # A closing tag on a line of its own ends all thinking so far, and this tag is spoken of in it.
        return not inside.endswith("\n") and (len(inside) > _LONGEST_MENTION or inside.rstrip()[-1:] in set(".!?"))

    def ends_thinking(self, tag: re.Match[str], *, trusted: bool) -> bool:
        """Whether this closing tag ends thinking that has no opening tag."""
        place = self._place
        if place.depth:
            alone = place.last == "\n" and tag.string[tag.end() : tag.end() + 1] in ("", "\n", "\r")
            return alone or self.expects_markup()
        if place.in_test:
            return _TEST.match(tag.string, tag.end()) is not None
        answer = _ANSWER_AFTER_CODE if place.fence else _ANSWER
        answers = answer.match(tag.string, tag.end()) is not None
        quoted = place.quoted or place.last == "`" or (self.mentions and self._end not in ".!?")
        return self.expects_markup() or answers or (trusted and not quoted)
