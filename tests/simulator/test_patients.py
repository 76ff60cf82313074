"""Hold the synthetic patients to what the demo and the other tests rely on."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from cds_service.simulator import patients
from cds_service.simulator.patients.bundle import references
from cds_service.simulator.patients.cases.messy import DANGLING, INVALID

ANCHOR = dt.date(2026, 11, 23)
OTHER_ANCHORS = (dt.date(2028, 2, 29), dt.date(2027, 1, 1), dt.date(2026, 7, 5))
IDS = patients.patient_ids()
SPARSE = {"iris-calloway", "tobias-quill"}
FULL = tuple(each for each in IDS if each not in SPARSE)
KINDS = (
    "Patient Encounter Condition AllergyIntolerance MedicationRequest MedicationStatement "
    "Observation DiagnosticReport ServiceRequest Procedure Immunization Appointment Flag "
    "DocumentReference CareTeam CarePlan Goal Task Coverage Consent FamilyMemberHistory"
)
SHARED = {"Organization", "Location", "Practitioner", "PractitionerRole", "Medication"}
CHARTS = {each: patients.resources(each, anchor=ANCHOR) for each in IDS}

Json = dict[str, object]


def _of(patient: str, kind: str) -> list[Json]:
    return [each for each in CHARTS[patient] if each["resourceType"] == kind]


def _codings(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("system"), str) and isinstance(value.get("code"), str):
            yield value["system"], value["code"]
        for item in value.values():
            yield from _codings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _codings(item)


def _has(resource: Json, code: str) -> bool:
    return any(found == code for _, found in _codings(resource))


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _number(resource: Json) -> float:
    value = resource["valueQuantity"]
    assert isinstance(value, dict)
    return float(value["value"])


def _series(patient: str, loinc: str) -> list[float]:
    found = [
        each
        for each in _of(patient, "Observation")
        if each["status"] == "final" and "component" not in each and _has(each, loinc)
    ]
    ordered = sorted(found, key=lambda each: str(each["effectiveDateTime"]))
    return [_number(each) for each in ordered if "valueQuantity" in each]


def _flagged(patient: str, code: str) -> list[Json]:
    return [
        each
        for each in _of(patient, "Observation")
        if (code) in {found for _, found in _codings(each.get("interpretation"))}
    ]


def _drug_text(resource: Json) -> str:
    element = resource.get("medicationCodeableConcept") or resource.get("medicationReference")
    return json.dumps(element)


def _prescribed(patient: str, drug: str, *statuses: str) -> list[Json]:
    return [
        each
        for each in _of(patient, "MedicationRequest")
        if drug in _drug_text(each) and each.get("status") in (statuses or ("active",))
    ]


@pytest.mark.parametrize("patient", IDS)
def test_the_same_anchor_gives_the_same_bytes(patient: str) -> None:
    first = [patients.to_json(each) for each in CHARTS[patient]]
    again = [patients.to_json(each) for each in patients.resources(patient, anchor=ANCHOR)]
    assert first == again


def test_the_returned_resources_belong_to_the_caller() -> None:
    mine = patients.resources("zoe-quagmire", anchor=ANCHOR)
    for each in mine:
        meta = each.get("meta")
        if isinstance(meta, dict):
            meta.clear()
        subject = each.get("subject")
        if isinstance(subject, dict):
            subject.clear()
    assert patients.resources("zoe-quagmire", anchor=ANCHOR) == CHARTS["zoe-quagmire"]


@pytest.mark.parametrize("patient", FULL)
def test_a_full_chart_is_long_and_various(patient: str) -> None:
    own = [each for each in CHARTS[patient] if each["resourceType"] not in SHARED]
    days = sorted(
        str(each["effectiveDateTime"])[:4]
        for each in _of(patient, "Observation")
        if "meta" in each and "effectiveDateTime" in each
    )
    assert len(own) >= 150
    assert len(set(_codings(CHARTS[patient]))) >= 30
    assert ANCHOR.year - int(days[0]) >= 5


def test_there_are_at_least_thirteen_patients_each_with_a_line() -> None:
    assert len(set(IDS)) == len(IDS) >= 13
    assert all(0 < len(patients.synopsis(each)) <= 100 for each in IDS)
    assert [CHARTS[each][0]["id"] for each in IDS] == list(IDS)


def test_every_resource_type_of_the_demo_occurs() -> None:
    kinds = {each["resourceType"] for chart in CHARTS.values() for each in chart}
    assert kinds >= SHARED | set(KINDS.split())


def test_ids_are_unique_and_shared_resources_are_equal_everywhere() -> None:
    seen: dict[str, Json] = {}
    for chart in CHARTS.values():
        names = [_name(each) for each in chart]
        assert len(set(names)) == len(names)
        for each in chart:
            ident = str(each["id"])
            assert len(ident) <= 64
            assert ident.replace("-", "").replace(".", "").isalnum()
            assert ident == ident.lower()
            if ident in seen:
                assert each["resourceType"] in SHARED
                assert seen[ident] == each
            seen[ident] = each


@pytest.mark.parametrize("patient", IDS)
def test_references_resolve_except_the_planted_ones(patient: str) -> None:
    present = {_name(each) for each in CHARTS[patient]}
    used = {each for each in references(CHARTS[patient]) if not each.startswith("#")}
    planted = DANGLING | {"Patient/harold-lindqvist"} if patient == "zoe-quagmire" else set()
    assert used - present == planted


@pytest.mark.parametrize("patient", IDS)
def test_every_resource_is_valid_r4_except_the_planted_ones(patient: str) -> None:
    refused = set()
    for each in CHARTS[patient]:
        try:
            model = get_fhir_model_class(str(each["resourceType"]))
            model.model_validate_json(patients.to_json(each))
        except ValidationError:
            refused.add(str(each["id"]))
    assert refused == (INVALID if patient == "zoe-quagmire" else set())


@pytest.mark.parametrize("anchor", [ANCHOR, *OTHER_ANCHORS])
def test_nothing_but_the_coming_visit_lies_after_the_anchor(anchor: dt.date) -> None:
    for patient in IDS:
        chart = patients.resources(patient, anchor=anchor)
        booked = patients.upcoming_appointment(patient, anchor=anchor)
        birth = str(chart[0]["birthDate"])
        for each in chart:
            for key in (
                "effectiveDateTime",
                "authoredOn",
                "issued",
                "recordedDate",
                "date",
                "onsetDateTime",
            ):
                day = str(each.get(key, anchor))[:10]
                if day[:2] in ("19", "20") and not str(each["id"]).endswith("-american-date"):
                    assert birth[: len(day)] <= day <= anchor.isoformat(), each["id"]
        if patient == "tobias-quill":
            assert booked is None
        else:
            assert booked in chart
            assert booked is not None
            start = dt.datetime.fromisoformat(str(booked["start"])).date()
            assert anchor <= start <= anchor + dt.timedelta(days=7)


def test_other_anchors_give_valid_charts() -> None:
    for anchor in OTHER_ANCHORS:
        for each in patients.resources("noah-fairweather", anchor=anchor):
            model = get_fhir_model_class(str(each["resourceType"]))
            model.model_validate_json(patients.to_json(each))


@pytest.mark.parametrize("patient", [each for each in FULL if each != "zoe-quagmire"])
def test_every_clinical_resource_is_this_patients_own_and_versioned(patient: str) -> None:
    for each in CHARTS[patient]:
        meta = each["meta"]
        assert isinstance(meta, dict)
        assert meta["versionId"]
        assert str(meta["lastUpdated"])[:10] < ANCHOR.isoformat()
        who = (
            each.get("subject")
            or each.get("patient")
            or each.get("beneficiary")
            or each.get("for")
        )
        if isinstance(who, dict):
            assert who["reference"] == f"Patient/{patient}"


def test_harold_takes_many_drugs_some_of_them_twice() -> None:
    active = _of("harold-lindqvist", "MedicationRequest")
    assert len([each for each in active if each["status"] == "active"]) >= 14
    assert len(_prescribed("harold-lindqvist", "866436")) == 1
    assert len(_prescribed("harold-lindqvist", "Toprol")) == 1
    assert len(_prescribed("harold-lindqvist", "atorvastatin 40 mg")) == 1
    assert len(_prescribed("harold-lindqvist", "Lipitor")) == 1
    assert len(_series("harold-lindqvist", "6301-6")) >= 20
    assert max(_series("harold-lindqvist", "6301-6")) > 5


def test_beatrices_kidneys_decline_and_one_potassium_was_critical() -> None:
    egfr = _series("beatrice-okonkwo", "98979-8")
    assert egfr[0] > 50
    assert 25 < egfr[-1] < 36
    critical = [each for each in _flagged("beatrice-okonkwo", "HH") if _has(each, "2823-3")]
    assert [_number(each) for each in critical] == [6.4, 6.3]
    assert _prescribed("beatrice-okonkwo", "lisinopril 20 mg")
    assert not _prescribed("beatrice-okonkwo", "lisinopril 40 mg")
    assert _prescribed("beatrice-okonkwo", "apixaban")


def test_elena_is_thirty_weeks_pregnant() -> None:
    due = [
        str(each["valueDateTime"])
        for each in _of("elena-marchetti", "Observation")
        if _has(each, "11778-8")
    ]
    assert [(dt.date.fromisoformat(each) - ANCHOR).days for each in due] == [70]
    assert _series("elena-marchetti", "18185-9")[-1] == 28
    assert [each for each in _of("elena-marchetti", "Observation") if _has(each, "77386006")]


def test_noah_grows_and_is_dosed_by_weight() -> None:
    weights = _series("noah-fairweather", "29463-7")
    assert weights == sorted(weights)
    assert 20 < weights[-1] < 26
    assert any(
        "mg/kg" in json.dumps(each) for each in _of("noah-fairweather", "MedicationRequest")
    )
    assert len(_of("noah-fairweather", "Immunization")) >= 25


def test_the_sparse_charts_are_sparse() -> None:
    own = [each for each in CHARTS["iris-calloway"] if each["resourceType"] not in SHARED]
    assert len(own) == 4
    assert [each["resourceType"] for each in CHARTS["tobias-quill"]] == ["Patient"]


def test_maria_says_no_allergies_and_gregory_says_nothing() -> None:
    (only,) = _of("maria-alvarez", "AllergyIntolerance")
    assert _has(only, "716186003")
    assert len(_series("maria-alvarez", "4548-4")) >= 10
    assert _prescribed("maria-alvarez", "metformin")
    assert _prescribed("maria-alvarez", "glargine")
    assert _of("gregory-nwosu", "AllergyIntolerance") == []


def test_walters_lists_contradict_each_other() -> None:
    allergies = _of("walter-contreras", "AllergyIntolerance")
    assert {code for each in allergies for _, code in _codings(each["code"])} == {
        "70618",
        "735029006",
        "716186003",
    }
    assert _prescribed("walter-contreras", "amoxicillin")
    assert _prescribed("walter-contreras", "metoprolol succinate ER 50 mg")
    assert any(
        "ER 25 mg" in _drug_text(each) for each in _of("walter-contreras", "MedicationStatement")
    )
    gout = [each for each in _of("walter-contreras", "Condition") if _has(each, "90560007")]
    assert {status for each in gout for _, status in _codings(each["clinicalStatus"])} == {
        "active",
        "resolved",
    }


def test_susan_had_capecitabine_and_waits_for_genetics() -> None:
    assert len(_prescribed("susan-hallberg", "capecitabine", "stopped", "completed")) == 2
    assert _prescribed("susan-hallberg", "tamoxifen")
    waiting = [
        each
        for each in _of("susan-hallberg", "ServiceRequest")
        if each["status"] == "active" and "genetics" in json.dumps(each)
    ]
    assert str(waiting[0]["authoredOn"]) < "2026-03"
    assert [each["status"] for each in _of("susan-hallberg", "Task")] == ["requested"]


def test_daniels_addiction_history_is_labelled_and_his_pain_drugs_are_not() -> None:
    labelled = [
        each for each in CHARTS["daniel-whitlock"] if _has({"meta": each["meta"]}, "42CFRPart2")
    ]
    kinds = {each["resourceType"] for each in labelled}
    assert kinds >= {
        "Condition",
        "Encounter",
        "DocumentReference",
        "MedicationRequest",
        "Observation",
    }
    assert any(_has(each, "75544000") for each in labelled)
    for drug in ("oxycodone", "clonazepam"):
        (active,) = _prescribed("daniel-whitlock", drug)
        assert active not in labelled


def test_frank_was_in_hospital_since_his_last_clinic_visit() -> None:
    latest = sorted(
        _of("frank-delacroix", "Encounter"), key=lambda each: json.dumps(each["period"])
    )
    kinds = [each["class"] for each in latest[-3:]]
    assert [each["code"] for each in kinds if isinstance(each, dict)] == ["AMB", "IMP", "EMER"]
    assert len(_prescribed("frank-delacroix", "amlodipine", "active", "stopped")) == 2
    assert _prescribed("frank-delacroix", "azithromycin")
    assert _prescribed("frank-delacroix", "aspirin", "stopped")


def test_amara_is_healthy() -> None:
    assert not [
        each for each in _of("amara-singh", "MedicationRequest") if each["status"] == "active"
    ]
    assert not _flagged("amara-singh", "HH")


def test_zoes_digits_and_faults_are_there() -> None:
    text = "\n".join(patients.to_json(each).decode() for each in CHARTS["zoe-quagmire"])
    for expected in (
        '"value":7.10,',
        '"value":0.80,',
        '"value":100.0,',
        '"comparator":"<"',
        "entered-in-error",
        '"refuted"',
        '"preliminary"',
        "valueRatio",
        "valueRange",
        "data-absent-reason",
        "<script>",
        "Ignore previous instructions",
        '"contained"',
        "Patient/harold-lindqvist",
    ):
        assert expected in text, expected
    assert [each["id"] for each in CHARTS["zoe-quagmire"] if "meta" not in each]


def test_to_json_keeps_every_digit_and_refuses_what_is_not_json() -> None:
    body: Json = {
        "a": Decimal("7.10"),
        "b": [True, None, 1, 2.5],
        "c": 'ü\u2028"\\',
        "d": Decimal("1E+2"),
    }
    assert (
        patients.to_json(body)
        == '{"a":7.10,"b":[true,null,1,2.5],"c":"ü\u2028\\"\\\\","d":1E+2}'.encode()
    )
    with pytest.raises(TypeError):
        patients.to_json({"day": ANCHOR})
    with pytest.raises(ValueError, match="not JSON compliant"):
        patients.to_json({"number": float("nan")})


def test_an_unknown_patient_is_refused() -> None:
    with pytest.raises(KeyError):
        patients.resources("nobody", anchor=ANCHOR)
    with pytest.raises(KeyError):
        patients.synopsis("nobody")
