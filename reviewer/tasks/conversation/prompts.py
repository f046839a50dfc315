"""Build the prompts: fill in the templates, fence untrusted text, one system message each.

The same input gives the same prompt, to the byte, so that an answer that was paid for is found again. Text of the pull
request stands only in the user message, between fences that its author cannot guess. Reads nothing but templates.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from reviewer.domain.change import Change
from reviewer.domain.findings import Category, Finding
from reviewer.domain.settings import Settings
from reviewer.llm.messages import Message, Prompt, Task
from reviewer.safety.fencing import fence_word, fenced_rows, fenced_text, quoted
from reviewer.safety.prompt_text import code_excerpt, printable_path, prose
from reviewer.tasks.context.enclosing import surroundings
from reviewer.tasks.planning.chunks import Chunk, without_prose
from reviewer.tasks.planning.file_filter import instructions_for
from reviewer.tasks.planning.lenses import Lens

if TYPE_CHECKING:
    from jinja2 import Environment

#: Most characters of the title, of the description, and of all guidance together, in one prompt.
MAX_TITLE, MAX_DESCRIPTION, MAX_GUIDANCE = 300, 6_000, 12_000

#: Linked issues in one prompt, characters of the text of each, and of a claim.
MAX_ISSUES, MAX_ISSUE, MAX_CLAIM = 3, 3_000, 500

#: Paths of the change's other files that a prompt names.
MAX_OTHER_PATHS = 60

#: Test files, and proposals for simpler code, that one prompt asks for.
MOST_TESTS, MOST_REFACTORINGS = 3, 2

#: The model may ask to see more of a chunk with at least so many changed lines. A smaller change costs just two calls.
LOOK_FROM_LINES = 8

#: Templates that show code. Their empty lines are kept.
_AS_WRITTEN = frozenset(
    {"review/change.md", "verify/claims.md", "follow_up/found.md", "ask/question.md", "verify/open_findings.md"}
)

#: The system message of a task that is about one part of a change.
_TEMPLATES = {
    Task.FINDINGS: "review/findings.md",
    Task.REFACTOR: "review/refactor.md",
    Task.TESTS: "tests/tests.md",
    Task.ASK: "ask/ask.md",
}

#: What a repair turn asks for, by task.
_FORMS = {
    Task.FINDINGS: 'One JSON object with the keys "summary" and "findings", as described.',
    Task.REFACTOR: 'One JSON object with the keys "summary" and "findings", as described.',
    Task.VERIFY: 'One JSON object with the key "verdicts", as described.',
    Task.ASK: "The answer, in the form that was described.",
    Task.TESTS: 'Only <test path="..." covers="..."> elements with raw code, as described, or the word NONE.',
}


@dataclass(frozen=True, slots=True)
class Prompter:
    """Makes the prompts of one review. `fence` is unknown to whoever wrote the change: see `fence_of`.

    `related` is code beside the change, by the id of the chunk it belongs to.
    """

    change: Change
    settings: Settings
    fence: str
    related: Mapping[str, str] = field(default_factory=dict)
    _written: dict[tuple[str, tuple[str, ...]], str] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def findings(self, chunk: Chunk, lens: Lens | None = None) -> Prompt:
        """Return the prompt that asks for defects in the chunk: of all kinds, or of one."""
        # Only the general finder may look things up.
        look = lens is None and self._may_look(chunk)
        part = chunk if lens is None else without_prose(chunk)
        return replace(
            self._about(Task.FINDINGS, part, lens="" if lens is None else lens.value, look=look), may_look_up=look
        )

    def refactor(self, chunk: Chunk, *, most: int = MOST_REFACTORINGS) -> Prompt:
        """Return the prompt that asks for simpler code in the chunk, at most so many places."""
        return self._about(Task.REFACTOR, without_prose(chunk), most=most)

    def tests(self, chunk: Chunk) -> Prompt:
        """Return the prompt that asks for unit tests of the code in the chunk."""
        return self._about(Task.TESTS, without_prose(chunk), most=MOST_TESTS)

    def ask(self, chunk: Chunk, question: str) -> Prompt:
        """Return the prompt that asks a person's question about the chunk."""
        text = prose(question, MAX_DESCRIPTION)
        asked = self._about(Task.ASK, chunk)
        system, change = asked.messages
        user = _render("ask/question.md", change=change.content, fence=self.fence, question=text)
        return _prompt(Task.ASK, system.content, user)

    def verify(self, chunk: Chunk, claims: Sequence[Finding], *, second: bool = False, last: bool = False) -> Prompt:
        """Return the prompt that asks for a verdict on each claim about the chunk, numbered from 1.

        It holds the bare claims: neither the finder's arguments nor its severity nor the wishes of the maintainers, so
        that only the code decides. `second`: the prompt for a second judge, who takes the author's side first.
        `last`: the model must answer at once; it may not ask to see more.
        """
        numbered = [self._claim(number, claim) for number, claim in enumerate(claims, 1)]
        part = without_prose(chunk, {claim.anchor.path for claim in claims})
        user = _render("verify/claims.md", change=self._change(part), fence=self.fence, claims=numbered)
        look = self._may_look(chunk) and not last
        system = _render("verify/verify.md", fence=self.fence, second=second, look=look)
        return replace(_prompt(Task.VERIFY, system, user), may_look_up=look)

    def shown(self, chunk: Chunk) -> str:
        """Return the chunk with its context, fenced, as every prompt about it shows it."""
        return self._change(chunk)

    def _about(self, task: Task, chunk: Chunk, **more: object) -> Prompt:
        review = self.settings.review
        instructions = [review.instructions] if review.instructions.strip() else []
        instructions += instructions_for(chunk.paths, review.path_instructions)
        system = _render(
            _TEMPLATES[task], fence=self.fence, language=review.language, instructions=instructions, **more
        )
        return _prompt(task, system, self._change(chunk))

    def _may_look(self, chunk: Chunk) -> bool:
        """Whether there are sources to look at, and the change is large enough."""
        rows = (line for file in chunk.files for hunk in file.hunks for line in hunk.lines)
        return sum(line.kind != " " for line in rows) >= LOOK_FROM_LINES and bool(self.change.sources.paths())

    def _change(self, chunk: Chunk) -> str:
        """Return the chunk as all prompts about it show it: written once, since outlines take time."""
        key = (chunk.id, chunk.paths)  # without prose a chunk keeps its id
        if key not in self._written:
            self._written[key] = self._write(chunk)
        return self._written[key]

    def _write(self, chunk: Chunk) -> str:
        others = [printable_path(file.path) for file in self.change.diff.files if file.path not in chunk.paths]
        return _render(
            "review/change.md",
            fence=self.fence,
            title=prose(self.change.title, MAX_TITLE),
            description=prose(self.change.description, MAX_DESCRIPTION),
            issues=[
                {
                    "number": issue.number,
                    "title": prose(issue.title, MAX_TITLE),
                    "body": prose(issue.body, MAX_ISSUE),
                }
                for issue in self.change.issues[:MAX_ISSUES]
            ],
            guidance=self._guidance(),
            formatting=self._formatting(chunk.paths),
            other_paths=others[:MAX_OTHER_PATHS],
            # The rest was made printable and rid of secrets when it was rendered.
            around=surroundings(chunk.files, self.change.head),
            related=self.related.get(chunk.id.partition("/")[0], ""),
            diff=chunk.text.removesuffix("\n"),
        )

    def _guidance(self) -> list[dict[str, str]]:
        shown: list[dict[str, str]] = []
        room = MAX_GUIDANCE
        for guide in self.change.guidance:
            text = prose(guide.text, room)
            if text:
                shown.append({"path": printable_path(guide.path), "text": text})
                room = max(0, room - len(text))
        return shown

    def _formatting(self, paths: Iterable[str]) -> list[str]:
        """Return what the formatters want of the files, a line for each rule with the files it holds for."""
        files: dict[str, list[str]] = {}
        for path in paths:
            if rules := str(self.change.formatting.of(path)):
                files.setdefault(rules, []).append(printable_path(path))
        return [f"{', '.join(names)}: {rules}" for rules, names in files.items()]

    def _claim(self, number: int, claim: Finding) -> dict[str, Any]:
        anchor = claim.anchor
        first = anchor.start_line or anchor.line
        where = f"line {first}" if first == anchor.line else f"lines {first} to {anchor.line}"
        # A refactoring claims that its replacement is simpler. For a defect, the replacement would only bias the judge.
        proposed = claim.advice if claim.category is Category.REFACTORING else None
        return {
            "id": number,
            "path": printable_path(anchor.path),
            "where": f"{'old' if anchor.side == 'LEFT' else 'new'} {where}",
            "category": claim.category.value,
            "quote": code_excerpt(claim.quote, MAX_DESCRIPTION),
            "title": prose(claim.title, MAX_TITLE),
            "claim": prose(claim.claim, MAX_CLAIM),
            "replacement": None if proposed is None else code_excerpt(proposed, MAX_DESCRIPTION),
        }


