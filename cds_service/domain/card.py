"""What a hook wants to tell: intents, which `card/` finishes for the vendor."""

from dataclasses import dataclass, field
from typing import Literal

Indicator = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph of plain text. Markup in it is escaped."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list of plain-text lines below an optional heading. Markup in them is escaped."""

    lines: tuple[str, ...] = field(repr=False)
    heading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBrief:
    """A SMART app link that opens this brief; left out where the site has no SMART client."""

    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftNote:
    """A suggestion to file the brief as a draft note; left out where the vendor takes none."""

    label: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardIntent:
    """One card, before a vendor's limits, ids and links are applied.

    `topic` is a constant code for each rule, never for each patient: EHRs remember overrides by it.
    """

    summary: str = field(repr=False)
    indicator: Indicator
    topic: str
    topic_display: str
    detail: tuple[Text | Bullets, ...] = ()
    link: OpenBrief | None = None
    note: DraftNote | None = None
    override_reasons: bool = False
