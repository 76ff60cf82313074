"""A stored brief is a brief again, and a call adds to it what is newer."""

from zoneinfo import ZoneInfo

import pytest

from cds_service.brief import from_json, rule_brief, to_json
from cds_service.brief.reread import Sight, for_call
from cds_service.context.bundle import bundle_context
from cds_service.domain.json import decode, encode
from cds_service.simulator import patients
from cds_service.simulator.wire import dumps
from tests.brief.charts import brief, coded, context, lab, seen, texts
from tests.context.stage import NOW
from tests.ground import TODAY

ZONE = ZoneInfo("America/Chicago")


@pytest.mark.parametrize("patient", patients.patient_ids())
def test_a_stored_brief_comes_back_as_it_was(patient):
    resources = patients.resources(patient, anchor=TODAY)
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}
    record = decode(dumps(bundle))
    made = rule_brief(bundle_context(record, patient=patient, now=NOW, zone=ZONE))
    again = from_json(encode(to_json(made)), ZONE)
    assert again == made
    assert to_json(again)["sections"] == to_json(made)["sections"]


def _potassium(value, day, mark):
    return lab(value, day, f"k-{day}", loinc="2823-3", unit="mmol/L", interpretation=[coded(mark)])


@pytest.mark.parametrize("chart", [(), (seen("2026-10-01T10:00:00-05:00"),)])
def test_a_newer_critical_value_takes_the_place_of_one_that_was(chart):
    before = _potassium("2.1", "2026-11-09", "LL"), _potassium("3.9", "2026-11-10", "N")
    prepared = brief(*chart, *before)
    assert texts(prepared, "attention")[0].startswith("Was critical")
    fresh = context(_potassium("7.0", "2026-11-20", "HH"))
    sight = Sight(sent=frozenset(fresh.ledger.evidence), fresh=fresh, since="")
    [line] = texts(for_call(prepared, sight), "attention")
    assert line.startswith("Potassium 7.0")
