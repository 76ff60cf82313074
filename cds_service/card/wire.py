"""The CDS Hooks 2.0.1 response, strict: a card that breaks a rule cannot be built.

Section references are to the specification's "CDS Service Response"; the checks are its SHALLs and the
invariants of the 3.0 logical model, which all versions satisfy.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from typing_extensions import override

SUMMARY_MAX = 139
"""`summary` has fewer than 140 characters; Inferno counts Unicode code points."""

_NonEmpty = Annotated[str, StringConstraints(min_length=1)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @override
    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()  # it holds a chart's words


def _is_http(url: str) -> None:
    AnyHttpUrl(url)


class Coding(_Wire):
    """`code` and `system` are required from 2.0 on; `display` on override reasons."""

    code: _NonEmpty
    system: _NonEmpty
    display: _NonEmpty


class Source(_Wire):
    """The primary source of the guidance."""

    label: _NonEmpty
    url: _NonEmpty | None = None
    topic: Coding | None = None


class Action(_Wire):
    """A create carries the new resource; `description` is what Epic shows."""

    type: Literal["create"]
    description: _NonEmpty
    resource: dict[str, Any]

    @model_validator(mode="after")
    def _is_fhir(self) -> Self:
        if not self.resource.get("resourceType"):
            msg = "an action's resource has a resourceType"
            raise ValueError(msg)
        return self


class Suggestion(_Wire):
    """`uuid` is needed for accepted-feedback, so it is always sent."""

    label: _NonEmpty
    uuid: _NonEmpty
    isRecommended: bool | None = None  # noqa: N815  # the specification's own name
    actions: Annotated[tuple[Action, ...], Field(min_length=1)]


class Link(_Wire):
    """`appContext` goes with `smart` only."""

    label: _NonEmpty
    url: _NonEmpty
    type: Literal["absolute", "smart"]
    appContext: _NonEmpty | None = None  # noqa: N815  # the specification's own name

    @model_validator(mode="after")
    def _context_is_smart(self) -> Self:
        _is_http(self.url)
        if self.appContext is not None and self.type != "smart":
            msg = "appContext is valid on smart links only"
            raise ValueError(msg)
        return self


class Card(_Wire):
    """One card as it leaves."""

    uuid: _NonEmpty
    summary: Annotated[str, StringConstraints(min_length=1, max_length=SUMMARY_MAX)]
    indicator: Literal["info", "warning", "critical"]
    source: Source
    detail: _NonEmpty | None = None
    suggestions: Annotated[tuple[Suggestion, ...], Field(min_length=1)] | None = None
    selectionBehavior: Literal["at-most-one", "any"] | None = None  # noqa: N815  # as specified
    overrideReasons: Annotated[tuple[Coding, ...], Field(min_length=1)] | None = None  # noqa: N815
    links: Annotated[tuple[Link, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _conditions_hold(self) -> Self:
        if "\n" in self.summary:
            msg = "summary is one sentence on one line"
            raise ValueError(msg)
        if (self.suggestions is None) != (self.selectionBehavior is None):
            msg = "selectionBehavior goes with suggestions"
            raise ValueError(msg)
        recommended = sum(bool(s.isRecommended) for s in self.suggestions or ())
        if recommended > 1 and self.selectionBehavior != "any":
            msg = "more than one recommended suggestion needs selectionBehavior any"
            raise ValueError(msg)
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the members that have a value; the specification forbids empty ones."""
        return self.model_dump(exclude_none=True)
