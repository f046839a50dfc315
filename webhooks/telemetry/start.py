"""Decide from the environment whether traces are sent, and load OpenTelemetry only then."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Mapping

from webhooks.telemetry.spans import NO_TRACER, Tracer

log = logging.getLogger(__name__)

#: OpenTelemetry's variables that name a collector; the second is for traces alone.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

#: The variables that choose a protocol, the deciding one first, and the protocol that we speak.
_PROTOCOLS, _PROTOCOL = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf"


def start_tracing(environ: Mapping[str, str]) -> Tracer:
    """Return the tracer for this process: it sends spans where a collector is named and the extra is installed."""
    values = {name: value.strip() for name, value in environ.items()}
    named = next((name for name in ENDPOINTS if values.get(name)), None)
    if named is None or _is_off(values):
        return NO_TRACER
    protocol = next((values[name] for name in _PROTOCOLS if values.get(name)), _PROTOCOL)
    if protocol != _PROTOCOL:
        log.warning("no traces are sent: only OTLP over %s is supported, but %r is set", _PROTOCOL, protocol)
        return NO_TRACER
    try:
        from webhooks.telemetry.collector import CollectorTracer  # noqa: PLC0415 - 10 MB, and off by default
    except ModuleNotFoundError as error:
        log.warning(
            "no traces are sent: %s is set, but the package of %s is not installed. Install the extra `otel`: in a "
            "clone, pip install --no-deps --require-hashes --requirement requirements/otel.txt into its environment",
            *(named, error.name),
        )
        return NO_TRACER
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # a collector that is away is told once a batch
    tracer = CollectorTracer()
    atexit.register(tracer.close)
    log.info("traces are sent to the collector that %s names", named)
    return tracer


def _is_off(values: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's own switches turn traces off."""
    return values.get("OTEL_SDK_DISABLED", "").lower() == "true" or values.get("OTEL_TRACES_EXPORTER") == "none"
