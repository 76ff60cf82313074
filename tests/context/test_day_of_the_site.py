"""Which days are searched, and which of them a brief has seen, goes by the clock of the site."""

from datetime import UTC, datetime

import pytest

from cds_service.context.freshness import compare
from cds_service.domain.brief import Brief
from tests.context.stage import BASE, NOW, PATIENT, Stage, a_request, a_service, a_site, bundle

pytestmark = pytest.mark.anyio
LATE = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""Eight in the evening of the 23rd, in Chicago."""


@pytest.mark.parametrize("now", [NOW, LATE])
async def test_a_call_late_in_the_evening_asks_for_the_days_of_the_site(now):
    stage = Stage(now=now)
    stage.ehr.answers = {"Appointment": bundle()}
    await stage.gather({"patient": PATIENT}, "appointment")
    [asked] = [str(each.url).removeprefix(BASE) for each in stage.ehr.asked]
    assert "date=ge2026-11-22&date=lt2027-02-21" in asked


@pytest.mark.parametrize(("day", "is_new"), [("2027-02-20", True), ("2027-02-21", False)])
def test_what_lay_past_the_days_of_an_evening_is_not_new(day, is_new):
    visit = {
        "resourceType": "Appointment",
        "id": "ap1",
        "start": f"{day}T09:00:00-06:00",
        "participant": [{"actor": {"reference": "Patient/p1"}}],
    }
    request = a_request({"appointment": bundle(visit)})
    brief = Brief(patient="Patient/p1", as_of=LATE, rules_version="", sections=(), gaps=())
    found = compare({}, brief, request, a_service("patient", "appointment"), a_site())
    assert (found.fresh == {"Appointment/ap1"}) is is_new
