"""One audit entry for each call of a known site, whatever its outcome, and never a word of a chart."""

import json
from dataclasses import replace

import pytest

from cds_service.simulator.wire import dumps
from tests.flow.canary import CANARIES, body, prefetch
from tests.ground import CDS, GENERAL, RIVERSIDE, standing

pytestmark = pytest.mark.anyio

NORTH = GENERAL.replace("[[trust]]", '[[trust]]\ntenant = "north"')
OFF = GENERAL.replace("vendor =", 'mode = "off"\nvendor =')
SHADOW = GENERAL.replace("vendor =", 'mode = "shadow"\nvendor =')
SITES = {"general": GENERAL, "riverside": RIVERSIDE, "north": NORTH, "off": OFF, "shadow": SHADOW}
PATIENT_USER = {"patientId": "p1", "userId": "Patient/p1"}


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    async with standing(tmp_path_factory.mktemp("audit"), sites=SITES) as ground:
        yield ground


@pytest.fixture
async def new_entries(shared):
    """Return what was audited since the test began."""
    before = len(await shared.audited())

    async def since():
        return (await shared.audited())[before:]

    return since


ENDS = {
    # body, how to call: (status, outcome, reason)
    "cards": (body(), {}, (200, "ok", None)),
    "cards that nobody sees": (body(), {"site": "shadow"}, (200, "ok", None)),
    "a site that is off": (body(), {"site": "off"}, (200, "nothing_to_say", "site_off")),
    "a patient as the user": (
        body(context=PATIENT_USER),
        {},
        (200, "nothing_to_say", "user_is_no_clinician"),
    ),
    "a trigger that is not answered": (
        body(extension={"com.epic.cdshooks.request.bpa-trigger-action": "18"}),
        {"site": "riverside"},
        (200, "nothing_to_say", "trigger_not_answered"),
    ),
    "no hook": (body(hook=None), {}, (400, "bad_call", "hook must be a string.")),
    "another hook": (
        body(hook="order-sign"),
        {},
        (400, "bad_call", "hook: this service answers patient-view."),
    ),
    "a bad token": (body(), {"token": "x"}, (401, "not_trusted", "not_a_jwt")),
    "another tenant": (body(), {"site": "north"}, (403, "not_allowed", "tenant")),
    "an unknown service": (body(), {"service": "other"}, (404, "unknown_service", None)),
    "a service that the site did not enable": (
        body(),
        {"site": "riverside", "service": "appointment-book-brief"},
        (404, "unknown_service", None),
    ),
    "no patient to be had": (body(prefetch={}), {}, (412, "missing_context", None)),
}


@pytest.mark.parametrize("how", ENDS)
async def test_a_call_leaves_one_entry_when_it_ends_with(shared, new_entries, how):
    sent, call, (status, outcome, reason) = ENDS[how]
    answer = await shared.call(sent, **call)
    assert answer.status_code == status
    (entry,) = await new_entries()
    assert (entry["action"], entry["outcome"]) == ("answer", outcome)
    assert (entry["site"], entry["facts"]["service"]) == (
        call.get("site", "general"),
        call.get("service", "patient-view-brief"),
    )
    told = entry["facts"].get("reason")
    assert told == reason or (reason is None and told)
    assert entry["facts"]["took_ms"] >= 0


async def test_a_body_that_is_no_json_leaves_one_entry(shared, new_entries):
    url = f"{CDS}/general/cds-services/patient-view-brief"
    headers = {"Authorization": f"Bearer {shared.client().bearer(url)}"}
    answer = await shared.http.post(url, content=b'{"hook": ', headers=headers)
    assert answer.status_code == 400
    (entry,) = await new_entries()
    assert entry["outcome"] == "not_json"


async def test_a_crash_leaves_one_entry_and_an_answer_that_tells_nothing(shared, new_entries):
    """Even a mistake of ours is told to the audit; the caller gets 500, never an empty list of cards."""

    def crash(*_args):
        raise ZeroDivisionError(CANARIES[0])

    endpoints = shared.service.endpoints
    whole = endpoints.answer
    endpoints.answer = replace(whole, compose=crash)
    try:
        answer = await shared.call(body())
    finally:
        endpoints.answer = whole
    assert answer.status_code == 500
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert CANARIES[0] not in answer.text
    (entry,) = await new_entries()
    assert entry["outcome"] == "crashed"
    assert CANARIES[0] not in json.dumps(entry["facts"])


@pytest.mark.parametrize(
    ("items", "status", "outcome"),
    [([], 200, "ok"), ([7], 200, "ok"), ("junk", 400, "bad_call")],
)
async def test_feedback_leaves_one_entry(shared, new_entries, items, status, outcome):
    url = f"{CDS}/general/cds-services/patient-view-brief"
    answer = await shared.client().call(f"{url}/feedback", {"feedback": items})
    assert answer.status_code == status
    (entry,) = await new_entries()
    assert (entry["action"], entry["outcome"]) == ("feedback", outcome)


async def test_an_unknown_site_leaves_none(shared, new_entries):
    """There is nobody whose audit it could be."""
    answer = await shared.http.post("/nowhere/cds-services/patient-view-brief", content=b"{}")
    assert answer.status_code == 404
    assert await new_entries() == []


async def test_an_entry_says_who_called_and_what_was_shown(shared, new_entries):
    answer = await shared.call(body())
    (entry,) = await new_entries()
    facts = entry["facts"]
    assert facts["issuer"] == "http://ehr.test"
    assert facts["jti"]
    assert facts["cards"] == len(answer.json()["cards"])
    assert facts["resources"] == 4
    assert facts["access"] == "not_offered"
    assert facts["gaps"] > 0
    assert await shared.service.database.brief("general", entry["brief"])


async def test_before_the_token_is_checked_nothing_of_it_is_believed(shared, new_entries):
    url = f"{CDS}/general/cds-services/patient-view-brief"
    rogue = shared.client().bearer(url, rogue=True)
    await shared.call(body(), token=rogue)
    (entry,) = await new_entries()
    assert not {"issuer", "jti", "tenant"} & set(entry["facts"])


@pytest.mark.spec("S-21", "F-10")
async def test_the_whole_audit_holds_no_word_of_a_chart_and_no_token(shared):
    spoiled = prefetch() | {"patient": CANARIES[0]}
    for sent in (
        body(),
        body(prefetch=spoiled),
        body(hook=CANARIES[0]),
        body(context=CANARIES[0]),
    ):
        await shared.call(sent)
    told = dumps([entry["facts"] for entry in await shared.audited()]).decode()
    assert not [canary for canary in CANARIES if canary in told]
    assert "eyJ" not in told
