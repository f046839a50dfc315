"""Answer what somebody wrote in the thread of a finding: show the failing case, withdraw it, or propose a fix.

The answer is model text: whoever posts it must neutralise it. A suggestion is returned only where it is proven. One
call; more only where the model asks to see code, or its reply cannot be read. `ask` is the only effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reviewer.diff.model import Diff
from reviewer.domain.change import Change
from reviewer.domain.settings import Settings
from reviewer.llm.messages import Ask, Prompt, Task
from reviewer.llm.usage import Usage
from reviewer.safety.prompt_text import code_excerpt, printable_path, prose
from reviewer.tasks.conversation.follow_ups import ask_and_read
from reviewer.tasks.conversation.prompts import Prompter, fence_of
from reviewer.tasks.conversation.thread_replies import ThreadReply, read_thread_reply
from reviewer.tasks.lookups.handler import LookupHandler
from reviewer.tasks.planning.chunks import Chunk, chunk
from reviewer.tasks.recheck import MAX_BODY, MAX_QUOTE, MAX_TITLE, OpenFinding
from reviewer.tasks.verification.anchoring import NotLocated, locate
from reviewer.tasks.verification.suggestions import ProvenSuggestion, prove_suggestion

#: Comments of a thread that are shown, the first ones left out, and characters of each.
MOST_TURNS, LONGEST_TURN = 12, 3_000

#: Calls that may follow the first: to look something up, or to mend a reply that cannot be read.
_FOLLOW_UPS = 2


@dataclass(frozen=True, slots=True)
class ThreadTurn:
    """A comment in a thread; `is_ours`: we wrote it. The text is untrusted."""

    text: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class ThreadTalk:
    """A thread: its finding, what was written since, oldest first, and what is asked.

    `explain`: somebody wants the failing case step by step. `question` is asked beside the thread, or empty. `lines`
    are the first and the last line that a suggestion in the thread would replace, None where the thread is outdated.
    """

    finding: OpenFinding
    turns: tuple[ThreadTurn, ...] = ()
    explain: bool = False
    question: str = ""
    lines: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ThreadAnswer:
    """The answer in Markdown, whether it takes the finding back, a proven suggestion or None, and the cost."""

    text: str
    withdrawn: bool = False
    suggestion: str | None = None
    usage: Usage = field(default_factory=Usage)
    models: tuple[str, ...] = ()


def answer_thread(change: Change, settings: Settings, talk: ThreadTalk, ask: Ask, *, salt: bytes) -> ThreadAnswer:
    """Answer what was written last in the thread. Raises ModelError where there is no answer. `salt` as in `review`."""
    part = _part(change.diff, talk.finding)
    head = _text_of(change, talk.finding.path)
    prompter = Prompter(change, settings, fence_of(salt, change))
    prompt = _prompt(prompter, part, talk, head)
    look = LookupHandler.of(change, prompter.fence)
    (answer,) = ask_and_read([(prompt, read_thread_reply)], ask, look=look, follow_ups=_FOLLOW_UPS)
    if answer.value is None:
        raise answer.error or AssertionError("an answer has a text or an error")
    suggestion = _proven(change.diff, talk, answer.value, head)
    models = tuple(sorted(answer.models))
    return ThreadAnswer(answer.value.answer, answer.value.withdrawn, suggestion, answer.usage, models)


def _part(diff: Diff, finding: OpenFinding) -> Chunk:
    """Return the chunk that shows the finding's file nearest to its line; the first where the file left the diff."""
    own = [file for file in diff.files if file.path == finding.path]
    parts, _ = chunk(own or diff.files)

    def distance(part: Chunk) -> int:
        hunks = [hunk for file in part.files for hunk in file.hunks]
        line = finding.line
        return min((max(h.new_start - line, line - h.new_start - h.new_count, 0) for h in hunks), default=10**9)

    return min(parts, key=distance, default=Chunk.of(()))


def _text_of(change: Change, path: str) -> str | None:
    if path in change.head:
        return change.head[path]
    return change.read_head([path]).get(path)


def _prompt(prompter: Prompter, part: Chunk, talk: ThreadTalk, head: str | None) -> Prompt:
    finding = talk.finding
    shown = talk.turns[-MOST_TURNS:]
    look = bool(prompter.change.sources.paths())
    lines = _replaced(talk, head)
    parts = [
        f"{printable_path(finding.path)}, line {finding.line}",
        code_excerpt(finding.quote, MAX_QUOTE),
        prose(finding.title, MAX_TITLE),
        prose(finding.body, MAX_BODY),
    ]
    words = prompter.words(
        "reply/reply.md",
        part,
        explain=talk.explain,
        look=look,
        finding={
            "severity": finding.severity.value,
            "category": finding.category.value,
            "text": "\n\n".join(text for text in parts if text),
        },
        lines="" if lines is None else code_excerpt(lines, MAX_QUOTE),
        where="" if talk.lines is None else f"{talk.lines[0]} to {talk.lines[1]}",
        left_out=len(talk.turns) - len(shown),
        turns=[
            {"who": "your answer" if turn.is_ours else "comment of a person", "text": prose(turn.text, LONGEST_TURN)}
            for turn in shown
        ],
        question=prose(talk.question, LONGEST_TURN * 2),
    )
    prompt = prompter.about(Task.REPLY, part, words, qualifier="explain" if talk.explain else "")
    return replace(prompt, may_look_up=look)


def _replaced(talk: ThreadTalk, head: str | None) -> str | None:
    """Return the text of the lines that a suggestion would replace."""
    if talk.lines is None or head is None:
        return None
    first, last = talk.lines
    lines: Sequence[str] = head.split("\n")[first - 1 : last]
    return "\n".join(lines) if len(lines) == last - first + 1 else None


def _proven(diff: Diff, talk: ThreadTalk, reply: ThreadReply, head: str | None) -> str | None:
    """Return the suggestion if it can replace exactly the lines of the thread with one click, else None."""
    quote = _replaced(talk, head)
    if reply.suggestion is None or reply.withdrawn or quote is None or talk.lines is None:
        return None
    located = locate(diff, talk.finding.path, quote, talk.lines[1])
    if isinstance(located, NotLocated):
        return None
    first = located.anchor.start_line or located.anchor.line
    if (first, located.anchor.line) != talk.lines:
        return None
    proof = prove_suggestion(located, reply.suggestion, head)
    return proof.text if isinstance(proof, ProvenSuggestion) else None
