"""Prefetch, the call's own token, or both: what is used, what is asked, and what never is."""

import json
import time

import httpx
import pytest

from cds_service.simulator.faults import FOREIGN_HOST, Fault
from cds_service.simulator.prefetch import Offer
from tests.ground import EHR, GENERAL, standing
from tests.http.conftest import FewPatients
from tests.http.wire import body, cards, chart, context, post, problem, reads

pytestmark = pytest.mark.anyio

PATIENT = "iris-calloway"
NOTHING_SENT = Offer(prefetch="none")


async def request(ground, offer=NOTHING_SENT, patient=PATIENT):
    return ground.client().patient_view_request(patient, service=await ground.entry(), offer=offer)


async def gaps(ground):
    """Return the gaps of the newest brief as (need, reason)."""
    entry = (await ground.audited())[-1]
    brief = json.loads(await ground.service.database.brief("general", entry["brief"]))
    return {(gap["need"], gap["reason"]) for gap in brief["gaps"]}


@pytest.mark.spec("F-1", "F-2", "P-3", "P-12", "R-4", "R-5", "P-1")
async def test_what_was_not_sent_is_read_with_the_calls_token(ground):
    answer = await post(ground, await request(ground))
    assert "losartan" in json.dumps(cards(answer)).lower()
    seen = [one for one in ground.simulator.faults.seen if "/r4/" in one.path]
    assert seen
    assert all(one.had_token and one.method == "GET" for one in seen)
    assert await gaps(ground) == set()


@pytest.mark.spec("P-12", "P-2")
async def test_what_was_sent_is_not_read_again(ground):
    answer = await post(ground, await request(ground, Offer()))
    assert cards(answer)
    assert reads(ground) == []


@pytest.mark.spec("P-12")
async def test_both_ways_say_the_same(ground):
    sent = cards(await post(ground, await request(ground, Offer())))
    read = cards(await post(ground, await request(ground)))
    assert [card["detail"] for card in sent] == [card["detail"] for card in read]


@pytest.mark.spec("F-3", "F-4", "F-5", "F-7", "F-8", "F-12", "P-10")
@pytest.mark.parametrize(
    "change",
    [
        {"access_token": None},
        {"access_token": 7},
        {"access_token": "two words"},
        {"token_type": "mac"},
        {"token_type": None},
        {"expires_in": 0},
        {"expires_in": None},
        {"expires_in": "300"},
        {"subject": "another-client"},
        {"subject": None},
        {"patient": "gregory-nwosu"},
    ],
)
async def test_a_token_that_is_not_ours_for_this_patient_is_not_used(ground, change):
    full = await request(ground)
    full["fhirAuthorization"] |= change
    problem(await post(ground, full), 412, "missing_context")
    assert reads(ground) == []


@pytest.mark.spec("F-4", "F-8")
@pytest.mark.parametrize(
    "change",
    [{"token_type": "bearer"}, {"token_type": "BEARER"}, {"patient": f"Patient/{PATIENT}"}],
)
async def test_a_token_in_a_kindly_read_form_is_used(ground, change):
    full = await request(ground)
    full["fhirAuthorization"] |= change
    assert cards(await post(ground, full))


@pytest.mark.spec("F-6")
@pytest.mark.parametrize("verbs", ["read", "rs", "*"])
async def test_scopes_of_both_smart_versions_are_understood(ground, verbs):
    """What is not covered is not asked for, and stands among the gaps."""
    full = await request(ground)
    full["fhirAuthorization"]["scope"] = f"patient/Patient.{verbs} patient/Condition.{verbs}"
    assert cards(await post(ground, full))
    assert {path.split("/r4/")[1].split("?")[0].split("/")[0] for path in reads(ground)} == {
        "Patient",
        "Condition",
    }
    assert ("medications", "denied") in await gaps(ground)


@pytest.mark.spec("F-12", "F-14")
@pytest.mark.parametrize(
    "server", ["https://elsewhere.example/r4", f"{EHR}/r4.evil", f"{EHR}/epic/api/FHIR/R4", "x"]
)
async def test_a_fhir_server_that_is_not_the_sites_is_never_called(ground, server):
    full = await request(ground) | {"fhirServer": server}
    problem(await post(ground, full), 412, "missing_context")
    assert reads(ground) == []


@pytest.mark.spec("F-12", "F-14", "P-9")
async def test_a_next_link_to_another_server_is_not_followed(ground):
    asked = []
    network = ground.http._transport
    network.apps["https://elsewhere.example"] = httpx.MockTransport(
        lambda one: asked.append(one) or httpx.Response(200, json={})
    )
    assert FOREIGN_HOST.startswith("https://elsewhere.example")
    ground.simulator.faults.add(Fault("fhir", "foreign_next", match="MedicationStatement"))
    assert cards(await post(ground, await request(ground)))
    assert asked == []
    assert ("medication_statements", "partial") in await gaps(ground)


