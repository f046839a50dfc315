"""Build the prompt that asks for a repair of a test that a gate stopped. The same for all languages."""

from __future__ import annotations

from collections.abc import Callable

from reviewer.llm.messages import Prompt
from reviewer.safety.prompt_text import printable_path
from reviewer.tasks.conversation.layout import continued
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
    """Return the conversation, continued by the candidate and the reason why a gate stopped it.

    `path` is the path for the next answer; `plain` cuts untrusted text to a number of characters and makes it safe.
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
        covers=printable_path(covers),
    )
    return continued(prompt, mine, words)


#: The most characters of each part of a prompt.
MOST_CODE, MOST_SIBLING, MOST_EVIDENCE, MOST_CALLERS, MOST_USED = 16_000, 8_000, 8_000, 3_000, 6_000
