"""The database is restarted while calls are answered and briefs are prepared: nothing is lost, nothing is doubled."""

import threading
import time
from collections import Counter

import pytest

from tests.processes import standing, until
from tests.real.postgres import cluster

BRIEFS = 18
DOWN_S = 3.0


@pytest.fixture(scope="module")
def database():
    with cluster() as running:
        yield running


@pytest.fixture
def stand(database, tmp_path):
    with standing(tmp_path, database=database.create("restarted"), delay_s=0.1) as running:
        yield running


class Callers:
    """Charts that are opened one after the other, whatever becomes of it."""

    def __init__(self, stand, api):
        self.stand, self.api = stand, api
        self.ends, self.slowest_s, self.is_over = Counter(), 0.0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        number = 0
        while not self.is_over.wait(0.05):
            number += 1
            began = time.monotonic()
            status, _ = self.stand.open_chart(self.api, f"c{number}")
            self.ends[status] += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def end(self):
        self.is_over.set()
        self.thread.join()


def test_a_database_that_restarts_under_load_loses_and_doubles_nothing(database, stand):
    api, workers = stand.serve("api"), [stand.worker(), stand.worker()]
    asked = stand.ask(BRIEFS)
    callers = Callers(stand, api)
    until(lambda: stand.states()["ready"] >= 3, 60)
    before = Counter(callers.ends)
    database.stop()
    until(lambda: "database" in api.ready()[1]["reasons"], 10)
    status, told = api.ready()
    assert status == 503
    time.sleep(DOWN_S)
    during = callers.ends - before
    database.start()
    until(lambda: api.ready()[0] == 200, 20)
    callers.end()
    print(f"answers before {dict(before)}, while it was away {dict(during)}; {told['reasons']}")
    until(lambda: set(stand.states()) <= {"ready"}, 90)
    assert set(callers.ends) == {200, 503}, (
        "no call is told that we crashed, and none is taken twice"
    )
    assert all(each.popen.poll() is None for each in (api, *workers))
    ends = stand.entries("prepare", "ready")
    assert {ends[each] for each in asked} == {1}
    assert stand.chain_problem() == ""
    assert stand.open_chart(api, "c1")[0] == 200