@pytest.mark.spec("F-9", "F-10")
async def test_the_token_is_used_inside_its_call_and_kept_nowhere(ground):
    full = await request(ground)
    token = full["fhirAuthorization"]["access_token"]
    await post(ground, full)
    during = len(reads(ground))
    entries = await ground.audited()
    assert len(reads(ground)) == during
    assert token not in str(entries)
    files = [file for file in ground.data_dir.rglob("*") if file.is_file()]
    assert not any(token.encode() in file.read_bytes() for file in files)


@pytest.mark.spec("F-13", "H-412")
@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_a_patient_that_the_server_refuses_is_412(ground, status):
    ground.simulator.faults.add(Fault("fhir", "status", match="/Patient/", status=status))
    problem(await post(ground, await request(ground)), 412, "missing_context")


@pytest.mark.spec("F-13", "P-11")
@pytest.mark.parametrize(("status", "reason"), [(401, "denied"), (403, "denied"), (500, "failed")])
async def test_another_refusal_is_a_gap_and_no_412(ground, status, reason):
    ground.simulator.faults.add(Fault("fhir", "status", match="AllergyIntolerance", status=status))
    assert cards(await post(ground, await request(ground)))
    assert await gaps(ground) == {("allergies", reason)}


@pytest.mark.spec("R-9", "F-12", "F-13")
async def test_a_server_that_hangs_does_not_hold_the_answer_up(tmp_path):
    site = GENERAL.replace("hook_budget_ms = 5000", "hook_budget_ms = 400")
    async with standing(tmp_path, patients=FewPatients(), sites={"general": site}) as ground:
        ground.simulator.faults.add(Fault("fhir", "hang", match="AllergyIntolerance"))
        full = await request(ground)
        started = time.perf_counter()
        assert cards(await post(ground, full))
        assert time.perf_counter() - started < 2
        assert ("allergies", "timeout") in await gaps(ground)


@pytest.mark.spec("P-7")
async def test_a_failed_query_is_not_asked_again(ground):
    offer = Offer(outcomes=frozenset({"medications", "allergies"}))
    assert cards(await post(ground, await request(ground, offer)))
    assert reads(ground) == []
    assert await gaps(ground) == {("medications", "failed"), ("allergies", "failed")}


@pytest.mark.spec("P-7")
async def test_a_failure_may_stand_inside_a_searchset(ground):
    sent = chart()
    failure = {"severity": "error", "code": "exception"}
    sent["medications"]["entry"].append(
        {
            "search": {"mode": "outcome"},
            "resource": {"resourceType": "OperationOutcome", "issue": [failure]},
        }
    )
    assert cards(await post(ground, body(prefetch=sent)))
    assert ("medications", "partial") in await gaps(ground)


@pytest.mark.spec("P-8")
async def test_pages_are_followed_with_the_token(ground):
    offer = Offer(page_size=2, drop=frozenset({"encounter"}))
    full = await request(ground, offer)
    paged = {key for key, value in full["prefetch"].items() if _is_paged(value)}
    assert cards(await post(ground, full))
    assert {path.split("/r4")[1][:1] for path in reads(ground)} <= {"?", "/"}
    assert (await gaps(ground) == set()) if paged else True


@pytest.mark.spec("P-8", "P-9")
async def test_a_page_that_cannot_be_followed_is_incomplete_and_the_card_says_so(ground):
    offer = Offer(page_size=2, authorization=False)
    full = await request(ground, offer, "gregory-nwosu")
    assert _is_paged(full["prefetch"]["medications"])
    (*_, brief) = cards(await post(ground, full))
    assert ("medications", "partial") in await gaps(ground)
    assert "Medication orders" in brief["detail"]


@pytest.mark.spec("P-4", "P-5", "P-6")
async def test_absent_is_a_gap_and_null_or_empty_is_an_answer(ground):
    empty = {"resourceType": "Bundle", "type": "searchset", "total": 0}
    sent = chart() | {"problems": None, "immunizations": empty}
    assert cards(await post(ground, body(prefetch=sent)))
    found = await gaps(ground)
    assert ("procedures", "not_requested") in found
    assert not {need for need, _ in found} & {"problems", "immunizations"}


@pytest.mark.spec("K-1", "F-8")
async def test_a_call_for_one_patient_cannot_read_another(ground):
    full = await request(ground)
    full["context"] = context(patientId="gregory-nwosu")
    problem(await post(ground, full), 412, "missing_context")
    assert reads(ground) == []


def _is_paged(value):
    links = value.get("link", []) if isinstance(value, dict) else []
    return any(link["relation"] == "next" for link in links)
