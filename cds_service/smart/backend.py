"""SMART Backend Services: our own token at each EHR, for work that no clinician's or hook's token reaches.

SMART App Launch 2.2, "Backend Services". One token for each site: cached, renewed before it ends, asked for by one
caller at a time; while an EHR refuses, it is left alone for growing pauses.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import httpx

from cds_service.domain.errors import NoToken
from cds_service.domain.needs import NEEDS
from cds_service.sites import Backend, Site
from cds_service.smart.configuration import Configurations
from cds_service.smart.keys import KeyFile
from cds_service.smart.reasons import advice
from cds_service.smart.scopes import shortfalls, written
from cds_service.smart.tokens import (
    ASSERTION_TYPE,
    Granted,
    Refused,
    Token,
    ask,
    assertion,
    assertion_key,
)

T = TypeVar("T")

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 300.0
_RENEWAL_FLOOR = timedelta(seconds=10)
"""A token that was just renewed is not renewed again: the refusal has another reason."""
log = logging.getLogger("cds_service")


@dataclass(slots=True)
class _Held:
    """What we hold of one site."""

    token: Token | None = None
    renewed: datetime | None = None
    problem: str = ""
    failures: int = 0
    again_at: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    refresh: asyncio.Task[None] | None = None
    """Kept, because the loop holds tasks only weakly."""


@dataclass(slots=True, kw_only=True)
class BackendTokens:
    """The tokens of all sites. One for each process."""

    client: Callable[[Site], httpx.AsyncClient]
    """How the servers of a site are reached."""
    configurations: Configurations
    keys: KeyFile
    now: Callable[[], datetime]
    _held: dict[tuple[str, str, Backend], _Held] = field(default_factory=dict)

    async def token(self, site: Site) -> Token:
        """Return a token that is good now, asking for one when there is none.

        From 80 % of its life on it is renewed beside the caller. Raises `NoToken` with a reason code, at once
        while the EHR is being left alone.
        """
        held = self._of(site)
        if held.token is None or held.token.expires <= self.now():
            async with held.lock:  # who needs a token that is on its way waits for it
                if held.token is None or held.token.expires <= self.now():
                    held.token = None
                    await self._fetch(site, held)
        elif held.token.refresh_at <= self.now() and held.refresh is None:
            held.refresh = asyncio.create_task(self._refresh(site, held))
        if held.token is None:
            raise NoToken(held.problem)
        return held.token

    async def renew(self, site: Site, refused: Token) -> Token:
        """Return another token than one that a FHIR server refused with 401, once for all who met the refusal.

        A token that is itself fresh from a renewal is returned as it is. Raises `NoToken`.
        """
        held = self._of(site)
        async with held.lock:
            if held.token is refused and not self._is_just_renewed(held):
                held.token = None
                await self._fetch(site, held)
                held.renewed = self.now()
        return await self.token(site)

    async def send(
        self,
        site: Site,
        request: Callable[[Token], Awaitable[T]],
        *,
        is_refused: Callable[[T], bool],
    ) -> T:
        """Return the answer to a request with our token; one that the server refuses is sent once more."""
        token = await self.token(site)
        answer = await request(token)
        if not is_refused(answer):
            return answer
        return await request(await self.renew(site, token))

    async def warm(self, sites: Iterable[Site]) -> None:
        """Get every site's first token, however long an EHR refuses; readiness tells which it does."""
        await asyncio.gather(*(self._warm(site) for site in sites if site.file.backend))

    async def _warm(self, site: Site) -> None:
        await asyncio.sleep(
            _FIRST_PAUSE_S
        )  # the EHR fetches our key set first: we must be listening
        while True:
            try:
                await self.token(site)
            except NoToken:
                await asyncio.sleep(self._pause_left(self._of(site)))
            else:
                return

    def missing(self, site: Site) -> tuple[str, ...]:
        """Return by name the scopes that were asked for and not granted, as far as a token has been had."""
        token = self._of(site).token if site.file.backend else None
        return () if token is None else shortfalls(asked_scopes(site), token.scopes)

    def notes(self, sites: Iterable[Site]) -> Iterator[str]:
        """Yield what an admin of a site should know: no token, or one that may not do everything."""
        for site in sites:
            if site.file.backend is None:
                continue
            problem = self._of(site).problem
            if problem:
                yield f"site {site.name}: no backend token: {problem}: {advice(problem)}"
            if missing := self.missing(site):
                yield f"site {site.name}: the EHR did not grant {', '.join(missing)}"

    def _of(self, site: Site) -> _Held:
        if site.file.backend is None:
            raise NoToken("no_backend_client")
        key = (site.name, site.file.fhir.base_url, site.file.backend)
        return self._held.setdefault(key, _Held())

    def _is_just_renewed(self, held: _Held) -> bool:
        return held.renewed is not None and self.now() - held.renewed < _RENEWAL_FLOOR

    def _pause_left(self, held: _Held) -> float:
        left = (held.again_at - self.now()).total_seconds() if held.again_at else 0.0
        return max(left, _FIRST_PAUSE_S)

    async def _refresh(self, site: Site, held: _Held) -> None:
        """Renew a token that still serves; one that cannot be renewed now serves on."""
        try:
            async with held.lock:
                await self._fetch(site, held)
        finally:
            held.refresh = None

    async def _fetch(self, site: Site, held: _Held) -> None:
        """Ask for a token, unless this EHR is being left alone; what went wrong is kept as a reason."""
        if held.again_at is not None and self.now() < held.again_at:
            return
        try:
            granted = await self._ask(site)
        except NoToken as problem:
            self._leave_alone(site, held, problem)
        else:
            held.token, held.problem, held.failures, held.again_at = granted.token, "", 0, None
            if missing := shortfalls(asked_scopes(site), granted.token.scopes):
                log.warning("site %s: the EHR did not grant %s", site.name, ", ".join(missing))

    def _leave_alone(self, site: Site, held: _Held, problem: NoToken) -> None:
        held.failures += 1
        pause = min(_FIRST_PAUSE_S * 2 ** (held.failures - 1), _LONGEST_PAUSE_S)
        if isinstance(problem, Refused) and problem.retry_after is not None:
            pause = max(pause, problem.retry_after)
        held.again_at = self.now() + timedelta(seconds=pause)
        if problem.detail != held.problem:
            log.warning("site %s: no backend token: %s", site.name, problem.detail)
        held.problem = problem.detail

    async def _ask(self, site: Site) -> Granted:
        backend, rules = site.file.backend, site.profile.oauth
        if backend is None:
            raise NoToken("no_backend_client")
        found = await self.configurations.of_backend(site, backend)
        key = assertion_key(self.keys, rules.assertion_algorithms, found.assertion_algorithms)
        signed = assertion(
            key,
            client_id=backend.client_id,
            audience=rules.assertion_audience or found.token_endpoint,
            now=self.now(),
            lifetime_s=rules.assertion_lifetime_s,
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signed,
        }
        asked = asked_scopes(site)
        if rules.backend_scope == "send":
            form["scope"] = " ".join(asked)
        return await ask(
            self.client(site),
            found.token_endpoint,
            form,
            asked=frozenset(asked),
            now=self.now(),
        )


def asked_scopes(site: Site) -> tuple[str, ...]:
    """Return the system scopes that a site's backend client wants, in its vendor's syntax.

    Those of the site file, else what reading every need of a brief takes at this vendor.
    """
    backend = site.file.backend
    wanted = backend.scopes if backend else ()
    return written(wanted or _needed(site), site.profile.oauth.scope_syntax)


def _needed(site: Site) -> tuple[str, ...]:
    types = {query.type for need in NEEDS for query in site.queries[need]}
    types.add("Medication")  # orders point to it without saying its name
    return tuple(f"system/{each}.rs" for each in sorted(types))
