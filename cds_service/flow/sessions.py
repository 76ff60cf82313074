"""The sessions of people who opened the app: found by their cookie, ended when left alone, and their tokens."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from cds_service.audit import Audit
from cds_service.domain.errors import NoToken, NotTrusted
from cds_service.domain.session import LaunchSession
from cds_service.sites import Site
from cds_service.smart.launch import Launches
from cds_service.smart.session import (
    Lent,
    hashed,
    is_over,
    lent,
    pack_tokens,
    reopen,
    reopen_tokens,
)
from cds_service.storage import Connection, Database, sessions

_TOUCH = timedelta(seconds=30)
"""How exactly idle time is kept: a page that is read needs no write for each of its requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """All launch sessions. One for each process."""

    database: Database
    launches: Launches
    audit: Audit
    now: Callable[[], datetime]
    _refreshing: WeakValueDictionary[str, asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )

    async def find(
        self, site: Site, secret: str, *, brief: str, is_used: bool = True
    ) -> LaunchSession:
        """Return the session of a cookie at this site and for this brief, and say that it was used if it was.

        Raises `NotTrusted` when there is none, or when it has ended or been left alone for too long.
        """
        async with self.database.reading() as connection:
            row = await sessions.find(
                connection, self.database, key=hashed(secret), site=site.name
            )
        if row is None or row.brief != brief:
            raise NotTrusted("no_session")
        session = reopen(row.body, secret=secret, seen=row.seen, ends=row.ends)
        now = self.now()
        if is_over(session, site, now):
            raise NotTrusted("session_over")
        if is_used and now - session.seen > _TOUCH:
            async with self.database.transaction() as connection:
                await sessions.touch(connection, session.id, now)
        return session

    async def end(self, session: LaunchSession) -> None:
        """Sign a person out."""
        async with self.database.transaction() as connection:
            await sessions.end(connection, session.id, self.now())
            await self._audit(connection, session, "sign_out")

    async def end_others(
        self, session: LaunchSession, site: Site, secrets: Mapping[str, str]
    ) -> list[str]:
        """End the sessions of other people in one browser, told by what it holds; return the names of theirs.

        A shared workstation: whoever signs in now is alone with it. The same person's launches stand side by side.
        """
        now, ended = self.now(), []
        async with self.database.transaction() as connection:
            for name, secret in secrets.items():
                row = await sessions.find(
                    connection, self.database, key=hashed(secret), site=site.name
                )
                if row is None or row.ends <= now:
                    continue
                other = reopen(row.body, secret=secret, seen=row.seen, ends=row.ends)
                if other.clinician.fhir_user == session.clinician.fhir_user:
                    continue
                await sessions.end(connection, other.id, now)
                await self._audit(connection, other, "ended_by_other")
                ended.append(name)
        return ended

    async def _audit(self, connection: Connection, session: LaunchSession, outcome: str) -> None:
        await self.audit.append(
            connection,
            site=session.site,
            action="sign_out",
            outcome=outcome,
            actor=session.clinician.fhir_user,
            patient=f"Patient/{session.patient}",
            brief=session.brief or "",
        )

    def tokens_of(self, site: Site, session_id: str) -> "SessionTokens":
        """Return the tokens of one session, for what was approved in it; it may have ended meanwhile."""
        lock = self._refreshing.setdefault(session_id, asyncio.Lock())
        return SessionTokens(sessions=self, site=site, session_id=session_id, lock=lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTokens:
    """The access token of the person who opened the app, renewed where the EHR granted that."""

    sessions: Sessions
    site: Site
    session_id: str = field(repr=False)
    lock: asyncio.Lock = field(repr=False)

    async def token(self) -> str | None:
        """Return a token that is good now; None when the person has to open the app again."""
        held = await self._held()
        if held is None:
            return None
        if held.token.refresh_at > self.sessions.now():
            return held.token.value
        renewed = await self._renewed(held.token.value)
        is_good = held.token.expires > self.sessions.now()
        return renewed or (held.token.value if is_good else None)

    async def renew(self, stale: str) -> str | None:
        """Return another token after the EHR refused one with 401; None when there is none to be had."""
        return await self._renewed(stale)

    async def _held(self) -> Lent | None:
        database = self.sessions.database
        async with database.reading() as connection:
            body = await sessions.tokens(
                connection, database, key=self.session_id, site=self.site.name
            )
        return None if body is None else reopen_tokens(body)

    async def _renewed(self, stale: str) -> str | None:
        async with self.lock:  # whoever needs it too takes what this one brings
            held = await self._held()
            if held is None:
                return None
            if held.token.value != stale:
                return held.token.value
            if not held.refresh_token or self._is_too_soon(held):
                return None
            try:
                granted = await self.sessions.launches.refresh(
                    self.site, held.refresh_token, held.token.scopes
                )
            except NoToken:
                now_held = await self._held()  # another process may have been faster
                value = now_held.token.value if now_held else stale
                return None if value == stale else value
            return await self._kept(lent(granted, before=held, now=self.sessions.now()))

    async def _kept(self, held: Lent) -> str:
        database = self.sessions.database
        async with database.transaction() as connection:
            await sessions.set_tokens(
                connection,
                database,
                key=self.session_id,
                site=self.site.name,
                body=pack_tokens(held),
            )
        return held.token.value

    def _is_too_soon(self, held: Lent) -> bool:
        pause = timedelta(seconds=self.site.profile.oauth.refresh_min_interval_s)
        return held.renewed is not None and self.sessions.now() - held.renewed < pause
