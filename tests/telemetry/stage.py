"""Receivers in this process for spans and metrics, as the service would send them."""

from dataclasses import dataclass

from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cds_service.telemetry import Telemetry, start_telemetry


@dataclass
class Received:
    """What arrived."""

    telemetry: Telemetry
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self):
        return self.exporter.get_finished_spans()

    def named(self, name):
        return [span for span in self.spans() if span.name == name]

    def metrics(self):
        """Return name and attributes of every point."""
        data = self.reader.get_metrics_data()
        return [
            (metric.name, dict(point.attributes))
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        ]

    def numbers(self):
        """Return the value of every point that has one, by name and site."""
        data = self.reader.get_metrics_data()
        return {
            (metric.name, point.attributes.get("cds.site")): point.value
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
            if hasattr(point, "value")
        }

    def text(self):
        """Return everything that arrived as one text, to look for what must not be in it."""
        spans = "\n".join(span.to_json() for span in self.spans())
        data = self.reader.get_metrics_data()
        return spans + (data.to_json() if data else "")


def receiving() -> Received:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    telemetry = start_telemetry("", processors=[SimpleSpanProcessor(exporter)], readers=[reader])
    return Received(telemetry, exporter, reader)
