"""Keeps each answer: the brief, sealed, so that a card's link opens exactly what the card showed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cds_service.brief import to_json
from cds_service.card import Answered
from cds_service.context.stored import cited, pack
from cds_service.domain.brief import made_by
from cds_service.domain.json import encode
from cds_service.flow.ready import Made
from cds_service.hook import HookService
from cds_service.sites import Site
from cds_service.storage import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Hands briefs and card ids to storage, off the request path."""

    writer: Writer
    now: Callable[[], datetime]

    def __call__(self, answered: Answered, made: Made, service: HookService, site: Site) -> None:
        """Queue one answer. Raises `Overloaded` when storage is too far behind to keep it.

        What was shown of a prepared brief is kept as a brief of its own: the card links to exactly that, with
        its age and what had changed by then. Its sources are those of the prepared one. Of a brief that the rules
        made while the chart opened only the Patient is kept, which says whose page it is: packing all that is cited
        would take longer than a call has.
        """
        self.writer.check_room()
        created, brief = self.now(), made.brief
        self.writer.brief(
            site=site.name,
            brief_id=answered.brief_id,
            patient=brief.patient,
            created=created,
            versions={
                **made_by(brief.versions),
                "prepared": made.prepared,
                **site.versions,
            },
            body=encode(to_json(brief)),
            sources=None if made.prepared else pack(cited(made.context.ledger, ())),
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
