"""Metrics for Prometheus: deliveries by outcome, jobs by state, calls to the model, tokens and dollars.

https://prometheus.io/docs/practices/naming/. Jobs and calls are counted in the store, so they are the same in every
process; deliveries are counted where they arrive, together where several processes accept (`gunicorn.conf.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from webhooks.queue.jobs import Jobs, StoreUnavailable

CONTENT_TYPE = CONTENT_TYPE_LATEST

#: Repositories with a label of their own: each label is a series that Prometheus keeps.
MAX_REPOSITORIES = 50

#: Events with a label of their own; any other name comes from outside and must not become a label.
_EVENTS = frozenset({
    "pull_request", "issue_comment", "pull_request_review_comment", "ping", "installation", "check_run", "check_suite",
    "merge_group",
})  # fmt: skip


class Metrics:
    """Counts deliveries, and reads the other figures from the store."""

    def __init__(self) -> None:
        """Start at zero, in a registry of its own."""
        self._registry = CollectorRegistry()
        self._deliveries = Counter(
            "reviewer_deliveries", "Deliveries, by event and outcome.", ["event", "outcome"], registry=self._registry
        )
        self._refused = Counter(
            "reviewer_refused_credentials",
            "Requests with a wrong signature or operator's token, by what was refused.",
            ["what"],
            registry=self._registry,
        )

    def delivered(self, event: str, outcome: str) -> None:
        """Count a delivery."""
        self._deliveries.labels(event if event in _EVENTS else "other", outcome).inc()

    def refused(self, what: str) -> None:
        """Count a request whose credentials were refused: `what` is `signature` or `operator`."""
        self._refused.labels(what).inc()

    def text(self, jobs: Jobs) -> bytes:
        """Return everything in Prometheus' text format. When the store is away, only its figures are missing."""
        deliveries = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            deliveries = CollectorRegistry()
            MultiProcessCollector(deliveries)  # type: ignore[no-untyped-call]
        store = CollectorRegistry()
        store.register(_Store(jobs))
        return generate_latest(deliveries) + generate_latest(store)


class _Store(Collector):
    """The figures that are in the store."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("reviewer_store_up", "Whether the store can be read.")
        try:
            found = [_states(self._jobs), _errors(self._jobs), *_models(self._jobs), *_repositories(self._jobs)]
        except StoreUnavailable:
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        return [up, *found]


def _states(jobs: Jobs) -> Metric:
    states = GaugeMetricFamily("reviewer_jobs", "Jobs in the store, by state.", labels=["state"])
    for state, count in jobs.counts().items():
        states.add_metric([state.value], count)
    return states


def _errors(jobs: Jobs) -> Metric:
    failed = GaugeMetricFamily("reviewer_failed_jobs", "Failed jobs in the store, by class of error.", labels=["error"])
    for name, count in jobs.errors().items():
        failed.add_metric([name], count)
    return failed


def _models(jobs: Jobs) -> list[Metric]:
    labels = ["model", "outcome"]
    calls = CounterMetricFamily("reviewer_model_calls", "Requests to the model.", labels=labels)
    tokens = CounterMetricFamily("reviewer_model_tokens", "Tokens, by direction.", labels=[*labels, "direction"])
    dollars = CounterMetricFamily("reviewer_model_cost_usd", "Cost where the price is known.", labels=labels)
    for total in jobs.totals():
        names = [total.model, total.outcome]
        calls.add_metric(names, total.usage.calls)
        tokens.add_metric([*names, "prompt"], total.usage.prompt_tokens)
        tokens.add_metric([*names, "completion"], total.usage.completion_tokens)
        if total.usage.cost_usd is not None:
            dollars.add_metric(names, float(total.usage.cost_usd))
    return [calls, tokens, dollars]


def _repositories(jobs: Jobs) -> list[Metric]:
    """Return this month's figures by repository: of those that cost most, and of all others together."""
    now = datetime.now(UTC)
    month = datetime(now.year, now.month, 1, tzinfo=UTC).timestamp()
    labels = ["repository"]
    calls = GaugeMetricFamily("reviewer_repository_month_calls", "Requests to the model this month.", labels=labels)
    dollars = GaugeMetricFamily("reviewer_repository_month_cost_usd", "Known cost this month (UTC).", labels=labels)
    for total in jobs.repositories(month, MAX_REPOSITORIES):
        name = [total.repository or "others"]
        calls.add_metric(name, total.usage.calls)
        dollars.add_metric(name, float(total.usage.cost_usd or 0))
    return [calls, dollars]
