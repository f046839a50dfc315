"""Build the prompts: fill in the templates and fence untrusted text.

All prompts about one part share the system message and what is shown of the change; the task comes last (`layout`).

The same input gives the same prompt, to the byte, so that an answer that was paid for is found again. Text of the pull
request stands only in the user message, between fences that its author cannot guess. Reads nothing but templates.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from reviewer.domain.change import Change
from reviewer.domain.findings import Category, Finding
from reviewer.domain.settings import Settings
from reviewer.languages.outline import Outline, outline_of
from reviewer.llm.messages import Prompt, Task
from reviewer.llm.models import planned_tokens
from reviewer.safety.fencing import fence_word, fenced_rows, fenced_text, quoted
from reviewer.safety.prompt_text import code_excerpt, printable_path, prose
from reviewer.safety.shortening import CUT
from reviewer.tasks.context.enclosing import surroundings
from reviewer.tasks.conversation.check_reports import reports_about
from reviewer.tasks.conversation.dismissed_before import dismissed_before
from reviewer.tasks.conversation.layout import AskKind, continued, prompt_of
from reviewer.tasks.planning.chunks import Chunk
from reviewer.tasks.planning.file_filter import instructions_for
from reviewer.tasks.planning.guidance import about_code
from reviewer.tasks.planning.lenses import Lens

if TYPE_CHECKING:
    from jinja2 import Environment

#: Most characters of the title, of the description, and of all guidance together, in one prompt.
MAX_TITLE, MAX_DESCRIPTION, MAX_GUIDANCE = 300, 6_000, 10_000

#: Linked issues in one prompt, characters of the text of each, and of a claim.
MAX_ISSUES, MAX_ISSUE, MAX_CLAIM = 3, 3_000, 500

#: Characters of the code that the editor is shown of each finding.
MAX_EDITED_QUOTE = 600

#: Characters of what is known of failed checks.
MAX_CHECKS = 24_000

#: Paths of the change's other files that a prompt names.
MAX_OTHER_PATHS = 60

#: Test files, and proposals for simpler code, that one prompt asks for.
MOST_TESTS, MOST_REFACTORINGS = 3, 2

#: Templates that show code. Their empty lines are kept.
_SHOWING_CODE = ("ask/ask", "ask/checks", "edit/findings", "reply/reply", "review/change", "verify/recheck")
_AS_WRITTEN = frozenset(f"{name}.md" for name in (*_SHOWING_CODE, "verify/verify"))

#: What a repair turn asks for, by task.
_FORMS = {
    Task.FINDINGS: 'One JSON object with the keys "summary" and "findings", as described.',
    Task.REFACTOR: 'One JSON object with the keys "summary" and "findings", as described.',
    Task.VERIFY: 'One JSON object with the key "verdicts", as described.',
    Task.ASK: "The answer, in the form that was described.",
    Task.TESTS: 'Only <test path="..." covers="..."> elements with raw code, as described, or the word NONE.',
    Task.EDIT: 'One JSON object with the key "findings", as described.',
    Task.PROVE: 'One <test path="..." covers="..."> element with raw code, as described, or the word NONE.',
    Task.FIX: 'One JSON object with the key "edits", as described.',
    Task.REPLY: 'One JSON object with the keys "answer", "verdict" and "suggestion", as described.',
}


@dataclass(frozen=True, slots=True)
class Prompter:
    """Makes the prompts of one review. `fence` is unknown to whoever wrote the change: see `fence_of`.

    `related` is code beside the change, by the id of the chunk it belongs to. `outline` takes a path and its text.
    `tokens` counts what the parts that were written show, by kind; `description` is all but code.
    """

    change: Change
    settings: Settings
    fence: str
    related: Mapping[str, str] = field(default_factory=dict)
    outline: Callable[[str, str], Outline] = outline_of
    tokens: Counter[str] = field(default_factory=Counter, init=False, repr=False, compare=False)
    _written: dict[tuple[str, tuple[str, ...]], str] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def findings(self, chunk: Chunk, lens: Lens | None = None) -> Prompt:
        """Return the prompt that asks for defects in the chunk: of all kinds, or of one."""
        look = self._may_look()
        name = "" if lens is None else lens.value
        reports = reports_about(self.change.reports, chunk.paths)
        words = self.words("review/findings.md", chunk, lens=name, look=look, reports=reports)
        return replace(self.about(Task.FINDINGS, chunk, words, qualifier=name), may_look_up=look)

    def refactor(self, chunk: Chunk, *, most: int = MOST_REFACTORINGS) -> Prompt:
        """Return the prompt that asks for simpler code in the chunk, at most so many places."""
        look = self._may_look()
        words = self.words("review/refactor.md", chunk, most=most, look=look)
        return replace(self.about(Task.REFACTOR, chunk, words), may_look_up=look)

    def tests(self, chunk: Chunk) -> Prompt:
        """Return the prompt that asks for unit tests of the code in the chunk."""
        return self.about(Task.TESTS, chunk, self.words("tests/tests.md", chunk, most=MOST_TESTS))

    def ask(self, chunk: Chunk, question: str, kind: AskKind = AskKind.QUESTION, posted: str = "") -> Prompt:
        """Return the prompt that asks a person's question about the chunk, or what else is asked of that kind."""
        text = prose(question, MAX_DESCRIPTION if kind is AskKind.QUESTION else MAX_CHECKS)
        look = self._may_look()
        shown = {"labels": self.settings.describe.labels, "posted": prose(posted, MAX_DESCRIPTION)}
        words = self.words(f"ask/{kind}.md", chunk, question=text, look=look, **shown)
        qualifier = "" if kind is AskKind.QUESTION else kind.value
        return replace(self.about(Task.ASK, chunk, words, qualifier=qualifier), may_look_up=look)

    def verify(self, chunk: Chunk, claims: Sequence[Finding], *, second: bool = False, last: bool = False) -> Prompt:
        """Return the prompt that asks for a verdict on each claim about the chunk, numbered from 1.

        It holds the bare claims: neither the finder's arguments nor its severity nor the wishes of the maintainers, so
        that only the code decides. `second`: the prompt for a second judge, who takes the author's side first.
        `last`: the model must answer at once; it may not ask to see more.
        """
        numbered = [self._claim(number, claim) for number, claim in enumerate(claims, 1)]
        look = self._may_look() and not last
        words = _render("verify/verify.md", fence=self.fence, claims=numbered, second=second, look=look)
        prompt = self.about(Task.VERIFY, chunk, words, qualifier="second opinion" if second else "")
        return replace(prompt, may_look_up=look)

    def edit(self, findings: Sequence[Finding], *, most: int) -> Prompt:
        """Return the prompt that asks for the order of all findings, numbered from 1; `most` inline, if that cuts."""
        numbered = [
            self._claim(number, finding)
            | {
                "severity": finding.severity.value,
                "confidence": finding.confidence.value,
                "quote": code_excerpt(finding.quote, MAX_EDITED_QUOTE),
                "verdict": prose(finding.verdict, MAX_CLAIM),
            }
            for number, finding in enumerate(findings, 1)
        ]
        title = prose(self.change.title, MAX_TITLE)
        shown = _render("edit/findings.md", fence=self.fence, title=title, findings=numbered)
        words = _render("edit/edit.md", most=most if most < len(findings) else None)
        return prompt_of(Task.EDIT, words, system=self._system(), shown=shown)

    def about(self, task: Task, chunk: Chunk, words: str, *, qualifier: str = "") -> Prompt:
        """Return the prompt that shows the chunk with its context, as all prompts about it do, and sets the task."""
        return prompt_of(task, words, system=self._system(), shown=self._change(chunk), qualifier=qualifier)

    def words(self, template: str, chunk: Chunk, **values: object) -> str:
        """Return a task's words: its template, which may say what the maintainers wish for the files of the chunk."""
        review = self.settings.review
        wishes = [review.instructions] if review.instructions.strip() else []
        wishes += instructions_for(chunk.paths, review.path_instructions)
        values["unwanted"] = dismissed_before(self.change.preferences, chunk.paths)
        return _render(template, fence=self.fence, language=review.language, instructions=wishes, **values)

    def _system(self) -> str:
        return system_message(self.fence, self.settings.review.language, look=self._may_look())

    def _may_look(self) -> bool:
        """Whether there are sources to look at."""
        return bool(self.change.sources.paths())

    def _change(self, chunk: Chunk) -> str:
        """Return the chunk as all prompts about it show it: written once, since outlines take time."""
        key = (chunk.id, chunk.paths)
        if key not in self._written:
            self._written[key] = self._write(chunk)
        return self._written[key]

    def _write(self, chunk: Chunk) -> str:
        others = [printable_path(file.path) for file in self.change.diff.files if file.path not in chunk.paths]
        around = surroundings(chunk.files, self.change.head, outline=self.outline)
        related = self.related.get(chunk.id.partition("/")[0], "")
        diff = chunk.text.removesuffix("\n")
        shown = _render(
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
            around=around,
            related=related,
            diff=diff,
        )
        sizes = {"diff": diff, "surroundings": around, "related code": related}
        tokens = Counter({kind: planned_tokens(text) for kind, text in sizes.items()})
        self.tokens.update(tokens, description=max(0, planned_tokens(shown) - tokens.total()))
        return shown

    def _guidance(self) -> list[dict[str, str]]:
        shown: list[dict[str, str]] = []
        room = MAX_GUIDANCE
        for guide in self.change.guidance:
            text = prose(about_code(guide), room)
            if text:
                shown.append({"path": printable_path(guide.path), "text": text})
                room = max(0, room - len(text))
            if text.endswith(CUT):
                break  # of the next guide, nothing but the mark of a cut would be left
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


def system_message(fence: str, language: str, *, look: bool = False) -> str:
    """Return the system message that all tasks about a change share: what is data, what a defect is, how to write.

    `look`: some of them may ask to see more, so it says how.
    """
    return _render("system.md", fence=fence, language=language, look=look)


def repair_prompt(prompt: Prompt, written: str, problem: str) -> Prompt:
    """Return the prompt continued by what the model wrote, unchanged, and by what was wrong with it."""
    return continued(prompt, written, _render("follow_up/repair.md", problem=problem, form=_FORMS[prompt.task]))


def lookup_prompt(prompt: Prompt, written: str, found: str, fence: str, *, left: int = 0) -> Prompt:
    """Return the prompt continued by what the model asked to see; it may ask `left` more times."""
    words = _render("follow_up/found.md", left=left)
    return continued(prompt, written, words, shown=fenced_rows(found, fence, "lookup"))


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
