"""Send spans to an OpenTelemetry collector: OTLP over HTTP, in the background.

Promises: no work waits for the collector; one that is away costs spans, nothing else. Only `start.py` imports this
module, since it needs the packages of the extra `otel`. OpenTelemetry reads its own variables: `OTEL_SERVICE_NAME`,
`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER` and others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision

from reviewer import __version__
from webhooks.telemetry.spans import Attribute, Span, SpanPlace, SpanSide, with_dots

#: The name of the service, where OTEL_SERVICE_NAME gives no other.
SERVICE = "minimax-reviewer"

#: Seconds that the end of the process waits for the last spans.
FLUSH_SECONDS = 2.0

_KINDS = {
    SpanSide.SERVER: trace.SpanKind.SERVER,
    SpanSide.CLIENT: trace.SpanKind.CLIENT,
    SpanSide.CONSUMER: trace.SpanKind.CONSUMER,
    SpanSide.INTERNAL: trace.SpanKind.INTERNAL,
}


class _ChosenIds(RandomIdGenerator):
    """Gives random ids, or those that this thread chose for its next span."""

    def __init__(self) -> None:
        self.next = threading.local()

    def generate_trace_id(self) -> int:
        return self._taken("trace") or int(super().generate_trace_id())

    def generate_span_id(self) -> int:
        return self._taken("span") or int(super().generate_span_id())

    def _taken(self, kind: str) -> int:
        chosen = getattr(self.next, kind, 0)
        setattr(self.next, kind, 0)
        return int(chosen)


class _Sent(Span):
    """A span that is sent when it ends."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def set(self, **attributes: Attribute) -> None:
        self._span.set_attributes(with_dots(attributes))

    def failed(self, kind: str) -> None:
        self._span.set_status(trace.StatusCode.ERROR, kind)
        self._span.set_attribute("error.type", kind)


class CollectorTracer:
    """Sends spans to the collector that the environment names. Call `close` at the end."""

    def __init__(self) -> None:
        """Start the thread that sends. No connection is made before there is something to send."""
        self._ids = _ChosenIds()
        self._provider = TracerProvider(resource=_resource(), id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("reviewer")

    @contextmanager
    def span(
        self, name: str, side: SpanSide, place: SpanPlace | None, attributes: dict[str, Attribute], began: float | None
    ) -> Iterator[Span]:
        """Open a span; an exception that leaves it marks it as failed, by its name alone."""
        context = None if place is None else self._context(place)
        if place is not None:
            self._ids.next.trace, self._ids.next.span = int(place.trace, 16), int(place.own or "0", 16)
        start = None if began is None else int(began * 1e9)
        span = self._tracer.start_span(name, context, _KINDS[side], attributes, start_time=start)
        self._ids.next.trace = self._ids.next.span = 0
        sent = _Sent(span)
        try:
            with trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
                yield sent
        except Exception as error:
            sent.failed(type(error).__name__)
            raise
        finally:
            span.end()

    def _context(self, place: SpanPlace) -> Context:
        """Return the context of the span above, which was begun elsewhere: sampled as the first of its trace was."""
        if not place.parent:
            return Context()
        of_trace = int(place.trace, 16)
        decision = self._provider.sampler.should_sample(Context(), of_trace, "").decision
        flags = trace.TraceFlags(int(decision is Decision.RECORD_AND_SAMPLE))
        above = trace.SpanContext(of_trace, int(place.parent, 16), is_remote=True, trace_flags=flags)
        return trace.set_span_in_context(trace.NonRecordingSpan(above), Context())

    def close(self) -> None:
        """Send what is left, but wait for it at most FLUSH_SECONDS."""
        ending = threading.Thread(target=self._provider.shutdown, name="traces-end", daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)


def _resource() -> Resource:
    """Return who sends the spans: as the environment says, or under our own name."""
    resource = Resource.create()
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": SERVICE}))
    return resource.merge(Resource({"service.version": __version__}))
