"""Only this patient's resources reach the ledger; the others are dropped, counted and told."""

import pytest

from tests.context.stage import BASE, NONE, PATIENT, Stage, allergy, bundle, gaps

pytestmark = pytest.mark.anyio


def about(reference, member="patient"):
    return allergy(patient=None) | {member: {"reference": reference}}


OURS = {
    "a relative reference": about("Patient/p1"),
    "an absolute reference on this base": about(f"{BASE}/Patient/p1"),
    "a versioned reference": about("Patient/p1/_history/3"),
    "a versioned absolute reference": about(f"{BASE}/Patient/p1/_history/3"),
    "no subject at all": allergy(patient=None),
    "a subject with words only": allergy(patient=None) | {"patient": {"display": "A"}},
    "a subject with an identifier only": allergy(patient=None) | {"patient": {"identifier": {}}},
    "a subject that is junk": allergy(patient=None) | {"patient": "p1"},
}
THEIRS = {
    "another patient": about("Patient/p2"),
    "a longer id": about("Patient/p11"),
    "an id in another case": about("Patient/P1"),
    "another patient as subject": about("Patient/p2", "subject"),
    "this patient's id at another EHR": about("https://other.example.org/r4/Patient/p1"),
    "this patient's id below another base": about("https://ehr.example.org/r5/Patient/p1"),
    "a base that only begins like ours": about(f"{BASE}x/Patient/p1"),
    "a group": about("Group/p1", "subject"),
    "a device": about("Device/p1", "subject"),
    "a uuid of a bundle": about("urn:uuid:0d1577c6-9dfb-44ad-ba6d-3e05e953b2ea"),
}


@pytest.mark.spec("P-15")
@pytest.mark.parametrize("how", OURS)
@pytest.mark.parametrize("way", ["prefetched", "read"])
async def test_a_resource_is_kept_that_names_its_patient_by(how, way):
    context, search = await _through(OURS[how], way)
    assert context.ledger.get("AllergyIntolerance/a1")
    assert (search.state, search.found, gaps(context)) == ("complete", 1, {})


@pytest.mark.spec("P-15")
@pytest.mark.parametrize("how", THEIRS)
@pytest.mark.parametrize("way", ["prefetched", "read"])
async def test_a_resource_is_dropped_and_told_that_is_about(how, way):
    context, search = await _through(THEIRS[how], way)
    assert context.ledger.get("AllergyIntolerance/a1") is None
    assert gaps(context) == {"allergies": "other_patient"}
    assert search.found == 0


async def _through(resource, way):
    stage = Stage()
    stage.ehr.answers["AllergyIntolerance"] = bundle(resource)
    return await stage.allergies(*([bundle(resource)] if way == "prefetched" else []))


async def test_the_gap_counts_what_was_dropped():
    sent = bundle(allergy("a1", "p2"), allergy("a2", "p3"), allergy("a3"))
    context, search = await Stage().allergies(sent)
    (gap,) = context.ledger.gaps()
    assert (gap.need, gap.reason, gap.count) == ("allergies", "other_patient", 2)
    assert search.found == 1


async def test_an_appointment_is_theirs_who_take_part():
    def visit(identity, *actors):
        return {
            "resourceType": "Appointment",
            "id": identity,
            "participant": [{"actor": {"reference": actor}} for actor in actors],
        }

    sent = bundle(
        visit("mine", "Practitioner/1", "Patient/p1"),
        visit("family", "Patient/p2", "Patient/p1"),
        visit("theirs", "Practitioner/1", "Patient/p2"),
        visit("nobodys", "Practitioner/1"),
    )
    stage = Stage()
    context = await stage.gather({"patient": PATIENT, "appointment": sent}, "appointment")
    kept = [one.ref for one in context.ledger.of_type("Appointment")]
    assert kept == ["Appointment/mine", "Appointment/family", "Appointment/nobodys"]


async def test_a_task_is_about_whom_it_is_for():
    def task(identity, patient):
        return {"resourceType": "Task", "id": identity, "for": {"reference": f"Patient/{patient}"}}

    sent = {"patient": PATIENT, "tasks": bundle(task("t1", "p1"), task("t2", "p2"))}
    context = await Stage().gather(sent, "tasks")
    assert [one.ref for one in context.ledger.of_type("Task")] == ["Task/t1"]


async def test_another_patient_among_the_included_is_dropped():
    sent = bundle(allergy(), PATIENT | {"id": "p2"})
    context, _ = await Stage().allergies(sent)
    assert "Patient/p2" not in context.ledger.evidence


async def test_a_first_copy_stays_where_versions_cannot_be_compared():
    sent = bundle(allergy(code={"text": "first"}), allergy(code={"text": "second"}))
    context, _ = await Stage().allergies(sent)
    (kept,) = context.ledger.of_type("AllergyIntolerance")
    assert kept.resource["code"] == {"text": "first"}
    assert kept.version.startswith("blake2b:")


async def test_the_ledger_tells_no_chart_in_its_repr():
    context, _ = await Stage().allergies(bundle(allergy(code={"text": "Canarium"})), granted=NONE)
    assert "Canarium" not in repr(context)
    assert "1955" not in repr(context)
