"""Beside a verified note stands what its site wants there: where it comes from, and that it was filed."""

from dataclasses import replace

import pytest

from cds_service.simulator.faults import Fault
from tests.review.stage import directly, staged

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def wanting(*kinds):
    """Change a site so that it wants these."""

    def change(site):
        write = site.file.write.model_copy(update={"beside": kinds})
        file = site.file.model_copy(update={"write": write})
        return replace(site, file=file)

    return change


def kept(stage, kind):
    return stage.simulator.ehr("general").store.all(kind)


async def test_a_site_that_wants_nothing_gets_the_note_alone(tmp_path):
    async with staged(tmp_path) as stage:
        assert await stage.file(await stage.approved()) == "verified"
        assert kept(stage, "Provenance") == kept(stage, "AuditEvent") == []


async def test_provenance_names_the_person_the_software_and_the_sources(tmp_path):
    async with staged(tmp_path, change_site=wanting("Provenance", "AuditEvent")) as stage:
        brief = await stage.approved()
        assert await stage.file(brief) == "verified"
        location = (await stage.row(brief))["location"]
        [told] = kept(stage, "Provenance")
        assert told["target"] == [{"reference": location}]
        assert told["agent"][0]["who"] == {"reference": "Practitioner/sim-clinician"}
        assert len(told["entity"]) > 10
        [event] = kept(stage, "AuditEvent")
        assert [each["what"]["reference"] for each in event["entity"]] == [
            location,
            "Patient/beatrice-okonkwo",
        ]
        assert (await stage.audited())[-1] == ("write", "beside")


async def test_a_step_that_runs_again_stores_nothing_twice(tmp_path):
    async with staged(tmp_path, change_site=wanting("Provenance", "AuditEvent")) as stage:
        brief = await stage.approved()
        assert await stage.file(brief) == "verified"
        await stage.write_back.beside(brief)
        assert len(kept(stage, "Provenance")) == len(kept(stage, "AuditEvent")) == 1


async def test_a_server_that_refuses_it_costs_the_note_nothing(tmp_path):
    async with staged(tmp_path, change_site=wanting("Provenance")) as stage:
        stage.simulator.faults.add(Fault("fhir", "status", "Provenance", status=403))
        brief = await stage.approved()
        assert await stage.file(brief) == "verified"
        assert kept(stage, "Provenance") == []
        await stage.write_back(directly, brief)
        assert await stage.state(brief) == "verified"
