"""OpenTelemetry spans, where an exporter is configured by the standard `OTEL_*` variables; else nothing.

A span a request, named after its verb, and below it one a batch of calls to a language model. No text is in them.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from memsvc.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

logger = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def wanted(environment: Mapping[str, str] = os.environ) -> str | None:
    """Which exporter is configured: `otlp`, `console`, or None.

    Raises:
        SettingsError: another one.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    named = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if named not in ("", "none", "otlp", "console"):
        raise SettingsError(f"OTEL_TRACES_EXPORTER came as {named!r}; give otlp, console or none")
    if named:
        return None if named == "none" else named
    return "otlp" if any(environment.get(name) for name in _ENDPOINTS) else None


class Tracing:
    """Opens spans on a tracer provider; without one it does nothing."""

    def __init__(self, provider: Any = None) -> None:
        self._provider = provider
        self._tracer = None if provider is None else provider.get_tracer("memsvc")

    @classmethod
    def configured(cls) -> Tracing:
        """As the environment says. Where the packages are missing, a line in the log says which extra brings them."""
        exporter = wanted()
        if exporter is None:
            return cls()
        try:
            return cls(_provider(exporter))
        except ImportError as error:
            logger.warning(
                "traces are not exported: pip install 'memsvc[telemetry]' brings what is missing (%s)", error
            )
            return cls()

    def request(self, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        """A span for one request, below the caller's own if its headers name one."""
        if self._tracer is None:
            return nullcontext()
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        return self._spanning("request", context=extract(headers), kind=SpanKind.SERVER)

    def batch(self, purpose: str, model: str, calls: int) -> AbstractContextManager[Any]:
        """A span for one batch of calls to a language model, below its request's."""
        if self._tracer is None:
            return nullcontext()
        known = {"memsvc.purpose": purpose, "gen_ai.request.model": model, "memsvc.calls": calls}
        return self._spanning(f"model {purpose}", attributes=known)

    @contextmanager
    def _spanning(self, name: str, **options: Any) -> Iterator[Any]:
        assert self._tracer is not None
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False, **options
        ) as span:
            yield span

    def close(self) -> None:
        """Send what is left."""
        if self._provider is not None:
            self._provider.shutdown()


def described(span: Any, verb: str, status: int) -> None:
    """Name a request's span after its verb, and say what came of it."""
    if span is None:
        return
    span.update_name(verb)
    span.set_attribute("memsvc.verb", verb)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        from opentelemetry.trace import Status, StatusCode

        span.set_status(Status(StatusCode.ERROR))


def _provider(exporter: str) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    provider = TracerProvider(resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "memsvc")}))
    if exporter == "console":
        provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
