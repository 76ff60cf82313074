"""A site that is checked: the simulated EHR and the service, with faults put on the wire between them."""

import json
from collections.abc import Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from socket import gaierror

import httpx
import pytest

from cds_service.cli.look import looked
from cds_service.domain.needs import NEEDS
from cds_service.hook import HookService
from cds_service.sites import Site
from cds_service.vendors import load_profile
from discovery.checks import judge
from tests.ground import GENERAL, RIVERSIDE, standing
from tests.http.conftest import FewPatients

PATIENT = "gregory-nwosu"
SHOWN: list[tuple[str, object]] = []
"""Every verdict that the running test looked at, with the id of its check."""
BACKEND = '\n[backend]\nclient_id = "cds-brief"\n'
EVERYTHING = HookService(
    id="everything",
    hook="patient-view",
    title="t",
    description="d",
    needs=tuple(NEEDS),
    cards=lambda _: (),
)
Rule = Callable[[httpx.Request], bool]


@dataclass
class Wire(httpx.AsyncBaseTransport):
    """Passes requests on, and answers those that a fault strikes."""

    inner: httpx.AsyncBaseTransport
    faults: list["Fault"] = field(default_factory=list)

    async def handle_async_request(self, request):
        fault = next((f for f in self.faults if f.strikes(request)), None)
        if fault is None:
            return await self.inner.handle_async_request(request)
        return await fault.answer(request, self.inner)


@dataclass
class Fault:
    """Strikes requests whose method and URL hold a text."""

    match: str
    change: Callable
    method: str = ""

    def strikes(self, request):
        return self.match in str(request.url) and request.method.startswith(self.method)

    async def answer(self, request, inner):
        return await self.change(request, inner)


def answering(match, status=200, body=b"", *, method="", **headers):
    """Answer without asking anybody."""

    async def change(request, inner):
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, content=body, headers=told)

    return Fault(match, change, method)


def html(match, **how):
    return answering(match, 200, b"<html>Sign in</html>", content_type="text/html", **how)


def redirect(match, **how):
    return answering(match, 301, location="https://elsewhere.example.org/", **how)


def gone(match):
    async def change(request, inner):
        raise httpx.ConnectError("nobody is here", request=request)

    return Fault(match, change)


def unknown(match):
    """Answer as where nobody knows the name."""

    async def change(request, inner):
        raise httpx.ConnectError("no such name", request=request) from gaierror(-2, "unknown")

    return Fault(match, change)


def edited(match, edit, *, method="", **headers):
    """Change the JSON of an answer in place, or replace it by what `edit` returns."""

    async def change(request, inner):
        response = await inner.handle_async_request(request)
        body = json.loads(await response.aread())
        body = edit(body) or body
        kept = {k: v for k, v in response.headers.items() if k != "content-length"}
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(response.status_code, json=body, headers=kept | told)

    return Fault(match, change, method)


def prefixed(match, prefix, **how):
    """Pass a request on to another path, as a proxy does that adds a prefix."""

    async def change(request, inner):
        url = request.url.copy_with(raw_path=prefix.encode() + request.url.raw_path)
        moved = httpx.Request(
            request.method, url, headers=request.headers, content=await request.aread()
        )
        return await inner.handle_async_request(moved)

    return Fault(match, change, **how)


def slow(match, seconds, sleep):
    async def change(request, inner):
        await sleep(seconds)
        return await inner.handle_async_request(request)

    return Fault(match, change)


@dataclass
class Stage:
    """One running pair, whose wire can be broken."""

    ground: object
    wire: Wire

    def site(self, name="general", *, overrides=None, **changes) -> Site:
        """Return a site with members of its file changed."""
        site = self.ground.service.sites.find(name)
        profile = load_profile(site.profile.vendor, overrides) if overrides else site.profile
        return replace(site, file=site.file.model_copy(update=changes), profile=profile)

    async def subject(self, site=None, *faults, patient=PATIENT):
        """Look at a site over the broken wire."""
        service = self.ground.service
        service.backend._held.clear()
        service.backend.configurations._known.clear()
        self.wire.faults = list(faults)
        try:
            async with httpx.AsyncClient(transport=self.wire) as ours:
                return await looked(service, site or self.site(), ours, patient=patient)
        finally:
            self.wire.faults = []

    async def check(self, name, site=None, *faults, patient=PATIENT, **changes):
        """Return one verdict; `changes` are members of the subject that no wire can bring here."""
        subject = await self.subject(site, *faults, patient=patient)
        return verdict(name, replace(subject, **changes))


def verdict(name, subject):
    [found] = [verdict for check, verdict in judge(subject) if check.id == name]
    SHOWN.append((name, found))
    return found


def shows(check, result, words=""):
    """Mark a test as the one that shows a check to pass, or to say these words; the mark is held to it."""
    return pytest.mark.shows(check, result, words)


@asynccontextmanager
async def stage(
    tmp_path, *, sites: dict[str, str] | None = None, everything: bool = True
) -> Iterable[Stage]:
    """Let a pair run that is registered as it should be."""
    known = sites or {"general": GENERAL + BACKEND, "riverside": RIVERSIDE + BACKEND}
    async with standing(tmp_path, sites=known, patients=FewPatients()) as ground:
        service = ground.service
        network = service.network.transport
        wire = Wire(network)
        service.network.transport = wire
        service.network._clients.clear()
        if everything:
            service.catalog.by_id["everything"] = EVERYTHING
        yield Stage(ground, wire)
