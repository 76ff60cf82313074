"""A stuck queue is told apart from a long one, where programs and people look: readiness, its body, metrics."""

from datetime import datetime, timedelta

import pytest

from cds_service.context.enough import HadEnough
from cds_service.flow.backlog import LATE
from cds_service.flow.work_ahead import ASLEEP
from cds_service.storage import briefs
from tests.prepare.conftest import SITES, Works, until, working
from tests.storage.databases import count_statements
from tests.telemetry.stage import receiving

pytestmark = pytest.mark.anyio
QUARTER = LATE + timedelta(minutes=1)


async def looked(works):
    """Look at the queue, and ask whether the process is ready; its own first look must not come in between."""

    async def has_looked():
        return works.background.work.backlog.as_of is not None

    await until(has_looked)
    await works.background.work._count()
    return await ready(works)


async def ready(works):
    answer = await works.ground.http.get("/readyz")
    return answer.status_code, answer.json()


@pytest.fixture
async def worker(tmp_path):
    """The part of a worker that tells how it is; no loop of its own runs beside the test."""
    async with working(tmp_path) as works:
        works.background.role = "worker"
        yield works


async def test_late_work_that_does_not_move_is_stuck_and_a_worker_is_not_ready(worker):
    assert await looked(worker) == (200, (await looked(worker))[1])
    await worker.ask()
    worker.ground.clock.moment += QUARTER
    status, told = await looked(worker)
    assert status == 503
    assert "nothing moves of what is late at general" in told["reasons"]["work"]
    assert told["work"]["late"] == {"general": 1}
    assert told["work"]["stuck"] == ["general"]


async def test_a_process_that_answers_stays_ready_and_tells_of_the_stuck_queue(works):
    await works.ask()
    works.ground.clock.moment += QUARTER
    status, told = await looked(works)
    assert (status, told["reasons"]) == (200, {}), "the rules answer without a queue"
    assert told["work"]["stuck"] == ["general"]
    assert any("they do not move" in note for note in told["notes"])


async def test_readiness_tells_the_last_look_and_when_it_was_and_asks_the_database_nothing(works):
    await looked(works)
    then = works.ground.clock()
    works.ground.clock.moment += QUARTER
    sent = count_statements(works.ground.service.database)
    _, told = await ready(works)
    assert [each for each in sent if "brief" in each] == []
    assert datetime.fromisoformat(told["work"]["as_of"]) == then


async def test_a_long_queue_that_moves_is_late_and_not_stuck(worker):
    await worker.ask("harold-lindqvist")
    worker.ground.clock.moment += QUARTER
    await worker.prepared()
    status, told = await looked(worker)
    assert status == 200
    assert (told["work"]["late"], told["work"]["stuck"]) == ({"general": 1}, [])


async def rests(worker, row, state):
    """Let a brief, or its note, have been in a state for a quarter of an hour."""
    async with worker.ground.service.database.transaction() as connection:
        await briefs.set_columns(connection, row.id, state=state)
    worker.ground.clock.moment += QUARTER


async def test_notes_that_are_not_filed_are_stuck_although_briefs_are_prepared(worker):
    await rests(worker, await worker.prepared(), "approved")
    await worker.prepared("harold-lindqvist")
    status, told = await looked(worker)
    assert (status, told["work"]["late"]) == (503, {"general": 1})
    assert any("1 notes are late and they do not move" in note for note in told["notes"])


async def test_briefs_that_are_not_prepared_are_stuck_although_a_note_is_filed(worker):
    await worker.ask()
    worker.ground.clock.moment += QUARTER
    filed = {"action": "write", "outcome": "verified", "at": worker.ground.clock(), "facts": {}}
    async with worker.ground.service.database.transaction() as connection:
        await worker.background.work.change.audit.append(connection, site="general", **filed)
    status, told = await looked(worker)
    assert (status, told["work"]["late"]) == (503, {"general": 1})
    assert any("1 briefs are late and they do not move" in note for note in told["notes"])


async def test_an_ehr_that_is_left_alone_excuses_briefs_and_no_notes(worker):
    approved = await worker.prepared()
    await worker.background.pauses.begin(worker.site(), HadEnough("retry_after", 9 * 3600.0))
    await worker.ask("harold-lindqvist")
    worker.ground.clock.moment += QUARTER
    status, told = await looked(worker)
    assert (status, told["work"]["late"]) == (200, {"general": 1})
    await rests(worker, approved, "approved")
    status, told = await looked(worker)
    assert (status, told["work"]["late"]) == (503, {"general": 2})
    [briefs_are, notes_are] = [note for note in told["notes"] if " are late " in note]
    assert "nothing is read ahead for now: retry_after" in briefs_are
    assert "1 notes are late and they do not move" in notes_are


async def test_late_work_of_a_site_that_nobody_works_for_is_no_fault(tmp_path):
    async with working(tmp_path) as works:
        works.background.role = "worker"
        await works.ask()
    plain = {name: text.partition("[prepare]")[0] for name, text in SITES.items()}
    async with working(tmp_path, sites=plain) as works:
        works.background.role = "worker"
        works.ground.clock.moment += QUARTER
        status, told = await looked(works)
        assert (status, told["work"]["late"]) == (200, {})


@pytest.mark.parametrize("state", ["preparing", "approved", "writing"])
async def test_what_was_begun_and_rests_is_late_and_stuck(worker, state):
    row = await worker.prepared()
    async with worker.ground.service.database.transaction() as connection:
        await briefs.set_columns(connection, row.id, state=state)
    worker.ground.clock.moment += QUARTER
    status, told = await looked(worker)
    assert (status, told["work"]["late"]) == (503, {"general": 1})


async def test_what_waits_for_a_person_is_counted(worker):
    await worker.prepared("nobody-of-that-name")
    _, told = await looked(worker)
    assert told["work"]["failed"] == {"general": 1}
    assert any("wait for a person" in note for note in told["notes"])


async def test_a_worker_whose_loop_has_stopped_coming_round_is_not_ready(worker):
    work = worker.background.work
    work.came_round = worker.ground.clock()
    assert (await looked(worker))[0] == 200
    worker.ground.clock.moment += ASLEEP + timedelta(seconds=1)
    status, told = await looked(worker)
    assert (status, told["reasons"]["work"]) == (503, "the queue is not looked at any more")


async def test_the_same_numbers_are_metrics(tmp_path):
    received = receiving()
    async with working(tmp_path, telemetry=received.telemetry) as works:
        await works.ask()
        works.ground.clock.moment += QUARTER
        await looked(works)
        numbers = received.numbers()
    assert numbers["cds.queue.late", "general"] == 1
    assert numbers["cds.queue.stuck", "general"] == 1
    assert numbers["cds.queue.stuck", "riverside"] == 0
    assert numbers["cds.queue.failed", "general"] == 0
    assert numbers["cds.ready.missed", None] == 0
    assert numbers["cds.ready.unreadable", None] == 0


async def test_a_brief_whose_workflow_is_gone_with_the_engines_database_is_begun_again(works):
    brief_id = await works.ask()
    assert await works.prepare.begin(brief_id)
    work: Works = works.background.work
    await work.engine.launch()
    works.ground.clock.move(minutes=1)
    await work.mend()

    async def is_ready():
        return (await works.row(brief_id)).state == "ready"

    await until(is_ready)
    await work.engine.drain(5)
