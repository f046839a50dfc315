"""The door to lookups: answer a reply that asks to see code, in several rounds, within a budget of dollars and seconds.

To let a prompt look: give it `may_look_up=True`, include `prompts/follow_up/offer.md` in its task (how to ask stands in
`prompts/system.md`), and pass a `LookupHandler` as `look` to `ask_and_read`. One handler serves a whole review, so that
nothing is looked up twice.

Only regular files inside the repository, at head or base, are read. The same request gets the same answer to the byte.
What is found is untrusted and is fenced. Never runs anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from reviewer.domain.change import Change
from reviewer.domain.context_report import LookupCounts
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.models import planned_tokens
from reviewer.safety.prompt_text import prose
from reviewer.tasks.context.repository_cache import RepositoryCache
from reviewer.tasks.conversation.layout import shown_in, with_more_shown
from reviewer.tasks.conversation.prompts import lookup_prompt, render_template
from reviewer.tasks.lookups.repository_view import RepositoryView
from reviewer.tasks.lookups.requests import Lookup, LookupRequest, read_request
from reviewer.tasks.lookups.results import LookupResult, write_results

#: Dollars that the calls of one review which ask to see code may take together.
MAX_USD = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class LookupBudget:
    """What all lookups of one review may take together: dollars and tokens of calls that asked, and seconds."""

    usd: Decimal = MAX_USD
    tokens: int = 400_000
    seconds: float = 300.0

    @classmethod
    def within(cls, per_review_usd: Decimal | None) -> LookupBudget:
        """Return the budget for a review that may cost so much: a quarter of it at most. None: there is no limit."""
        return cls() if per_review_usd is None else cls(usd=min(MAX_USD, per_review_usd / 4))


@dataclass(slots=True)
class LookupHandler:
    """Answers the requests of one review. `fence` is as in `Prompter`; `counts` says what was asked so far."""

    view: RepositoryView
    fence: str
    budget: LookupBudget = LookupBudget()
    clock: Callable[[], float] = time.monotonic
    counts: LookupCounts = field(default_factory=LookupCounts)
    _results: dict[Lookup, LookupResult] = field(default_factory=dict)
    _asked: dict[str, dict[Lookup, None]] = field(default_factory=dict)
    _usd: Decimal = Decimal(0)
    _tokens: int = 0
    _began: float | None = None

    @classmethod
    def of(
        cls, change: Change, fence: str, *, library: RepositoryCache | None = None, budget: LookupBudget | None = None
    ) -> LookupHandler:
        """Return the handler for a change; `library` is what was read of its repository before."""
        library = library or RepositoryCache(change.sources, dict(change.head))
        return cls(RepositoryView.of(change, library), fence, budget or LookupBudget())

    def __call__(self, prompt: Prompt, reply: Reply, left: int) -> Prompt | None:
        """Return the prompt with what the reply asks to see; None if it may not ask, or asks for nothing.

        `left` is how often the model may ask again after this.
        """
        request = read_request(reply.text, complete=reply.finish_reason == "stop") if prompt.may_look_up else None
        if request is None:
            return None
        if not self._affordable(reply):
            self.counts += LookupCounts(refused=1)
            return None
        self._asked.setdefault(shown_in(prompt), {}).update(dict.fromkeys(request.lookups))
        earlier = [message.content for message in prompt.messages[2:] if message.role == "user"]
        found = self.look_up(request, earlier)
        return lookup_prompt(prompt, reply.raw or reply.text, found, self.fence, left=left)

    def _affordable(self, reply: Reply) -> bool:
        """Count what the reply cost, and return whether the budget allows to go on."""
        self._began = self.clock() if self._began is None else self._began
        usage = reply.usage
        self._usd += usage.cost_usd or 0
        self._tokens += usage.prompt_tokens + usage.completion_tokens
        late = self.clock() - self._began > self.budget.seconds
        return self._usd <= self.budget.usd and self._tokens <= self.budget.tokens and not late

    def with_earlier(self, prompt: Prompt) -> Prompt:
        """Return the prompt with what was found for others that show the same; as it is where nothing was."""
        results = [self._result(lookup) for lookup in self._asked.get(shown_in(prompt), ())]
        found = write_results([result for result in results if result.found])
        if not found:
            return prompt
        return with_more_shown(prompt, render_template("follow_up/looked_up.md", found=found, fence=self.fence))

    def look_up(self, request: LookupRequest, earlier: Sequence[str] = ()) -> str:
        """Return what is found for each lookup; `earlier` are answers of this conversation, which are not repeated."""
        results: list[LookupResult] = []
        repeated = 0
        for lookup in request.lookups:
            result = self._result(lookup)
            if any(f"### {result.title}\n" in text for text in earlier):
                repeated += 1
                result = LookupResult(result.title, note="shown above")
            results.append(result)
        if request.left_out:
            results.append(LookupResult(f"{request.left_out} more lookups were not made: ask for fewer at once"))
        text = write_results(results) if results else "(nothing of this can be looked up)"
        empty = sum(not result.found for result in results[: len(request.lookups)]) - repeated
        self.counts += LookupCounts(1, len(request.lookups), empty, repeated, tokens=planned_tokens(text))
        return text

    def _result(self, lookup: Lookup) -> LookupResult:
        if lookup not in self._results:
            from reviewer.tasks.lookups.finders import FINDERS  # noqa: PLC0415 - most reviews look nothing up

            title = f"{lookup.kind} {prose(lookup.text, 200)}"
            self._results[lookup] = FINDERS[lookup.kind](self.view, lookup.text, title.replace("\n", " "))
        return self._results[lookup]
