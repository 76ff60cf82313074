"""The stage that these tests stand on: the real gathering, and an EHR of which a test writes each answer."""

import asyncio
import json
import selectors
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

from cds_service.context.access import Access
from cds_service.context.gather import Gather
from cds_service.domain.call import HookRequest
from cds_service.domain.evidence import Context, Search
from cds_service.domain.prefetch import Prefetch
from cds_service.fhir.client import FhirServer, Pace
from cds_service.hook import HookService
from cds_service.sites import Site, SiteFile
from cds_service.vendors import load_profile

BASE = "https://ehr.example.org/r4"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
TOKEN = "lent-token-7f3a"
GRANTED = Access(token=TOKEN)
NONE = Access(refused="not_offered")

PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1955-09-02"}


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop that never sleeps: when nobody can run, its clock leaps to the next timer."""

    def __init__(self) -> None:
        self._leapt = 0.0
        loop = self

        class Leaping(selectors.DefaultSelector):
            def select(self, timeout=None):
                loop._leapt += timeout or 0.0
                return super().select(0 if timeout is not None else None)

        super().__init__(Leaping())

    def time(self) -> float:
        return super().time() + self._leapt


def allergy(identity: str = "a1", patient: str | None = "p1", **members: object):
    subject = {} if patient is None else {"patient": {"reference": f"Patient/{patient}"}}
    return {"resourceType": "AllergyIntolerance", "id": identity, **subject, **members}


def bundle(*resources: object, next_url: str | None = None, mode: str = "match"):
    found: dict[str, object] = {"resourceType": "Bundle", "type": "searchset"}
    if next_url is not None:
        found["link"] = [{"relation": "self", "url": BASE}, {"relation": "next", "url": next_url}]
    if resources:
        found["entry"] = [{"resource": one, "search": {"mode": mode}} for one in resources]
    return found


def outcome(code: str = "exception", severity: str = "error"):
    details = {"coding": [{"system": "urn:oid:1.2.3", "code": code}]}
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "details": details}],
    }


@dataclass
class Ehr(httpx.AsyncBaseTransport):
    """Answers by path: with a value as JSON, a response as it is, or whatever a function makes.

    A deque is dealt one by one. What is not there is a 404. `asked` keeps what arrived, `at_once` the most
    requests that were under way together.
    """

    answers: dict[str, object] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)
    under_way: int = 0
    at_once: int = 0

    async def handle_async_request(self, request):
        self.asked.append(request)
        self.under_way += 1
        self.at_once = max(self.at_once, self.under_way)
        try:
            return await self._answer(request)
        finally:
            self.under_way -= 1

    async def _answer(self, request):
        target = str(request.url).removeprefix(BASE).lstrip("/")
        answer = self.answers.get(target, self.answers.get(target.partition("?")[0]))
        if isinstance(answer, deque):
            answer = answer.popleft()
        if callable(answer):
            answer = await answer(request)
        if answer is None:
            return httpx.Response(404, json=outcome("not-found"))
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def paths(self) -> list[str]:
        """Return what was asked for, without base and query."""
        return [urlsplit(str(one.url)).path.removeprefix("/r4/") for one in self.asked]


async def hang(_request):
    """Never answer."""
    await asyncio.Event().wait()


def a_site(vendor: str = "generic-r4", **policy: object) -> Site:
    data = {
        "title": "General",
        "vendor": vendor,
        "services": ["brief"],
        "fhir": {"base_url": BASE},
        "trust": [{"iss": "https://ehr.example.org", "jwks_url": "https://ehr.example.org/jwks"}],
        "policy": policy,
    }
    parsed = SiteFile.model_validate(data)
    return Site("general", parsed, load_profile(vendor), ZoneInfo("America/Chicago"))


def a_service(*needs: str) -> HookService:
    return HookService(
        id="brief",
        hook="patient-view",
        title="t",
        description="d",
        needs=needs,
        cards=lambda _: (),
    )


def a_request(prefetch: Mapping[str, object], **members: object) -> HookRequest:
    given = {"encounter_id": None, "authorization": None, "fhir_server": None, "context": {}}
    return HookRequest(
        hook="patient-view",
        hook_instance="x",
        patient_id="p1",
        user="Practitioner/1",
        prefetch=Prefetch({key: json.dumps(each).encode() for key, each in prefetch.items()}),
        **(given | members),
    )


@dataclass
class Stage:
    """One site, its EHR and the real gathering between them."""

    ehr: Ehr = field(default_factory=Ehr)
    site: Site = field(default_factory=a_site)
    budget_s: float = 0.4
    now: datetime = NOW

    async def gather(
        self,
        prefetch: Mapping[str, object],
        *needs: str,
        granted: Access = GRANTED,
        change: Callable[[FhirServer], None] = lambda _: None,
        **request: object,
    ) -> Context:
        """Gather the needs (the patient always) from this prefetch and this EHR."""
        loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(transport=self.ehr, timeout=10.0) as http:
            server = FhirServer(
                base_url=BASE,
                accept="application/fhir+json",
                http=http,
                pace=Pace(rate=self.site.file.policy.reads_per_second, clock=loop.time),
                slots=asyncio.Semaphore(self.site.file.policy.concurrent_reads),
                clock=loop.time,
            )
            change(server)
            gather = Gather(server_of=lambda _site: server, now=lambda: self.now)
            return await gather(
                granted,
                a_request(prefetch, **request),
                a_service("patient", *needs),
                self.site,
                deadline=loop.time() + self.budget_s,
            )

    async def allergies(self, *sent: object, granted: Access = GRANTED) -> tuple[Context, Search]:
        """Gather with this value for the allergies, or with none; return their search too."""
        prefetch = {"patient": PATIENT} | ({"allergies": sent[0]} if sent else {})
        context = await self.gather(prefetch, "allergies", granted=granted)
        return context, search(context, "allergies")


def search(context: Context, key: str) -> Search:
    return next(one for one in context.ledger.searches if one.key == key)


def gaps(context: Context) -> dict[str, str]:
    return {gap.need: gap.reason for gap in context.ledger.gaps()}
