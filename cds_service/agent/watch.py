"""Spans and metrics of a run by OpenTelemetry's GenAI conventions: names and numbers, never a word of a chart.

The model's SDK adds a span for each of its calls (`llm/claude.py`).
"""

from contextlib import AbstractContextManager

from opentelemetry import metrics, trace

from cds_service.agent.record import RunRecord
from cds_service.domain.draft import Ending

AGENT = "pre_visit_brief"
_SCOPE = "cds_service.agent"


class Watch:
    """Tells how runs go. One for each process."""

    def __init__(
        self,
        tracers: trace.TracerProvider | None = None,
        meters: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracers)
        meter = metrics.get_meter(_SCOPE, meter_provider=meters)
        self._took = meter.create_histogram(
            "gen_ai.invoke_agent.duration", "s", "How long a run of the agent took."
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", "Tokens of a run, by their type."
        )

    def run(self) -> AbstractContextManager[trace.Span]:
        """Put a span round a run."""
        return self._span(f"invoke_agent {AGENT}", {})

    def tool(self, name: str) -> AbstractContextManager[trace.Span]:
        """Put a span round a call of a tool."""
        told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
        return self._span(f"execute_tool {name}", told)

    def _span(self, name: str, told: dict[str, str]) -> AbstractContextManager[trace.Span]:
        """Return a span that keeps no text of an exception, which may hold a chart's words."""
        return self._tracer.start_as_current_span(
            name, attributes=told, record_exception=False, set_status_on_exception=False
        )

    def ended(self, span: trace.Span, record: RunRecord, status: Ending) -> None:
        """Tell how a run ended, and what it took."""
        used, model = record.usage, record.versions["model"]
        told = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": AGENT,
            "gen_ai.request.model": model,
            "cds.agent.status": status,
        }
        tokens = {"input": used.total - used.output, "output": used.output}
        span.set_attributes(told)
        span.set_attribute("gen_ai.usage.cache_read.input_tokens", used.cache_read)
        self._took.record(record.seconds, told)
        for kind, number in tokens.items():
            span.set_attribute(f"gen_ai.usage.{kind}_tokens", number)
            self._tokens.record(number, {**told, "gen_ai.token.type": kind})
