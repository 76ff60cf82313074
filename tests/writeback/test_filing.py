"""A note gets into the chart once, whatever the server does; or a person is told why it did not."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from cds_service.domain.note import note_identifier
from cds_service.simulator.faults import Fault
from cds_service.writeback import file
from tests.review.stage import Died, staged

pytestmark = pytest.mark.anyio

CONDITIONAL = "\nconditional_create = true\n"
UNCONDITIONAL = "\nconditional_create = false\n"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@asynccontextmanager
async def _proven(folder, more):
    """A site whose search has found a note of ours before."""
    async with staged(folder, more=more) as running:
        assert await running.file(await running.approved()) == "verified"
        yield running


@pytest.fixture(scope="module")
async def searching(tmp_path_factory):
    async with _proven(tmp_path_factory.mktemp("searching"), UNCONDITIONAL) as running:
        yield running


@pytest.fixture(scope="module")
async def conditional(tmp_path_factory):
    async with _proven(tmp_path_factory.mktemp("conditional"), CONDITIONAL) as running:
        yield running


@pytest.fixture
def stage(searching):
    searching.lent.over = False
    searching.wire.left = None
    searching.simulator.faults.clear()
    searching.simulator.faults.seen.clear()
    return searching


def fault(kind, **changes):
    return Fault("fhir", kind, "DocumentReference", **({"method": "POST", "times": 1} | changes))


async def filed(stage, *faults):
    brief = await stage.approved()
    stage.simulator.faults.add(*faults)
    state = await stage.file(brief)
    stage.simulator.faults.clear()
    await asyncio.sleep(0.3)  # a server that is still at work may store something yet
    return state, len(stage.notes(brief)), (await stage.row(brief))["reason"], brief


async def test_an_approved_note_is_filed_and_read_back(stage):
    state, notes, reason, brief = await filed(stage)
    assert (state, notes, reason) == ("verified", 1, "")
    actions = await stage.audited()
    assert actions[-3:] == [("write", "sending"), ("write", "filed"), ("write", "verified")]
    assert (await stage.row(brief))["location"].startswith("DocumentReference/")


ONCE = {
    "stores and drops the answer": fault("lost"),
    "stores and drops every answer": fault("lost", times=None),
    "answers 500 after storing": fault("after"),
    "answers 500 and stores nothing": fault("status", status=500),
    "answers 500 without a body": fault("status", status=500, body="empty"),
    "answers 502 without a body": fault("status", status=502, body="empty"),
    "answers 200 without a Location": fault("bare"),
    "answers 409 under contention": fault("status", status=409),
    "answers 408": fault("status", status=408),
    "throttles": fault("status", status=429, retry_after="0"),
    "throttles without a word": fault("status", status=429, body="empty", retry_after="0"),
    "is unavailable": fault("status", status=503, retry_after="0"),
    "stores it after we have gone": fault("slow", delay_ms=250),
    "hangs": fault("hang"),
    "drops the connection": fault("drop"),
    "refuses an expired token": fault("status", status=401),
    "cannot be searched for a moment": fault("status", method="GET", status=500),
    "cannot be read for a moment": fault("status", method="GET", status=404),
}


@pytest.mark.parametrize("kind", ONCE)
async def test_a_fault_that_passes_costs_no_note_and_makes_no_second_one(stage, kind):
    state, notes, reason, _ = await filed(stage, replace(ONCE[kind]))
    assert (state, notes, reason) == ("verified", 1, "")


@pytest.mark.parametrize("kind", ["stores and drops the answer", "answers 409 under contention"])
async def test_a_server_that_honours_if_none_exist_is_no_exception(conditional, kind):
    assert (await filed(conditional, replace(ONCE[kind])))[:2] == ("verified", 1)


REFUSED = {
    "400": (fault("status", status=400, times=None), "400"),
    "an empty 403": (fault("status", status=403, body="empty", times=None), "403-empty"),
    "413": (fault("status", status=413, times=None), "413"),
    "422 with a vendor's code": (fault("status", status=422, code="59012", times=None), "422"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_what_the_server_refuses_is_sent_once_and_fails_with_its_reason(stage, kind):
    refusal, reason = REFUSED[kind]
    assert (await filed(stage, replace(refusal)))[:3] == ("failed", 0, reason)
    sent = [each for each in stage.simulator.faults.seen if each.method == "POST"]
    assert len(sent) == 1


async def test_a_server_that_says_201_and_stores_nothing_is_put_to_a_person(stage):
    state, notes, reason, _ = await filed(stage, fault("pretend"))
    assert (state, notes, reason) == ("unknown", 0, "gone")


async def test_a_note_that_the_server_alters_is_put_to_a_person(stage):
    state, notes, reason, brief = await filed(stage, fault("alter", method=""))
    assert (state, notes, reason) == ("unknown", 1, "altered")
    differences = (await stage.row(brief))["differences"]
    assert [each["element"] for each in differences] == ["content", "docStatus"]


async def test_a_lost_answer_that_cannot_be_searched_for_is_put_to_a_person(stage):
    brief = await stage.approved()
    stage.simulator.faults.add(fault("lost"))
    denied = fault("status", method="GET", status=403, times=None)
    filing = asyncio.create_task(stage.file(brief))
    while not any(each.method == "POST" for each in stage.simulator.faults.seen):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    stage.simulator.faults.add(denied)
    assert await filing == "unknown"
    assert (await stage.row(brief))["reason"] == "cannot_search"
    assert len(stage.notes(brief)) == 1


class Nobody(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request):
        raise httpx.ConnectError("nobody is there", request=request)


async def test_a_server_that_is_away_is_given_up_without_a_doubt_and_asked_again_by_a_person(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(file, "_BACK_OFF_S", (0.0, 0.0))
    async with staged(tmp_path, vendor="epic", personality="epic") as stage:
        brief = await stage.approved()
        here, stage.wire.app = stage.wire.app, Nobody()
        assert await stage.file(brief) == "failed"
        assert (await stage.row(brief))["reason"] == "not_reached"
        stage.wire.app = here
        opened = await stage.sign.open(stage.session(brief), stage.site, brief)
        await stage.sign.decide(opened, "file_again")
        assert await stage.file(brief) == "verified"


async def test_an_ended_sign_in_keeps_the_approval_and_goes_on_with_the_next_one(stage):
    brief = await stage.approved()
    stage.lent.over = True
    assert await stage.file(brief) == "failed"
    assert (await stage.row(brief))["reason"] == "token"
    stage.lent.over = False
    await stage.sign.open(stage.session(brief), stage.site, brief)
    assert await stage.state(brief) == "approved"
    assert await stage.file(brief) == "verified"
    assert len(stage.notes(brief)) == 1


async def test_another_persons_sign_in_does_not_file_it(stage):
    brief = await stage.approved()
    stage.lent.over = True
    await stage.file(brief)
    await stage.sign.open(stage.session(brief, user="somebody-else"), stage.site, brief)
    assert await stage.state(brief) == "failed"


async def test_who_lets_anothers_note_be_filed_again_does_not_send_it_as_oneself(stage):
    brief = await stage.approved()
    stage.lent.over = True
    await stage.file(brief)
    approver = (await stage.approval(brief)).session
    other = stage.session(brief, user="somebody-else")
    opened = await stage.sign.open(other, stage.site, brief)
    await stage.sign.decide(opened, "file_again")
    assert (await stage.approval(brief)).session == approver
    mine = stage.session(brief)
    stage.lent.over = True
    await stage.file(brief)
    await stage.sign.open(mine, stage.site, brief)
    assert (await stage.approval(brief)).session == mine.id


async def test_a_note_is_found_where_the_vendor_keeps_no_conditional_create(tmp_path):
    async with staged(tmp_path, vendor="epic", personality="epic") as stage:
        assert await stage.file(await stage.approved()) == "verified"
        for kind in ("lost", "after", "bare"):
            brief = await stage.approved()
            stage.simulator.faults.add(fault(kind))
            assert await stage.file(brief) == "verified"
            assert len(stage.notes(brief)) == 1


async def test_a_search_that_never_found_a_note_of_ours_proves_no_absence(tmp_path):
    blind = '\nfind = { patient = "{patient}", category = "of-another-kind" }\n'
    async with staged(tmp_path, vendor="epic", personality="epic", more=blind) as stage:
        assert await stage.file(await stage.approved()) == "verified"
        brief = await stage.approved()
        stage.simulator.faults.add(fault("lost"))
        assert await stage.file(brief) == "unknown"
        assert (await stage.row(brief))["reason"] == "no_answer"
        assert len(stage.notes(brief)) == 1


async def test_a_draft_that_the_card_filed_is_found_and_never_filed_twice(stage):
    brief = await stage.approved()
    draft = {
        "resourceType": "DocumentReference",
        "id": "from-card",
        "status": "current",
        "docStatus": "preliminary",
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": note_identifier(brief)}],
        "subject": {"reference": "Patient/beatrice-okonkwo"},
        "content": [{"attachment": {"contentType": "text/plain", "data": "aGVsbG8="}}],
    }
    stage.simulator.ehr("general").store.put(draft)
    assert await stage.file(brief) == "unknown"
    assert (await stage.row(brief))["reason"] == "altered"
    assert len(stage.notes(brief)) == 1


@pytest.mark.parametrize("answers", range(5))
async def test_a_worker_that_dies_at_any_request_leaves_one_note(stage, answers):
    brief = await stage.approved()
    stage.wire.left = answers
    try:
        assert await stage.file(brief) == "verified"
    except Died:
        assert await stage.file(brief) == "verified"
    await asyncio.sleep(0.1)
    assert len(stage.notes(brief)) == 1
