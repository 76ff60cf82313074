"""What a call's own record says against a prepared brief: what is hidden by now, what is gone, what was never read."""

import json

import pytest

from cds_service.simulator.faults import Fault
from cds_service.simulator.prefetch import Offer
from tests.prepare.conftest import SITES, working
from tests.prepare.test_bad_weather import breaks, store
from tests.prepare.test_booked_again import appointment
from tests.prepare.test_ready import CHART, OTHER, a_result, forget, opened

pytestmark = pytest.mark.anyio
BARE = Offer(prefetch="none", fhir_server=False, authorization=False)
RESTRICTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "code": "R",
}
HIV = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "B20"}
HIDDEN = {
    "restricted": {"meta": {"security": [RESTRICTED], "versionId": "77"}},
    "hiv": {"category": [{"coding": [HIV]}]},
}


def of(works, kind, word, patient=CHART):
    """Return the active resource of a kind that holds a word."""
    return next(
        each
        for each in store(works).all(kind, patient=patient)
        if word in json.dumps(each) and each.get("status") in {None, "active"}
    )


def about(detail, *words):
    return [line for line in detail.splitlines() if any(word in line for word in words)]


@pytest.mark.parametrize("category", HIDDEN)
async def test_what_policy_hides_by_now_is_not_shown_and_a_newer_brief_is_asked_for(
    tmp_path, category
):
    hides = f'\n[policy.sensitive]\n{category} = "hide"\n'
    async with working(tmp_path, sites={n: t + hides for n, t in SITES.items()}) as works:
        await works.prepared()
        assert about(await opened(works), "Proteinuria")
        problem = of(works, "Condition", "Proteinuria")
        store(works).put(problem | HIDDEN[category])
        assert "Proteinuria" not in await opened(works)
        [asked] = await works.rows("requested")
        works.ground.clock.move(minutes=2)
        await works.run(asked.id)
        detail = await opened(works)
        assert "Prepared" in detail
        assert "Proteinuria" not in detail
        assert await works.rows("requested") == []


async def test_what_others_say_of_what_is_hidden_by_now_is_not_shown(tmp_path):
    hides = '\n[policy.sensitive]\nhiv = "hide"\n'
    async with working(tmp_path, sites={n: t + hides for n, t in SITES.items()}) as works:
        problem = of(works, "Condition", "Proteinuria")
        order = of(works, "MedicationRequest", "pixaban")
        reason = {"reference": f"Condition/{problem['id']}"}
        store(works).put(order | {"reasonReference": [reason]})
        await works.prepared()
        assert about(await opened(works), "apixaban (E")
        store(works).put(problem | HIDDEN["hiv"])
        detail = await opened(works)
        assert about(detail, "Proteinuria", "apixaban (E") == []


GONE = {
    "deleted": lambda works, order: store(works).remove("MedicationRequest", order["id"]),
    "in error": lambda works, order: store(works).put(order | {"status": "entered-in-error"}),
    "another patient's": lambda works, order: store(works).put(
        order | {"subject": {"reference": f"Patient/{OTHER}"}}
    ),
}


@pytest.mark.parametrize("how", GONE)
async def test_what_has_left_the_chart_is_not_told_any_more(works, how):
    await works.prepared()
    order = of(works, "MedicationRequest", "pixaban")
    assert len(about(await opened(works), "apixaban (")) == 2
    works.ground.clock.move(minutes=30)
    GONE[how](works, order)
    detail = await opened(works)
    assert "Prepared 30 minutes ago. Since then: 1 entry no longer listed." in detail
    assert about(detail, "apixaban (") == []
    [asked] = await works.rows("requested")
    works.ground.clock.move(minutes=2)
    await works.run(asked.id)
    assert "no longer listed" not in await opened(works)


async def test_what_stands_beside_something_gone_is_told_anew(works):
    """A line of several high-alert medicines goes with one of them; the others have to be shown all the same."""
    order = of(works, "MedicationRequest", "pixaban")
    other = {"medicationCodeableConcept": {"text": "warfarin 5 mg tablet"}, "id": "another"}
    store(works).put({k: v for k, v in order.items() if k != "medicationReference"} | other)
    await works.prepared()
    [both] = about(await opened(works), "High-alert:")
    assert "apixaban" in both
    assert "warfarin" in both
    store(works).remove("MedicationRequest", order["id"])
    detail = await opened(works)
    assert about(detail, "High-alert:") == ["- High-alert: warfarin (anticoagulant)"]
    assert len(about(detail, "- warfarin")) == 1


async def test_a_critical_result_that_was_moved_to_the_right_patient_is_no_card_any_more(works):
    """Of a long chart only a first page is sent: newest first, it says what is gone of its own days."""
    store(works).put(a_result())
    await works.prepared()
    assert "6.9" in await opened(works)
    store(works).put(a_result(OTHER))
    [answer] = await works.ground.client().open_chart(CHART)
    assert "next" in {each["relation"] for each in answer.request["prefetch"]["results"]["link"]}
    assert "6.9" not in str(answer.cards())
    assert "Potassium 6.3" in answer.cards()[0]["summary"], (
        "and what it was shown above is told anew"
    )
    assert "1 entry no longer listed" in answer.cards()[-1]["detail"]
    assert len(await works.rows("requested")) == 1


