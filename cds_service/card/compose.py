"""From intents to the cards of one answer, within the limits of the vendor's profile."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cds_service.card.markdown import markdown
from cds_service.card.note import draft_note
from cds_service.card.wire import SUMMARY_MAX, Action, Card, Coding, Link, Source, Suggestion
from cds_service.domain.brief import Brief, made_by_words
from cds_service.domain.card import Bullets, CardIntent, Text
from cds_service.domain.evidence import Context
from cds_service.domain.json import encode
from cds_service.sites import Site

TOPIC_SYSTEM = "urn:cds-service:topic"
OVERRIDE_SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
OVERRIDE_REASONS = (
    Coding(
        code="cds-not-applicable",
        system=OVERRIDE_SYSTEM,
        display="Does not apply to this patient or visit",
    ),
    Coding(
        code="cds-suboptimal-context",
        system=OVERRIDE_SYSTEM,
        display="Not useful at this moment",
    ),
    Coding(
        code="recipient-disagrees-evidence",
        system=OVERRIDE_SYSTEM,
        display="Wrong or out of date",
    ),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """The cards of one answer and what the audit may know of them."""

    cards: tuple[Card, ...] = field(repr=False)
    brief_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compose:
    """Finishes card intents. One for each process."""

    public_url: str
    new_id: Callable[[], str]

    def __call__(
        self, intents: tuple[CardIntent, ...], brief: Brief, context: Context, site: Site
    ) -> Answered:
        """Return wire cards: every one valid, every URL ours, every word from the chart escaped."""
        brief_id = self.new_id()
        cards = tuple(self._card(intent, brief_id, brief, context, site) for intent in intents)
        return Answered(cards=cards, brief_id=brief_id)

    def _card(
        self, intent: CardIntent, brief_id: str, brief: Brief, context: Context, site: Site
    ) -> Card:
        suggestions = tuple(self._suggestions(intent, brief_id, brief, context, site))
        links = tuple(self._links(intent, brief_id, site))
        rules = site.profile.card
        return Card(
            uuid=self.new_id(),
            summary=shorten(intent.summary),
            indicator=intent.indicator,
            source=Source(
                label=site.file.title,
                topic=Coding(code=intent.topic, system=TOPIC_SYSTEM, display=intent.topic_display),
            ),
            detail=markdown(_detail(intent, brief, site, links)),
            suggestions=suggestions or None,
            selectionBehavior=rules.selection_behavior if suggestions else None,
            overrideReasons=OVERRIDE_REASONS
            if intent.override_reasons and rules.override_reasons
            else None,
            links=links or None,
        )

    def _links(self, intent: CardIntent, brief_id: str, site: Site) -> list[Link]:
        if intent.link is None or site.file.smart is None or not site.profile.card.links:
            return []
        context = encode({"brief": brief_id}).decode() if site.profile.card.app_context else None
        return [
            Link(
                label=intent.link.label,
                url=f"{self.public_url}/{site.name}/smart/launch",
                type="smart",
                appContext=context,
            )
        ]

    def _suggestions(
        self, intent: CardIntent, brief_id: str, brief: Brief, context: Context, site: Site
    ) -> list[Suggestion]:
        rules = site.profile
        if intent.note is None or not rules.card.draft_note:
            return []
        if rules.note.draft_status != "preliminary":
            return []  # where a note can only be signed, what nobody has read is not offered
        if rules.note.encounter_required and context.encounter is None:
            return []
        note = draft_note(
            title=intent.note.title,
            brief=brief,
            brief_id=brief_id,
            context=context,
            rules=rules.note,
        )
        return [
            Suggestion(
                label=intent.note.label,
                uuid=self.new_id(),
                actions=(Action(type="create", description=intent.note.title, resource=note),),
            )
        ]


def _detail(
    intent: CardIntent, brief: Brief, site: Site, links: tuple[Link, ...]
) -> Iterator[Text | Bullets]:
    """Yield what a hook says, by which versions it was made, and what a link does whose label is not shown."""
    yield from intent.detail
    yield Text(text=f"Made by {made_by_words(brief.versions)}.")
    if links and not site.profile.card.labels_shown:
        yield Text(text=f"The link below: {links[0].label}.")


def shorten(text: str, limit: int = SUMMARY_MAX) -> str:
    """Return one line of at most `limit` code points, cut at a word, with "…" where it was cut."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    head, _, _ = cut.rpartition(" ")
    return (head or cut).rstrip(" ,;:") + "…"
