"""A brief as one person has it open: what is shown of it, and what this person may do with it now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cds_service.context.policy import withhold
from cds_service.context.stored import unpack
from cds_service.domain.evidence import Ledger
from cds_service.domain.json import EMPTY, JsonObject, decode
from cds_service.domain.session import LaunchSession
from cds_service.domain.states import SHOWN
from cds_service.review.approval import Draft, OnScreen, on_screen
from cds_service.review.decisions import Decision, may
from cds_service.review.sheet import Edit, Sheet, edited, read_sheet, without
from cds_service.sites import Site
from cds_service.storage.reviews import StoredApproval, StoredBrief


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A brief as it stands, for one person."""

    brief: StoredBrief
    session: LaunchSession
    site: Site
    edits: tuple[Edit, ...]
    approval: StoredApproval | None

    @cached_property
    def body(self) -> JsonObject:
        """Return the stored brief; empty while it is not ready."""
        found = decode(self.brief.body) if self.brief.body else EMPTY
        return found if isinstance(found, dict) else EMPTY

    @cached_property
    def sheet(self) -> Sheet:
        """Return the brief with every edit applied, without what the site's policy hides now."""
        whole = edited(read_sheet(self.body), self.edits)
        return without(whole, self._hidden(whole))

    @cached_property
    def ledger(self) -> Ledger:
        """Return what the brief cites and policy shows; only the patient where nothing was kept."""
        return withhold(self._kept, self.site.marks)

    @cached_property
    def _kept(self) -> Ledger:
        if self.brief.sources is None:
            return Ledger(patient=f"Patient/{self.session.patient}", evidence={})
        return unpack(self.brief.sources)

    @property
    def is_of_this_policy(self) -> bool:
        """Return whether nothing is hidden now that was shown when the brief was made."""
        return not self.site.marks.hides or self.versions.get("policy") == self.site.policy_version

    def _hidden(self, whole: Sheet) -> frozenset[str]:
        """Return the resources that are hidden; of those whose source was not kept, whatever may be."""
        if self.is_of_this_policy:
            return frozenset()
        hidden = self._kept.evidence.keys() - self.ledger.evidence.keys()
        unknown = set(whole.refs) - self._kept.evidence.keys() - {self.ledger.patient}
        return frozenset(hidden | unknown)

    @property
    def lacks_sources(self) -> bool:
        """Return whether the brief cites what was not kept: nothing it says leads to its source."""
        named = {ref for line in self.sheet.lines() for ref in line.refs} - {self.ledger.patient}
        return bool(named) and named.isdisjoint(self.ledger.evidence)

    @property
    def is_shown(self) -> bool:
        """Return whether there is a whole brief to show."""
        shown = self.brief.state in SHOWN or self.approval is not None
        return self.brief.body is not None and shown

    def may(self, decision: Decision) -> bool:
        """Return whether this person may decide this now."""
        return may(decision, self.brief.state, self.session.clinician)

    @property
    def may_withdraw(self) -> bool:
        """Return whether this person may withdraw an approval of which nothing was sent."""
        sent = self.approval is not None and self.approval.filing.may_be_there
        return not sent and self.may("withdraw")

    @property
    def corrects(self) -> bool:
        """Return whether approving now corrects a note that is in the chart."""
        return self.may("correct") and bool(self.approval and self.approval.filing.location)

    @property
    def may_take_back(self) -> bool:
        """Return whether this person may take a note back that is known to be in the chart."""
        is_there = self.approval is not None and bool(self.approval.filing.location)
        return is_there and self.site.profile.note.withdraw and self.may("take_back")

    @property
    def versions(self) -> Mapping[str, str]:
        """Return what made the brief."""
        return {"rules": self.brief.rules_version, **self.brief.versions}

    def draft(self) -> Draft:
        """Return what an approval now would be bound to."""
        cited = [ref for line in self.sheet.lines() if line.is_kept for ref in line.refs]
        held = self.ledger.evidence
        before = self.approval if self.corrects else None
        return Draft(
            brief=self.brief.id,
            revision=before.note + 1 if before else 1,
            sheet=self.sheet,
            sources={ref: held[ref].version for ref in cited if ref in held},
            versions=self.versions,
            relation="replaces" if before else None,
            relates_to=before.filing.location if before else "",
        )

    def screen(self, at: datetime) -> OnScreen:
        """Return the exact note that approving at this moment would file."""
        return on_screen(self.draft(), self.session, self.site, at)
