"""The authoring API: the only door for `hooks/`.

A hook is data and pure functions: which record needs it reads, and how a brief becomes card intents.
It does no I/O, knows no vendor and never asks for the time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cds_service.domain.brief import Brief, Flag, Kind, Line, Section, SectionId, Statement
from cds_service.domain.card import Bullets, CardIntent, DraftNote, OpenBrief, Text
from cds_service.domain.evidence import Gap
from cds_service.domain.needs import NEEDS, Need, NeedName

HOOKS: Mapping[str, frozenset[str]] = {
    "patient-view": frozenset({"patientId", "userId", "encounterId"}),
    "appointment-book": frozenset({"patientId", "userId", "encounterId"}),
    "order-select": frozenset({"patientId", "userId", "encounterId"}),
    "order-sign": frozenset({"patientId", "userId", "encounterId"}),
    "encounter-start": frozenset({"patientId", "userId", "encounterId"}),
    "encounter-discharge": frozenset({"patientId", "userId", "encounterId"}),
}
"""The hooks that a service may answer, with the context fields that may be prefetch tokens.

Source: CDS Hooks Library 1.0.1, each hook's context table (column "Prefetch Token").
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookService:
    """One CDS service: what discovery publishes, what is read, and what is shown.

    `cards` must be pure: the same brief gives the same intents.
    """

    id: str
    hook: str
    title: str
    description: str
    needs: tuple[NeedName, ...]
    cards: Callable[[Brief], tuple[CardIntent, ...]] = field(repr=False)
    usage_requirements: str = ""
    ready: bool = False
    """Whether this moment is served from a brief that was prepared ahead, where there is one."""


__all__ = [
    "HOOKS",
    "NEEDS",
    "Brief",
    "Bullets",
    "CardIntent",
    "DraftNote",
    "Flag",
    "Gap",
    "HookService",
    "Kind",
    "Line",
    "Need",
    "NeedName",
    "OpenBrief",
    "Section",
    "SectionId",
    "Statement",
    "Text",
]