def fence_of(salt: bytes, change: Change) -> str:
    """Return the word of the fences around untrusted text: it depends on the job's secret, and is stable for it."""
    digest = hmac.new(salt, digestmod=hashlib.sha256)
    for file in change.diff.files:
        digest.update(file.path.encode("utf-8", "surrogateescape"))
        for hunk in file.hunks:
            digest.update(b"\n".join(line.text.encode("utf-8", "surrogateescape") for line in hunk.lines))
    return fence_word(digest.hexdigest())


def ask_prompt(system: str, user: str, **values: object) -> Prompt:
    """Return a prompt of the task `ask` from two templates: for what is asked beside a review."""
    return _prompt(Task.ASK, _render(system, **values), _render(user, **values))


def repair_prompt(prompt: Prompt, written: str, problem: str) -> Prompt:
    """Return the prompt continued by what the model wrote, unchanged, and by what was wrong with it.

    If it wrote nothing that can be sent back, what was wrong stands at the end of the last message.
    """
    words = _render("follow_up/repair.md", problem=problem, form=_FORMS[prompt.task])
    if written.strip():
        return prompt.followed_by(Message("assistant", written), Message("user", words))
    *others, last = prompt.messages
    return replace(prompt, messages=(*others, replace(last, content=f"{last.content}\n\n{words}")))


