"""A stored brief is a brief again, and a call adds to it what is newer."""

from zoneinfo import ZoneInfo

import pytest

from cds_service.brief import from_json, rule_brief, to_json
from cds_service.context.bundle import bundle_context
from cds_service.domain.json import decode, encode
from cds_service.simulator import patients
from cds_service.simulator.wire import dumps
from tests.context.stage import NOW
from tests.ground import TODAY

ZONE = ZoneInfo("America/Chicago")


@pytest.mark.parametrize("patient", patients.patient_ids())
def test_a_stored_brief_comes_back_as_it_was(patient):
    resources = patients.resources(patient, anchor=TODAY)
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}
    record = decode(dumps(bundle))
    brief = rule_brief(bundle_context(record, patient=patient, now=NOW, zone=ZONE))
    again = from_json(encode(to_json(brief)), ZONE)
    assert again == brief
    assert to_json(again)["sections"] == to_json(brief)["sections"]
