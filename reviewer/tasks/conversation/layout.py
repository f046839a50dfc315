"""Lay prompts out so that the service's cache serves what they share, and find the parts of a prompt again. Pure.

All prompts about one part of a change begin with the same bytes: the system message, then what is shown of the change.
The task comes last: its line `# Task: NAME (qualifier)` stands directly behind the closing fence of the change, at the
start of a line of the last user message. A follow-up repeats that line in its last message.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from reviewer.llm.messages import Message, Prompt, Task

_MARK = "# Task: "


def prompt_of(task: Task, words: str, *, system: str, shown: str, qualifier: str = "") -> Prompt:
    """Return the prompt that shows something, then sets the task in its own words. `shown` ends with a fence."""
    line = f"{_MARK}{task.value} ({qualifier})" if qualifier else f"{_MARK}{task.value}"
    user = f"{shown.rstrip()}\n{line}\n\n{words.strip()}"
    return Prompt(task, (Message("system", system.strip()), Message("user", user)))


def task_line(prompt: Prompt) -> str:
    """Return the line that names the prompt's task."""
    lines = (line for line in prompt.messages[1].content.split("\n") if line.startswith(_MARK))
    return next(lines, f"{_MARK}{prompt.task.value}")


def shown_in(prompt: Prompt) -> str:
    """Return what the prompt shows before its task: the fenced change with its context."""
    return prompt.messages[1].content.partition(f"\n{_MARK}")[0]


def with_more_shown(prompt: Prompt, more: str) -> Prompt:
    """Return the prompt of one message that shows more behind what it shows already. `more` ends with a fence."""
    system, user = prompt.messages
    shown, mark, words = user.content.partition(f"\n{_MARK}")
    return replace(prompt, messages=(system, replace(user, content=f"{shown}\n\n{more.strip()}{mark}{words}")))


def with_more_words(prompt: Prompt, words: str) -> Prompt:
    """Return the prompt with more words at the end of its task."""
    *others, last = prompt.messages
    return replace(prompt, messages=(*others, replace(last, content=f"{last.content}\n\n{words.strip()}")))


def continued(prompt: Prompt, written: str, words: str, *, shown: str = "") -> Prompt:
    """Return the prompt continued by what the model wrote, unchanged, and by words about the same task.

    `shown` is fenced text that stands before the task's line. If the model wrote nothing that can be sent back, the
    words stand at the end of the last message.
    """
    if not written.strip():
        return with_more_words(prompt, f"{shown}\n\n{words}" if shown else words)
    before = f"{shown.strip()}\n" if shown else ""
    message = f"{before}{task_line(prompt)}\n\n{words.strip()}"
    return prompt.followed_by(Message("assistant", written), Message("user", message))


class AskKind(StrEnum):
    """What the task `ask` is about: a person's question, the change as a whole, or the checks that failed."""

    QUESTION = "ask"
    DESCRIBE = "describe"
    CHECKS = "checks"
