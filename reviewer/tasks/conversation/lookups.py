"""Answer the model's requests to see code before it replies: lines of files, and the places of words.

Only regular files inside the repository, at head or base, within limits on items, lines and tokens. The same request
gets the same answer to the byte. What is found is untrusted and is fenced. Never runs anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reviewer.diff.model import Side
from reviewer.domain.sources import Sources, is_unsafe_path
from reviewer.llm.messages import Message, Prompt, Reply
from reviewer.llm.models import planned_tokens
from reviewer.safety.prompt_text import printable_path
from reviewer.tasks.context.snippets import numbered
from reviewer.tasks.conversation.json_replies import objects_in
from reviewer.tasks.conversation.prompts import lookup_answer

#: Ranges and words of one request, lines of one range, places of one word, tokens of the answer.
MAX_RANGES, MAX_WORDS, MAX_LINES, MAX_PLACES, MAX_TOKENS = 6, 4, 120, 20, 10_000

_RANGE = re.compile(r"(?P<path>[^:\0\n]{1,500})(?::(?P<first>\d{1,7})(?:-(?P<last>\d{1,7}))?)?")
_WORD = re.compile(r"\w{2,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines of a file, from 1; `side` LEFT is the base."""

    path: str
    first: int
    last: int
    side: Side


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """What the model asked to see, within the limits; invalid entries are left out."""

    ranges: tuple[LineRange, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookupHandler:
    """Answers the requests of one review from its sources. `fence` is as in `Prompter`."""

    sources: Sources
    fence: str

    def __call__(self, prompt: Prompt, reply: Reply) -> Prompt | None:
        """Return the prompt with the code that the reply asks to see; None if it may not ask, or asks for nothing."""
        if not prompt.may_look_up:
            return None
        request = read_request(reply.text, complete=reply.finish_reason == "stop")
        if request is None:
            return None
        text = lookup_answer(render_lookup(request, self.sources), self.fence)
        return prompt.followed_by(Message("assistant", reply.raw or reply.text), Message("user", text))


def read_request(text: str, *, complete: bool) -> LookupRequest | None:
    """Return the lookup that a reply asks for, several joined, None when it asks for none."""
    objects = objects_in(text, complete=complete)
    requests = [value for value in objects if value and value.keys() <= {"read", "search"}]
    if not requests:
        return None
    ranges = (_range(item) for value in requests for item in _strings(value.get("read")))
    words = (word.strip().strip("()") for value in requests for word in _strings(value.get("search")))
    return LookupRequest(
        tuple(dict.fromkeys(span for span in ranges if span))[:MAX_RANGES],
        tuple(dict.fromkeys(word for word in words if _WORD.fullmatch(word)))[:MAX_WORDS],
    )


def _strings(value: Any) -> list[str]:
    items = [value] if isinstance(value, str) else value
    return [item for item in items if isinstance(item, str)][:50] if isinstance(items, list) else []


def _range(item: str) -> LineRange | None:
    bare = item.strip().removeprefix("base:")
    match = _RANGE.fullmatch(bare)
    if match is None or is_unsafe_path(match["path"]):
        return None
    first = max(1, int(match["first"] or 1))
    last = int(match["last"] or (first if match["first"] else MAX_LINES))
    side = Side.LEFT if item.strip().startswith("base:") else Side.RIGHT
    return LineRange(match["path"], first, max(first, min(last, first + MAX_LINES - 1)), side)


def render_lookup(request: LookupRequest, sources: Sources) -> str:
    """Return the lines that were asked for, and the places of the words, until MAX_TOKENS are full."""
    parts = [_read(request.ranges, sources, side) for side in (Side.RIGHT, Side.LEFT)]
    texts = [*parts[0], *parts[1], *_search(request.words, sources)]
    kept: list[str] = []
    room = MAX_TOKENS
    for text in texts:
        size = planned_tokens(text)
        kept.append(text if size <= room else text.split("\n", 1)[0] + "\n(left out: too long)")
        room -= min(size, room)
    return "\n\n".join(kept) or "(nothing of this can be looked up)"


def _read(ranges: Sequence[LineRange], sources: Sources, side: Side) -> list[str]:
    requested = [span for span in ranges if span.side is side]
    texts = sources.read([span.path for span in requested], side) if requested else {}
    return [_lines(span, texts.get(span.path)) for span in requested]


def _lines(span: LineRange, text: str | None) -> str:
    where = "before the change" if span.side is Side.LEFT else "at the head"
    title = f"### {printable_path(span.path)}, {where}"
    if text is None:
        return f"{title}\n(no such file)"
    lines = text.removesuffix("\n").split("\n")
    numbers = range(span.first, min(span.last, len(lines)) + 1)
    shown = "\n".join(numbered(numbers, lines)) if numbers else f"(it has {len(lines)} lines)"
    return f"{title}, {len(lines)} lines in all\n{shown}"


def _search(words: Sequence[str], sources: Sources) -> list[str]:
    hits = sources.search(words) if words else ()
    parts = []
    for word in words:
        places = [hit for hit in hits if re.search(rf"(?<!\w){word}(?!\w)", hit.text)]
        rows = [
            f"{printable_path(hit.path)}:{numbered([1], [hit.text])[0].replace('    1', str(hit.line))}"
            for hit in places
        ]
        more = f"\n(and {len(places) - MAX_PLACES} more)" if len(places) > MAX_PLACES else ""
        found = "\n".join(rows[:MAX_PLACES]) or "(nowhere)"
        parts.append(f"### The word {word}\n{found}{more}")
    return parts
