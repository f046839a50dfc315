"""The client for MiniMax's models over an OpenAI-compatible API: send prompts, return replies or typed errors.

Retries, fallback models and the limit on parallel calls are here and nowhere else. Each request is recorded as an
`Attempt`, whether it succeeded or not. The key appears in no message, repr or log. Never repairs a reply.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Self

from reviewer.llm.chat_completions import Completion, read_reply, request_body
from reviewer.llm.client_settings import ClientSettings
from reviewer.llm.defaults import DEFAULT_BASE_URL, DEFAULT_MODEL
from reviewer.llm.endpoint import Endpoint
from reviewer.llm.error_mapping import CutOff, NoSuchModel, UnsupportedField
from reviewer.llm.errors import BadKey, BrokenReply, ModelError, ModelUnavailable, NoCredit, PromptTooLong, SlowDown
from reviewer.llm.messages import Prompt, Reply, Warming
from reviewer.llm.models import LISTED, Model, Price, model_named, planned_tokens
from reviewer.llm.streaming import StreamTimeouts
from reviewer.llm.usage import Attempt

# The longest first wait in seconds; it doubles each time. A rate limit takes longer to pass than a failure.
_FIRST_WAIT, _FIRST_WAIT_SLOW, _LONGEST_WAIT = 1.5, 8.0, 60.0
# If a server asks for a longer wait, it is asked again after this time.
_LONGEST_RETRY_AFTER = 120.0

_log = logging.getLogger(__name__)


class _Learned:
    """What a client learned about the service; shared by its threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.refused_fields: set[str] = set()
        self.warned: set[str] = set()


