"""A double of an OpenTelemetry collector: OTLP over HTTP, as protobuf; strict about what arrives.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fixtures.waiting import LOOPBACK

PATH = "/v1/traces"
CONTENT_TYPE = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as it arrived; ids are hexadecimal."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    attributes: dict[str, Any]
    is_error: bool
    seconds: float


@dataclass(slots=True)
class Collector:
    """What arrived. `problems` are requests that a real collector would refuse."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    spans: list[ReceivedSpan] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def named(self, name: str) -> list[ReceivedSpan]:
        return [span for span in self.spans if span.name == name]

    def take(self, path: str, content_type: str, body: bytes) -> int:
        """Take a request and return the status of its answer."""
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - of the extra `otel`
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415
            ExportTraceServiceRequest,
        )

        if (path, content_type) != (PATH, CONTENT_TYPE):
            self.problems.append(f"POST {path} as {content_type}")
            return 404
        request = ExportTraceServiceRequest()
        try:
            request.ParseFromString(body)
        except DecodeError as error:
            self.problems.append(str(error))
            return 400
        self.bodies.append(body)
        for resource in request.resource_spans:
            self.services.add(_values(resource.resource.attributes).get("service.name", ""))
            for scope in resource.scope_spans:
                self.spans += [self._read(span) for span in scope.spans]
        return 200

    def _read(self, span: Any) -> ReceivedSpan:
        if len(span.trace_id) != 16 or len(span.span_id) != 8 or not any(span.trace_id) or not any(span.span_id):
            self.problems.append(f"{span.name} has no valid ids")
        if not 0 < span.start_time_unix_nano <= span.end_time_unix_nano:
            self.problems.append(f"{span.name} ends before it begins")
        return ReceivedSpan(
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            span.kind,
            _values(span.attributes),
            is_error=span.status.code == 2,
            seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """Serve a collector; at the end nothing may have arrived that a real collector refuses."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = collector.take(self.path, self.headers.get("Content-Type", ""), body)
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    collector = Collector(f"http://{LOOPBACK}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="collector")
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert collector.problems == []
