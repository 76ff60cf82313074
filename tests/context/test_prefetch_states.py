"""Absent, null, empty, failed and paged are five different answers, with access and without.

The decision table is the one of CDS Hooks 2.0.1, "Providing FHIR Resources to a CDS Service".
"""

import pytest

from cds_service.domain.errors import MissingContext
from tests.context.stage import (
    BASE,
    GRANTED,
    NONE,
    PATIENT,
    Stage,
    a_site,
    allergy,
    bundle,
    gaps,
    outcome,
)

pytestmark = pytest.mark.anyio

NEXT = f"{BASE}?_getpages=2"
JUNK = {
    "a list": [allergy()],
    "an empty list": [],
    "a string": "AllergyIntolerance/a1",
    "a number": 7,
    "true": True,
    "false": False,
    "an empty object": {},
    "a resource of another type": PATIENT,
    "a resource without an id": {"resourceType": "AllergyIntolerance"},
    "a resource with an impossible id": allergy("../a1"),
}


@pytest.fixture
def stage():
    """An EHR that knows one allergy more than any prefetch says."""
    stage = Stage()
    stage.ehr.answers["AllergyIntolerance"] = bundle(allergy("read"))
    stage.ehr.answers["?_getpages=2"] = bundle(allergy("a2"))
    stage.ehr.answers["Patient/p1"] = PATIENT
    return stage


SEARCHES = {
    # what was sent: (state, found, asked the server) with access, then without
    "a full Bundle": (bundle(allergy()), ("complete", 1, False), ("complete", 1, False)),
    "a bare resource": (allergy(), ("complete", 1, False), ("complete", 1, False)),
    "an empty Bundle": (bundle(), ("complete", 0, False), ("complete", 0, False)),
    "null": (None, ("complete", 0, False), ("complete", 0, False)),
    "an OperationOutcome": (outcome(), ("failed", 0, False), ("failed", 0, False)),
    "fewer than the server counted": (
        {**bundle(allergy()), "total": 3},
        ("partial", 1, False),
        ("partial", 1, False),
    ),
    "all that the server counted": (
        {**bundle(allergy()), "total": 1},
        ("complete", 1, False),
        ("complete", 1, False),
    ),
    "a first page": (
        bundle(allergy(), next_url=NEXT),
        ("complete", 2, True),
        ("partial", 1, False),
    ),
    "an empty first page": (bundle(next_url=NEXT), ("complete", 1, True), ("partial", 0, False)),
    **{
        name: (value, ("complete", 1, True), ("no_access", 0, False))
        for name, value in JUNK.items()
    },
}


@pytest.mark.spec("P-4", "P-5", "P-6", "P-7", "P-8", "P-9", "P-12", "P-14")
@pytest.mark.parametrize("sent", SEARCHES)
@pytest.mark.parametrize("granted", [GRANTED, NONE], ids=["access", "no access"])
async def test_a_search_that_was_prefetched_as(stage, sent, granted):
    value, *expected = SEARCHES[sent]
    _, search = await stage.allergies(value, granted=granted)
    told = (search.state, search.found, bool(stage.ehr.asked))
    assert told == expected[0 if granted.is_usable else 1]


@pytest.mark.spec("P-3", "P-4", "F-1")
async def test_a_search_that_was_not_prefetched_is_read(stage):
    context, search = await stage.allergies()
    assert (search.state, search.found, search.source) == ("complete", 1, "read")
    assert context.ledger.get("AllergyIntolerance/read").source == "read"
    assert gaps(context) == {}


@pytest.mark.spec("P-4", "P-11")
async def test_a_search_that_was_neither_prefetched_nor_can_be_read_is_a_gap_not_none(stage):
    context, search = await stage.allergies(granted=NONE)
    assert search.state == "no_access"
    assert gaps(context) == {"allergies": "not_requested"}
    assert not context.ledger.is_complete("allergies")


PATIENTS = {
    # what was sent: read it with access; known without
    "the resource": (PATIENT, False, True),
    "a Bundle with it": (bundle(PATIENT), False, True),
    "null": (None, True, False),
    "an empty Bundle": (bundle(), True, False),
    "a string": ("Patient/p1", True, False),
    "a list": ([PATIENT], True, False),
    "an allergy": (allergy(), True, False),
    "a Patient without an id": ({"resourceType": "Patient"}, True, False),
}


@pytest.mark.spec("P-5", "P-10", "P-12", "P-14")
@pytest.mark.parametrize("sent", PATIENTS)
async def test_with_access_the_patient_is_had_when_prefetched_as(stage, sent):
    value, is_read, _ = PATIENTS[sent]
    context = await stage.gather({"patient": value})
    assert context.ledger.get("Patient/p1").resource["birthDate"] == "1955-09-02"
    assert stage.ehr.paths() == (["Patient/p1"] if is_read else [])


@pytest.mark.spec("P-10")
@pytest.mark.parametrize("sent", PATIENTS)
async def test_without_access_the_patient_is_had_or_missing_when_prefetched_as(stage, sent):
    value, _, is_known = PATIENTS[sent]
    if is_known:
        assert (await stage.gather({"patient": value}, granted=NONE)).ledger.get("Patient/p1")
    else:
        with pytest.raises(MissingContext):
            await stage.gather({"patient": value}, granted=NONE)
    assert stage.ehr.asked == []


@pytest.mark.spec("P-10")
async def test_an_absent_patient_is_read_or_missing(stage):
    assert (await stage.gather({})).ledger.get("Patient/p1").source == "read"
    with pytest.raises(MissingContext):
        await stage.gather({}, granted=NONE)


