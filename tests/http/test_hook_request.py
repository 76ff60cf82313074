"""What a hook call says: what it must hold, what it may hold, and what it may get wrong."""

import json

import pytest

from tests.http.wire import (
    BOOKING,
    DRUG,
    RIVERSIDE,
    body,
    cards,
    chart,
    context,
    post,
    problem,
    searchset,
    tells,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def ground(shared):
    return shared


@pytest.mark.spec("R-6", "R-10", "H-400")
@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"hook": None}, "hook"),
        ({"hook": 7}, "hook"),
        ({"hook": ""}, "hook"),
        ({"hookInstance": None}, "hookInstance"),
        ({"hookInstance": ["canary"]}, "hookInstance"),
        ({"context": None}, "context"),
        ({"context": "canary"}, "context"),
        ({"context": []}, "context"),
        ({"prefetch": ["canary"]}, "prefetch"),
        ({"context": context(patientId=None)}, "patientId"),
        ({"context": context(patientId="")}, "patientId"),
        ({"context": context(patientId=123)}, "patientId"),
        ({"context": context(patientId={"canary": 1})}, "patientId"),
    ],
)
async def test_a_member_that_we_cannot_do_without_is_named_and_its_value_is_not(
    ground, change, names
):
    words = problem(await post(ground, body(**change)), 400, "bad_call")
    assert names in words
    assert "canary" not in words


@pytest.mark.spec("K-21", "R-10")
@pytest.mark.parametrize(
    "wrong",
    [
        "canary/../../Observation",
        "..",
        ".",
        "a/b",
        "Practitioner/canary",
        "Patient/a/b",
        "canary?x=1",
        "canary%2F1",
        "canary#x",
        "can ary",
        "canary\n",
        "x" * 65,
        "é",
    ],
)
@pytest.mark.parametrize("field", ["patientId", "encounterId"])
async def test_an_id_that_could_leave_its_place_in_an_address_is_refused(ground, field, wrong):
    answer = await post(ground, body(context=context(**{field: wrong})))
    words = problem(answer, 400, "bad_call")
    assert field in words
    assert "canary" not in words


@pytest.mark.spec("K-21")
@pytest.mark.parametrize("given", ["Patient/p-1", "p-1"])
async def test_a_patient_reference_is_read_as_its_id(ground, given):
    tells(await post(ground, body(context=context(patientId=given))))


@pytest.mark.spec("R-2", "R-10")
async def test_a_hook_that_this_service_does_not_answer_is_400(ground):
    problem(await post(ground, body(hook="order-sign")), 400, "bad_call")
    problem(await post(ground, body(), path=BOOKING), 400, "bad_call")


@pytest.mark.spec("T-8", "X-4", "R-8", "P-13", "R-12", "K-23")
async def test_what_we_do_not_know_is_ignored_at_every_level(ground):
    odd = {"com.example.odd": {"deep": [1, {"x": None}]}}
    known = chart()
    known["medications"]["entry"][0]["extension"] = odd
    known["medications"]["entry"][0]["resource"] |= {"extension": [odd], "fromTheFuture": odd}
    known["neverAskedFor"] = searchset({"resourceType": "Unheard", "id": "u-1"})
    full = body(
        context=context(extension=odd, selections=["x"], fromTheFuture=7),
        prefetch=known,
        extension=odd,
        fromTheFuture=[odd],
    )
    tells(await post(ground, full))


@pytest.mark.spec("T-8", "X-4")
@pytest.mark.parametrize("odd", [None, [], "canary", 7, {}])
async def test_an_extension_of_any_form_is_no_reason_to_fail(ground, odd):
    tells(await post(ground, body() | {"extension": odd}))


@pytest.mark.spec("P-5", "P-6", "P-11", "R-4", "R-5")
async def test_the_habits_of_1_0_clients_are_taken(ground):
    """null for a key without data, for FHIR access and for what is optional."""
    old = chart() | {"encounter": None, "problems": None, "results": None}
    old["vitals"] = {"resourceType": "Bundle", "type": "searchset", "total": 0}
    full = body(context=context(encounterId=""), prefetch=old)
    full |= {"fhirServer": None, "fhirAuthorization": None, "extension": None}
    tells(await post(ground, full))


@pytest.mark.spec("P-10", "H-412")
@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {"medications": chart()["medications"]},
        {"patient": None},
        {"patient": {"resourceType": "OperationOutcome", "issue": []}},
        {"patient": searchset()},
        {"patient": {"resourceType": "Patient", "id": "somebody-else"}},
    ],
)
async def test_a_patient_who_can_be_had_neither_way_is_412(ground, sent):
    problem(await post(ground, body(prefetch=sent)), 412, "missing_context")


@pytest.mark.spec("P-11", "P-4")
async def test_a_patient_alone_is_answered_and_the_gaps_are_named(ground):
    answer = await post(ground, body(prefetch={"patient": chart()["patient"]}))
    (brief,) = cards(answer)
    assert "llergies: not read" in brief["detail"]
    assert DRUG not in answer.text


@pytest.mark.spec("P-14")
async def test_a_search_may_come_as_a_resource_and_a_read_as_a_bundle(ground):
    known = chart()
    known["patient"] = searchset(known["patient"])
    known["medications"] = known["medications"]["entry"][0]["resource"]
    tells(await post(ground, body(prefetch=known)))


@pytest.mark.spec("P-15")
async def test_what_belongs_to_another_patient_is_not_shown(ground):
    known = chart()
    stranger = json.loads(json.dumps(known["medications"]["entry"][0]))
    stranger["resource"] |= {
        "id": "m-9",
        "subject": {"reference": "Patient/p-2"},
        "medicationCodeableConcept": {"text": "Strangeramine"},
    }
    known["medications"]["entry"].append(stranger)
    answer = await post(ground, body(prefetch=known))
    tells(answer)
    assert "Strangeramine" not in answer.text


@pytest.mark.spec("R-3", "R-11")
@pytest.mark.parametrize(
    "instance",
    ["f3945c39-0000-0000-0000-3e05e123b2va", "1", "x" * 5000, "\U0001f48a ' OR 1=1 --", "a/b"],
)
async def test_a_hook_instance_is_any_text_and_may_come_again(ground, instance):
    for _ in range(2):
        tells(await post(ground, body(hookInstance=instance)))


@pytest.mark.spec("K-20")
@pytest.mark.parametrize(
    "user", [None, "", "dr-1", 7, {"a": 1}, "https://x.example/Practitioner/1"]
)
async def test_a_user_in_another_form_is_no_reason_to_fail(ground, user):
    tells(await post(ground, body(context={"patientId": "p-1", "userId": user})))


@pytest.mark.spec("R-12", "R-6", "K-7", "A-2")
@pytest.mark.parametrize(
    "appointments",
    [
        None,
        "canary",
        [],
        {"resourceType": "Bundle"},
        {
            "entry": [
                None,
                7,
                {},
                {"resource": None},
                {"resource": {"resourceType": "Appointment"}},
            ]
        },
        {"entry": [{"resource": {"resourceType": "Appointment", "start": "not a time"}}]},
    ],
)
async def test_a_booking_with_a_broken_draft_is_answered(ground, appointments):
    full = body(
        hook="appointment-book",
        context=context(appointments=appointments),
        prefetch={"patient": chart()["patient"]},
    )
    assert cards(await post(ground, full, path=BOOKING)) == []


@pytest.mark.spec("P-1")
async def test_the_same_call_at_another_vendor_is_answered_too(ground):
    tells(await post(ground, body(), path=RIVERSIDE))
