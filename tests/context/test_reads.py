"""What was not prefetched is read: all at once, on this server only, and never past the budget."""

import asyncio
import logging
from collections import deque

import httpx
import pytest

from cds_service.context.access import Access
from cds_service.fhir.client import MAX_ANSWER_BYTES, FhirServer, Pace
from tests.context.stage import (
    BASE,
    PATIENT,
    TOKEN,
    Stage,
    a_site,
    allergy,
    bundle,
    gaps,
    hang,
    outcome,
    search,
)

pytestmark = pytest.mark.anyio

SIX = ("allergies", "problems", "medications", "immunizations", "procedures", "flags")


def with_patient(**answers):
    stage = Stage()
    stage.ehr.answers = {"Patient/p1": PATIENT} | answers
    return stage


async def timed(awaitable):
    """Return the result, and the seconds that it took on the loop's clock."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    return await awaitable, loop.time() - before


# At once


async def test_reads_run_at_once():
    """Each answer waits until all seven requests have arrived: one after the other would never end."""
    everyone = asyncio.Event()
    stage = with_patient()

    async def together(_request):
        if stage.ehr.under_way == len(SIX) + 1:
            everyone.set()
        await everyone.wait()
        return httpx.Response(200, json=bundle())

    kinds = ["AllergyIntolerance", "Condition", "MedicationRequest", "Immunization", "Procedure"]
    stage.ehr.answers |= dict.fromkeys([*kinds, "Flag"], together)
    stage.ehr.answers["Patient/p1"] = lambda request: _patient_when(together, request)
    context = await stage.gather({}, *SIX)
    assert stage.ehr.at_once == 7
    assert gaps(context) == {}


async def _patient_when(together, request):
    await together(request)
    return PATIENT


async def test_a_site_says_how_many_may_run_at_once():
    stage = Stage(site=a_site(concurrent_reads=2))
    stage.ehr.answers["Patient/p1"] = PATIENT
    await stage.gather({}, *SIX)
    assert len(stage.ehr.asked) == 7
    assert stage.ehr.at_once <= 2


async def test_a_site_says_how_many_a_second():
    stage = Stage(site=a_site(reads_per_second=2), budget_s=10)
    stage.ehr.answers["Patient/p1"] = PATIENT
    _, took = await timed(stage.gather({}, *SIX))
    assert len(stage.ehr.asked) == 7
    assert took == pytest.approx((7 - 2) / 2, abs=0.2), "a burst of two, then two a second"


async def test_reads_that_the_pace_holds_up_past_the_budget_are_gaps():
    stage = Stage(site=a_site(reads_per_second=2), budget_s=1.1)
    stage.ehr.answers |= {"Patient/p1": PATIENT, "AllergyIntolerance": bundle()}
    context, took = await timed(stage.gather({}, *SIX))
    assert took < 1.3
    assert len(stage.ehr.asked) == 4
    assert "timeout" in gaps(context).values()


# The budget


@pytest.mark.spec("R-9", "F-13")
async def test_a_server_that_hangs_costs_the_budget_and_no_more():
    stage = with_patient(AllergyIntolerance=hang, Condition=bundle())
    context, took = await timed(stage.gather({}, "allergies", "problems"))
    assert took == pytest.approx(0.4, abs=0.1)
    assert gaps(context) == {"allergies": "timeout"}
    assert search(context, "problems").state == "complete"
    assert stage.ehr.under_way == 0, "no read outlives the answer"


@pytest.mark.spec("P-9")
async def test_a_server_that_drips_is_given_up_at_the_deadline():
    """Each byte comes well within any pause that is allowed, and the answer never ends."""

    async def drops():
        while True:
            yield b" "
            await asyncio.sleep(1)

    loop = asyncio.get_running_loop()
    drip = httpx.MockTransport(lambda _: httpx.Response(200, content=drops()))
    async with httpx.AsyncClient(transport=drip) as http:
        server = FhirServer(
            base_url=BASE,
            accept="application/fhir+json",
            http=http,
            pace=Pace(rate=10.0, clock=loop.time),
            slots=asyncio.Semaphore(1),
            clock=loop.time,
        )
        reading = server.get(f"{BASE}/Patient/p1", token="t", deadline=loop.time() + 5)
        answer, took = await timed(reading)
        assert (answer.fault, took) == ("timeout", pytest.approx(5, abs=0.5))
        held = server.slots.acquire()
        assert (await timed(held))[1] < 0.1, "the place is free again"


async def test_pages_that_came_before_the_budget_ended_are_kept():
    stage = with_patient(AllergyIntolerance=bundle(allergy(), next_url=f"{BASE}?page=2"))
    stage.ehr.answers["?page=2"] = hang
    context = await stage.gather({}, "allergies")
    assert context.ledger.get("AllergyIntolerance/a1")
    assert gaps(context) == {"allergies": "partial"}


async def test_a_prefetched_page_is_kept_when_the_next_one_hangs():
    stage = with_patient(**{"?page=2": hang})
    context, search = await stage.allergies(bundle(allergy(), next_url=f"{BASE}?page=2"))
    assert (search.state, search.found) == ("partial", 1)
    assert context.ledger.get("AllergyIntolerance/a1")


async def test_a_budget_that_is_over_leaves_gaps_and_an_answer():
    stage = with_patient(AllergyIntolerance=hang)
    stage.budget_s = -1.0
    context, took = await timed(stage.gather({"patient": PATIENT}, "allergies"))
    assert took < 0.1
    assert gaps(context) == {"allergies": "timeout"}


async def test_when_the_call_itself_is_cancelled_its_reads_end_with_it():
    stage = with_patient(AllergyIntolerance=hang)
    call = asyncio.ensure_future(stage.gather({}, "allergies"))
    while stage.ehr.under_way == 0:  # noqa: ASYNC110  # until the reads are out
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    for _ in range(5):
        await asyncio.sleep(0)
    assert stage.ehr.under_way == 0


# Pages


@pytest.mark.spec("P-8")
@pytest.mark.parametrize(
    "link",
    [
        f"{BASE}/AllergyIntolerance?page=2",
        "AllergyIntolerance?page=2",
        "./AllergyIntolerance?page=2",
        "/r4/AllergyIntolerance?page=2",
        "//ehr.example.org/r4/AllergyIntolerance?page=2",
    ],
)
async def test_a_next_link_on_this_base_is_followed(link):
    stage = with_patient(AllergyIntolerance=bundle(allergy("a1"), next_url=link))
    stage.ehr.answers["AllergyIntolerance?page=2"] = bundle(allergy("a2"))
    _, found = await stage.allergies()
    assert (found.state, found.found) == ("complete", 2)


async def test_a_cursor_may_hold_encoded_dots():
    link = f"{BASE}?cursor=a%2E%2E%2Fb"
    stage = with_patient(AllergyIntolerance=bundle(allergy("a1"), next_url=link))
    stage.ehr.answers["?cursor=a%2E%2E%2Fb"] = bundle(allergy("a2"))
    assert (await stage.allergies())[1].found == 2


FOREIGN = [
    "https://evil.example/r4/AllergyIntolerance?page=2",
    "//evil.example/r4/AllergyIntolerance",
    "https://ehr.example.org@evil.example/r4/AllergyIntolerance",
    "https://evil.example@ehr.example.org/r4/AllergyIntolerance",
    "https://user:secret@ehr.example.org/r4/AllergyIntolerance",
    "https://ehr.example.org.evil.example/r4/AllergyIntolerance",
    "https://ehr.example.org\\@evil.example/r4/AllergyIntolerance",
    "https://evil.example\\.ehr.example.org/r4/",
    "http://ehr.example.org/r4/AllergyIntolerance",
    "https://ehr.example.org:8443/r4/AllergyIntolerance",
    "https://ehr.example.org/r4x/AllergyIntolerance",
    "https://ehr.example.org/r5/AllergyIntolerance",
    "https://ehr.example.org/",
    "/admin",
    "../admin",
    f"{BASE}/../admin",
    f"{BASE}/%2e%2e/admin",
    f"{BASE}/%2E./admin",
    f"{BASE}/%252e%252e/admin",
    f"{BASE}/..%2fadmin",
    f"{BASE}/..;/admin",
    f"{BASE}/..\\admin",
    f"{BASE}/./../admin",
    "https://[evil",
    "https://ehr.example.org:port/r4/",
    "file:///etc/passwd",
    "ftp://ehr.example.org/r4/",
    "javascript:alert(1)",
    "data:,x",
]


@pytest.mark.spec("F-10", "F-12", "F-14")
@pytest.mark.parametrize("link", FOREIGN)
@pytest.mark.parametrize("way", ["prefetched", "read"])
async def test_a_next_link_that_leaves_the_base_is_not_followed(link, way):
    page = bundle(allergy(), next_url=link)
    stage = with_patient(AllergyIntolerance=page)
    context, found = await stage.allergies(*([page] if way == "prefetched" else []))
    assert (found.state, found.found, found.code) == ("partial", 1, "foreign_next")
    assert gaps(context) == {"allergies": "partial"}
    assert len(stage.ehr.asked) == (way == "read"), "and the token goes nowhere"


@pytest.mark.parametrize("link", [7, None, "", [], {"url": BASE}])
async def test_a_next_link_that_is_no_text_is_none(link):
    page = bundle(allergy()) | {"link": [{"relation": "next", "url": link}]}
    assert (await with_patient().allergies(page))[1].state == "complete"


@pytest.mark.parametrize("link", ["same", "new"])
async def test_pages_that_never_end_are_cut_as_partial(link):
    stage = with_patient()
    count = iter(range(100))

    async def another(_request):
        number = next(count)
        at = "?page=1" if link == "same" else f"?page={number}"
        page = bundle(allergy(f"a{number}"), next_url=f"{BASE}/AllergyIntolerance{at}")
        return httpx.Response(200, json=page)

    stage.ehr.answers["AllergyIntolerance"] = another
    _, found = await stage.allergies()
    assert (found.state, found.found, found.code) == ("partial", 3, "more_pages")
    assert len(stage.ehr.asked) == stage.site.profile.search.max_pages


@pytest.mark.spec("P-15")
async def test_what_stands_on_two_pages_counts_once():
    """Millennium repeats resources across pages; the newer version is kept."""
    old, new = allergy(meta={"versionId": "9"}), allergy(meta={"versionId": "10"}, note=[])
    stage = with_patient(**{"?page=2": bundle(new, allergy("a2"))})
    context, _ = await stage.allergies(bundle(old, next_url=f"{BASE}?page=2"))
    assert [one.ref for one in context.ledger.of_type("AllergyIntolerance")] == [
        "AllergyIntolerance/a1",
        "AllergyIntolerance/a2",
    ]
    assert context.ledger.get("AllergyIntolerance/a1").version == "10"


# What a server may answer

ANSWERS = {
    "401": (httpx.Response(401, json=outcome("login")), "denied", "401"),
    "403 with nothing": (httpx.Response(403), "denied", "403"),
    "401 with an empty Bundle": (httpx.Response(401, json=bundle()), "denied", "401"),
    "400": (httpx.Response(400, json=outcome("invalid")), "failed", "400"),
    "404": (httpx.Response(404, json=outcome("not-found")), "failed", "404"),
    "410": (httpx.Response(410), "failed", "410"),
    "429": (httpx.Response(429), "failed", "429"),
    "500": (httpx.Response(500, json=outcome()), "failed", "500"),
    "500 with an empty Bundle": (httpx.Response(500, json=bundle()), "failed", "500"),
    "502 with a page": (httpx.Response(502, html="<html>"), "failed", "502"),
    "204": (httpx.Response(204), "failed", "204"),
    "200 with nothing": (httpx.Response(200), "failed", "not_json"),
    "200 with a page": (httpx.Response(200, html="<html>log in</html>"), "failed", "not_json"),
    "200 with half a Bundle": (httpx.Response(200, content=b'{"res'), "failed", "not_json"),
    "200 with null": (httpx.Response(200, json=None, content=b"null"), "failed", "not_fhir"),
    "200 with a list": (httpx.Response(200, json=[allergy()]), "failed", "not_fhir"),
    "200 with another type": (httpx.Response(200, json=PATIENT), "failed", "not_fhir"),
    "200 with an OperationOutcome": (httpx.Response(200, json=outcome()), "failed", "exception"),
    "200 that nests too deep": (httpx.Response(200, content=b"[" * 100_000), "failed", "not_json"),
    "200 in no text": (httpx.Response(200, content=b"\xff\xfe{}"), "failed", "not_json"),
}


@pytest.mark.spec("F-13")
@pytest.mark.parametrize("what", ANSWERS)
async def test_a_read_that_is_answered_with(what):
    answer, state, code = ANSWERS[what]
    context, found = await with_patient(AllergyIntolerance=answer).allergies()
    assert (found.state, found.found, found.code) == (state, 0, code)
    assert gaps(context) == {"allergies": state}


async def test_a_vendors_code_for_not_you_is_denied_at_any_status():
    stage = Stage(site=a_site("epic"))
    stage.ehr.answers["AllergyIntolerance"] = httpx.Response(400, json=outcome("4130"))
    _, found = await stage.allergies()
    assert (found.state, found.code) == ("denied", "4130")


async def test_a_vendors_code_for_nothing_counts_at_any_status():
    stage = Stage(site=a_site("epic"))
    stage.ehr.answers["AllergyIntolerance"] = httpx.Response(404, json=outcome("4101"))
    _, found = await stage.allergies()
    assert (found.state, found.code) == ("complete", "4101")


@pytest.mark.parametrize(
    ("raised", "state"),
    [
        (httpx.ConnectError("secret"), "failed"),
        (httpx.RemoteProtocolError("secret"), "failed"),
        (httpx.ReadTimeout("secret"), "timeout"),
        (httpx.ConnectTimeout("secret"), "timeout"),
    ],
)
async def test_a_connection_that_breaks_is_a_gap(raised, state):
    async def breaks(_request):
        raise raised

    context, found = await with_patient(AllergyIntolerance=breaks).allergies()
    assert (found.state, gaps(context)) == (state, {"allergies": state})


async def test_an_answer_that_is_too_large_is_not_read_to_its_end():
    sent = []

    async def flood():
        while True:
            sent.append(1)
            yield b" " * 2**20

    async def huge(_request):
        return httpx.Response(200, content=flood())

    _, found = await with_patient(AllergyIntolerance=huge).allergies()
    assert (found.state, found.code) == ("failed", "too_large")
    assert len(sent) <= MAX_ANSWER_BYTES // 2**20 + 1


@pytest.mark.spec("F-12", "F-14")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status):
    to = {"Location": f"{BASE}/AllergyIntolerance?moved"}
    stage = with_patient(AllergyIntolerance=httpx.Response(status, headers=to))
    _, found = await stage.allergies()
    assert found.state == "failed"
    assert len(stage.ehr.asked) == 1


# Retry-After

LATER = "Mon, 23 Nov 2026 15:00:01 GMT"
DATE = {"Date": "Mon, 23 Nov 2026 15:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "1"}, 1.0),
        ({"Retry-After": LATER, **DATE}, 1.0),
        ({"Retry-After": DATE["Date"], "Date": LATER}, 0.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_waited_out_within_the_budget(headers, waits, status):
    stage = with_patient()
    stage.budget_s = 2.0
    busy = httpx.Response(status, headers=headers)
    stage.ehr.answers["AllergyIntolerance"] = deque([busy, bundle(allergy())])
    (_, found), took = await timed(stage.allergies())
    assert (found.state, found.found) == ("complete", 1)
    assert took == pytest.approx(waits, abs=0.2)


ABSURD = ["3600", "2", "999999999999", "-1", "1.5", "nan", "inf", "soon", "", "1" * 5000, "٣"]
ABSURD += ["Mon, 23 Nov 99999999999999999999 15:00:00 GMT", "Mon, 99 Nov 2026 99:00:00 GMT"]
ABSURD += ["Mon, 23 Nov 2099 15:00:00 GMT"]


@pytest.mark.parametrize("value", ABSURD)
async def test_retry_after_beyond_the_budget_or_absurd_is_not_waited_for(value):
    stage = with_patient()
    busy = httpx.Response(503, headers=[(b"Retry-After", value.encode()), *DATE.items()])
    stage.ehr.answers["AllergyIntolerance"] = busy
    (_, found), took = await timed(stage.allergies())
    assert (found.state, found.code) == ("failed", "503")
    assert took < 0.2
    assert len(stage.ehr.asked) == 1


async def test_a_server_that_is_always_busy_is_asked_three_times():
    stage = with_patient()
    busy = httpx.Response(503, headers={"Retry-After": "0"}, json=outcome("throttled"))
    stage.ehr.answers["AllergyIntolerance"] = busy
    _, found = await stage.allergies()
    assert (found.state, found.code) == ("failed", "503")
    assert len(stage.ehr.asked) == 3


# The token


@pytest.mark.spec("F-2", "F-9", "F-10", "S-21")
async def test_the_token_goes_with_every_read_and_nowhere_else(caplog):
    caplog.set_level(logging.DEBUG)
    stage = with_patient(AllergyIntolerance=httpx.Response(500), Condition=hang)
    context = await stage.gather({}, "allergies", "problems")
    assert {one.headers["Authorization"] for one in stage.ehr.asked} == {f"Bearer {TOKEN}"}
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(context)
    assert TOKEN not in repr(Access(token=TOKEN))


@pytest.mark.spec("F-1")
async def test_a_type_that_the_scopes_do_not_cover_is_denied_unasked():
    stage = with_patient()
    granted = Access(token=TOKEN, scope="patient/Patient.rs patient/Condition.rs")
    context, found = await stage.allergies(granted=granted)
    assert (found.state, found.code) == ("denied", "scope")
    assert gaps(context) == {"allergies": "denied"}
    assert stage.ehr.asked == []


# Medications that orders only point to


def order(reference, display=None):
    named = {} if display is None else {"display": display}
    return {
        "resourceType": "MedicationRequest",
        "id": "r1",
        "subject": {"reference": "Patient/p1"},
        "medicationReference": {"reference": reference, **named},
    }


@pytest.mark.parametrize("reference", ["Medication/m1", f"{BASE}/Medication/m1"])
async def test_a_medication_without_a_name_is_read(reference):
    drug = {"resourceType": "Medication", "id": "m1", "code": {"text": "Lisinopril"}}
    stage = with_patient(**{"Medication/m1": drug})
    sent = {"patient": PATIENT, "medications": bundle(order(reference))}
    context = await stage.gather(sent, "medications")
    assert context.ledger.get(reference).resource["code"] == {"text": "Lisinopril"}
    assert stage.ehr.paths() == ["Medication/m1"]


async def test_a_medication_with_a_name_is_not_read():
    stage = with_patient()
    sent = {"patient": PATIENT, "medications": bundle(order("Medication/m1", "Lisinopril"))}
    await stage.gather(sent, "medications")
    assert stage.ehr.asked == []


@pytest.mark.parametrize(
    "reference",
    [
        "Medication/../Patient/p2",
        "Medication/..",
        "Medication/$purge",
        "Medication/m1?_include=*",
        "Medication/m1/$everything",
        "Medication/%2e%2e/admin",
        "https://evil.example/Medication/m1",
        f"{BASE}/Patient/p2",
        "#m1",
        "",
    ],
)
async def test_a_chart_chooses_the_id_of_a_medication_and_nothing_else(reference):
    stage = with_patient()
    sent = {"patient": PATIENT, "medications": bundle(order(reference))}
    await stage.gather(sent, "medications")
    assert stage.ehr.asked == []
