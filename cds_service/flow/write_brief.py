"""From a gathered record to a brief with everything that it was made by: the seam where a model may help."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cds_service.brief import rule_brief
from cds_service.domain.brief import Brief
from cds_service.domain.evidence import Context
from cds_service.sites import Site

Status = Literal["rules"]
"""Who chose the statements; the rules alone, so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A brief, and what has to be kept to explain it later."""

    brief: Brief
    versions: Mapping[str, str]
    """Of the rules, and of whatever else had a part in it."""
    status: Status
    record: bytes | None = field(default=None, repr=False)
    """What was asked and answered on the way, where somebody was asked."""


class WriteBrief(Protocol):
    """Writes a brief of a gathered record."""

    async def __call__(self, context: Context, site: Site) -> Written:
        """Return the brief, verified, with everything in it that must be shown."""
        ...


async def by_rules(context: Context, _site: Site) -> Written:
    """Write the brief by rules alone. Runs in this thread: tens of milliseconds for a large chart."""
    brief = rule_brief(context)
    return Written(brief=brief, versions={"rules": brief.rules_version}, status="rules")
