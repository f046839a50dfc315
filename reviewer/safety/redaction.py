r"""Replace secrets in text: in what goes to the model, and in what the model says.

Promises: the number of lines stays, everything around a secret stays, the replacement depends on nothing but the kind
of secret, and redacting twice changes nothing. Each line is judged by itself, so a line redacts to the same text alone
and inside its file: code that the model quotes from redacted text is found by redacting the lines it is compared with.
The exception is a block with BEGIN and END lines: short or unusual lines of a private key are known only by the lines
above them, and so is a certificate, whose full lines would alone be taken for key material.

Time is linear in the length of the text: see `secret_forms`, `secret_contexts` and `private_keys`.

Never proves the absence of secrets: a password that looks like a word stays. Never reads a file or makes a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reviewer.safety.private_keys import may_hold_keys, without_keys
from reviewer.safety.secret_contexts import CONTEXTS, SecretContext
from reviewer.safety.secret_forms import FORMS, SecretForm

#: Characters of the shortest text that any context matches, and any form: no line that is shorter has a secret.
SHORTEST, SHORTEST_FORM = 7, 15

_NEEDLES = tuple(dict.fromkeys(needle for context in CONTEXTS for needle in context.needles))


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The forms and contexts of which a text holds the needle; most text holds few of them."""

    forms: Sequence[SecretForm]
    contexts: Sequence[SecretContext]

    def on(self, line: str) -> _Candidates:
        """Return those that may match the line."""
        low = line.lower()
        return _Candidates(
            [form for form in self.forms if form.needle in low] if len(low) >= SHORTEST_FORM else (),
            [context for context in self.contexts if any([needle in low for needle in context.needles])],  # noqa: C419 - twice as fast
        )


def redact(text: str) -> tuple[str, int]:
    r"""Return the text with every secret replaced by `[redacted: KIND]`, and how many were replaced.

    Lines are ended by `\n` alone and their number stays. The lines of one private key count as one secret.
    """
    low = text.lower()
    candidates = _candidates(text, low)
    keys = may_hold_keys(text, low)
    if not keys and not candidates.forms and not candidates.contexts:
        return text, 0
    lines, count = [], 0
    for line, found in without_keys(text.split("\n")) if keys else ((line, 0) for line in text.split("\n")):
        clean, more = _redact_line(line, candidates)
        lines.append(clean)
        count += found + more
    return "\n".join(lines), count


def safe_start(text: str, most: int) -> str:
    """Return the first `most` characters of a text, without secrets: they are replaced before it is cut."""
    return redact(text)[0][:most] if len(text) > most else text


def _candidates(text: str, low: str) -> _Candidates:
    """Return what matches somewhere in the text: one search of it all is far cheaper than one for each line."""
    if len(text) < SHORTEST:
        return _Candidates((), ())
    held = {needle for needle in _NEEDLES if needle in low}
    return _Candidates(
        [form for form in FORMS if form.needle in low and form.is_in(text)] if len(text) >= SHORTEST_FORM else (),
        [context for context in CONTEXTS if not held.isdisjoint(context.needles)] if held else (),
    )


def _redact_line(line: str, candidates: _Candidates) -> tuple[str, int]:
    if len(line) < SHORTEST:
        return line, 0
    here = candidates.on(line)
    count = 0
    for form in here.forms:
        spans = form.spans(line)
        line, count = _replaced(line, spans, form.kind), count + len(spans)
    for context in here.contexts:
        spans = list(context.spans(line))
        line, count = _replaced(line, spans, context.kind), count + len(spans)
    return line, count


def _replaced(line: str, spans: Sequence[tuple[int, int]], kind: str) -> str:
    pieces, done = [], 0
    for start, end in spans:
        pieces += [line[done:start], f"[redacted: {kind}]"]
        done = end
    return "".join([*pieces, line[done:]]) if spans else line
