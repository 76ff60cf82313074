"""Looks at a site from our side: our address, its keys, its FHIR server, a token of our own, the calls already seen.

Nothing is judged here and nothing of a chart is kept: the values of `domain/observed.py` are counts, codes and names.
Every look is bounded in time and size, and is made only at addresses of the site file or of the settings.
"""

import asyncio
import ssl
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from socket import gaierror
from urllib.parse import urlsplit

import httpx

from cds_service.domain.errors import NotJson
from cds_service.domain.json import EMPTY, JsonObject, decode
from cds_service.domain.needs import NeedName
from cds_service.domain.observed import Answer, Observed, Searched, Tls, Token
from cds_service.fhir.client import FhirServer, next_link
from cds_service.fhir.compartment import patient_of
from cds_service.fhir.elements import obj, objs
from cds_service.network import AddressRefused
from cds_service.sites import Site
from cds_service.vendors import Query

_TIMEOUT_S = 10.0
_TLS_S = 5.0
_MAX_BYTES = 20 * 1024 * 1024
_PAGES = 2
_HTTPS = 443
_OLD = {ssl.TLSVersion.TLSv1: "TLSv1", ssl.TLSVersion.TLSv1_1: "TLSv1.1"}

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A token of ours for the reads, and what is told of it."""

    told: Token
    value: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Looks at one site."""

    ours: httpx.AsyncClient
    """Reaches our own public address."""
    ehr: Callable[[Site], httpx.AsyncClient]
    """Reaches what a site file names, and nothing else."""
    tls: Callable[[Site], ssl.SSLContext]
    server_of: Callable[[Site], FhirServer]
    access: Callable[[Site], Awaitable[Access]]
    public_url: str
    now: Callable[[], datetime]

    async def __call__(
        self,
        site: Site,
        *,
        services: tuple[str, ...],
        needs: Iterable[NeedName],
        patient: str,
        progress: Progress,
    ) -> Observed:
        """Return what was seen. `patient` is the id of a test patient; without one no record is read."""
        seen = Observed(now=self.now(), test_patient=bool(patient))
        async for title, part in self._parts(site, services):
            progress(title)
            seen = replace(seen, **part)  # type: ignore[arg-type]  # parts by name
        progress("a token of our own")
        access = await self.access(site) if site.file.backend else None
        if access is None:
            return seen
        seen = replace(seen, token=access.told)
        if not (access.value and patient):
            return seen
        found = []
        for need in needs:
            progress(f"the record: {need}")
            found += [
                await self._search(query, site, access.value, patient)
                for query in site.queries[need]
                if query.read != "encounterId"
            ]
        return replace(seen, searches=tuple(found))

    async def _parts(
        self, site: Site, services: tuple[str, ...]
    ) -> AsyncIterator[tuple[str, dict[str, object]]]:
        """Yield what is looked at before any token, each with its part of the observations."""
        base, fhir = f"{self.public_url}/{site.name}/cds-services", site.file.fhir.base_url
        ours, ehr = self.ours, self.ehr(site)
        yield "our address", {"discovery": await self.fetch(ours, base)}
        if services:  # feedback, so that what is audited of it is not taken for a call of the EHR
            call = await self.fetch(ours, f"{base}/{services[0]}/feedback", method="POST")
            yield "a call", {"post": call}
        address = f"{self.public_url}/.well-known/jwks.json"
        yield "our keys", {"jwks": await self.fetch(ours, address)}
        usual = ssl.create_default_context()
        yield "our certificate", {"ours_tls": await handshake(self.public_url, usual)}
        urls = [trust.jwks_url for trust in site.file.trust if trust.jwks_url]
        yield "the EHR's keys", {"key_sets": tuple([await self.fetch(ehr, url) for url in urls])}
        yield "the EHR's certificate", {"ehr_tls": await handshake(fhir, self.tls(site))}
        told = self._discovery_headers(site)
        yield (
            "FHIR metadata",
            {"metadata": await self.fetch(ehr, f"{fhir}/metadata", headers=told)},
        )
        address = f"{fhir}/.well-known/smart-configuration"
        yield "the SMART configuration", {"smart": await self.fetch(ehr, address, headers=told)}

    def _discovery_headers(self, site: Site) -> dict[str, str]:
        ours = next((t.client_id for t in site.file.trust if t.client_id), "")
        named = site.profile.oauth.discovery_headers
        return {name: value.replace("{client_id}", ours) for name, value in named.items()}

    async def fetch(
        self,
        http: httpx.AsyncClient,
        url: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request, following nothing; whatever happens is a value."""
        began = time.monotonic()
        sent = {"Accept": "application/json", **(headers or {})}
        content = b"{}" if method == "POST" else None
        if content is not None:
            sent["Content-Type"] = "application/json"
        try:
            async with (
                asyncio.timeout(_TIMEOUT_S),
                http.stream(method, url, headers=sent, content=content) as response,
            ):
                body = await _read(response)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as problem:
            return Answer(url=url, fault=fault_of(problem))
        if body is None:
            return Answer(url=url, status=response.status_code, fault="too_large")
        return self._answer(url, response, body, (time.monotonic() - began) * 1000)

    def _answer(self, url: str, response: httpx.Response, body: bytes, took_ms: float) -> Answer:
        decoded = _object(body)
        told = {name.lower(): value for name, value in response.headers.items()}
        return Answer(
            url=url,
            status=response.status_code,
            location=told.get("location", "")[:512],
            content_type=told.get("content-type", "").partition(";")[0],
            body=decoded or EMPTY,
            is_json=decoded is not None,
            headers=told,
            skew_s=self._skew(told.get("date", "")),
            took_ms=took_ms,
        )

    def _skew(self, told: str) -> float | None:
        with suppress(TypeError, ValueError):
            moment = parsedate_to_datetime(told)
            return (moment - self.now()).total_seconds()
        return None

    async def _search(self, query: Query, site: Site, token: str, patient: str) -> Searched:
        """Run one query of a need with the test patient, over at most two pages."""
        server = self.server_of(site)
        path = query.path({"patientId": patient}, _today(self.now(), site))
        counted = _Counted(
            query, frozenset({f"Patient/{patient}", f"{server.base_url}/Patient/{patient}"})
        )
        headers = {"Authorization": f"Bearer {token}", "Accept": site.profile.search.accept}
        url = server.on_base(path) if path else None
        while url is not None and counted.pages < _PAGES:
            answer = await self.fetch(self.ehr(site), url, headers=headers)
            counted.take(answer)
            link = next_link(answer.body) if answer.is_good else None
            url = server.on_base(link) if link else None
            counted.foreign_next |= link is not None and url is None
        return counted.result()


@dataclass(slots=True)
class _Counted:
    """Counts what the pages of one query hold, and keeps none of it."""

    query: Query
    ours: frozenset[str]
    pages: int = 0
    foreign_next: bool = False
    found: int = 0
    others: int = 0
    repeated: int = 0
    page_size: int = 0
    total: int | None = None
    last: Answer | None = None
    took_ms: float = 0.0
    _ids: set[str] = field(default_factory=set)
    _systems: dict[str, None] = field(default_factory=dict)
    _types: dict[str, None] = field(default_factory=dict)

    def take(self, answer: Answer) -> None:
        """Count one page."""
        self.pages += 1
        self.last = answer
        self.took_ms = max(self.took_ms, answer.took_ms)
        if not answer.is_good:
            return
        is_bundle = answer.body.get("resourceType") == "Bundle"
        entries = (
            [obj(e, "resource") for e in objs(answer.body, "entry")]
            if is_bundle
            else [answer.body]
        )
        kept = [e for e in entries if e.get("resourceType") == self.query.type]
        self.page_size = max(self.page_size, len(kept))
        total = answer.body.get("total") if is_bundle else None
        self.total = total if isinstance(total, int) else self.total
        for resource in kept:
            self._count(resource)

    def _count(self, resource: JsonObject) -> None:
        identity = str(resource.get("id", ""))
        self.repeated += identity in self._ids
        self._ids.add(identity)
        self.found += 1
        named = patient_of(resource)
        self.others += named is not None and bool(named) and named.isdisjoint(self.ours)
        if self.query.type == "Patient":
            for each in objs(resource, "identifier"):
                self._systems |= {str(each["system"]): None} if "system" in each else {}
        if self.query.type == "DocumentReference":
            for each in objs(obj(resource, "type"), "coding"):
                self._types[f"{each.get('system', '')}|{each.get('code', '')}"] = None

    def result(self) -> Searched:
        """Return the counts."""
        answer = self.last or Answer(url="")
        return Searched(
            need=self.query.need,
            type=self.query.type,
            status=answer.status,
            fault=answer.fault,
            codes=_codes(answer.body),
            found=self.found,
            total=self.total,
            pages=self.pages,
            page_size=self.page_size,
            foreign_next=self.foreign_next,
            repeated=self.repeated,
            others=self.others,
            systems=tuple(self._systems),
            types=tuple(self._types),
            took_ms=self.took_ms,
            headers=answer.headers,
        )


def _codes(body: JsonObject) -> tuple[str, ...]:
    """Return the codes of an OperationOutcome; its words may speak of a patient."""
    if body.get("resourceType") != "OperationOutcome":
        return ()
    found: dict[str, None] = {}
    for issue in objs(body, "issue"):
        for coding in objs(obj(issue, "details"), "coding"):
            found |= {str(coding["code"])[:32]: None} if "code" in coding else {}
        found |= {str(issue["code"])[:32]: None} if "code" in issue else {}
    return tuple(found)


def _today(now: datetime, site: Site) -> date:
    return now.astimezone(site.zone).date()


def fault_of(problem: BaseException) -> str:
    """Name why no answer came."""
    chain: BaseException | None = problem
    while chain is not None:
        if isinstance(chain, gaierror):
            return "dns"
        if isinstance(chain, AddressRefused):
            return "refused"
        if isinstance(chain, httpx.UnsupportedProtocol):
            return "not_named"
        if isinstance(chain, ssl.SSLError):
            return "tls"
        if isinstance(chain, TimeoutError | httpx.TimeoutException):
            return "timeout"
        chain = chain.__cause__ or chain.__context__
    return "tls" if "CERTIFICATE" in str(problem).upper() else "connection"


async def handshake(url: str, context: ssl.SSLContext) -> Tls | None:
    """Make a TLS connection to where a URL leads; None when it is not https."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    host, port = parts.hostname, parts.port or _HTTPS
    try:
        version, expires = await _connect(host, port, context)
    except (OSError, TimeoutError) as problem:
        why = getattr(problem, "verify_message", "") or fault_of(problem)
        return Tls(host=host, fault=why)
    return Tls(host=host, version=version, expires=expires, old_version=await _oldest(host, port))


async def _oldest(host: str, port: int) -> str:
    """Return the oldest TLS version below 1.2 that is taken; "" when none is."""
    for limit, name in _OLD.items():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = (
            False,
            ssl.CERT_NONE,
        )  # only the version is asked
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the question
            context.minimum_version = context.maximum_version = limit
        with suppress(OSError, TimeoutError):
            await _connect(host, port, context)
            return name
    return ""


async def _connect(host: str, port: int, context: ssl.SSLContext) -> tuple[str, datetime | None]:
    async with asyncio.timeout(_TLS_S):
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    try:
        shaken = writer.get_extra_info("ssl_object")
        certificate = shaken.getpeercert() or {}
        ends = certificate.get("notAfter")
        expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None
        return str(shaken.version()), expires
    finally:
        writer.close()


async def _read(response: httpx.Response) -> bytes | None:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _MAX_BYTES:
            return None
    return body


def _object(body: bytes) -> JsonObject | None:
    try:
        decoded = decode(body)
    except NotJson:
        return None
    return decoded if isinstance(decoded, dict) else None
