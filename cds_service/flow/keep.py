"""Keeps each answer: the brief, sealed, so that a card's link opens exactly what the card showed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cds_service.brief import to_json
from cds_service.card import Answered
from cds_service.domain.brief import Brief
from cds_service.domain.json import encode
from cds_service.hook import HookService
from cds_service.sites import Site
from cds_service.storage import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Hands briefs and card ids to storage, off the request path."""

    writer: Writer
    now: Callable[[], datetime]

    def __call__(self, answered: Answered, brief: Brief, service: HookService, site: Site) -> None:
        """Queue one answer. Raises `Overloaded` when storage is too far behind to keep it."""
        self.writer.check_room()
        created = self.now()
        self.writer.brief(
            site=site.name,
            brief_id=answered.brief_id,
            patient=brief.patient,
            created=created,
            rules_version=brief.rules_version,
            body=encode(to_json(brief)),
        )
        for card in answered.cards:
            topic = card.source.topic.code if card.source.topic else ""
            self.writer.card(
                uuid=card.uuid,
                site=site.name,
                service=service.id,
                topic=topic,
                brief=answered.brief_id,
                created=created,
            )
