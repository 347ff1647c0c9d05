"""What `/metrics` shows, for Prometheus. One registry a service; no label ever holds a namespace or a text."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from memsvc.errors import DatabaseError
from memsvc_store.values.jobs import JOB_KINDS, JOB_STATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc import Memory
    from memsvc.asking.answer import Answer
    from memsvc.service.pools import Pools
    from memsvc_retrievers.ledger import Call
    from memsvc_store.values.learned import FeedbackReceipt

CONTENT_TYPE = CONTENT_TYPE_LATEST

_QUICK = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
"""Seconds: from a look-up in a small namespace to a deliberation over a long log."""


class Metrics:
    """The counters of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: Any = {"namespace": "memsvc", "registry": self.registry}
        self._requests = Counter("requests", "Requests answered, by verb and status", ("verb", "status"), **own)
        self._seconds = Histogram("request_seconds", "How long they took", ("verb",), buckets=_QUICK, **own)
        self._in_flight = Gauge("requests_in_flight", "Requests under way", **own)
        self._calls = Counter("model_calls", "Calls of the language model", ("purpose", "outcome"), **own)
        self._tokens = Counter("model_tokens", "Tokens read and written by it", ("purpose", "direction"), **own)
        self._call_seconds = Histogram("model_seconds", "How long a call took", ("purpose",), buckets=_QUICK, **own)
        self._verdicts = Counter("gate_verdicts", "What the gate said of fast answers", ("policy", "escalated"), **own)
        self._answers = Counter("answers", "Answers, by the process that gave them", ("process",), **own)
        self._feedback = Counter("feedback", "Feedback taken in", ("status",), **own)
        ProcessCollector(registry=self.registry)

    def watch(self, memory: Memory, pools: Pools) -> None:
        """Show what this memory and these pools hold, read at each scrape."""
        self.registry.register(_Holdings(memory, pools))

    def text(self) -> bytes:
        """All of it, as Prometheus reads it. Asks the database; for a thread."""
        return generate_latest(_Shown(self.registry))

    def began(self) -> float:
        """Note that a request came; when that was."""
        self._in_flight.inc()
        return time.perf_counter()

    def ended(self, verb: str, status: int, began: float) -> float:
        """Note that it was answered; how many seconds that took."""
        seconds = time.perf_counter() - began
        self._in_flight.dec()
        self._requests.labels(verb, str(status)).inc()
        self._seconds.labels(verb).observe(seconds)
        return seconds

    def answered(self, answer: Answer) -> None:
        """Note an answer and the verdict of its gate."""
        self._answers.labels(answer.process).inc()
        if answer.verdict is not None:
            self._verdicts.labels(answer.verdict.policy, str(answer.verdict.escalate).lower()).inc()

    def rewarded(self, receipt: FeedbackReceipt) -> None:
        """Note a feedback."""
        self._feedback.labels(receipt.status).inc()

    def called(self, call: Call) -> None:
        """Note a call of the language model."""
        self._calls.labels(call.purpose, "ok" if call.error is None else "error").inc()
        self._tokens.labels(call.purpose, "prompt").inc(call.prompt_tokens)
        self._tokens.labels(call.purpose, "completion").inc(call.completion_tokens)
        self._call_seconds.labels(call.purpose).observe(call.seconds)


class _Shown(Collector):
    """A registry without the moments at which its counters began (`..._created`), a line for each. The library's own
    switch for them is one for the whole process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Its metrics, each without that sample."""
        for metric in self._registry.collect():
            metric.samples = [one for one in metric.samples if not one.name.endswith("_created")]
            yield metric


class _Holdings(Collector):
    """What is read when Prometheus asks."""

    def __init__(self, memory: Memory, pools: Pools) -> None:
        self._memory, self._pools = memory, pools

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Threads by pool, shards, and the job queue; without the queue where the database is away."""
        threads = GaugeMetricFamily("memsvc_pool_busy", "Threads at work", labels=["pool"])
        for pool, busy in self._pools.busy().items():
            threads.add_metric([pool], busy)
        yield threads
        yield from self._shards()
        limit = self._memory.quota.limit
        most = math.inf if limit is None else limit
        yield GaugeMetricFamily("memsvc_model_tokens_limit", "Tokens that models may take a day", most)
        jobs = GaugeMetricFamily("memsvc_jobs", "Jobs, by kind and state", labels=["kind", "state"])
        try:
            counts = self._memory.store.jobs.counts()
            used = 0 if limit is None else self._memory.quota.used()
        except DatabaseError:  # readiness says so, and the other numbers are wanted most just then
            return
        for kind in JOB_KINDS:
            for state in JOB_STATES:
                jobs.add_metric([kind, state], counts.get((kind, state), 0))
        yield jobs
        yield GaugeMetricFamily("memsvc_model_tokens_today", "Those that they have taken", used)

    def _shards(self) -> Iterator[Metric]:
        usage = self._memory.store.shard_usage()
        yield GaugeMetricFamily("memsvc_shards", "Namespaces whose projections are held in memory", usage.shards)
        yield GaugeMetricFamily("memsvc_shard_bytes", "Their size", usage.bytes)
        yield CounterMetricFamily("memsvc_shard_hits", "Look-ups that found their shard held", usage.hits)
        yield CounterMetricFamily("memsvc_shard_loads", "Look-ups that had to load it", usage.loads)
        yield CounterMetricFamily("memsvc_shard_evictions", "Shards that made room for others", usage.evictions)
