"""A process that answers and one that prepares, apart, on one PostgreSQL: what one makes the other serves at once."""

import time

import pytest

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


def test_a_worker_tells_how_it_is_and_answers_nothing_else(stand):
    worker = stand.worker_with_health()
    status, told = worker.ready()
    assert (status, told["reasons"], told["work"]["stuck"]) == (200, {}, [])
    assert stand.open_chart(worker, "p1")[0] == 404
    worker.stop()
    assert worker.popen.returncode == 0
