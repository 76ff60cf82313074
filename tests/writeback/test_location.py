"""Where a stored note is, is read from every form in which servers say it, and from none that leads elsewhere."""

import asyncio
import time

import httpx
import pytest

from cds_service.fhir.client import FhirServer, Pace
from cds_service.fhir.create import create

pytestmark = pytest.mark.anyio
BASE = "https://ehr.example.org/api/FHIR/R4"
NOTE = {"resourceType": "DocumentReference"}
STORED = b'{"resourceType":"DocumentReference","id":"7"}'
SAID = {
    "relative, and the body empty": ({"Location": "DocumentReference/7"}, b""),
    "absolute": ({"Location": f"{BASE}/DocumentReference/7"}, b""),
    "of a version": ({"Location": f"{BASE}/DocumentReference/7/_history/1"}, b""),
    "from the root of the host": ({"Location": "/api/FHIR/R4/DocumentReference/7"}, b""),
    "in another header": ({"Content-Location": "DocumentReference/7"}, b""),
    "in the body alone": ({}, STORED),
}
UNSAID = {
    "nothing": ({}, b""),
    "another server": ({"Location": "https://elsewhere.example.org/DocumentReference/7"}, b""),
    "an outcome": ({}, b'{"resourceType":"OperationOutcome","id":"7"}'),
    "no address of a resource": ({"Location": "DocumentReference"}, b""),
}


async def posted(headers, body):
    answer = httpx.Response(201, headers=headers, content=body)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as http:
        server = FhirServer(
            base_url=BASE,
            accept="application/fhir+json",
            http=http,
            pace=Pace(rate=100.0, clock=time.monotonic),
            slots=asyncio.Semaphore(1),
            clock=time.monotonic,
        )
        return await create(server, NOTE, token="t", timeout_s=2.0)  # no token


@pytest.mark.parametrize("form", SAID)
async def test_where_a_note_is_stored_is_read_in_every_form(form):
    assert (await posted(*SAID[form])).location == "DocumentReference/7"


@pytest.mark.parametrize("form", UNSAID)
async def test_what_does_not_say_it_is_not_believed(form):
    assert (await posted(*UNSAID[form])).location == ""
