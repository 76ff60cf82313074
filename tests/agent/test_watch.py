"""A run is seen from outside by names and numbers, and by no word of a chart."""

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cds_service.agent.run import Agent
from cds_service.agent.watch import Watch
from cds_service.brief import rule_brief
from cds_service.telemetry.allowed import ATTRIBUTES, Allowed
from tests.agent.scripted import Scripted, agent_of, calls, failed, says
from tests.brief.charts import condition, context, lab

pytestmark = pytest.mark.anyio

CHART = context(condition("Gout CANARY"), lab("8.1"))
LABS = ("find_results", {"loinc": ["4548-4"]})
ODD = ("delete CANARY", {"patient": "CANARY"})


class Seen:
    """What a collector is sent of runs, past the list of what may leave."""

    def __init__(self):
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(Allowed(SimpleSpanProcessor(self.exporter)))
        views = [View(instrument_name="*", attribute_keys=set(ATTRIBUTES))]
        meters = MeterProvider([self.reader], views=views, shutdown_on_exit=False)
        self.watch = Watch(tracers, meters)

    async def run(self, *steps):
        made = agent_of(Scripted(list(steps)))
        agent = Agent(
            model=made.model,
            prompt=made.prompt,
            clock=made.clock,
            limits=made.limits,
            watch=self.watch,
        )
        await agent(CHART, rule_brief(CHART))
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def points(self):
        data = self.reader.get_metrics_data()
        return [
            (metric.name, dict(point.attributes), point.sum)
            for scope in data.resource_metrics[0].scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        ]


async def test_a_run_and_its_tools_have_spans_below_one_another():
    seen = Seen()
    spans = await seen.run(calls(LABS, input=900, output=40), says(("result", "Obs1"), input=100))
    run, tool = spans["invoke_agent pre_visit_brief"], spans["execute_tool find_results"]
    assert tool.parent.span_id == run.context.span_id
    assert dict(tool.attributes) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "find_results",
    }
    assert run.attributes["gen_ai.request.model"] == "scripted"
    assert run.attributes["gen_ai.usage.input_tokens"] == 1000
    assert run.attributes["gen_ai.usage.output_tokens"] == 40
    assert run.attributes["cds.agent.status"] == "ok"


async def test_tokens_and_time_are_counted_by_model_and_ending():
    seen = Seen()
    await seen.run(calls(LABS, input=900, output=40), failed(retryable=False))
    told = {
        name: (told, number) for name, told, number in seen.points() if "input" in told.values()
    }
    attributes, number = told["gen_ai.client.token.usage"]
    assert number == 900
    assert attributes["cds.agent.status"] == "unavailable"
    assert "gen_ai.invoke_agent.duration" in {name for name, *_ in seen.points()}


async def test_no_word_of_a_chart_or_of_a_model_is_in_any_of_it():
    seen = Seen()
    spans = await seen.run(calls(LABS, ODD), says({"kind": "problem", "refs": ["CANARY"]}))
    assert spans["execute_tool unknown"].attributes["error.type"] == "unknown_tool"
    told = "".join(span.to_json() for span in spans.values()) + str(seen.points())
    assert "CANARY" not in told
    assert "Cond1" not in told
