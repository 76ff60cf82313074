"""Sets up traces and metrics, and puts a span round every stage of a call.

A collector that is slow or down costs a call nothing: spans wait in a bounded queue for a thread of their own, and what
does not fit is dropped. No trace context is taken from callers, who are not verified yet, nor sent to an EHR.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

import httpx
from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.context import Context, get_current
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransport
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.propagate import set_global_textmap
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import StatusCode
from typing_extensions import override

from cds_service.domain.errors import CdsError, NotAllowed, NotTrusted
from cds_service.telemetry.allowed import ATTRIBUTES, Allowed

_FLUSH_MS = 2_000
_EXPORT_S = 5.0
_EVERY_MS = 15_000
_STAGES = ("verify", "read", "ready", "gather", "by_rules", "compose", "keep", "ahead")
"""The stages of a call, as the flow's fields name them."""

F = TypeVar("F", bound=Callable[..., Any])
Flow = TypeVar("Flow")


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One process's traces and metrics."""

    tracers: TracerProvider
    meters: MeterProvider

    def stages(self, flow: Flow, site_of: Callable[..., str]) -> Flow:
        """Return a flow whose stages, and itself, each have a span and count in the metrics.

        `site_of` gives the site's name from the flow's own arguments.
        """
        parts = {name: getattr(flow, name) for name in _STAGES if hasattr(flow, name)}
        watched = {name: self._stage(name, part) for name, part in parts.items()}
        whole = replace(flow, **watched)  # type: ignore[type-var]  # flows are dataclasses
        return cast("Flow", self._stage(_name(flow), cast("Any", whole), site_of))

    def gauge(self, name: str, told: str, read: Callable[[], Mapping[str, int]]) -> None:
        """Report numbers by site, read whenever metrics are collected."""

        def observed(_options: CallbackOptions) -> list[Observation]:
            return [Observation(number, {"cds.site": site}) for site, number in read().items()]

        self._meter.create_observable_gauge(name, [observed], "1", told)

    def counter(self, name: str, told: str, read: Callable[[], int]) -> None:
        """Report a number that only grows, read whenever metrics are collected."""

        def observed(_options: CallbackOptions) -> list[Observation]:
            return [Observation(read())]

        self._meter.create_observable_counter(name, [observed], "1", told)

    @property
    def _meter(self) -> metrics.Meter:
        return self.meters.get_meter("cds_service")

    def transport(self, inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """Return a transport whose requests have spans."""
        return AsyncOpenTelemetryTransport(inner, self.tracers, self.meters)

    def watch(self, app: FastAPI, engine: object) -> None:
        """Put spans round requests to us and round statements to the database."""
        FastAPIInstrumentor.instrument_app(
            app,
            tracer_provider=self.tracers,
            meter_provider=self.meters,
            excluded_urls="healthz,readyz",
            exclude_spans=["receive", "send"],
        )
        SQLAlchemyInstrumentor().instrument(
            engine=engine, tracer_provider=self.tracers, skip_dep_check=True
        )

    async def stop(self) -> None:
        """Send what is left, as far as the collector takes it in a moment."""
        SQLAlchemyInstrumentor().uninstrument()
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        self.tracers.force_flush(_FLUSH_MS)
        self.tracers.shutdown()
        self.meters.shutdown(_FLUSH_MS)

    def _stage(self, name: str, work: F, site_of: Callable[..., str] | None = None) -> F:
        watch = _Watch(self, name, site_of)
        if iscoroutinefunction(work) or iscoroutinefunction(type(work).__call__):

            @wraps(work, updated=())
            async def slow(*args: Any, **named: Any) -> Any:  # noqa: ANN401  # whatever the stage takes
                with watch(*args):
                    return await work(*args, **named)

            return cast("F", slow)

        @wraps(work, updated=())
        def quick(*args: Any, **named: Any) -> Any:  # noqa: ANN401  # whatever the stage takes
            with watch(*args):
                return work(*args, **named)

        return cast("F", quick)


class _Strangers(TextMapPropagator):
    """Takes no trace context from a request and puts none into one."""

    @override
    def extract(  # type: ignore[override]  # nothing is taken from the carrier, so it has no name
        self, _: object, context: Context | None = None, *__: object, **___: object
    ) -> Context:
        return context if context is not None else get_current()

    @override
    def inject(self, *_: object, **__: object) -> None:
        """Leave the request as it is."""

    @property
    @override
    def fields(self) -> set[str]:
        return set()


class _Watch:
    """Measures one stage."""

    def __init__(
        self, telemetry: Telemetry, name: str, site_of: Callable[..., str] | None
    ) -> None:
        meter = telemetry.meters.get_meter("cds_service")
        self._tracer = telemetry.tracers.get_tracer("cds_service")
        self._took = meter.create_histogram("cds.stage.duration", "s", "How long a stage took.")
        self._calls = meter.create_counter("cds.calls", "1", "Calls by site and how they ended.")
        self._name, self._site_of = name, site_of

    @contextmanager
    def __call__(self, *args: object) -> Iterator[None]:
        told: dict[str, str] = {"cds.stage": self._name, "cds.outcome": "ok"}
        if self._site_of is not None:
            told["cds.site"] = self._site_of(*args)
        began = time.perf_counter()
        with self._tracer.start_as_current_span(
            self._name, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as stop:
                told |= _outcome(stop)
                span.set_status(StatusCode.ERROR)
                raise
            finally:
                span.set_attributes(told)
                self._took.record(time.perf_counter() - began, told)
                if self._site_of is not None:
                    self._calls.add(1, told)


def _outcome(stop: BaseException) -> dict[str, str]:
    """Return how a stage ended: a code of ours, or the kind of a crash; never its text."""
    if not isinstance(stop, CdsError):
        return {"cds.outcome": "crashed", "error.type": type(stop).__name__}
    reason = {"cds.reason": stop.detail} if isinstance(stop, NotTrusted | NotAllowed) else {}
    return {"cds.outcome": stop.code, **reason}


def _name(flow: object) -> str:
    return type(flow).__name__.lower()


def start_telemetry(
    url: str,
    *,
    processors: Sequence[SpanProcessor] = (),
    readers: Sequence[MetricReader] = (),
) -> Telemetry:
    """Start sending to an OTLP/HTTP collector below `url`; a test passes its own receivers instead.

    Logs of the exporter about a collector that is down are errors of the SDK's own loggers, without content of ours.
    """
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    set_global_textmap(_Strangers())
    resource = Resource({"service.name": "cds-service"})
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    for each in processors or (BatchSpanProcessor(_spans(url)),):
        tracers.add_span_processor(Allowed(each))
    meters = MeterProvider(
        metric_readers=readers or (PeriodicExportingMetricReader(_numbers(url), _EVERY_MS),),
        resource=resource,
        views=[View(instrument_name="*", attribute_keys=set(ATTRIBUTES))],
        shutdown_on_exit=False,
    )
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(meters)
    return Telemetry(tracers, meters)


def _spans(url: str) -> OTLPSpanExporter:
    return OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces", timeout=_EXPORT_S)


def _numbers(url: str) -> OTLPMetricExporter:
    return OTLPMetricExporter(f"{url.rstrip('/')}/v1/metrics", timeout=_EXPORT_S)
