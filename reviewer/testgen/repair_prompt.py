"""Ask again for a test that a gate stopped, in the same words for all languages."""

from __future__ import annotations

from collections.abc import Callable

from reviewer.llm.messages import Message, Prompt
from reviewer.safety.prompt_text import printable
from reviewer.tasks.conversation.prompts import render_template
from reviewer.testgen.evidence import Candidate, Gate, GateFailure


def repair_prompt_for_test(
    prompt: Prompt,
    candidate: Candidate,
    stopped: GateFailure,
    *,
    fence: str,
    path: str,
    plain: Callable[[str, int], str],
) -> Prompt:
    """Return the conversation continued by the candidate and by what the gate that stopped it saw.

    `path` is where the next answer shall stand; `plain` makes untrusted text, of so many characters at most, fit it.
    """
    covers = candidate.unit.covers
    mine = f'<test path="{candidate.path}" covers="{covers}">\n{candidate.code}</test>'
    words = render_template(
        "tests/evidence.md",
        fence=fence,
        ran=stopped.gate not in (Gate.POLICY, Gate.SMELLS),
        reason=f"it did not pass the gate `{stopped.gate}`.",
        evidence=plain(f"Gate: {stopped.gate}. {stopped.reason}\n\n{stopped.feedback}", MOST_EVIDENCE),
        failing=bool(stopped.failures),
        path=path,
        covers=printable(covers),
    )
    return prompt.followed_by(Message("assistant", mine), Message("user", words))


#: Characters of one part of a prompt.
MOST_CODE, MOST_SIBLING, MOST_EVIDENCE, MOST_CALLERS, MOST_USED = 16_000, 8_000, 8_000, 3_000, 6_000
