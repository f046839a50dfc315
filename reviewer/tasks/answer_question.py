"""Answer a question about a change, in Markdown.

The result names the files that the model was not shown. The answer is model text: whoever posts it must neutralise it.
The model may look things up first. One call for each look, and one more if a reply is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reviewer.domain.change import Change
from reviewer.domain.findings import Skipped
from reviewer.domain.settings import Settings
from reviewer.llm.messages import Ask, Prompt
from reviewer.llm.usage import Usage
from reviewer.safety.fencing import without_fence
from reviewer.safety.redaction import redact
from reviewer.safety.shortening import CUT
from reviewer.tasks.context.related import gather_related
from reviewer.tasks.conversation.follow_ups import MAX_LOOKS, Division, SmallerPrompt, ask_and_read
from reviewer.tasks.conversation.json_candidates import decode
from reviewer.tasks.conversation.json_replies import Unreadable
from reviewer.tasks.conversation.layout import AskKind
from reviewer.tasks.conversation.markdown_fences import without_markdown_block, wrapped
from reviewer.tasks.conversation.prompts import Prompter, fence_of
from reviewer.tasks.lookups.handler import LookupHandler
from reviewer.tasks.lookups.requests import is_only_a_request
from reviewer.tasks.planning.chunks import Chunk, chunk, halves
from reviewer.tasks.planning.file_filter import select

#: Tokens of diff in the prompt. It fits the context window of every model, with room for the reply.
QUESTION_TOKENS = 60_000


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """The model's answer in Markdown, the files it was not shown, and the cost."""

    text: str
    skipped: tuple[Skipped, ...]
    usage: Usage
    models: tuple[str, ...]


def answer_question(
    change: Change,
    settings: Settings,
    question: str,
    ask: Ask,
    *,
    salt: bytes,
    kind: AskKind = AskKind.QUESTION,
    posted: str = "",
) -> QuestionAnswer:
    """Answer a question about the change. Raises ModelError if there is no answer. `salt` is as in `review`.

    Of another `kind`, `question` is what is known of the checks that failed, or empty. `posted` are the findings that
    stand on the pull request, a line for each.
    """
    files, skipped = select(change.diff, settings.review)
    chunks, unfit = chunk(files)
    shown, left_out = _joined(chunks)
    gathered = gather_related(change, [shown])
    change = replace(change, head=gathered.head)
    prompter = Prompter(change, settings, fence_of(salt, change), gathered.related)
    look = LookupHandler.of(change, prompter.fence, library=gathered.library)

    def divide(_: Prompt) -> Division[str] | None:
        """Show only the first half of the change, if the model used up its tokens on the whole of it."""
        kept, *rest = halves(shown)
        left = tuple(path for half in rest for path in half.paths if path not in kept.paths)
        half = SmallerPrompt(prompter.ask(kept, question, kind, posted), read_answer)
        return Division((half,), lambda texts: texts[0], left) if rest else None

    batch = [(prompter.ask(shown, question, kind, posted), read_answer)]
    (answer,) = ask_and_read(batch, ask, look=look, divide=divide, follow_ups=MAX_LOOKS + 1)
    if answer.value is None:
        raise answer.error or AssertionError("an answer has a text or an error")
    not_shown = tuple(Skipped(path, "the model could not think about the whole change at once") for path in answer.lost)
    everything = (*skipped, *unfit, *left_out, *not_shown)
    return QuestionAnswer(answer.value, everything, answer.usage, tuple(sorted(answer.models)))


def read_answer(text: str, *, complete: bool) -> str:
    """Return the answer without secrets. Raises Unreadable when there is none, or it only asks to see code."""
    if is_only_a_request(text):
        raise Unreadable("it asks to see more code, and there is no more to see. Answer from what you have seen.")
    text = redact(without_fence(_unpacked(text.strip())))[0]
    if not text:
        raise Unreadable("there was no answer")
    return text if complete else f"{text}\n\n{CUT}"


#: Keys under which a model may put the whole of its answer.
_ANSWER_KEYS = ("answer", "response", "reply", "markdown", "text", "content")


def _unpacked(text: str) -> str:
    """Return the Markdown of an answer that is wrapped as a whole: in a block of Markdown, or in JSON."""
    plain, block = without_markdown_block(text), wrapped(text)
    inner = block.inner.strip() if block is not None and block.info.lower() == "json" else plain
    return _in_json(inner) or plain


def _in_json(text: str) -> str:
    """Return the text of a JSON object that holds an answer and nothing else; empty where it is none."""
    try:
        value = decode(text) if text.startswith("{") else None
    except ValueError:
        return ""
    if not isinstance(value, dict) or not {*value} <= {*_ANSWER_KEYS, "verdict", "suggestion"}:
        return ""
    found = [value[key] for key in _ANSWER_KEYS if isinstance(value.get(key), str)]
    return found[0].strip() if len(found) == 1 else ""


def _joined(chunks: Sequence[Chunk]) -> tuple[Chunk, list[Skipped]]:
    """Join the first chunks into one that fits the prompt; return the files of the other chunks as skipped."""
    kept: list[Chunk] = []
    left_out: list[Skipped] = []
    for part in chunks:
        if sum(other.tokens for other in kept) + part.tokens <= QUESTION_TOKENS:
            kept.append(part)
        else:
            left_out += [Skipped(path, "the change is too large to be shown whole") for path in part.paths]
    return Chunk.of(section for part in kept for section in part.sections), left_out
