"""Serves a chart-open from the brief that was prepared for it, and says how old that is."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cds_service.brief import FORM, for_call, from_json
from cds_service.brief.made import receipted
from cds_service.context.freshness import changes, compare, fresh_context, policy_version
from cds_service.domain.brief import Brief
from cds_service.domain.call import HookRequest
from cds_service.domain.errors import Misconfigured, NotJson
from cds_service.domain.evidence import Context
from cds_service.domain.json import decode
from cds_service.domain.states import State
from cds_service.hook import HookService
from cds_service.sites import Site
from cds_service.storage import Database, briefs
from cds_service.storage.ready import ReadyBriefs

MOST_FRESH = 40
"""When more than so many resources are new, the record that the call brought says more than an old brief."""
_FIRST_FORM = 1
"""Of briefs of releases that did not say it yet."""
_OLD = timedelta(hours=24)
"""A brief that is older is served, and a newer one asked for."""

_NEWS = timedelta(hours=24)
_ON_ITS_WAY = "A pre-visit brief was approved {at}; its note is being filed."
_RECEIPTS: Mapping[State, str] = {
    "approved": _ON_ITS_WAY,
    "writing": _ON_ITS_WAY,
    "written": "A pre-visit brief was approved and its note filed {at}; it is not read back yet.",
    "verified": "A pre-visit brief was approved, filed and read back {at}: its note is in the chart.",
    "unknown": "A pre-visit brief was approved {at}; whether its note is in the chart is not known: look there.",
    "failed": "A pre-visit brief was approved {at}; its note was not filed.",
}
log = logging.getLogger("cds_service")


class Unreadable(Exception):
    """A prepared brief did not open, or is not of the form that it should have."""

    code = "prepared_unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A brief as one call may see it."""

    brief: Brief
    context: Context
    prepared: str = ""
    """The id of the brief that was prepared ahead, where it comes from one."""
    is_stale: bool = False
    """Whether a newer one should be prepared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Finds what was prepared for a call. One for each process."""

    database: Database
    kept: ReadyBriefs
    now: Callable[[], datetime]

    async def __call__(
        self, request: HookRequest, service: HookService, site: Site
    ) -> Made | None:
        """Return the prepared brief of this call's patient; None when rules have to answer.

        Raises `Unreadable` when rules have to answer because of what is stored.
        """
        if not service.ready or not site.may_prepare:
            return None
        found = await self.find(request.patient_id, site)
        if found is None:
            return None
        stored, seen = await self._read(found, site)
        if stored.patient != f"Patient/{request.patient_id}":
            return None  # the row's index says otherwise than its seal: never another patient's
        compared = compare(seen, stored.as_of, request, service, site)
        if len(compared.fresh) > MOST_FRESH:
            return None
        now = self.now()
        context = fresh_context(compared, request, site, now)
        changed = changes(compared, context)
        since = _since(now - stored.as_of, changed, compared_any=bool(compared.sent))
        shown = for_call(stored, frozenset(compared.sent), context, since)
        return Made(
            brief=receipted(shown, await self.receipt(request.patient_id, site)),
            context=context,
            prepared=found.id,
            is_stale=bool(changed) or now - stored.as_of > _OLD,
        )

    async def find(self, patient: str, site: Site) -> briefs.Prepared | None:
        """Return what is prepared for a patient and may be shown now."""
        blind = self.database.blind(f"Patient/{patient}", site=site.name)
        found = (await self.kept.find(site.name, blind)).prepared
        if found is None or (found.expires_at is not None and found.expires_at <= self.now()):
            return None
        may_show = (
            found.versions.get("policy") == policy_version(site)
            and found.versions.get("form", _FIRST_FORM) == FORM
        )
        return found if may_show else None

    async def receipt(self, patient: str, site: Site) -> str:
        """Return what became of the note that was approved last for this patient, where that is news; else ""."""
        if site.file.write.route == "none":
            return ""
        blind = self.database.blind(f"Patient/{patient}", site=site.name)
        approved = (await self.kept.find(site.name, blind)).approved
        if approved is None or self.now() - approved.changed > _NEWS:
            return ""
        at = f"{approved.changed.astimezone(site.zone):%Y-%m-%d %H:%M %Z}"
        return _RECEIPTS[approved.state].format(at=at)

    async def _read(self, found: briefs.Prepared, site: Site) -> tuple[Brief, Mapping[str, str]]:
        """Return a prepared brief and the versions that it has seen. Raises `Unreadable`."""
        try:
            told: Any = decode(await self._open(found, "body", found.body))
            seen: Any = decode(await self._open(found, "seen", found.seen))
            return from_json(told, site.zone), seen
        except (Misconfigured, NotJson) as problem:
            self.kept.unreadable += 1
            log.warning("brief %s: what is stored cannot be read: %s", found.id, problem.detail)
            raise Unreadable from None

    async def _open(self, found: briefs.Prepared, column: str, sealed: bytes) -> bytes:
        return await self.database.open(sealed, place=f"brief|{column}|{found.id}|{found.site}")


def _since(age: timedelta, changed: tuple[str, ...], *, compared_any: bool) -> str:
    told = f"Prepared {_age(age)} ago"
    if changed:
        return f"{told}. Since then: {', '.join(changed)}."
    return (
        f"{told}; nothing that was sent with this call is newer." if compared_any else f"{told}."
    )


def _age(span: timedelta) -> str:
    """Return a span in words, in its largest unit: `3 hours`."""
    minutes = max(0, int(span.total_seconds() // 60))
    for size, word in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            number = minutes // size
            return f"{number} {word}" if number == 1 else f"{number} {word}s"
    return "less than a minute"