def lookup_answer(found: str, fence: str, *, left: int = 0) -> str:
    """Return the words with which the model is shown what it asked to see; it may ask `left` more times."""
    return _render("follow_up/found.md", found=found, fence=fence, left=left)


def prompt_from_templates(task: Task, system: str, user: str, /, **values: object) -> Prompt:
    """Return a prompt made of two templates, named by their files, with the same values for both."""
    return _prompt(task, _render(system, **values), _render(user, **values))


def _prompt(task: Task, system: str, user: str) -> Prompt:
    return Prompt(task, (Message("system", system), Message("user", user)))


@cache
def _templates() -> Environment:
    # Imported here: rendering is needed only when there is something to review.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(  # noqa: S701 - the result is a prompt, not HTML
        loader=PackageLoader("prompts", package_path=""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters |= {"text": fenced_text, "rows": fenced_rows, "quoted": quoted}
    return environment


def render_template(template: str, /, **values: object) -> str:
    """Return a template filled in. What is untrusted in `values` must be fenced and redacted by whoever calls."""
    return _templates().get_template(template).render(**values)


def _render(template: str, /, **values: object) -> str:
    text = _templates().get_template(template).render(**values)
    return re.sub(r"\n{3,}", "\n\n", text) if template not in _AS_WRITTEN else text
