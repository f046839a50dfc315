"""The spans of a job and of its calls to the model: ids, names, counts and dollars; no prompt and no answer."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.usage import Usage
from webhooks.telemetry.spans import Span, SpanSide, Tracer, call_place, job_place, opened


class TracedJob(Protocol):
    """What of a stored job stands in its spans. Its id is the id of its delivery."""

    @property
    def id(self) -> str:
        """Return the job's id."""
        ...

    @property
    def key(self) -> str:
        """Return what the job is about: `octo/shop#12@SHA`."""
        ...

    @property
    def attempt(self) -> int:
        """Return which attempt it is."""
        ...

    @property
    def starts(self) -> int:
        """Return how often the attempt began."""
        ...


def job_span(tracer: Tracer, job: TracedJob) -> AbstractContextManager[Span]:
    """Open the span of one start of a job."""
    place = job_place(job.id, job.attempt, job.starts)
    attempt = job.attempt
    return opened(
        tracer, "job", place, SpanSide.CONSUMER, reviewer__job=job.id, reviewer__key=job.key, reviewer__attempt=attempt
    )


def call_span(tracer: Tracer, job: TracedJob, prompt: Prompt) -> AbstractContextManager[Span]:
    """Open the span of a call to the model, retries included."""
    place = call_place(job.id, job.attempt, job.starts)
    return opened(tracer, "model call", place, SpanSide.CLIENT, reviewer__job=job.id, reviewer__task=prompt.task.value)


def tell_ending(span: Span, ending: str, *, failed: bool) -> None:
    """Add how the job ended."""
    span.set(reviewer__ending=ending)
    if failed:
        span.failed("JobFailed")


def tell_answer(span: Span, answer: Reply | ModelError) -> None:
    """Add how the call ended, and what it took: see https://opentelemetry.io/docs/specs/semconv/gen-ai/ ."""
    attempts = answer.attempts
    usage = Usage.of(attempts)
    span.set(
        reviewer__outcome=answer.kind if isinstance(answer, ModelError) else "ok",
        reviewer__requests=usage.calls,
        gen_ai__usage__input_tokens=usage.prompt_tokens,
        gen_ai__usage__output_tokens=usage.completion_tokens,
        reviewer__cached_tokens=usage.cached_tokens,
    )
    if attempts:
        span.set(gen_ai__request__model=attempts[-1].model)
    if usage.cost_usd is not None:
        span.set(reviewer__cost_usd=float(usage.cost_usd))
    if isinstance(answer, ModelError):
        span.failed(answer.kind)
