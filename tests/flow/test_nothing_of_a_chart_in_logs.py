"""No name, no drug, no birth date, no patient id, no token in any log, at any level, whatever happens."""

import logging
from dataclasses import replace

import pytest

from cds_service.simulator.faults import Fault
from cds_service.simulator.prefetch import Offer
from tests.flow.canary import CANARIES, body, prefetch
from tests.ground import CDS

pytestmark = pytest.mark.anyio

HAROLD = "harold-lindqvist"
OF_HAROLD = (HAROLD, "Lindqvist", "1955-09-02", "Potassium")


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


def leaked(log, *words):
    """Return the log lines that hold one of these words; exceptions and their arguments count."""
    lines = [f"{one.name}: {one.getMessage()} {one.exc_text or ''}" for one in log.records]
    return [line[:200] for line in lines if any(word in line for word in words)]


@pytest.mark.spec("S-21", "F-10")
async def test_in_a_call_that_ends_well(ground, log):
    answer = await ground.call(body())
    assert answer.status_code == 200
    await ground.service.writer.flush()
    assert leaked(log, *CANARIES, "eyJ") == []
    assert any(record.name == "aiosqlite" for record in log.records), "the logs were on"


@pytest.mark.spec("S-21", "F-10")
@pytest.mark.parametrize("site", ["general", "riverside"])
async def test_in_a_call_that_reads_everything(ground, log, site):
    (answer,) = await ground.client(site).open_chart(HAROLD, offer=Offer(prefetch="none"))
    assert answer.status == 200
    await ground.service.writer.flush()
    token = answer.request["fhirAuthorization"]["access_token"]
    assert leaked(log, *OF_HAROLD, token, "eyJ") == []


@pytest.mark.parametrize("kind", ["drop", "truncate", "status"])
async def test_in_a_call_whose_reads_fail(ground, log, kind):
    ground.simulator.faults.add(Fault("fhir", kind, match="AllergyIntolerance"))
    (answer,) = await ground.client().open_chart(HAROLD, offer=Offer(prefetch="none"))
    assert answer.status == 200
    await ground.service.writer.flush()
    token = answer.request["fhirAuthorization"]["access_token"]
    assert leaked(log, *OF_HAROLD, token, "eyJ") == []


SPOILED = {
    "the hook": body(hook=CANARIES[0]),
    "the hook as an object": body(hook={"a": CANARIES[0]}),
    "the context": body(context=CANARIES[0]),
    "the patient's id": body(context={"patientId": f"{CANARIES[0]} {CANARIES[1]}"}),
    "the user": body(context={"patientId": "p1", "userId": CANARIES[0]}),
    "the prefetch": body(prefetch=CANARIES[0]),
    "the patient": body(prefetch=prefetch() | {"patient": {"resourceType": CANARIES[0]}}),
    "a date": body(prefetch=prefetch() | {"patient": {"birthDate": CANARIES[0]}}),
    "the authorization": body(fhirAuthorization={"access_token": CANARIES[0]}),
}


@pytest.mark.parametrize("where", SPOILED)
async def test_in_a_call_that_is_spoiled_at(ground, log, where):
    answer = await ground.call(SPOILED[where])
    assert answer.status_code in {200, 400, 412}
    await ground.service.writer.flush()
    assert leaked(log, *CANARIES, "eyJ") == []
    if answer.status_code != 200:
        assert not [word for word in CANARIES if word in answer.text]


async def test_in_a_call_that_crashes_over_a_word_of_the_chart(ground, log):
    def crash(*_args):
        raise ValueError(CANARIES[0])

    endpoints = ground.service.endpoints
    endpoints.answer = replace(endpoints.answer, compose=crash)
    assert (await ground.call(body())).status_code == 500
    await ground.service.writer.flush()
    assert any("ValueError" in record.getMessage() for record in log.records), "it is told"
    assert leaked(log, *CANARIES, "eyJ") == []


async def test_in_feedback_with_a_comment(ground, log):
    url = f"{CDS}/general/cds-services/patient-view-brief"
    client = ground.client()
    item = client.overridden("c1", comment=f"not for {CANARIES[0]}", reason={"code": "x"})
    assert (await client.feedback(url, item)).status_code == 200
    assert leaked(log, *CANARIES, "eyJ") == []
