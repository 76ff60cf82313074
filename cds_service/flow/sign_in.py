"""How a person opens the app from a chart: away to the EHR, back with a code, and into a session of this launch.

What is believed: an `iss` that is the site's, a return that this browser began and that comes once, a token of the
site's own token endpoint, an id_token that names the person, and a brief of exactly the patient that the EHR named.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest

from cds_service.audit import Audit
from cds_service.domain.errors import CdsError, NotAllowed, Overloaded, SignInFailed
from cds_service.domain.session import Clinician, LaunchSession
from cds_service.domain.visit import Visit
from cds_service.flow.ask import Ask
from cds_service.flow.clinician import Whois
from cds_service.flow.launch_pace import LaunchPace
from cds_service.flow.visit_of import VisitOf
from cds_service.sites import Site
from cds_service.smart.launch import (
    Authorization,
    LaunchContext,
    Launches,
    Pending,
    check_launch,
    launch_context,
    missing_scopes,
)
from cds_service.smart.session import (
    BriefFor,
    hashed,
    lent,
    pack,
    pack_pending,
    pack_tokens,
    reopen_pending,
    start,
)
from cds_service.smart.tokens import Granted
from cds_service.storage import Database, sessions
from cds_service.verify.identity import VerifyIdentity

SIGN_IN_S = 600
"""How long a person may take at the EHR's sign-in."""
_LOOK_BACK = timedelta(days=30)
"""How old a brief a launch without `appContext` may find."""
_ON_ITS_WAY_S = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Pauses before a brief that a card names is looked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A browser on its way to the EHR."""

    authorization: Authorization
    pending: Pending


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A browser that came back, and the cookie that is its session."""

    session: LaunchSession
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Signs people in. One for each process."""

    launches: Launches
    identity: VerifyIdentity
    whois: Whois
    visit_of: VisitOf
    database: Database
    audit: Audit
    ask: Ask
    now: Callable[[], datetime]
    pace_of: Callable[[Site], LaunchPace] = field(repr=False)

    async def begin(self, site: Site, *, iss: str, launch: str, address: str) -> Begun:
        """Return where to send the browser, which calls from this address.

        Raises `SignInFailed`, `NoToken`, or `Overloaded` for too many. What is no launch takes no place.
        """
        try:
            check_launch(site, iss=iss, launch=launch)
            pause = self.pace_of(site).take(address)
            if pause is None:
                raise Overloaded("launches")
            await asyncio.sleep(pause)
            pending, authorization = await self.launches.begin(site, iss=iss, launch=launch)
        except CdsError as stop:
            self.audit.refused(site.name, "launch", stop)
            raise
        async with self.database.transaction() as connection:
            await sessions.add_sign_in(
                connection,
                self.database,
                key=hashed(pending.state),
                site=site.name,
                at=pending.begun,
                body=pack_pending(pending),
            )
        return Begun(authorization=authorization, pending=pending)

    async def finish(self, site: Site, *, state: str, browser: str, code: str) -> SignedIn:
        """Return the session of a browser that came back.

        Raises `SignInFailed`, `NotTrusted` or `NoToken` with the reason, which stands in the audit too, and
        `NotAllowed` for a person who is no clinician.
        """
        try:
            pending = await self._taken(site, state, browser)
            granted = await self.launches.exchange(site, pending, code)
            context = launch_context(granted)
            clinician = await self._person(site, pending, granted)
            visits = await self.visit_of(site, context, granted.token)
            brief = await self._brief(site, context, visits)
        except CdsError as stop:
            self.audit.refused(site.name, "sign_in", stop)
            raise
        return await self._opened(site, granted, clinician, brief)

    async def _taken(self, site: Site, state: str, browser: str) -> Pending:
        """Return what this browser began, once. Raises `SignInFailed`."""
        async with self.database.transaction() as connection:
            body = await sessions.take_sign_in(
                connection, self.database, key=hashed(state), site=site.name
            )
        if body is None:
            raise SignInFailed("unknown_state")
        pending = reopen_pending(body, site=site.name, state=state)
        if not compare_digest(pending.browser, hashed(browser)):
            raise SignInFailed("other_browser")
        if self.now() - pending.begun > timedelta(seconds=SIGN_IN_S):
            raise SignInFailed("state_expired")
        return pending

    async def _person(self, site: Site, pending: Pending, granted: Granted) -> Clinician:
        found, client_id = await self.launches.party(site)
        user = await self.identity(
            granted.text("id_token"), site, found, client_id=client_id, nonce=pending.nonce
        )
        if user.partition("/")[0] not in {"Practitioner", "PractitionerRole"}:
            raise NotAllowed("user_is_no_clinician")
        return await self.whois(site, user, granted.token)

    async def _brief(
        self, site: Site, context: LaunchContext, visits: tuple[str, ...]
    ) -> BriefFor:
        """Return the brief of this launch: the one that the card named, else the newest of the visit or the patient.

        Where there is none, one is asked for, and its page says how far it is. Raises `SignInFailed` when the
        card's brief is another patient's, or when this site prepares none.
        """
        patient = self._blind(site, f"Patient/{context.patient}")
        named = await self._named(site, context.brief) if context.brief else None
        if named is not None and named.patient != patient:
            raise SignInFailed("brief_of_other_patient")
        if named is None:
            since = self.now() - _LOOK_BACK
            blind = [self._blind(site, each) for each in visits]
            async with self.database.reading() as connection:
                found = await sessions.newest_brief(
                    connection, site.name, patient, blind, since=since
                )
                named = await sessions.brief_of(connection, site.name, found) if found else None
        if named is None:
            return BriefFor(await self._asked(site, context))
        return BriefFor(named.id, of_other_visit=self._is_other(site, named.visit, visits))

    def _is_other(self, site: Site, visit: str | None, visits: tuple[str, ...]) -> bool:
        """Return whether a brief is of another visit than the chart was opened in.

        That is known only where the EHR tells the appointment as well: a brief's visit is named by either.
        """
        kinds = {each.partition("/")[0] for each in visits}
        if visit is None or not kinds >= {"Encounter", "Appointment"}:
            return False
        return visit not in {self._blind(site, each) for each in visits}

    async def _named(self, site: Site, brief: str) -> sessions.BriefOf | None:
        """Return whose the card's brief is, or None.

        Cards are answered before their briefs are on disk, so a quick reader is given time to be behind it, here or
        in another process.
        """
        for pause in (*_ON_ITS_WAY_S, None):
            async with self.database.reading() as connection:
                named = await sessions.brief_of(connection, site.name, brief)
            if named is not None or pause is None:
                return named
            await asyncio.sleep(pause)
        return None

    async def _asked(self, site: Site, context: LaunchContext) -> str:
        if not site.may_prepare:
            raise SignInFailed("no_brief")
        visit = Visit(
            patient=context.patient, encounter=context.encounter, appointment=context.appointment
        )
        row = self.ask.for_chart(visit, site)
        await self.ask.store([row])
        return str(row["id"])

    def _blind(self, site: Site, reference: str) -> str:
        return self.database.blind(reference, site=site.name)

    async def _opened(
        self, site: Site, granted: Granted, clinician: Clinician, brief: BriefFor
    ) -> SignedIn:
        secret = secrets.token_urlsafe(32)
        session = start(site, granted, clinician, brief, secret=secret, now=self.now())
        row = sessions.SessionRow(
            id=session.id,
            site=site.name,
            brief=brief.id,
            started=session.started,
            seen=session.seen,
            ends=session.ends,
            body=pack(session),
        )
        async with self.database.transaction() as connection:
            await sessions.add(connection, self.database, row, tokens=pack_tokens(lent(granted)))
            await self.audit.append(
                connection,
                site=site.name,
                action="sign_in",
                actor=clinician.fhir_user,
                patient=f"Patient/{session.patient}",
                brief=brief.id,
                facts={
                    "of_other_visit": brief.of_other_visit,
                    "may_approve": clinician.may_approve,
                    "missing_scopes": missing_scopes(site, session.scopes),
                },
            )
        return SignedIn(session=session, secret=secret)
