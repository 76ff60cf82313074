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
from cds_service.domain.errors import CdsError, NotAllowed, SignInFailed
from cds_service.domain.session import Clinician, LaunchSession
from cds_service.domain.visit import Visit
from cds_service.flow.ask import Ask
from cds_service.flow.clinician import Whois
from cds_service.sites import Site
from cds_service.smart.launch import (
    Authorization,
    LaunchContext,
    Launches,
    Pending,
    launch_context,
    missing_scopes,
)
from cds_service.smart.session import (
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
    database: Database
    audit: Audit
    ask: Ask
    now: Callable[[], datetime]

    async def begin(self, site: Site, *, iss: str, launch: str) -> Begun:
        """Return where to send the browser. Raises `SignInFailed` or `NoToken`."""
        pending, authorization = await self.launches.begin(site, iss=iss, launch=launch)
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
            brief = await self._brief(site, context)
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

    async def _brief(self, site: Site, context: LaunchContext) -> str:
        """Return the brief of this launch: the one that the card named, if it is this patient's and visit's.

        Where there is none, one is asked for, and its page says how far it is. Raises `SignInFailed` when the
        card's brief is another patient's, or when this site prepares none.
        """
        patient = self._blind(site, "Patient", context.patient) or ""
        visits = [
            blind
            for kind, value in (
                ("Encounter", context.encounter),
                ("Appointment", context.appointment),
            )
            if (blind := self._blind(site, kind, value))
        ]
        named = await self._named(site, context.brief) if context.brief else None
        if named is not None and named.patient != patient:
            raise SignInFailed("brief_of_other_patient")
        if named is not None:
            return named.id
        since = self.now() - _LOOK_BACK
        async with self.database.reading() as connection:
            found = await sessions.newest_brief(
                connection, site.name, patient, visits, since=since
            )
        return found or await self._asked(site, context)

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

    def _blind(self, site: Site, kind: str, value: str | None) -> str | None:
        return self.database.blind(f"{kind}/{value}", site=site.name) if value else None

    async def _opened(
        self, site: Site, granted: Granted, clinician: Clinician, brief: str
    ) -> SignedIn:
        secret = secrets.token_urlsafe(32)
        session = start(site, granted, clinician, brief=brief, secret=secret, now=self.now())
        row = sessions.SessionRow(
            id=session.id,
            site=site.name,
            brief=brief,
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
                brief=brief,
                facts={
                    "may_approve": clinician.may_approve,
                    "missing_scopes": missing_scopes(site, session.scopes),
                },
            )
        return SignedIn(session=session, secret=secret)