class _Batch:
    """Prompts that are sent together. `stop` is the error after which no other prompt is sent."""

    def __init__(self) -> None:
        self.stop: ModelError | None = None
        self.on_begin: dict[int, Callable[[], object]] = {}

    def check(self) -> None:
        """Raise the error that stopped the batch, as a new error for the prompt that is not sent."""
        if self.stop is not None:
            raise type(self.stop)(str(self.stop))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Client:
    """Asks one model, from any number of threads. A context manager; `close` ends the calls under way.

    `fallback_models` are tried in order, with the same key, if a model is not served or keeps failing. A reply
    names the next of them, to be asked if it cannot be read. `prices` are the user's own, in USD per million
    tokens. All times are in seconds: `connect_timeout` for a connection, `idle_timeout` for the next piece of an
    answer, `total_timeout` for one attempt, `trailer_timeout` for the usage after the end of the answer; after
    `retry_timeout` no model is tried again. `on_wait` is called before each wait for another attempt. `clock`, `sleep`
    and `jitter` (a random number between two) are for tests.
    """

    key: str = field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    model: str = DEFAULT_MODEL
    fallback_models: tuple[str, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    max_parallel: int = 4
    max_attempts: int = 4
    connect_timeout: float = 10.0
    idle_timeout: float = 300.0
    total_timeout: float = 900.0
    trailer_timeout: float = 10.0
    retry_timeout: float = 900.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] | None = None
    on_wait: Callable[[ModelError, float], object] | None = None
    jitter: Callable[[float, float], float] = random.uniform
    _learned: _Learned = field(default_factory=_Learned, init=False, repr=False)
    _slots: threading.Semaphore = field(init=False, repr=False)
    _endpoint: Endpoint = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Create the slots for parallel calls and the endpoint, without connecting."""
        limits = StreamTimeouts(self.connect_timeout, self.idle_timeout, self.total_timeout, self.trailer_timeout)
        object.__setattr__(self, "_slots", threading.Semaphore(max(1, self.max_parallel)))
        object.__setattr__(self, "_endpoint", Endpoint(self.base_url, self.key, limits))

    @classmethod
    def from_settings(
        cls,
        settings: ClientSettings,
        *,
        max_parallel: int = 4,
        on_wait: Callable[[ModelError, float], object] | None = None,
    ) -> Self:
        """Return the client with those settings, which the environment usually gave; nothing is connected yet."""
        return cls(
            key=settings.key,
            base_url=settings.base_url,
            model=settings.model,
            fallback_models=settings.fallback_models,
            prices=settings.prices,
            max_parallel=max_parallel,
            on_wait=on_wait,
        )

    def __enter__(self) -> Self:
        """Return the client. The first call opens its connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """End the calls under way with ModelUnavailable and close the connections. The client cannot be used again."""
        self._endpoint.close()

    def complete(self, prompt: Prompt) -> Reply:
        """Return the model's reply. Raises a ModelError with the reason and the attempts if there is none.

        Raises SettingsError if `base_url` is not a URL.
        """
        return self._complete(prompt, _Batch())

    def ask(
        self, prompts: Sequence[Prompt], *, each: Callable[[Prompt, Reply | ModelError], object] | None = None
    ) -> list[Reply | ModelError]:
        """Return a reply or an error for each prompt, in order, up to `max_parallel` at a time.

        Of three or more prompts that begin alike, one goes ahead, so that the others find that beginning cached.
        After NoCredit or BadKey the remaining prompts are not sent and get the same error. `each` is called with every
        answer as it comes, from several threads.
        """
        batch, warming = _Batch(), Warming.of(prompts)
        batch.on_begin = {id(prompts[lead]): partial(warming.begin, lead) for lead in warming.order}

        def answer(index: int) -> Reply | ModelError:
            warming.wait(index)
            try:
                answer = self._answer(prompts[index], batch)
            finally:
                warming.begin(index)
            if each is not None:
                each(prompts[index], answer)
            return answer

        order = tuple(dict.fromkeys((*warming.order, *range(len(prompts)))))
        if len(prompts) < 2 or self.max_parallel < 2:
            return [answer(index) for index in range(len(prompts))]
        pool = ThreadPoolExecutor(min(self.max_parallel, len(prompts)), thread_name_prefix="model")
        try:
            answers = dict(zip(order, pool.map(answer, order), strict=True))
            return [answers[index] for index in range(len(prompts))]
        finally:
            # Not a `with` statement: on Ctrl-C it would wait for the calls under way, which may take minutes.
            pool.shutdown(wait=False, cancel_futures=True)

    def models(self) -> list[str]:
        """Return the ids of the models that the service lists for this key. One request, not retried.

        Raises a ModelError.
        """
        with self._slots:
            return self._endpoint.models()

    def _answer(self, prompt: Prompt, batch: _Batch) -> Reply | ModelError:
        try:
            return self._complete(prompt, batch)
        except ModelError as error:
            if isinstance(error, NoCredit | BadKey):
                batch.stop = batch.stop or error
            return error

    def _complete(self, prompt: Prompt, batch: _Batch) -> Reply:
        """Ask the model, then the fallbacks if another model may succeed. `attempts` collects all requests."""
        attempts: list[Attempt] = []
        models = list(dict.fromkeys((self.model, *self.fallback_models)))
        if prompt.model in models:
            models = models[models.index(prompt.model) :]
        try:
            for model_id, following in zip(models, [*models[1:], ""], strict=True):
                try:
                    return replace(self._retry(model_id, prompt, batch, attempts), fallback=following)
                except BrokenReply as error:
                    error.unusable = error.unusable and replace(error.unusable, fallback=following)
                    raise
                except (ModelUnavailable, SlowDown, NoSuchModel) as error:
                    if not following or self._endpoint.closed.is_set():
                        raise
                    _log.warning("model_fallback from=%s to=%s reason=%s", model_id, following, error.kind)
        except ModelError as error:
            error.attempts = tuple(attempts)
            raise
        raise AssertionError("there is always a first model")

    def _retry(self, model_id: str, prompt: Prompt, batch: _Batch, attempts: list[Attempt]) -> Reply:
        """Ask one model until it answers, fails permanently, or reaches the limit of attempts or time."""
        model = self._known(model_id)
        if not model.fits(
            "".join(message.content for message in prompt.messages), min(prompt.max_tokens, model.reply_limit)
        ):
            raise PromptTooLong(
                f"The prompt may not fit the {model.window:,} tokens of {model.id} and was not sent. "
                "Review a smaller change, or choose a larger model."
            )
        began, failures = self.clock(), 0
        while True:
            try:
                return replace(self._attempt(model, prompt, batch, attempts), attempts=tuple(attempts))
            except UnsupportedField as error:
                # Each field can be refused only once: the next body omits it.
                _log.info("model_field_dropped field=%s model=%s", error.field, model.id)
                self._learned.refused_fields.add(error.field)
            except ModelError as error:
                failures += 1
                if not error.retryable or failures >= self.max_attempts or self._endpoint.closed.is_set():
                    raise
                wait = self._wait(error, failures)
                if self.clock() - began + wait > self.retry_timeout:
                    raise
                if self.on_wait is not None:
                    self.on_wait(error, wait)
                (self.sleep or self._endpoint.closed.wait)(wait)

    def _wait(self, error: ModelError, failures: int) -> float:
        """Return the seconds until the next attempt: as the server asks, else a random time up to a growing limit.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (full jitter)
        """
        if error.retry_after is not None:
            return min(error.retry_after, _LONGEST_RETRY_AFTER) + self.jitter(0.0, 1.0)
        first = _FIRST_WAIT_SLOW if isinstance(error, SlowDown) else _FIRST_WAIT
        return self.jitter(0.0, min(_LONGEST_WAIT, first * 2 ** (failures - 1)))

    def _attempt(self, model: Model, prompt: Prompt, batch: _Batch, attempts: list[Attempt]) -> Reply:
        """Send one request, record it as an attempt, and return its reply or raise its error."""
        request = request_body(prompt, model, self._learned.refused_fields)
        completion = Completion(batch.on_begin.get(id(prompt)))
        with self._slots:
            batch.check()
            self._endpoint.check()
            began, outcome, cut_off = self.clock(), ModelError.kind, False
            try:
                self._endpoint.chat(request, completion)
                reply = read_reply(completion, prompt)
                outcome = "ok"
            except ModelError as error:
                outcome, cut_off = error.kind, isinstance(error, CutOff)
                raise
            finally:
                attempts.append(self._record(model, prompt, completion, outcome, cut_off=cut_off, began=began))
        return replace(reply, model=reply.model or model.id)

    def _record(
        self, model: Model, prompt: Prompt, completion: Completion, outcome: str, *, cut_off: bool, began: float
    ) -> Attempt:
        """Return the attempt for one request.

        RunAPI does not charge failed generations, so a failure costs nothing. The cost of a reply without usage, and of
        an answer that we cut off, is estimated.
        """
        seconds = self.clock() - began
        finished = completion.finish_reason is not None and completion.fault is None
        charged = completion.usage is not None or finished or (cut_off and completion.begun)
        sent, written = completion.usage or (0, 0)
        if charged and completion.usage is None:
            sent = planned_tokens("".join(message.content for message in prompt.messages))
            written = completion.estimated_tokens()
        cached = completion.cached_tokens
        cost = model.cost_usd(sent, written, cached) if charged else Decimal(0)
        _log.info(
            "model_call model=%s served=%s outcome=%s prompt_tokens=%d cached_tokens=%d completion_tokens=%d "
            "seconds=%.1f",
            *(model.id, completion.model, outcome, sent, cached, written, seconds),
        )
        return Attempt(model.id, outcome, sent, written, cost, seconds, charged and completion.usage is None, cached)

    def _known(self, model_id: str) -> Model:
        model = model_named(model_id, self.prices)
        with self._learned.lock:
            new = not model.listed and model_id not in self._learned.warned
            self._learned.warned.add(model_id)
        if new:
            _log.warning("model_not_listed model=%s listed=%s", model_id, ",".join(LISTED))
        return model
