"""Serves a chart-open from the brief that was prepared for it, and says how old that is."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cds_service.brief import FORM, Sight, for_call, from_json
from cds_service.brief.made import receipted
from cds_service.context.freshness import (
    Compared,
    changes,
    closed,
    compare,
    differences,
    news,
    read_now,
)
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
ASKED_FOR = "asked_for"
"""Where a brief keeps what it, and those before it, were asked for because of."""
_MOST_ASKED = 20
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

    def __init__(self, brief: str) -> None:
        """Say which one."""
        super().__init__(brief)
        self.brief = brief


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """A newer brief that is wanted."""

    of: str
    """The id of the one that is out of date."""
    told: tuple[str, ...]
    """Keyed hashes of the differences that this one and those before it were asked for because of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is there of work ahead for a call, whether it is shown or not."""

    brief: str = ""
    """The id of the brief that was prepared; "": there is none that this call could be answered from."""
    refresh: Refresh | None = None
    not_shown: str = ""
    """The id of a brief that is there and may not be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A brief as one call may see it."""

    brief: Brief
    context: Context
    prepared: str = ""
    """The id of the brief that was prepared ahead, where it comes from one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Finds what was prepared for a call. One for each process."""

    database: Database
    kept: ReadyBriefs
    has_no_model: Callable[[str], bool]
    """Whether an operator stopped the agent of a site: what a model chose before is then shown no more."""
    now: Callable[[], datetime]

    async def __call__(
        self, request: HookRequest, service: HookService, site: Site
    ) -> tuple[Found, Made | None]:
        """Return what is prepared of this call's patient, and what is shown of it; None when rules have to answer.

        Raises `Unreadable` when rules have to answer because of what is stored.
        """
        if not service.ready or not site.may_prepare:
            return Found(), None
        found, not_shown = await self._find(request.patient_id, site)
        if found is None:
            return Found(not_shown=not_shown), None
        stored, seen = await self._read(found, site)
        if stored.patient != f"Patient/{request.patient_id}":
            # The row's index says otherwise than its seal: never another patient's.
            return Found(not_shown=found.id), None
        compared = compare(seen, stored, request, service, site)
        if len(compared.fresh) > MOST_FRESH:
            return self._found(found, stored, differences(compared), site), None
        now = self.now()
        told = news(compared, request, site, now)
        if told.hidden:  # nobody can say which other lines tell of it
            hidden = [f"{ref} hidden" for ref in sorted(told.hidden)]
            return self._found(found, stored, hidden, site), None
        fresh = told.context
        sight = Sight(
            sent=frozenset(compared.sent),
            fresh=fresh,
            known=frozenset(ref for ref in fresh.ledger.evidence if not compared.is_news(ref)),
            gone=compared.gone,
            closed=closed(compared, fresh),
            since=_since(now - stored.as_of, compared, fresh),
        )
        shown = for_call(stored, sight)
        return self._found(found, stored, differences(compared, fresh), site), Made(
            brief=receipted(shown, await self.receipt(request.patient_id, site)),
            context=fresh,
            prepared=found.id,
        )

    def _found(
        self, found: briefs.Prepared, stored: Brief, differs: list[str], site: Site
    ) -> Found:
        """Say what a newer brief is asked for because of: for the same differences once, should it not help."""
        asked: tuple[str, ...] = tuple(found.versions.get(ASKED_FOR, ()))
        told = self.database.blind(
            "\n".join((found.site, stored.patient, *differs)), site=site.name
        )
        if differs and told not in asked:
            asked = (*asked, told)[-_MOST_ASKED:]
        elif self.now() - stored.as_of <= _OLD:
            return Found(brief=found.id)
        return Found(brief=found.id, refresh=Refresh(of=found.id, told=asked))

    async def _find(self, patient: str, site: Site) -> tuple[briefs.Prepared | None, str]:
        """Return what is prepared for a patient and may be shown now, or the id of what may not."""
        blind = self.database.blind(f"Patient/{patient}", site=site.name)
        found = (await self.kept.find(site.name, blind)).prepared
        if found is None or self._may_show(found, site):
            return found, ""
        return None, found.id

    def _may_show(self, found: briefs.Prepared, site: Site) -> bool:
        """Return whether a brief may be shown now."""
        return (
            (found.expires_at is None or found.expires_at > self.now())
            and site.versions.items() <= found.versions.items()
            and found.versions.get("form", _FIRST_FORM) == FORM
            and ("model" not in found.versions or self._has_model(site))
        )

    def _has_model(self, site: Site) -> bool:
        return site.file.agent.enabled and not self.has_no_model(site.name)

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

    async def _read(self, found: briefs.Prepared, site: Site) -> tuple[Brief, Mapping[str, Any]]:
        """Return a prepared brief and the versions that it has seen. Raises `Unreadable`."""
        try:
            body = await self._open(found, "body", found.body)
            seen: Any = decode(await self._open(found, "seen", found.seen))
            return from_json(body, site.zone), seen
        except (Misconfigured, NotJson) as problem:
            self.kept.unreadable += 1
            log.warning("brief %s: what is stored cannot be read: %s", found.id, problem.detail)
            raise Unreadable(found.id) from None

    async def _open(self, found: briefs.Prepared, column: str, sealed: bytes) -> bytes:
        return await self.database.open(sealed, place=f"brief|{column}|{found.id}|{found.site}")


def _since(age: timedelta, compared: Compared, fresh: Context) -> str:
    told = f"Prepared {_age(age)} ago"
    changed, read = changes(compared, fresh), read_now(compared, fresh)
    if changed:
        told = f"{told}. Since then: {', '.join(changed)}"
    if read:
        told = f"{told}. Read with this call: {', '.join(read)}"
    if compared.sent and not changed and not read:
        told = f"{told}; nothing that was sent with this call is newer"
    return f"{told}."


def _age(span: timedelta) -> str:
    """Return a span in words, in its largest unit: `3 hours`."""
    minutes = max(0, int(span.total_seconds() // 60))
    for size, word in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            number = minutes // size
            return f"{number} {word}" if number == 1 else f"{number} {word}s"
    return "less than a minute"
