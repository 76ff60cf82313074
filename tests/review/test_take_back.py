"""A filed note is taken back: the chart says that it was entered in error, or the page says why not."""

from dataclasses import replace

import pytest

from cds_service.domain.errors import Conflict
from cds_service.simulator.faults import Fault
from cds_service.storage.tables import WRITE_INTENT
from tests.review.stage import staged
from tests.review.test_page import refused, visit

pytestmark = pytest.mark.anyio


def fault(kind, **changes):
    row = {"method": "PUT", "times": 1} | changes
    return Fault("fhir", kind, "DocumentReference", **row)


async def filed(stage, **changes):
    one = await visit(stage, **changes)
    await one.post("/approve", **await one.screen())
    assert await stage.file(one.brief) == "verified"
    return one


def statuses(stage, brief):
    return [each["status"] for each in stage.notes(brief)]


async def test_a_note_that_is_taken_back_is_in_error_in_the_chart_and_says_why_here(stage):
    one = await filed(stage)
    assert "Take the note back" in (await one.get()).text
    assert "Why is the note taken back?" in (await one.get("?ask=take_back")).text
    refused(await one.post("/take_back", text=" "), 400)
    assert (await one.post("/take_back", text="Wrong visit")).status_code == 303
    assert statuses(stage, one.brief) == ["entered-in-error"]
    assert await stage.state(one.brief) == "withdrawn"
    assert "was entered in error" in (await one.get()).text
    assert ("take_back", "ok") in await stage.audited()


PASSING = {
    "stores it and drops the answer": fault("lost"),
    "answers 500 after storing it": fault("after"),
    "answers 500 and stores nothing": fault("status", status=500),
    "says that somebody was faster": fault("status", status=412),
    "calls the token expired": fault("status", status=401),
    "throttles": fault("status", status=429, retry_after="0"),
}


@pytest.mark.parametrize("kind", PASSING)
async def test_what_passes_costs_nothing(stage, kind):
    one = await filed(stage)
    stage.simulator.faults.add(PASSING[kind])
    assert (await one.post("/take_back", text="Wrong visit")).status_code == 303
    assert statuses(stage, one.brief) == ["entered-in-error"]


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_a_server_that_refuses_leaves_the_note_and_everything_as_it_was(stage, status):
    one = await filed(stage)
    stage.simulator.faults.add(fault("status", status=status, times=None))
    said = refused(await one.post("/take_back", text="Wrong visit"), 409)
    assert "The note is still in the chart." in said
    assert (statuses(stage, one.brief), await stage.state(one.brief)) == (["current"], "verified")


async def test_a_note_that_does_not_show_is_not_taken_for_gone(stage):
    one = await filed(stage)
    stage.simulator.faults.add(fault("status", method="GET", status=404, times=None))
    refused(await one.post("/take_back", text="Wrong visit"), 409)
    assert (statuses(stage, one.brief), await stage.state(one.brief)) == (["current"], "verified")


async def test_an_update_that_came_through_at_the_last_try_is_seen(stage):
    one = await filed(stage)
    stage.simulator.faults.add(fault("status", status=503, times=2))
    assert (await one.post("/take_back", text="Wrong visit")).status_code == 303
    assert statuses(stage, one.brief) == ["entered-in-error"]


async def test_a_server_that_only_pretends_is_not_believed(stage):
    one = await filed(stage)
    stage.simulator.faults.add(fault("pretend", times=None))
    said = refused(await one.post("/take_back", text="Wrong visit"), 409)
    assert "did not mark the note" in said
    assert await stage.state(one.brief) == "verified"


async def test_another_note_at_the_same_address_is_left_alone(stage):
    one = await filed(stage)
    [note] = stage.notes(one.brief)
    stage.simulator.ehr("general").store.put({**note, "identifier": [], "content": []})
    said = refused(await one.post("/take_back", text="Wrong visit"), 409)
    assert "is not this note" in said


async def test_without_the_scope_it_is_refused_with_a_sentence(stage):
    one = await filed(stage)
    scopes = frozenset({"user/*.rs", "user/DocumentReference.crs"})
    one.session = stage.session(one.brief, scopes=scopes)
    assert "DocumentReference.u" in refused(await one.post("/take_back", text="Wrong"), 409)


async def test_where_the_vendor_lets_no_app_do_it_it_is_not_offered(tmp_path):
    async with staged(tmp_path, vendor="epic", personality="epic") as stage:
        one = await filed(stage)
        assert "Take the note back" not in (await one.get()).text
        said = refused(await one.post("/take_back", text="Wrong visit"), 409)
        assert "in the chart" in said
        assert statuses(stage, one.brief) == ["current"]


