"""A question about a change, answered: a change and a question in, Markdown of the model out.

Promises: what the model was not shown is named; the answer is the text of the model, to be neutralised by whoever
posts it. One call, and one more where nothing came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reviewer.domain.change import Change
from reviewer.domain.findings import Skipped
from reviewer.domain.settings import Settings
from reviewer.llm.messages import Ask
from reviewer.llm.usage import Usage
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.follow_ups import ask_and_read
from reviewer.tasks.conversation.prompts import Prompter, fence_of
from reviewer.tasks.conversation.replies import Unreadable
from reviewer.tasks.planning.chunks import Chunk, chunk
from reviewer.tasks.planning.file_filter import select

#: Tokens of diff in the one prompt: what the window of every model holds beside the reply.
QUESTION_TOKENS = 60_000


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """The answer as Markdown of the model, what was not shown to it, and what it cost."""

    text: str
    skipped: tuple[Skipped, ...]
    usage: Usage
    models: tuple[str, ...]


def answer_question(change: Change, settings: Settings, question: str, ask: Ask, *, salt: bytes) -> QuestionAnswer:
    """Answer a question about the change. Raises ModelError when no answer came. `salt` is as in `review`."""
    files, skipped = select(change.diff, settings.review)
    chunks, unfit = chunk(files)
    shown, left_out = _one(chunks)
    prompt = Prompter(change, settings, fence_of(salt, change)).ask(shown, question)
    (answer,) = ask_and_read([(prompt, read_answer)], ask)
    if answer.error:
        raise answer.error
    return QuestionAnswer(str(answer.value), (*skipped, *unfit, *left_out), answer.usage, tuple(sorted(answer.models)))


def read_answer(text: str, *, complete: bool) -> str:
    """Return the answer without secrets. Raises Unreadable when there is none."""
    text = redact(text.strip())[0]
    if not text:
        raise Unreadable("there was no answer")
    return text if complete else f"{text}\n\n[cut]"


def _one(chunks: Sequence[Chunk]) -> tuple[Chunk, list[Skipped]]:
    """Join the first parts of the change into one that fits; name the files of the others."""
    kept: list[Chunk] = []
    left_out: list[Skipped] = []
    for one in chunks:
        if sum(part.tokens for part in kept) + one.tokens <= QUESTION_TOKENS:
            kept.append(one)
        else:
            left_out += [Skipped(path, "the change is too large to be shown whole") for path in one.paths]
    files = tuple(file for part in kept for file in part.files)
    return Chunk(files, "\n".join(part.text for part in kept), sum(part.tokens for part in kept)), left_out
