"""Whom a site lets approve: a role that has ended opens nothing, whichever way a person signs in."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest

from cds_service.fhir.client import FhirServer, Pace
from cds_service.flow.clinician import Whois
from cds_service.smart.tokens import Token
from tests.review.stage import open_site

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
"""In Chicago it is the evening of the 23rd."""
LATER = datetime(2100, 1, 1, tzinfo=UTC)
TOKEN = Token(value="t", scopes=frozenset({"user/*.rs"}), refresh_at=LATER, expires=LATER)


def role(*codes, **members):
    concept = {"coding": [{"system": "http://example.org/roles", "code": code} for code in codes]}
    return {
        "resourceType": "PractitionerRole",
        "id": "r1",
        "practitioner": {"reference": "Practitioner/d1"},
        "code": [concept],
    } | members


def person(**members):
    return {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "Dr Dell"}]} | members


@pytest.fixture
def whois(tmp_path):
    """Return who somebody is at a server that holds these resources, where doctors may approve."""
    more = open_site(tmp_path)
    loop = asyncio.get_running_loop

    async def ask(user, *held, approvers=("doctor",)):
        smart = more.file.smart.model_copy(update={"approvers": approvers})
        site = SimpleNamespace(file=more.file.model_copy(update={"smart": smart}), zone=more.zone)

        def answer(request):
            kind, _, identity = request.url.path.rpartition("/r4/")[2].partition("/")
            found = [one for one in held if one["resourceType"] == kind]
            if identity:
                return httpx.Response(200, json=found[0])
            entries = [{"resource": one} for one in found]
            return httpx.Response(200, json={"resourceType": "Bundle", "entry": entries})

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            server = FhirServer(
                base_url=more.file.fhir.base_url,
                accept="application/fhir+json",
                http=http,
                pace=Pace(rate=100.0, clock=loop().time),
                slots=asyncio.Semaphore(4),
                clock=loop().time,
            )
            who = Whois(server_of=lambda _: server, clock=loop().time, now=lambda: NOW)
            return await who(site, user, TOKEN)

    return ask


@pytest.mark.parametrize("members", [{}, {"active": True}])
async def test_a_role_in_force_counts(whois, members):
    found = await whois("Practitioner/d1", person(), role("doctor", **members))
    assert (found.name, found.roles, found.may_approve) == ("Dr Dell", {"doctor"}, True)
    assert (await whois("PractitionerRole/r1", role("doctor", **members))).may_approve


@pytest.mark.parametrize("user", ["Practitioner/d1", "PractitionerRole/r1"])
async def test_a_role_that_has_ended_does_not(whois, user):
    found = await whois(user, person(), role("doctor", active=False))
    assert (found.roles, found.may_approve) == (frozenset(), False)


async def test_nor_does_any_role_of_a_person_who_is_no_longer_there(whois):
    found = await whois("Practitioner/d1", person(active=False), role("doctor"))
    assert (found.roles, found.may_approve) == (frozenset(), False)


@pytest.mark.parametrize("user", ["Practitioner/d1", "PractitionerRole/r1"])
@pytest.mark.parametrize(
    ("period", "may"),
    [
        ({}, True),
        ({"end": "2026-11-23"}, True),
        ({"end": "2026-11"}, True),
        ({"end": "2026-11-24T03:00:01Z"}, True),
        ({"start": "2020-01-01", "end": "2099-12-31"}, True),
        ({"start": "2026-11-23"}, True),
        ({"end": "2026-11-22"}, False),
        ({"end": "2026-10"}, False),
        ({"end": "2025"}, False),
        ({"end": "2026-11-23T20:59:59-06:00"}, False),
        ({"start": "2026-11-24"}, False),
        ({"end": "soon"}, False),
        ({"end": None}, False),
        ({"start": "once"}, False),
    ],
)
async def test_a_role_counts_within_its_period_by_the_sites_calendar(whois, user, period, may):
    found = await whois(user, person(), role("doctor", period=period))
    assert found.may_approve is may
    assert ("doctor" in found.roles) is may


async def test_an_ended_role_is_no_approver_by_its_kind_either(whois):
    ended = role("nurse", period={"end": "2026-11-22"})
    named = ("PractitionerRole",)
    assert not (await whois("PractitionerRole/r1", ended, approvers=named)).may_approve
    assert (await whois("PractitionerRole/r1", role("nurse"), approvers=named)).may_approve


async def test_of_several_roles_only_those_in_force_lend_their_codes(whois):
    ended = role("doctor", id="r2", period={"end": "2026-11-22"})
    found = await whois("Practitioner/d1", person(), role("nurse"), ended)
    assert (found.roles, found.may_approve) == ({"nurse"}, False)