async def test_a_note_that_was_altered_can_be_taken_back(stage):
    one = await visit(stage)
    await one.post("/approve", **await one.screen())
    stage.simulator.faults.add(fault("alter", method=""))
    assert await stage.file(one.brief) == "unknown"
    assert (await one.post("/take_back", text="Not what I approved")).status_code == 303
    assert statuses(stage, one.brief) == ["entered-in-error"]


async def corrected(stage):
    """Return somebody whose note was filed, and then corrected."""
    one = await filed(stage)
    await one.edit("add", "problems", "Lives alone")
    assert (await one.post("/approve", **await one.screen())).status_code == 303
    assert await stage.file(one.brief) == "verified"
    return one


async def all_statuses(stage, brief):
    """Return the status of each note of a brief, the oldest first."""
    store = stage.simulator.ehr("general").store
    async with stage.reviews.database.reading() as connection:
        notes = await stage.reviews.approvals(connection, stage.site.name, brief)
    return [store.read(*each.filing.location.split("/")).resource["status"] for each in notes]


async def test_after_a_correction_both_notes_are_taken_back(stage):
    one = await corrected(stage)
    assert (await one.post("/take_back", text="Wrong visit")).status_code == 303
    assert await all_statuses(stage, one.brief) == ["entered-in-error", "entered-in-error"]
    assert await stage.state(one.brief) == "withdrawn"


async def test_a_note_that_nobody_knows_a_place_of_is_not_said_to_be_taken_back(stage):
    one = await corrected(stage)
    database = stage.reviews.database
    mine, newest = WRITE_INTENT.c.brief == one.brief, (await stage.approval(one.brief)).id
    async with database.transaction() as connection:
        lost = WRITE_INTENT.update().where(mine, WRITE_INTENT.c.id != newest)
        await connection.execute(lost.values(location="", state="unknown"))
    assert (await one.post("/take_back", text="Wrong visit")).status_code == 303
    async with database.reading() as connection:
        rows = await connection.execute(WRITE_INTENT.select().where(mine))
        assert {row.id == newest: row.state for row in rows} == {
            False: "unknown",
            True: "withdrawn",
        }


async def test_where_taking_back_ends_half_way_the_correction_is_what_stands(stage):
    one = await corrected(stage)
    newest = (await stage.approval(one.brief)).filing.location
    stage.simulator.faults.add(replace(fault("status", status=403, times=None), match=newest))
    assert "The note is still in the chart." in refused(
        await one.post("/take_back", text="x"), 409
    )
    assert (await all_statuses(stage, one.brief))[0] == "entered-in-error"
    assert (await all_statuses(stage, one.brief))[1] != "entered-in-error"
    assert await stage.state(one.brief) == "verified"
    stage.simulator.faults.clear()
    assert (await one.post("/take_back", text="Wrong visit")).status_code == 303
    assert await all_statuses(stage, one.brief) == ["entered-in-error", "entered-in-error"]


async def test_the_audit_says_that_a_note_is_taken_back_before_the_first_request(stage):
    one = await filed(stage)
    stage.simulator.faults.add(fault("status", method="", status=403, times=None))
    sent, told = len(stage.simulator.faults.seen), []

    async def noticed(opened, notes):
        told.extend(await stage.audited())
        assert len(stage.simulator.faults.seen) == sent
        return await real(opened, notes)

    real = stage.sign.take_back
    opened = await stage.sign.glance(one.session, stage.site, one.brief)
    with pytest.raises(Conflict):
        await replace(stage.sign, take_back=noticed).decide(opened, "take_back", reason="Wrong")
    assert told[-1] == ("take_back", "begun")
    assert (await stage.audited())[-1] == ("take_back", "refused")


async def test_who_takes_back_while_another_corrects_is_told_so_and_the_correction_stands(stage):
    one = await filed(stage)
    another = stage.session(one.brief, user="another", name="A. Nother")
    real = stage.sign.take_back

    async def overtaken(opened, notes):
        said = await real(opened, notes)
        theirs = await stage.sign.glance(another, stage.site, one.brief)
        at = stage.now().replace(microsecond=0)
        await stage.sign.approve(theirs, digest=theirs.screen(at).digest, at=at)
        assert await stage.file(one.brief) == "verified"
        return said

    opened = await stage.sign.glance(one.session, stage.site, one.brief)
    with pytest.raises(Conflict, match="Somebody decided about this brief meanwhile"):
        await replace(stage.sign, take_back=overtaken).decide(opened, "take_back", reason="Wrong")
    assert await stage.state(one.brief) == "verified"
    assert (await stage.row(one.brief))["state"] == "verified"
    assert (await stage.audited())[-1] == ("take_back", "refused")
