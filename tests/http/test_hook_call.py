"""A hook call at the wire: what is answered, what is refused, and with which words."""

import json

import pytest

from tests.ground import CDS, standing
from tests.http.conftest import FewPatients
from tests.http.wire import (
    ALLERGEN,
    BOOKING,
    DRUG,
    RIVERSIDE,
    SERVICE,
    body,
    cards,
    chart,
    context,
    post,
    problem,
    searchset,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def ground(tmp_path_factory):
    """One pair for all: no test here leaves anything behind that another would notice."""
    async with standing(tmp_path_factory.mktemp("shared"), patients=FewPatients()) as running:
        yield running


def tells(answer):
    """Check that an answer shows what the small chart holds."""
    shown = json.dumps(cards(answer))
    assert DRUG in shown
    assert ALLERGEN in shown


@pytest.mark.spec("R-1", "R-7", "A-1", "H-200", "T-2", "P-12", "K-1")
async def test_a_call_with_prefetch_is_answered_with_what_the_chart_holds(ground):
    tells(await post(ground, body()))


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


@pytest.mark.spec("R-10", "H-404")
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/general/cds-services/nothing", "unknown_service"),
        ("/general/cds-services/patient-view-brief-2", "unknown_service"),
        ("/riverside/cds-services/appointment-book-brief", "unknown_service"),
        ("/riverside/cds-services/nothing/feedback", "unknown_service"),
    ],
)
async def test_a_service_that_is_unknown_or_not_enabled_is_404(ground, path, code):
    problem(await post(ground, body() | {"feedback": []}, path=path), 404, code)


@pytest.mark.spec("H-404")
@pytest.mark.parametrize(
    "path",
    ["/elsewhere/cds-services/patient-view-brief", f"{SERVICE}/more/still", "/", "/general"],
)
async def test_an_address_that_does_not_exist_is_404(ground, path):
    problem(await ground.http.post(path, json=body()), 404, "unknown_site")


@pytest.mark.spec("S-1", "H-401")
async def test_a_caller_without_a_token_learns_nothing_about_services(ground):
    known = await ground.http.post(SERVICE, json=body())
    unknown = await ground.http.post("/general/cds-services/nothing", json=body())
    problem(known, 401, "not_trusted")
    assert known.headers["www-authenticate"] == "Bearer"
    assert known.content == unknown.content


@pytest.mark.spec("R-10", "H-405")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [SERVICE, f"{SERVICE}/feedback"])
async def test_another_method_is_405_and_says_which_one_is_right(ground, method, path):
    response = await ground.http.request(method, path)
    problem(response, 405, "wrong_method")
    assert response.headers["allow"] == "POST"


@pytest.mark.spec("T-7")
@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "APPLICATION/JSON ; CHARSET=utf-8",
        "application/fhir+json",
        "application/fhir+json; fhirVersion=4.0",
    ],
)
@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
async def test_any_spelling_of_a_json_media_type_is_taken(ground, name, kind):
    token = ground.client().bearer(f"{CDS}{SERVICE}")
    headers = {"Authorization": f"Bearer {token}", name: kind}
    answer = await ground.http.post(SERVICE, content=json.dumps(body()), headers=headers)
    tells(answer)


@pytest.mark.spec("T-7")
async def test_a_body_without_a_media_type_is_taken_for_json(ground):
    token = ground.client().bearer(f"{CDS}{SERVICE}")
    headers = {"Authorization": f"Bearer {token}"}
    tells(await ground.http.post(SERVICE, content=json.dumps(body()), headers=headers))


@pytest.mark.spec("R-10", "H-415")
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data", "json", "", "*/*"]
)
async def test_another_media_type_is_415(ground, kind):
    answer = await post(ground, body(), headers={"Content-Type": kind})
    problem(answer, 415, "wrong_media_type")


@pytest.mark.spec("T-11")
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate"])
async def test_a_compressed_body_is_415(ground, encoding):
    answer = await post(ground, body(), headers={"Content-Encoding": encoding})
    problem(answer, 415, "wrong_media_type")


@pytest.mark.spec("H-400", "T-2", "T-11")
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b'{"hook":"patient-view","context":{"patientId":"canary',
        b"canary",
        b'{"hook":"patient-view",}',
        b'{"hook": "patient-view" /* canary */}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"hook":"\xff\xfe"}',
        '{"hook":"patient-view"}'.encode("utf-16"),
        b'{"hook":NaN}',
        b"\x00",
        b"{} {}",
    ],
)
async def test_what_is_not_json_is_400(ground, sent):
    words = problem(await post(ground, sent), 400, "not_json")
    assert "canary" not in words


@pytest.mark.spec("H-400")
@pytest.mark.parametrize("sent", [None, True, 7, "canary", [], [{"hook": "patient-view"}], 1.5])
async def test_json_that_is_no_object_is_400(ground, sent):
    assert problem(await post(ground, sent), 400, "bad_call") == "the body must be a JSON object."


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


@pytest.mark.spec("D-21", "R-13")
@pytest.mark.parametrize(
    "path", [f"{SERVICE}/", "/general/cds-services//patient-view-brief", f"/{SERVICE}//"]
)
async def test_a_post_with_slashes_too_many_is_answered_without_a_redirect(ground, path):
    """The token names the address as it was called: the public sandbox signs it like that."""
    token = ground.client().bearer(f"{CDS}{path}")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await ground.http.post(f"{CDS}{path}", json=body(), headers=headers)
    assert answer.history == []
    tells(answer)


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