@pytest.mark.spec("P-7", "P-10")
@pytest.mark.parametrize("granted", [GRANTED, NONE], ids=["access", "no access"])
async def test_a_patient_that_failed_is_missing_and_not_asked_for_again(stage, granted):
    with pytest.raises(MissingContext):
        await stage.gather({"patient": outcome()}, granted=granted)
    assert stage.ehr.asked == []


@pytest.mark.spec("P-15")
async def test_another_patient_under_our_key_is_nobody(stage):
    with pytest.raises(MissingContext):
        await stage.gather({"patient": PATIENT | {"id": "p2"}}, granted=NONE)


@pytest.mark.spec("P-13")
async def test_keys_that_we_did_not_ask_for_are_not_looked_at(stage):
    sent = {"patient": PATIENT, "coverage": bundle(allergy()), "x": "junk"}
    context = await stage.gather(sent, granted=NONE)
    assert list(context.ledger.evidence) == ["Patient/p1"]


MODES = {
    "an error and nothing else": (bundle(outcome()), "failed"),
    "an error beside a result": (bundle(allergy(), outcome(severity="error")), "partial"),
    "a fatal error beside a result": (bundle(allergy(), outcome(severity="fatal")), "partial"),
    "a warning beside a result": (bundle(allergy(), outcome("a", "warning")), "complete"),
    "information and nothing else": (bundle(outcome("a", "information")), "complete"),
    "a warning that may explain why there is nothing": (
        bundle(outcome("a", "warning")),
        "partial",
    ),
    "an outcome without an issue": (bundle({"resourceType": "OperationOutcome"}), "failed"),
    "an issue without severity": (
        bundle({"resourceType": "OperationOutcome", "issue": [{}]}),
        "failed",
    ),
}


@pytest.mark.spec("P-7")
@pytest.mark.parametrize("what", MODES)
@pytest.mark.parametrize("way", ["prefetched", "read"])
async def test_in_a_searchset_there_stands(stage, what, way):
    value, state = MODES[what]
    stage.ehr.answers["AllergyIntolerance"] = value
    sent = [value] if way == "prefetched" else []
    assert (await stage.allergies(*sent))[1].state == state


EPIC = {
    "4101 means that nothing was found": (bundle(outcome("4101", "warning")), "complete", 0),
    "4101 even as an error": (bundle(outcome("4101", "error")), "complete", 0),
    "4101 does not hide an error beside it": (
        bundle(outcome("4101", "warning"), outcome("59100", "fatal")),
        "failed",
        0,
    ),
    "4119 means that there may be more": (
        bundle(allergy(), outcome("4119", "warning")),
        "partial",
        1,
    ),
    "4119 with nothing": (bundle(outcome("4119", "warning")), "partial", 0),
    "4118 means not for you": (bundle(outcome("4118", "warning")), "denied", 0),
    "4130 is break-the-glass": (outcome("4130"), "denied", 0),
    "4134 beside a result": (bundle(allergy(), outcome("4134", "error")), "partial", 1),
}


@pytest.mark.parametrize("what", EPIC)
async def test_at_epic(what):
    value, state, found = EPIC[what]
    stage = Stage(site=a_site("epic"))
    _, search = await stage.allergies(value)
    assert (search.state, search.found) == (state, found)
    assert stage.ehr.asked == [], "what the EHR has said is not asked again"


async def test_what_is_epics_code_for_nothing_means_nothing_elsewhere(stage):
    _, search = await stage.allergies(bundle(outcome("4101", "error")))
    assert search.state == "failed"


ODD = {
    "an entry that is no object": [None],
    "an entry without a resource": [{"search": {"mode": "match"}}],
    "an entry whose resource is a list": [{"resource": [allergy()]}],
    "a resource of another type": [{"resource": {"resourceType": "Condition", "id": "c1"}}],
    "a resource without an id": [{"resource": {"resourceType": "AllergyIntolerance"}}],
    "an id that is a number": [{"resource": allergy() | {"id": 7}}],
}


@pytest.mark.parametrize("what", ODD)
async def test_one_odd_entry_costs_nobody_the_others(stage, what):
    good = {"resource": allergy("good")}
    context, search = await stage.allergies(bundle() | {"entry": [*ODD[what], good]})
    assert (search.state, search.found) == ("partial", 1)
    assert gaps(context) == {"allergies": "unusable"}
    assert context.ledger.get("AllergyIntolerance/good")


@pytest.mark.parametrize("what", ODD)
async def test_a_bundle_of_odd_entries_only_is_never_none(stage, what):
    _, search = await stage.allergies(bundle() | {"entry": ODD[what]})
    assert (search.state, search.found) == ("failed", 0)


@pytest.mark.parametrize("entry", ["junk", 7, {"search": {}}, False, {"resource": PATIENT}])
async def test_entries_that_are_no_list_are_never_none(stage, entry):
    _, search = await stage.allergies(bundle() | {"entry": entry})
    assert search.state == "failed"


async def test_null_for_the_list_of_entries_is_an_empty_search(stage):
    _, search = await stage.allergies(bundle() | {"entry": None})
    assert (search.state, search.found) == ("complete", 0)


async def test_a_single_entry_without_its_list_is_read(stage):
    _, search = await stage.allergies(bundle() | {"entry": {"resource": allergy()}})
    assert (search.state, search.found) == ("complete", 1)


async def test_what_was_included_is_kept_and_is_not_counted_as_junk(stage):
    drug = {"resourceType": "Medication", "id": "m1"}
    context, search = await stage.allergies(bundle(allergy(), drug))
    assert search.state == "complete"
    assert context.ledger.get("Medication/m1")