async def test_a_page_that_is_not_sorted_says_nothing_of_what_is_gone(works):
    store(works).put(a_result())
    await works.prepared()
    [first] = await works.ground.client().open_chart(CHART)
    entries = first.request["prefetch"]["results"]["entry"]
    entries[:] = [e for e in reversed(entries) if "fresh-potassium" not in e["resource"]["id"]]
    cards = (await works.ground.call(first.request)).json()["cards"]
    assert "6.9" in cards[0]["summary"]
    assert "no longer listed" not in cards[-1]["detail"]


NARROWER = {
    "more pages": Offer(page_size=5),
    "not sent": Offer(drop=frozenset({"medications"})),
    "an error": Offer(outcomes=frozenset({"medications"})),
}


@pytest.mark.parametrize("how", NARROWER)
async def test_what_a_narrower_prefetch_lacks_is_not_taken_for_gone(works, how):
    await works.prepared()
    store(works).remove("MedicationRequest", of(works, "MedicationRequest", "pixaban")["id"])
    detail = await opened(works, offer=NARROWER[how])
    assert "no longer listed" not in detail
    assert about(detail, "pixaban")
    assert await works.rows("requested") == []


async def sent_before(works, change):
    """Return a call's request whose prefetch an EHR kept from before a change."""
    [first] = await works.ground.client().open_chart(CHART)
    change()
    await works.prepared()
    await forget(works)
    return first.request


async def test_an_older_version_is_no_change(works):
    corrected = a_result(
        valueQuantity={"value": 4.2, "unit": "mmol/L"}, interpretation=[], status="corrected"
    )
    store(works).put(a_result())
    request = await sent_before(works, lambda: store(works).put(corrected))
    cards = (await works.ground.call(request)).json()["cards"]
    assert "6.9" not in str(cards)
    assert "nothing that was sent with this call is newer" in cards[-1]["detail"]


async def test_what_an_older_prefetch_lacks_is_not_gone(works):
    order = of(works, "MedicationRequest", "pixaban")

    def later():
        store(works).put(order | {"dosageInstruction": [{"text": "half"}]})
        store(works).put(order | {"id": "later", "status": "active"})

    request = await sent_before(works, later)
    detail = (await works.ground.call(request)).json()["cards"][-1]["detail"]
    assert "no longer listed" not in detail


async def test_what_could_not_be_read_ahead_is_shown_from_the_call_and_is_no_news(works):
    breaks(works, "status", "Condition", status=403)
    await works.prepared()
    detail = await opened(works)
    assert "Read with this call: 10 problems." in detail
    assert "new problem" not in detail
    assert "Proteinuria" in detail
    assert about(detail, "Problems: not read") == []
    assert await works.rows("requested") == []
    bare = await opened(works, offer=BARE)
    assert about(bare, "Problems: not read"), "and to a call that brings nothing it is a gap"


async def test_a_gap_that_a_call_closes_in_part_stays_named(works):
    breaks(works, "status", "Condition", status=403)
    await works.prepared()
    detail = await opened(works, offer=Offer(page_size=5, fhir_server=False))
    assert "Read with this call: 5 problems." in detail
    assert about(detail, "Problems: not read")


async def test_many_results_that_could_not_be_read_ahead_ask_for_nothing(works):
    works.ground.simulator.faults.add(Fault("fhir", "status", "Observation", status=403))
    await works.prepared()
    works.ground.simulator.faults.clear()
    for _ in range(3):
        assert "Potassium" in await opened(works)
        works.ground.clock.move(hours=2)
    assert await works.rows("requested") == []


async def test_a_newer_brief_is_asked_for_once_for_one_difference(works):
    """An EHR that shows a person what our own token may not read would have us read the chart with each click."""
    await works.prepared()
    store(works).put(a_result())
    await opened(works)
    [asked] = await works.rows("requested")
    store(works).remove("Observation", "fresh-potassium")
    works.ground.clock.move(minutes=2)
    await works.run(asked.id)
    store(works).put(a_result())
    for _ in range(3):
        assert "1 new result" in await opened(works)
    assert await works.rows("requested") == []
    store(works).put(a_result(id="another"))
    await opened(works)
    assert len(await works.rows("requested")) == 1


async def test_a_call_that_brings_nothing_asks_for_a_brief(works):
    [answer] = await works.ground.client().open_chart(CHART, offer=BARE)
    assert answer.status == 412
    [asked] = await works.rows("requested")
    [entry] = [e for e in await works.ground.audited() if e["action"] == "answer"]
    assert (entry["outcome"], entry["facts"]["asked"]) == ("missing_context", 1)
    await works.run(asked.id)
    await forget(works)
    assert "Prepared" in await opened(works, offer=BARE)


async def test_a_booking_that_brings_nothing_asks_for_the_visits_briefs(works):
    [answer] = await works.ground.client().book(CHART, [appointment("draft")], offer=BARE)
    assert answer.status == 412
    assert len(await works.rows("requested")) == 3


async def test_a_call_that_wants_no_cards_asks_for_nothing(works):
    patient_user = Offer(prefetch="none", fhir_server=False, trigger="99")
    await works.ground.client("riverside").open_chart(CHART, offer=patient_user)
    assert await works.rows("requested") == []
