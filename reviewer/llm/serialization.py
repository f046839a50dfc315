"""Convert prompts and answers to and from JSON values for checkpoints, and compute a prompt's digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from reviewer.llm.errors import MODEL_ERRORS, BrokenReply, ModelError, UnusableReply
from reviewer.llm.messages import Message, Prompt, Reply, Task
from reviewer.llm.usage import attempt_from_json, attempt_to_json


def prompt_to_json(prompt: Prompt) -> dict[str, Any]:
    """Return the prompt as JSON values, for a checkpoint."""
    return {
        "task": prompt.task.value,
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        "max_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
        "may_look_up": prompt.may_look_up,
        "model": prompt.model,
    }


def prompt_from_json(value: dict[str, Any]) -> Prompt:
    """Return the prompt that `prompt_to_json` wrote, in this version or an older one with fewer fields."""
    return Prompt(
        task=Task(value["task"]),
        messages=tuple(Message(message["role"], message["content"]) for message in value["messages"]),
        max_tokens=value["max_tokens"],
        temperature=value["temperature"],
        may_look_up=value.get("may_look_up", False),
        model=value.get("model", ""),
    )


def prompt_digest(prompt: Prompt) -> str:
    """Return the SHA-256 of what is sent, in hexadecimal: two prompts that ask for the same have the same digest.

    `may_look_up` is not part of it: it is not sent, and answers that were kept under older digests are found. `model`
    is part of it only where it is not the configured one.
    """
    sent = {name: value for name, value in prompt_to_json(prompt).items() if name != "may_look_up"}
    if not prompt.model:
        del sent["model"]
    text = json.dumps(sent, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def answer_to_json(answer: Reply | ModelError) -> dict[str, Any]:
    """Return a reply or a typed error as JSON values; for an error, `error` is its kind."""
    attempts = [attempt_to_json(attempt) for attempt in answer.attempts]
    if isinstance(answer, ModelError):
        return {
            "error": answer.kind,
            "message": str(answer),
            "retry_after": answer.retry_after,
            "attempts": attempts,
            "unusable": asdict(answer.unusable) if isinstance(answer, BrokenReply) and answer.unusable else None,
        }
    return {
        "text": answer.text,
        "raw": answer.raw,
        "model": answer.model,
        "finish_reason": answer.finish_reason,
        "attempts": attempts,
        "fallback": answer.fallback,
    }


def answer_from_json(value: dict[str, Any]) -> Reply | ModelError:
    """Return the answer from what `answer_to_json` returned. An unknown kind of error becomes ModelError."""
    attempts = tuple(attempt_from_json(attempt) for attempt in value["attempts"])
    if "error" in value:
        kind = MODEL_ERRORS.get(value["error"], ModelError)
        error = kind(value["message"], attempts=attempts, retry_after=value["retry_after"])
        if isinstance(error, BrokenReply) and value.get("unusable"):
            error.unusable = UnusableReply(**value["unusable"])
        return error
    fallback = value.get("fallback", "")
    return Reply(value["text"], value["raw"], value["model"], value["finish_reason"], attempts, fallback)
