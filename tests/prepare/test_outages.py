"""A database that is away while a workflow begins, or that loses what was done: no brief waits for good."""

import sqlite3
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from cds_service.domain.errors import BadCall
from cds_service.flow import work_ahead
from cds_service.flow.backlog import LATE
from cds_service.flow.queue import Queue
from cds_service.simulator.faults import Fault
from cds_service.storage import briefs
from tests.prepare.conftest import until

pytestmark = pytest.mark.anyio
TRIES = (0.01, 0.01)
WHILE_IT_BEGINS = len(TRIES) + 1
"""Writes that are refused when an outage is over just after the last try to begin."""
UNTIL_IT_ENDS = 2 * WHILE_IT_BEGINS
"""Writes that are refused when it lasts until the workflow has ended."""


@contextmanager
def outage(works, writes):
    """Let the database refuse so many changes of a brief; what is left of them is told."""
    engine, left = works.ground.service.database.engine.sync_engine, [writes]

    def refuse(_connection, _cursor, statement, *_):
        if statement.startswith("UPDATE brief") and left[0]:
            left[0] -= 1
            raise OperationalError(statement, {}, sqlite3.OperationalError("disk is full"))

    event.listen(engine, "before_cursor_execute", refuse)
    try:
        yield left
    finally:
        event.remove(engine, "before_cursor_execute", refuse)


@pytest.fixture
async def engine(works):
    """The engine, with tries that are soon used up; the test sweeps and mends itself."""
    engine = works.background.work.engine
    engine.tries = TRIES
    await engine.launch()
    yield engine
    await engine.drain(5)


async def lost(works, *states):
    """Return a brief of which the engine says that it was prepared, and the database that it waits."""
    work = works.background.work
    brief = await works.ask()
    await work.sweep()
    await is_in(works, brief, "ready")
    await until(lambda: nothing_runs(work))
    async with works.ground.service.database.transaction() as connection:
        await briefs.set_columns(connection, brief, state=states[0], ready_at=None)
    work._started.clear()  # as in a process that was started again
    return brief


async def nothing_runs(work):
    return not work.engine.load()


async def is_in(works, brief, state):
    async def there():
        return (await works.row(brief)).state == state

    await until(there)


async def mend(works, brief):
    """Mend, and wait until the brief is due."""
    works.ground.clock.move(minutes=1)
    await works.background.work.mend()
    works.ground.clock.moment = max(works.ground.clock(), (await works.row(brief)).due)


async def breaks(works, engine, brief):
    """Let the making of a brief break, and be mended."""
    with outage(works, UNTIL_IT_ENDS):
        await works.background.work.sweep()
        await has_broken(works, engine, "prepare", brief)
    await mend(works, brief)


async def mended(works, brief):
    """Mend, and begin what is due."""
    await mend(works, brief)
    await works.background.work.sweep()


def queue(works):
    change = works.background.work.change
    return Queue(database=change.database, change=change, now=works.ground.clock)


async def test_a_brief_that_an_outage_did_not_let_begin_is_put_off_with_its_reason(works, engine):
    brief = await works.ask()
    with outage(works, WHILE_IT_BEGINS) as left:
        await works.background.work.sweep()

        async def is_put_off():
            return (await works.row(brief)).revision == 2

        await until(is_put_off)
    row = await works.row(brief)
    assert left == [0]
    assert (row.state, row.reason) == ("requested", "away_OperationalError")
    assert row.due > works.ground.clock()
    entry = (await works.ground.audited())[-1]
    assert (entry["outcome"], entry["facts"]["reason"]) == ("requested", row.reason)
    works.ground.clock.moment = row.due
    await works.background.work.sweep()
    await is_in(works, brief, "ready")


async def test_a_postponement_that_runs_again_puts_off_once(works):
    brief = await works.ask()
    for _ in range(2):
        await works.prepare.postpone(brief, "away_OperationalError")
    assert (await works.row(brief)).revision == 2


async def test_an_outage_that_outlasts_the_workflow_loses_no_brief(works, engine):
    brief = await works.ask()
    with outage(works, UNTIL_IT_ENDS) as left:
        await works.background.work.sweep()

        async def has_ended():
            return bool(await engine.ended([("prepare", brief, 1)]))

        await until(has_ended)
    assert left == [0]
    await mended(works, brief)
    await is_in(works, brief, "ready")


@pytest.mark.parametrize("state", ["requested", "preparing"])
async def test_a_brief_is_begun_anew_whose_workflow_is_done_and_whose_row_still_waits(
    works, engine, state
):
    brief = await lost(works, state)
    await mended(works, brief)
    await is_in(works, brief, "ready")
    assert "broke_undone" in {e["facts"].get("reason") for e in await works.ground.audited()}


async def test_an_operator_may_try_again_what_is_late_to_begin_and_not_what_waits_for_its_time(
    works, engine
):
    brief = await lost(works, "requested")
    later = await works.ask(start=works.ground.clock() + timedelta(days=2))
    with pytest.raises(BadCall, match="or is late"):
        await queue(works).retry([later])
    works.ground.clock.moment += LATE
    assert await queue(works).retry([brief]) == [brief]
    assert (await works.ground.audited())[-1]["action"] == "retry"
    await works.background.work.sweep()
    await is_in(works, brief, "ready")


async def has_broken(works, engine, name, brief):
    revision = (await works.row(brief)).revision

    async def there():
        return bool(await engine.ended([(name, brief, revision)]))

    await until(there)


async def postponed(works, times):
    """Return a brief whose EHR was waited for so often, and is back."""
    await works.ground.service.backend.token(works.site())
    works.ground.simulator.faults.add(Fault("fhir", "drop"))
    brief = await works.ask()
    for _ in range(times):
        works.ground.clock.moment = (await works.run(brief)).due
    works.ground.simulator.faults.clear()
    return brief


async def test_a_brief_that_waited_long_for_its_ehr_is_not_given_up_at_its_first_break(
    works, engine
):
    brief = await postponed(works, times=10)
    with outage(works, UNTIL_IT_ENDS):
        await works.background.work.sweep()
        await has_broken(works, engine, "prepare", brief)
    await mended(works, brief)
    await is_in(works, brief, "ready")


async def test_a_brief_that_breaks_again_and_again_is_given_up_for_a_person_to_see(
    works, engine, monkeypatch
):
    monkeypatch.setattr(work_ahead, "_MOST_BREAKS", 3)
    brief = await works.ask()
    for _ in range(3):
        await breaks(works, engine, brief)
    row = await works.row(brief)
    assert (row.state, row.reason) == ("failed", "broke_error")


async def test_what_a_person_has_tried_again_may_break_as_often_as_before(
    works, engine, monkeypatch
):
    monkeypatch.setattr(work_ahead, "_MOST_BREAKS", 2)
    brief = await works.ask()
    for state in ("requested", "failed"):
        await breaks(works, engine, brief)
        assert (await works.row(brief)).state == state
    await queue(works).retry([brief])
    for state in ("requested", "failed"):
        await breaks(works, engine, brief)
        assert (await works.row(brief)).state == state


async def test_a_note_whose_brief_waited_long_is_not_given_up_when_its_filing_breaks_once(
    works, engine
):
    row = await works.prepared()
    async with works.ground.service.database.transaction() as connection:
        # nothing to file: the workflow cannot but break
        await briefs.set_columns(connection, row.id, state="approved", revision=11)
    await works.background.work.sweep()
    await has_broken(works, engine, "writeback", row.id)
    works.ground.clock.move(minutes=1)
    await works.background.work.mend()
    row = await works.row(row.id)
    assert (row.state, row.revision) == ("writing", 12)
