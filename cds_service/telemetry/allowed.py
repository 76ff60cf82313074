"""What may leave in a span or a metric: ids, counts and names that are on a list. Everything else is dropped.

The instrumentations of libraries put URLs, queries, statements and the text of exceptions into spans, and those of a
FHIR read name a patient. A list of what may leave cannot forget one of them.
"""

import re
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import Status
from typing_extensions import override

ATTRIBUTES = frozenset(
    {
        "http.method",
        "http.request.method",
        "http.route",
        "http.status_code",
        "http.response.status_code",
        "db.system",
        "db.system.name",
        "db.operation.name",
        "error.type",
        "exception.type",
        "cds.stage",
        "cds.site",
        "cds.outcome",
        "cds.reason",
        "cds.agent.status",
        "gen_ai.operation.name",
        "gen_ai.agent.name",
        "gen_ai.tool.name",
        "gen_ai.request.model",
        "gen_ai.provider.name",
        "gen_ai.token.type",
    }
)
"""Attributes of spans, of their events and of metrics."""
PREFIXES = ("gen_ai.usage.",)
"""Counts of spans."""
_NAME = re.compile(r"[A-Za-z][A-Za-z _./{}-]*")
_MAX_CHARS = 200
_Values = str | bool | int | float


def is_allowed(name: str, value: object) -> bool:
    """Return whether an attribute may leave: a short plain value under a name on the list."""
    known = name in ATTRIBUTES or name.startswith(PREFIXES)
    return known and isinstance(value, _Values) and len(str(value)) <= _MAX_CHARS


def clean(span: ReadableSpan) -> ReadableSpan:
    """Return a span with nothing in it but what may leave; an error keeps its kind and loses its text."""
    scope = span.instrumentation_scope
    return ReadableSpan(
        name=span.name if _NAME.fullmatch(span.name) else (scope.name if scope else "span"),
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=_kept(span.attributes),
        events=_cleaned(span.events),
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=scope,
    )


def _kept(attributes: object) -> dict[str, _Values]:
    found = dict(attributes) if attributes else {}  # type: ignore[call-overload]  # a mapping of the SDK's
    return {name: value for name, value in found.items() if is_allowed(name, value)}


def _cleaned(events: Sequence[Event]) -> list[Event]:
    return [
        Event(event.name, _kept(event.attributes), event.timestamp)
        for event in events
        if event.name == "exception"
    ]


class Allowed(SpanProcessor):
    """Hands on each span that ends, cleaned."""

    def __init__(self, inner: SpanProcessor) -> None:
        self._inner = inner

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._inner.on_start(span, parent_context)

    @override
    def on_end(self, span: ReadableSpan) -> None:
        self._inner.on_end(clean(span))

    @override
    def shutdown(self) -> None:
        self._inner.shutdown()

    @override
    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)
