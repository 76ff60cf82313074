"""What is true of filing a note on any database: once, whatever the server does, or a person is told why not."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from cds_service.domain.errors import Conflict
from cds_service.domain.steps import Temporary
from cds_service.simulator.faults import Fault
from tests.review.stage import Died, staged
from tests.storage.databases import unaudited

UNCONDITIONAL = "\nconditional_create = false\n"


@asynccontextmanager
async def proven(folder, more, **changes):
    """A site whose search has found a note of ours before."""
    async with staged(folder, more=more, **changes) as running:
        assert await running.file(await running.approved()) == "verified"
        yield running


def healed(running):
    """Return the stage as it is for every test."""
    running.lent.over = False
    running.wire.left = None
    running.simulator.faults.clear()
    running.simulator.faults.seen.clear()
    return running


def fault(kind, **changes):
    return Fault("fhir", kind, "DocumentReference", **({"method": "POST", "times": 1} | changes))


async def filed(stage, *faults):
    brief = await stage.approved()
    stage.simulator.faults.add(*faults)
    state = await stage.file(brief)
    stage.simulator.faults.clear()
    await asyncio.sleep(0.3)  # a server that is still at work may store something yet
    return state, len(stage.notes(brief)), (await stage.row(brief))["reason"], brief


ONCE = {
    "stores and drops the answer": fault("lost"),
    "stores and drops every answer": fault("lost", times=None),
    "answers 500 after storing": fault("after"),
    "answers 500 and stores nothing": fault("status", status=500),
    "answers 500 without a body": fault("status", status=500, body="empty"),
    "answers 502 without a body": fault("status", status=502, body="empty"),
    "answers 200 without a Location": fault("bare"),
    "answers 409 under contention": fault("status", status=409),
    "answers 409 under contention, after storing": fault("after", status=409),
    "answers 412 after storing": fault("after", status=412),
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


REFUSED = {
    "400": (fault("status", status=400, times=None), "400"),
    "an empty 403": (fault("status", status=403, body="empty", times=None), "403-empty"),
    "413": (fault("status", status=413, times=None), "413"),
    "422 with a vendor's code": (fault("status", status=422, code="59012", times=None), "422"),
}


class FilingCases:
    """The cases; a subclass brings the fixture `stage`."""

    async def test_an_approved_note_is_filed_and_read_back(self, stage):
        state, notes, reason, brief = await filed(stage)
        assert (state, notes, reason) == ("verified", 1, "")
        actions = await stage.audited()
        assert actions[-3:] == [("write", "sending"), ("write", "filed"), ("write", "verified")]
        assert (await stage.row(brief))["location"].startswith("DocumentReference/")

    @pytest.mark.parametrize("kind", ONCE)
    async def test_a_fault_that_passes_costs_no_note_and_makes_no_second_one(self, stage, kind):
        state, notes, reason, _ = await filed(stage, replace(ONCE[kind]))
        assert (state, notes, reason) == ("verified", 1, "")

    async def test_while_the_audit_cannot_be_written_no_note_is_approved_or_sent(self, stage):
        database, seen = stage.reviews.database, await stage.brief()
        opened = await stage.sign.open(stage.session(seen), stage.site, seen)
        at = stage.now().replace(microsecond=0)
        async with unaudited(database):
            with pytest.raises(DBAPIError, match="audit"):
                await stage.sign.approve(opened, digest=opened.screen(at).digest, at=at)
        assert await stage.state(seen) == "in_review"
        brief = await stage.approved()
        async with unaudited(database):
            with pytest.raises(DBAPIError, match="audit"):
                await stage.file(brief)
        assert [each for each in stage.simulator.faults.seen if each.method == "POST"] == []
        assert await stage.state(brief) == "writing"
        assert stage.notes(brief) == []
        assert await stage.file(brief) == "verified", "and afterwards it goes on"
        assert len(stage.notes(brief)) == 1

    @pytest.mark.parametrize("kind", REFUSED)
    async def test_what_the_server_refuses_is_sent_once_and_fails_with_its_reason(
        self, stage, kind
    ):
        refusal, reason = REFUSED[kind]
        assert (await filed(stage, replace(refusal)))[:3] == ("failed", 0, reason)
        sent = [each for each in stage.simulator.faults.seen if each.method == "POST"]
        assert len(sent) == 1

    @pytest.mark.slow
    async def test_a_server_that_says_201_and_stores_nothing_is_put_to_a_person(self, stage):
        state, notes, reason, _ = await filed(stage, fault("pretend"))
        assert (state, notes, reason) == ("unknown", 0, "gone")

    @pytest.mark.slow
    async def test_a_note_that_the_server_does_not_show_is_not_called_filed_for_good(self, stage):
        brief = await stage.approved()
        looked_first = fault("slow", method="GET", delay_ms=0)
        away = fault("status", method="GET", status=500, times=None)
        stage.simulator.faults.add(fault("pretend"), looked_first, away)
        with pytest.raises(Temporary):
            await stage.file(brief)
        assert (await stage.state(brief), (await stage.row(brief))["reason"]) == ("written", "")
        stage.simulator.faults.clear()
        assert await stage.file(brief) == "unknown"
        assert (await stage.row(brief))["reason"] == "gone"

    async def test_a_note_that_the_server_alters_is_put_to_a_person(self, stage):
        state, notes, reason, brief = await filed(stage, fault("alter", method=""))
        assert (state, notes, reason) == ("unknown", 1, "altered")
        differences = (await stage.row(brief))["differences"]
        assert [each["element"] for each in differences] == ["content", "docStatus"]

    async def test_a_lost_answer_that_cannot_be_searched_for_is_put_to_a_person(self, stage):
        looked_first = fault("slow", method="GET", delay_ms=0)
        denied = fault("status", method="GET", status=403, times=None)
        state, notes, reason, _ = await filed(stage, looked_first, denied, fault("lost"))
        assert (state, notes, reason) == ("unknown", 1, "cannot_search")

    async def test_an_ended_sign_in_keeps_the_approval_and_goes_on_with_the_next_one(self, stage):
        brief = await stage.approved()
        stage.lent.over = True
        assert await stage.file(brief) == "failed"
        assert (await stage.row(brief))["reason"] == "token"
        stage.lent.over = False
        await stage.sign.open(stage.session(brief), stage.site, brief)
        assert await stage.state(brief) == "approved"
        assert await stage.file(brief) == "verified"
        assert len(stage.notes(brief)) == 1

    async def test_a_sign_in_that_ended_before_the_read_back_goes_on_with_the_next_one(
        self, stage
    ):
        brief = await stage.approved()
        assert await stage.write_back.claim(brief)
        assert await stage.write_back.file(brief) == "filed"
        stage.lent.over = True
        assert await stage.write_back.verify(brief) == "filed"
        assert (await stage.state(brief), (await stage.row(brief))["reason"]) == (
            "written",
            "token",
        )
        stage.lent.over = False
        opened = await stage.sign.open(stage.session(brief), stage.site, brief)
        assert (opened.brief.state, opened.may_withdraw) == ("approved", False)
        with pytest.raises(Conflict, match="was sent already"):
            await stage.sign.decide(opened, "withdraw")
        assert await stage.file(brief) == "verified"
        assert len(stage.notes(brief)) == 1

    async def test_a_sign_in_that_ended_while_a_note_is_in_doubt_goes_on_with_the_next_one(
        self, stage
    ):
        brief = await stage.approved()
        looked_first = fault("slow", method="GET", delay_ms=0)
        ended = fault("status", method="GET", status=401, times=None)
        stage.simulator.faults.add(looked_first, ended, fault("lost"))
        stage.lent.renewable = False
        assert await stage.file(brief) == "unknown"
        assert (await stage.row(brief))["reason"] == "token"
        stage.simulator.faults.clear()
        stage.lent.renewable = True
        opened = await stage.sign.open(stage.session(brief), stage.site, brief)
        assert (opened.brief.state, opened.may_withdraw) == ("approved", False)
        assert await stage.file(brief) == "verified"
        assert len(stage.notes(brief)) == 1

    @pytest.mark.parametrize("answers", range(5))
    async def test_a_worker_that_dies_at_any_request_leaves_one_note(self, stage, answers):
        brief = await stage.approved()
        stage.wire.left = answers
        try:
            assert await stage.file(brief) == "verified"
        except Died:
            assert await stage.file(brief) == "verified"
        await asyncio.sleep(0.1)
        assert len(stage.notes(brief)) == 1

    async def test_two_that_file_the_same_note_at_once_send_it_once(self, stage):
        brief = await stage.approved()
        stage.simulator.faults.add(fault("slow", delay_ms=60))
        await stage.write_back.claim(brief)
        both = await asyncio.gather(stage.write_back.file(brief), stage.write_back.file(brief))
        assert both == ["filed", "filed"]
        assert len(stage.notes(brief)) == 1
