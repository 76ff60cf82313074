"""The built-in patients can be searched by everything and opened everywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import cycle

import pytest

from cds_service.simulator import parameters, patients
from cds_service.simulator.app import create_app
from cds_service.simulator.fhir import FhirRecords, RefusedError
from cds_service.simulator.in_process import connect
from cds_service.simulator.prefetch import Offer
from cds_service.simulator.wire import dumps, loads
from cds_service.simulator.world import Simulator
from tests.simulator.ehr import ORIGIN, SERVICE, Clock, config
from tests.simulator.service import TinyService

pytestmark = pytest.mark.anyio
ANCHOR = date(2026, 11, 23)


@pytest.fixture(scope="module")
def real() -> Simulator:
    return Simulator(replace(config(Clock()), patients=None, anchor=ANCHOR))


class OnlyTheOddOne:
    """The one built-in patient whose record breaks the rules on purpose."""

    synopsis = staticmethod(patients.synopsis)
    resources = staticmethod(patients.resources)
    upcoming_appointment = staticmethod(patients.upcoming_appointment)

    def patient_ids(self) -> tuple[str, ...]:
        return ("zoe-quagmire",)


def status_of(records: FhirRecords, kind: str, name: str, value: str) -> int:
    try:
        records.search(kind, [(name, value)])
    except RefusedError as error:
        return error.status
    return 200


async def test_every_parameter_of_every_type() -> None:
    odd = Simulator(replace(config(Clock()), patients=OnlyTheOddOne(), anchor=ANCHOR))
    records = odd.ehr("general").records
    for kind in parameters.TYPES:
        for name in parameters.of_type(kind):
            records.search(kind, [("_sort", f"-{name}"), ("_count", "1")])
            for value in ("x", "Patient/x", "http://s|c", "ge2026-01-01", "true", ""):
                assert status_of(records, kind, name, value) in {200, 400}


async def test_every_type_is_served(real: Simulator) -> None:
    assert set(real.ehr("general").store.types()) <= set(parameters.TYPES)


async def test_prefetch_survives_json(real: Simulator) -> None:
    for patient in real.patients.patient_ids():
        for site in ("general", "riverside"):
            body = real.client(site).patient_view_request(patient, offer=Offer(trigger="60"))
            assert loads(dumps(body)) == body


async def test_every_chart_opens(service: TinyService) -> None:
    app = create_app(replace(config(Clock()), patients=None, anchor=ANCHOR))
    simulator: Simulator = app.state.simulator
    async with connect({ORIGIN: app, SERVICE: service.app}, base_url=ORIGIN) as http:
        simulator.http = http
        assert (await http.get("/")).status_code == 200
        for patient, site in zip(
            simulator.patients.patient_ids(), cycle(("general", "riverside")), strict=False
        ):
            page = await http.get(f"/chart/{patient}?site={site}")
            assert page.status_code == 200
            assert "Potassium" in page.text
