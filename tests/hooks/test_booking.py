"""At booking we speak of a clash, of a missing reason and of open orders, or not at all."""

import pytest

from cds_service.simulator.chart import proposed_visit
from tests.ground import CDS

pytestmark = pytest.mark.anyio


async def said(ground, visit):
    client, entry = ground.client(), await ground.entry("appointment-book-brief")
    body = client.appointment_book_request("amara-singh", [visit], service=entry)
    answer = await client.call(f"{CDS}/general/cds-services/appointment-book-brief", body)
    assert answer.status_code == 200
    return [card["source"]["topic"]["code"] for card in answer.json()["cards"]]


def visit(ground, reason):
    ehr = ground.simulator.ehr("general")
    return proposed_visit(ehr, "amara-singh", ground.clock().replace(month=12), reason)


async def test_a_visit_with_a_reason_and_nothing_open_gets_no_card(ground):
    assert await said(ground, visit(ground, "Yearly preventive visit, travel advice")) == []


async def test_a_visit_without_a_word_of_why_is_told(ground):
    assert await said(ground, visit(ground, "")) == ["booking-no-reason"]


async def test_a_visit_at_the_time_of_another_is_told(ground):
    [booked] = [
        each
        for each in ground.simulator.ehr("general").store.all("Appointment", patient="amara-singh")
        if each["status"] == "booked"
    ]
    clash = {**visit(ground, "Skin rash"), "start": booked["start"], "end": booked["end"]}
    assert await said(ground, clash) == ["booking-clash"]
