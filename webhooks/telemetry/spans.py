"""Spans of what the App does: a delivery, its job, the job's steps, its calls to the model and to GitHub.

Whoever begins a piece of work gets a `Tracer` and opens its span with `opened`; everything below opens `step`, which
does nothing outside of a span. Without a collector all of this costs a look at a variable. Pure: nothing is sent here.

The ids of a trace and of the spans that others stand below are derived from the delivery's id, so that every process
knows them and nothing about traces is stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

#: What may stand in a span: ids, names and counts. Never prompts, keys or text of a change.
Attribute = str | int | float | bool


class SpanSide(StrEnum):
    """On which side of a conversation the work is done, in OpenTelemetry's words."""

    SERVER = "server"
    CLIENT = "client"
    CONSUMER = "consumer"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class SpanPlace:
    """Where a span stands, in hexadecimal: its trace, its own id, and the id of the span above it.

    Without `own` it gets a random id; without `parent` it is the first of its trace.
    """

    trace: str
    own: str = ""
    parent: str = ""


def delivery_place(delivery: str) -> SpanPlace:
    """Return the place of a delivery that was accepted: the first span of its trace."""
    return SpanPlace(_derived(16, "trace", delivery), _derived(8, "delivery", delivery))


def job_place(delivery: str, attempt: int, starts: int) -> SpanPlace:
    """Return the place of one start of a job: below its delivery."""
    first = delivery_place(delivery)
    return SpanPlace(first.trace, _derived(8, "job", delivery, attempt, starts), first.own)


def call_place(delivery: str, attempt: int, starts: int) -> SpanPlace:
    """Return the place of a call to the model: below the job that waits for it, which may run in another process."""
    job = job_place(delivery, attempt, starts)
    return SpanPlace(job.trace, "", job.own)


def _derived(size: int, *parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[: 2 * size]


class Span:
    """A span that nobody sees. What `Tracer.span` opens overrides the methods."""

    def set(self, **attributes: Attribute) -> None:
        """Add attributes; a dot in a name is written `__`."""

    def failed(self, kind: str) -> None:
        """Mark the work as failed, with the name of what failed: never the words of an error, which may quote code."""


class Tracer(Protocol):
    """Makes spans and sends them somewhere."""

    def span(
        self, name: str, side: SpanSide, place: SpanPlace | None, attributes: dict[str, Attribute], began: float | None
    ) -> AbstractContextManager[Span]:
        """Open a span, below the span that is open here where `place` is None. `began` is in seconds since 1970."""


class NoTracer:
    """Makes no spans: the App's tracer where no collector is named."""

    def span(
        self, name: str, side: SpanSide, place: SpanPlace | None, attributes: dict[str, Attribute], began: float | None
    ) -> AbstractContextManager[Span]:
        """Open a span that nobody sees."""
        del name, side, place, attributes, began
        return nullcontext(Span())


NO_TRACER = NoTracer()


@dataclass(frozen=True, slots=True)
class _Open:
    """The span that is open in this thread: who makes those below it, and its trace."""

    tracer: Tracer
    trace: str


_OPEN: ContextVar[_Open | None] = ContextVar("open_span", default=None)


@contextmanager
def opened(
    tracer: Tracer,
    name: str,
    place: SpanPlace,
    side: SpanSide = SpanSide.INTERNAL,
    began: float | None = None,
    **attributes: Attribute,
) -> Iterator[Span]:
    """Open a span at a place; what is done within stands below it."""
    if tracer is NO_TRACER:
        yield Span()
        return
    token = _OPEN.set(_Open(tracer, place.trace))
    try:
        with tracer.span(name, side, place, with_dots(attributes), began) as span:
            yield span
    finally:
        _OPEN.reset(token)


def step(name: str, side: SpanSide = SpanSide.INTERNAL, **attributes: Attribute) -> AbstractContextManager[Span]:
    """Open a span below the one that is open here; nothing happens where none is."""
    here = _OPEN.get()
    if here is None:
        return nullcontext(Span())
    return here.tracer.span(name, side, None, with_dots(attributes), None)


def current_trace() -> str:
    """Return the id of the trace to which the work of this thread belongs, or nothing."""
    here = _OPEN.get()
    return here.trace if here else ""


def with_dots(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    """Return the attributes under the names that they have for a collector."""
    return {name.replace("__", "."): value for name, value in attributes.items()}
