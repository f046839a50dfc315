"""The shipped cases' scripted replies (`replay.json`), served by the model's double, whatever the prompts say.

A reply is chosen by the task and by the files that the prompt shows, a verdict by the claim's title or quote: prompts
may change. An entry of `replies` holds the `finding` as the model words it; the `known` finding it is about, if any;
what is `bad` about it ("" for a good one: it must be posted); the falsifier's `verdict` and `reason`; and whether its
suggestion is `proven`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.model import Call, FakeModel

CASES = Path(__file__).resolve().parent.parent / "evals"
NAMES = sorted(path.parent.name for path in CASES.glob("*/meta.json"))


@dataclass(frozen=True, slots=True)
class Replay:
    """The replies of one case. `descriptions` are those of the known findings, by id."""

    name: str
    replies: tuple[dict[str, Any], ...]
    descriptions: dict[str, str]

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(reply["finding"]["path"] for reply in self.replies)

    def named(self, text: str) -> dict[str, Any]:
        """Return the reply that the text is about: by its title, else by its quoted code."""
        for key in ("title", "quote"):
            for reply in self.replies:
                if reply["finding"][key].strip() in text:
                    return reply
        raise AssertionError(f"{self.name}: no scripted finding is meant by: {text}")


def replay_of(name: str) -> Replay:
    """Return what is scripted for the case of that name."""
    replies = json.loads((CASES / name / "replay.json").read_text())["replies"]
    known = json.loads((CASES / name / "known.json").read_text())["known"]
    return Replay(name, tuple(replies), {one["id"]: one["description"] for one in known})


def serve(model: FakeModel, names: Sequence[str], *, verdict: str = "") -> None:
    """Let the model answer for these cases; `verdict` is given to all claims instead of the scripted one."""
    replays = [replay_of(name) for name in names]

    def about(call: Call) -> Replay:
        return max(replays, key=lambda replay: sum(path in call.user for path in replay.paths) / len(replay.paths))

    def findings(call: Call) -> str:
        found = [reply["finding"] for reply in about(call).replies if reply["finding"]["path"] in call.user]
        return json.dumps({"summary": "A change.", "findings": found})

    def verdicts(call: Call) -> str:
        replay = about(call)
        said = [
            {"id": number, "verdict": verdict or reply["verdict"], "reason": reply["reason"]}
            for number, text in numbered("Claim", call.user)
            for reply in (replay.named(text),)
        ]
        return json.dumps({"verdicts": said})

    def matches(call: Call) -> str:
        replay = about(call)
        references = dict(numbered("Reference", call.user))
        found = [
            {"report": report, "reference": reference, "reason": "the same"}
            for report, text in numbered("Report", call.user)
            for known in (replay.named(text)["known"],)
            for reference, other in references.items()
            if known and replay.descriptions[known] in other
        ]
        return json.dumps({"matches": found})

    model.answers("findings", findings)
    model.answers("verify", verdicts)
    model.answers("refactor", lambda _: '{"summary": "", "findings": []}')
    model.answers("tests", lambda _: "NONE")
    model.answers("ask", matches)


def numbered(word: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of the sections that are headed `## WORD 1` and so on."""
    parts = re.split(r"^#+ (Claim|Reference|Report) (\d+).*$", text, flags=re.MULTILINE)
    for kind, number, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if kind == word:
            yield int(number), body
