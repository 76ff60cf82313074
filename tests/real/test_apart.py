"""A process that answers and one that prepares, apart, on one PostgreSQL: what one makes the other serves at once."""

import asyncio
import time
from datetime import UTC, datetime

import psycopg
import pytest

from cds_service.audit import Audit
from cds_service.flow.change import Change
from cds_service.storage import Writer, briefs
from cds_service.storage.notices import Notices
from cds_service.storage.ready import KEEP_S
from tests.processes import standing, until


@pytest.fixture
def stand(postgres_url, tmp_path):
    with standing(tmp_path, database=postgres_url, delay_s=0.05) as running:
        yield running


def serves(stand, api):
    """Return whether the patient's chart is answered from a prepared brief."""
    status, detail = stand.open_chart(api, "p1")
    assert status == 200
    return "Prepared" in detail


def test_what_a_worker_prepares_is_served_at_once_by_the_process_that_answers(stand):
    api, began = stand.serve("api"), time.monotonic()
    assert not serves(stand, api), "by rules; and that there is none is remembered"
    until(lambda: stand.states() == {"requested": 1}, 5)
    stand.worker()
    until(lambda: stand.states() == {"ready": 1}, 30)
    until(lambda: serves(stand, api), 2)
    assert time.monotonic() - began < KEEP_S, "it was told, and did not look by itself"


def test_a_copy_of_a_brief_that_another_process_replaced_is_served_no_more(stand):
    api, _worker = stand.serve("api"), stand.worker()
    first = stand.ask_for("p1")
    until(lambda: stand.states() == {"ready": 1}, 30)
    assert serves(stand, api)
    until(lambda: stand.served_from() == {first}, 5)
    began, second = time.monotonic(), stand.ask_for("p1")
    until(lambda: stand.states() == {"ready": 2}, 30)
    until(lambda: serves(stand, api) and stand.served_from() == {first, second}, 5)
    assert time.monotonic() - began < KEEP_S, "it was told, and did not look by itself"


def call_off(stand, brief):
    """Call a brief off in a process that is neither of the two: this one."""

    async def called_off():
        now = datetime.now(UTC)
        async with stand.opened() as database:
            notices, audit = (
                Notices(database=database),
                Audit(writer=Writer(database), now=lambda: now),
            )
            change = Change(database=database, notices=notices, audit=audit, now=lambda: now)
            async with database.reading() as connection:
                row = await briefs.get(connection, brief)
            assert await change(row, "cancelled", reason="visit_cancelled")

    asyncio.run(called_off())


def a_copy(stand):
    """Return a process that answers, which has a copy of a brief at hand, and the brief."""
    api, worker = stand.serve("api"), stand.worker()
    brief = stand.ask_for("p1")
    until(lambda: stand.states() == {"ready": 1}, 30)
    until(lambda: serves(stand, api), 5)
    worker.stop()
    return api, brief


def test_a_copy_of_a_brief_that_another_process_called_off_is_served_no_more(stand):
    api, brief = a_copy(stand)
    call_off(stand, brief)
    began = time.monotonic()
    until(lambda: not serves(stand, api), 2)
    assert time.monotonic() - began < KEEP_S, "it was told, and did not look by itself"


def test_what_was_called_off_while_a_process_could_not_be_told_is_not_served_either(
    stand, postgres_url
):
    api, brief = a_copy(stand)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        cut = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query = 'LISTEN cds_brief'"
        )
        assert cut.fetchall() == [(True,)]
    call_off(stand, brief)
    assert serves(stand, api), "nobody told it"
    until(lambda: not serves(stand, api), 10)


def test_a_worker_tells_how_it_is_and_answers_nothing_else(stand):
    worker = stand.worker_with_health()
    status, told = worker.ready()
    assert (status, told["reasons"], told["work"]["stuck"]) == (200, {}, [])
    assert stand.open_chart(worker, "p1")[0] == 404
    worker.stop()
    assert worker.popen.returncode == 0
