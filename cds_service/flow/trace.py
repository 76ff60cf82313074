"""How a reviewer looks behind a brief: what a model was asked, which tools it used, what was checked and dropped."""

from dataclasses import dataclass

from cds_service.audit import Audit
from cds_service.domain.brief import made_by
from cds_service.domain.json import EMPTY, JsonObject, decode
from cds_service.flow.opened import Opened
from cds_service.storage import runs
from cds_service.storage.reviews import Reviews


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Opens the record of the run behind a brief. One for each process."""

    reviews: Reviews
    audit: Audit

    async def __call__(self, opened: Opened) -> JsonObject:
        """Return the record, and say in the audit who read it; empty where none is kept.

        A brief that a card showed of a prepared one has that one's record.
        """
        database, brief = self.reviews.database, opened.brief
        behind = opened.versions.get("prepared") or brief.id
        async with database.transaction() as connection:
            stored = await runs.of_brief(
                connection, database, site=brief.site, patient=brief.patient, brief=behind
            )
            await self.audit.append(
                connection,
                site=brief.site,
                action="view",
                outcome="run" if stored else "no_run",
                facts=made_by(opened.versions),
                actor=opened.session.clinician.fhir_user,
                patient=f"Patient/{opened.session.patient}",
                brief=brief.id,
            )
        found = decode(stored) if stored else EMPTY
        return found if isinstance(found, dict) else EMPTY
