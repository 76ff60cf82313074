"""A database that hangs, and refuses nobody: no call waits for it, and readiness tells."""

import threading
import time

import pytest

from tests.processes import standing, until
from tests.real.postgres import cluster

MOST_S = 5.0
"""Five times what a call may take by its bounds: the machine that runs this may be busy. The driver takes ten."""
CALLERS = 30
"""More than the pool has connections."""


@pytest.fixture(scope="module")
def database():
    with cluster() as running:
        yield running


@pytest.fixture
def stand(database, tmp_path):
    with standing(tmp_path, database=database.create("hanging")) as running:
        yield running


def opened(stand, api, number):
    """Open a chart; return the status, and how long it took."""
    began = time.monotonic()
    status, _ = stand.open_chart(api, f"c{number}")
    return status, time.monotonic() - began


def all_at_once(stand, api):
    ends = []
    callers = [
        threading.Thread(target=lambda each=each: ends.append(opened(stand, api, each)))
        for each in range(CALLERS)
    ]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    return ends


def test_no_call_waits_for_a_database_that_hangs_and_all_is_well_when_it_goes_on(database, stand):
    api = stand.serve("api")
    assert opened(stand, api, 0)[0] == 200
    with database.hanging():
        one_by_one = [opened(stand, api, number) for number in range(3)]
        ends = one_by_one + all_at_once(stand, api)
        print(f"longest {max(took for _, took in ends):.2f} s")
        assert {status for status, _ in ends} == {503}, "no token can be proven to be new"
        assert max(took for _, took in ends) < MOST_S
        until(lambda: "database" in api.ready()[1]["reasons"], 20)
        assert "switches" in api.ready()[1]["reasons"]
    until(lambda: api.ready()[0] == 200, 30)
    assert opened(stand, api, 1)[0] == 200
    assert stand.chain_problem() == ""
